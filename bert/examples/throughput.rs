//! Tokens a second on all cores against what the matrix multiplication allows, by the length of a call:
//! `cargo run -p bert --example throughput -- FOLDER`. The product's own figure is that of `atelier bench embedding`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use bert::{Encoder, throughput::matrix_multiplication};
use std::time::Instant;

fn main() {
    let folder = std::env::args().nth(1).expect("the model's folder");
    let encoder = Encoder::load(folder.as_ref()).unwrap();
    let text = std::iter::repeat_n("the boundary layer on a flat plate at zero incidence in a supersonic stream ", 40)
        .collect::<String>();
    let sequence: Vec<u32> = encoder.tokenize(&text).unwrap().into_iter().take(190).collect();
    let threads = std::thread::available_parallelism().unwrap().get();

    for per_batch in [1, 2, 4, 8, 16, 32] {
        // One after the other, so that what else the machine does weighs on both alike.
        let limit = matrix_multiplication(threads, 200).unwrap();
        let batch = vec![&sequence[..]; per_batch];
        let rounds = 32 / per_batch;
        let seconds = on_threads(threads, || (0..rounds).for_each(|_| drop(encoder.embed(&batch).unwrap())));
        let lengths = std::iter::repeat_n(sequence.len(), threads * rounds * per_batch);
        let tokens = lengths.clone().sum::<usize>() as f64;
        println!(
            "{per_batch:>3} passages of {}: {:.0} tokens/s, {:.0} % of {:.0} GFLOP/s",
            sequence.len(),
            tokens / seconds,
            100.0 * encoder.operations(lengths) / seconds / limit,
            limit / 1e9
        );
    }
}

fn on_threads(threads: usize, work: impl Fn() + Sync) -> f64 {
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| bert::on_one_thread(&work).unwrap());
        }
    });
    start.elapsed().as_secs_f64()
}
