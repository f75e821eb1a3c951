//! Sentence encoders of the BERT family, by candle, on the CPU.
//!
//! The forward pass is our own because candle-transformers' plain one reaches about a quarter of what the matrix
//! multiplication allows. Here sequences of a batch lie behind each other without padding, so that neither a mask nor
//! work on padding is needed; query, key and value are one multiplication; and what stands between multiplications is
//! done in place in one pass, with the widest vectors the machine has. Each call runs on its caller's thread: for more
//! cores, call from more threads.

mod encoder;
mod kernels;
mod model;
pub mod throughput;

pub use candle_core::Error;
pub use encoder::{Encoder, LoadError};
pub use model::{Activation, Config};

/// Runs `work` on one thread, the matrix multiplication in it included, which otherwise spreads over all cores and waits
/// for the slowest of them. Work that goes on for long should be one call.
///
/// # Errors
/// When the system gives no more threads.
pub fn on_one_thread<T: Send>(work: impl FnOnce() -> T + Send) -> std::io::Result<T> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .thread_name(|_| "embed".to_owned())
        .build()
        .map_err(std::io::Error::other)?;
    Ok(pool.install(work))
}
