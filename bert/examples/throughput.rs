//! Tokens a second on all cores against what the matrix multiplication allows:
//! `cargo run -p bert --example throughput -- FOLDER`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use bert::Encoder;
use candle_core::{Device, Tensor};
use std::time::Instant;

fn main() {
    let folder = std::env::args().nth(1).expect("the model's folder");
    let encoder = Encoder::load(folder.as_ref()).unwrap();
    let text = std::iter::repeat_n("the boundary layer on a flat plate at zero incidence in a supersonic stream ", 40)
        .collect::<String>();
    let sequence: Vec<u32> = encoder.tokenize(&text).unwrap().into_iter().take(190).collect();
    let threads = std::thread::available_parallelism().unwrap().get();

    let a = Tensor::rand(0f32, 1.0, (1024, 1536), &Device::Cpu).unwrap();
    let b = Tensor::rand(0f32, 1.0, (1536, 384), &Device::Cpu).unwrap();
    let seconds = on_threads(threads, || (0..20).for_each(|_| drop(a.matmul(&b).unwrap())));
    let flops = (threads * 20 * 2 * 1024 * 1536 * 384) as f64 / seconds;
    println!("matrix multiplication: {:.0} GFLOP/s on {threads} threads", flops / 1e9);

    for per_batch in [1, 2, 4, 8, 16, 32] {
        let batch = vec![&sequence[..]; per_batch];
        let rounds = 32 / per_batch;
        let seconds = on_threads(threads, || (0..rounds).for_each(|_| drop(encoder.embed(&batch).unwrap())));
        let tokens = (threads * rounds * per_batch * sequence.len()) as f64;
        // 2 FLOP for each weight of the linear layers, and the two multiplications of attention.
        let of_bound = tokens / seconds * (6.0 * (2.0 * 1_769_472.0 + 4.0 * 384.0 * sequence.len() as f64)) / flops;
        println!(
            "{per_batch:>3} passages of {}: {:.0} tokens/s, {:.0} % of the bound",
            sequence.len(),
            tokens / seconds,
            of_bound * 100.0
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
