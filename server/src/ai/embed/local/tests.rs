use super::*;
use serde::Deserialize;
use std::sync::LazyLock;

/// Made by the original implementation; see reference.py.
#[derive(Deserialize)]
struct Reference {
    texts: Vec<String>,
    vectors: Vec<Vec<f32>>,
}

fn cache() -> PathBuf {
    std::env::var("ATELIER_CACHE_DIR")
        .map(PathBuf::from)
        .or_else(|_| std::env::var("XDG_CACHE_HOME").map(|cache| PathBuf::from(cache).join("atelier")))
        .unwrap_or_else(|_| PathBuf::from(std::env::var("HOME").unwrap()).join(".cache/atelier"))
}

static REFERENCE: LazyLock<Reference> = LazyLock::new(|| serde_json::from_str(include_str!("reference.json")).unwrap());

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_vectors_are_those_of_the_original() {
    let embedder = LocalEmbedder::minilm(cache());
    let vectors = embedder.embed(REFERENCE.texts.clone()).await.unwrap();
    assert_eq!(vectors.len(), REFERENCE.texts.len());
    for ((text, vector), expected) in REFERENCE.texts.iter().zip(&vectors).zip(&REFERENCE.vectors) {
        assert_eq!(vector.len(), embedder.dimensions());
        let similarity = cosine(vector, expected);
        assert!(similarity > 1.0 - 1e-4, "{similarity} for {text:?}");
        let length = vector.iter().map(|x| x * x).sum::<f32>();
        assert!((length - 1.0).abs() < 1e-5, "{length} for {text:?}");
    }
    // A text alone gets the same vector as among others.
    for (text, together) in REFERENCE.texts.iter().zip(&vectors).step_by(5) {
        let alone = embedder.embed(vec![text.clone()]).await.unwrap();
        assert!(cosine(&alone[0], together) > 1.0 - 1e-6, "{text:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_at_once_each_get_their_own() {
    let embedder = LocalEmbedder::minilm(cache());
    let calls = (0..20_usize).map(|number| {
        let texts: Vec<String> = REFERENCE.texts.iter().cycle().skip(number).take(1 + number % 7).cloned().collect();
        let expected: Vec<_> = REFERENCE.vectors.iter().cycle().skip(number).take(1 + number % 7).collect();
        let embedder = &embedder;
        async move {
            for (vector, expected) in embedder.embed(texts).await.unwrap().iter().zip(expected) {
                assert!(cosine(vector, expected) > 1.0 - 1e-4);
            }
        }
    });
    futures::future::join_all(calls).await;
    assert!(embedder.embed(Vec::new()).await.unwrap().is_empty());
}

#[test]
fn a_folder_without_a_model_is_refused_at_start() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(LocalEmbedder::folder(folder.path().to_owned()), Err(Fault::Model(_))));
    std::fs::write(folder.path().join("config.json"), r#"{"model_type": "llama"}"#).unwrap();
    assert!(matches!(LocalEmbedder::folder(folder.path().to_owned()), Err(Fault::Model(_))));
}

#[test]
fn batches_keep_the_order_and_the_budget() {
    let sequences: Vec<Vec<u32>> =
        (0..50_u32).map(|number| vec![number; 100 + number as usize]).chain([vec![50; 5000]]).collect();
    let batches = batches(sequences.clone());
    assert_eq!(batches.concat(), sequences);
    for batch in &batches {
        assert!(batch.len() == 1 || batch.iter().map(Vec::len).sum::<usize>() <= BATCH_TOKENS);
    }
}
