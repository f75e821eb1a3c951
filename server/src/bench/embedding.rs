//! Tokens a second through the product's own embedder, tokenising included, against the matrix multiplication that the
//! same cores reach in the same minute.

use super::{Measure, cores, measure_of, median};
use crate::{AppState, ai::embed::Embedder, ai::embed::local::LocalEmbedder, fault::Fault};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::time::Instant;

/// Rounds of both measurements, one after the other: what else the machine does weighs on both alike.
const ROUNDS: usize = 7;
/// Passages of a round; with those of the product's ingestion, 24 in one call.
const CALLS: usize = 4;
const PASSAGES: usize = 24;
/// Words that English is made of, a token each.
const WORDS: [&str; 24] = [
    "the", "layer", "of", "flow", "plate", "pressure", "at", "wing", "boundary", "heat", "a", "number", "in", "stream",
    "angle", "shock", "and", "wave", "theory", "for", "body", "speed", "small", "surface",
];

pub(super) async fn measure(state: &AppState) -> Result<Vec<Measure>, Fault> {
    // The figure is about this model, whichever is configured.
    let embedder = LocalEmbedder::minilm(state.config.paths.cache.clone());
    embedder.embed(vec!["warm up".to_owned(); 8]).await?;
    let calls = texts();
    let (mut rates, mut limits, mut parts) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let limit = tokio::task::spawn_blocking(|| bert::throughput::matrix_multiplication(cores(), 200))
            .await
            .map_err(Fault::while_doing("measure the matrix multiplication"))?
            .map_err(Fault::while_doing("measure the matrix multiplication"))?;
        let started = Instant::now();
        // As ingestion does: several documents at once.
        let results = futures::future::join_all(calls.iter().map(|texts| embedder.embed(texts.clone()))).await;
        let seconds = started.elapsed().as_secs_f64();
        results.into_iter().collect::<Result<Vec<_>, _>>()?;
        let (tokens, operations) = embedder.cost(calls.iter().flatten()).await?;
        rates.push(tokens as f64 / seconds);
        limits.push(limit / 1e9);
        parts.push(100.0 * operations / seconds / limit);
    }
    Ok(vec![
        measure_of("throughput", median(rates), "tokens/s"),
        measure_of("matrix multiplication", median(limits), "GFLOP/s"),
        measure_of("of what it allows", median(parts), "%"),
    ])
}

/// Passages as documents have them: most nearly full, some short.
fn texts() -> Vec<Vec<String>> {
    let mut random = StdRng::seed_from_u64(7);
    let mut passage = || {
        let words = if random.random_bool(0.8) { random.random_range(140..220) } else { random.random_range(10..140) };
        (0..words).map(|_| WORDS[random.random_range(0..WORDS.len())]).collect::<Vec<_>>().join(" ")
    };
    (0..CALLS).map(|_| (0..PASSAGES).map(|_| passage()).collect()).collect()
}
