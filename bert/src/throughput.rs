//! What the forward pass costs, and what this machine could do at best: for `atelier bench` and the example.

use crate::{Encoder, on_one_thread};
use candle_core::{Device, Result, Tensor};
use std::time::{Duration, Instant};

impl Encoder {
    /// Floating point operations for sequences of these lengths: two for each weight of the linear layers and token, and
    /// the two multiplications of attention. What stands between the multiplications is not counted.
    pub fn operations(&self, lengths: impl IntoIterator<Item = usize>) -> f64 {
        let config = self.config();
        let (hidden, wide) = (config.hidden_size as f64, config.intermediate_size as f64);
        let weights = 4.0 * hidden * hidden + 2.0 * hidden * wide;
        let of_one = |length: usize| {
            let tokens = length as f64;
            tokens * (2.0 * weights + 4.0 * hidden * tokens)
        };
        config.num_hidden_layers as f64 * lengths.into_iter().map(of_one).sum::<f64>()
    }
}

/// Floating point operations a second of the f32 matrix multiplication that the encoder uses, on so many threads at once,
/// each with its own matrices of a size that suits it.
///
/// # Errors
/// When there is no memory or no thread to be had.
pub fn matrix_multiplication(threads: usize, rounds: usize) -> Result<f64> {
    const SHAPE: (usize, usize, usize) = (512, 1536, 384);
    let (rows, inner, columns) = SHAPE;
    let time = on_threads(threads, || {
        let a = Tensor::rand(0f32, 1.0, (rows, inner), &Device::Cpu)?;
        let b = Tensor::rand(0f32, 1.0, (inner, columns), &Device::Cpu)?;
        a.matmul(&b)?;
        let start = Instant::now();
        for _ in 0..rounds {
            a.matmul(&b)?;
        }
        Ok(start.elapsed())
    })?;
    Ok((threads * rounds * 2 * rows * inner * columns) as f64 / time.as_secs_f64())
}

/// The longest of the threads' times.
fn on_threads(threads: usize, work: impl Fn() -> Result<Duration> + Sync) -> Result<Duration> {
    std::thread::scope(|scope| {
        let started: Vec<_> = (0..threads).map(|_| scope.spawn(|| on_one_thread(&work))).collect();
        let mut longest = Duration::ZERO;
        for thread in started {
            let time = thread.join().map_err(|_| candle_core::Error::msg("a thread panicked"))?;
            longest = longest.max(time.map_err(candle_core::Error::wrap)??);
        }
        Ok(longest)
    })
}
