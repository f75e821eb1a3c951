//! With the words alone, and with the real model where its weights are at hand (xtask fetches them for the tests).
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::ai::embed::{self, away::Away};
use domain::{documents::Span, projects::Brief};
use futures::StreamExt;
use uuid::Uuid;

const RETURNS: &str = "# Returns\n\nCustomers may return goods within 30 days of delivery. The goods must be unused.\n\n# Postage\n\nStandard postage costs 4.90 euros, e.g. for books. Gold members pay no postage.";
const OFFICE: &str = "Opening hours\n\nThe studio in Leipzig opens at nine o'clock. Dr. Berger heads the archive, which holds 12,000 posters [3].";

fn passages(texts: &[&str]) -> Vec<Passage> {
    let passage = |text: &&str| {
        let span = Span { page: 1, start: 0, end: 1 };
        Passage::unranked(Uuid::now_v7().into(), "Guide.md".to_owned(), span, (*text).to_owned())
    };
    texts.iter().map(passage).collect()
}

/// The text, and the exact words that each support names.
async fn ask(embedder: Arc<dyn Embedder>, question: &str, texts: &[&str]) -> (String, Vec<String>) {
    let passages = passages(texts);
    let request = AnswerRequest {
        model: None,
        passage_chars: 32_000,
        attached: crate::ai::answer::AttachedFiles::default(),
        question: question.to_owned(),
        history: Vec::new(),
        brief: Brief::default(),
        passages: passages.clone(),
        tools: crate::ai::answer::Tooling::default(),
    };
    let mut parts = Extractive::new(embedder).answer(request).await.unwrap();
    let (mut text, mut supports) = (String::new(), Vec::new());
    while let Some(part) = parts.next().await {
        match part.unwrap() {
            AnswerPart::Text(more) => text.push_str(&more),
            AnswerPart::Support { passage, start, end } => {
                let words = passages[passage].text.chars().skip(start as usize).take((end - start) as usize).collect();
                supports.push(words);
            }
            AnswerPart::Call(_) => panic!("it calls no tools"),
            AnswerPart::Usage { .. } => panic!("nothing is counted here"),
        }
    }
    (text, supports)
}

#[tokio::test]
async fn the_sentence_that_answers_is_quoted_with_its_place() {
    let (text, supports) = ask(Arc::new(Away), "Do gold members pay postage?", &[OFFICE, RETURNS]).await;
    assert_eq!(supports[0], "Gold members pay no postage.");
    assert_eq!(text.matches("No chat model is set up").count(), 1);
    assert!(text.contains("Gold members pay no postage. [2]"), "{text}");
}

#[tokio::test]
async fn another_subject_gets_an_honest_answer_without_citations() {
    for question in ["Who won the football world cup in 1998?", "What is the boiling point of nitrogen?"] {
        let (text, supports) = ask(Arc::new(Away), question, &[OFFICE, RETURNS]).await;
        assert!(text.starts_with("Your documents do not say"), "{text}");
        assert!(supports.is_empty() && !text.contains('['), "{text}");
    }
    let (text, supports) = ask(Arc::new(Away), "Anything?", &[]).await;
    assert!(text.contains("nothing to answer from") && supports.is_empty());
}

#[tokio::test]
async fn a_documents_own_brackets_and_marks_do_not_pass_for_ours() {
    let (text, supports) = ask(Arc::new(Away), "How many posters does the archive hold?", &[OFFICE]).await;
    assert_eq!(supports, ["Dr. Berger heads the archive, which holds 12,000 posters [3]."]);
    assert!(text.contains("12,000 posters (3). [1]"), "{text}");
    assert_eq!(as_markdown("# a *b* <i>_c_ [x](y)"), "\\# a \\*b\\* \\<i\\>\\_c\\_ (x)(y)");
}

#[tokio::test]
async fn the_same_words_in_two_passages_are_quoted_once() {
    let (_, supports) = ask(Arc::new(Away), "Do gold members pay postage?", &[RETURNS, RETURNS]).await;
    assert_eq!(supports.iter().filter(|words| words.contains("Gold members")).count(), 1);
}

/// Loaded once for the tests below.
fn minilm() -> Arc<dyn Embedder> {
    let config = crate::config::Config::read(&|name: &str| match name {
        "ATELIER_CACHE_DIR" | "XDG_CACHE_HOME" | "HOME" => std::env::var(name).ok(),
        _ => None,
    });
    let config = config.unwrap();
    embed::from_config(&config.embed, &config.paths.cache).unwrap()
}

#[tokio::test]
async fn meaning_finds_what_shares_no_word() {
    let embedder = minilm();
    for (question, expected) in [
        ("How long do I have to send something back?", "Customers may return goods within 30 days of delivery."),
        ("What does shipping cost?", "Standard postage costs 4.90 euros, e.g. for books."),
        ("Who is in charge of the archive?", "Dr. Berger heads the archive, which holds 12,000 posters [3]."),
        ("When does the studio start in the morning?", "The studio in Leipzig opens at nine o'clock."),
    ] {
        let (text, supports) = ask(Arc::clone(&embedder), question, &[RETURNS, OFFICE]).await;
        assert!(supports.iter().any(|words| words == expected), "{question}: {supports:?} {text}");
        assert!(supports.len() <= 3, "{question}: {supports:?}");
    }
    for question in [
        "Who won the football world cup in 1998?",
        "What is the capital of Mongolia?",
        "How do I configure a Kubernetes ingress?",
        "What is the chief executive's favourite colour?",
    ] {
        let (text, supports) = ask(Arc::clone(&embedder), question, &[RETURNS, OFFICE]).await;
        assert!(supports.is_empty(), "{question}: {supports:?}");
        assert!(text.starts_with("Your documents do not say"), "{text}");
    }
}
