//! The built-in answerer: no model writes here. It quotes the sentences of the retrieved passages that answer best, each
//! with its citation, and says that it does so.

use super::{
    AnswerError, AnswerPart, AnswerRequest, AnswerStream, Answerer,
    lexical::{Rarity, standalone_question, stems},
    sentences::{self, Kind},
};
use crate::ai::embed::Embedder;
use async_trait::async_trait;
use domain::documents::Passage;
use std::{cmp::Ordering, sync::Arc, time::Duration};

pub const MODEL: &str = "extractive";

const PREFACE: &str = "No chat model is set up, so here is what your documents say, word for word:";
const NOTHING_FOUND: &str =
    "Your documents do not say anything that answers this. Try other words, or add a document that covers it.";
const NO_PASSAGES: &str = "There is nothing to answer from: this project has no text that matches. Add a document, or wait until the ones you added are ready.";

/// Sentences that are embedded: a local model reads about 2,000 tokens a second, and a reader waits.
const CANDIDATES: usize = 40;
const MOST_SENTENCES: usize = 5;
/// A sentence below this part of the best one's score adds noise, not answer.
const NEAR_THE_BEST: f32 = 0.72;
/// Above this cosine two sentences say the same.
const REDUNDANT: f32 = 0.9;
/// Words sent at once, and the pause between: the text appears at a pace that can be read along.
const WORDS_A_PIECE: usize = 4;
const PACE: Duration = Duration::from_millis(12);

/// See the module.
#[derive(Debug)]
pub struct Extractive {
    embedder: Arc<dyn Embedder>,
}

impl Extractive {
    pub fn new(embedder: Arc<dyn Embedder>) -> Self {
        Self { embedder }
    }
}

/// A sentence that may be quoted.
#[derive(Clone, Debug)]
struct Candidate {
    passage: usize,
    start: u32,
    end: u32,
    text: String,
    stems: Vec<String>,
    /// Stems of the heading above it, which often holds the question's subject.
    context: Vec<String>,
    /// What is embedded: the sentence under its heading.
    in_context: String,
    item: bool,
    /// A title: quoted only where nothing else answers.
    heading: bool,
    coverage: f32,
    meaning: Option<f32>,
    score: f32,
    vector: Vec<f32>,
}

#[async_trait]
impl Answerer for Extractive {
    fn model(&self) -> &str {
        MODEL
    }

    async fn answer(&self, request: AnswerRequest) -> Result<AnswerStream, AnswerError> {
        let earlier = request.history.last().map(|turn| turn.question.as_str());
        let question = standalone_question(&request.question, earlier);
        let chosen =
            if request.passages.is_empty() { Vec::new() } else { self.choose(&question, &request.passages).await };
        Ok(write(chosen, request.passages.is_empty()))
    }
}

impl Extractive {
    async fn choose(&self, question: &str, passages: &[Passage]) -> Vec<Candidate> {
        let wanted = stems(question);
        let mut candidates = candidates(passages);
        let rarity = Rarity::among(candidates.iter().map(|candidate| candidate.stems.as_slice()));
        for candidate in &mut candidates {
            let own = rarity.coverage(&wanted, &candidate.stems);
            let heard = [candidate.stems.as_slice(), candidate.context.as_slice()].concat();
            // A word in the heading supports the sentence, though less than a word in the sentence.
            candidate.coverage = 0.6 * own + 0.4 * rarity.coverage(&wanted, &heard);
            candidate.score = candidate.coverage + 0.3 * prior(candidate.passage);
        }
        candidates.sort_by(best_first);
        candidates.truncate(CANDIDATES);
        self.weigh_meaning(question, &mut candidates).await;
        let wants_number = asks_for_number(question);
        for candidate in &mut candidates {
            candidate.score = score(candidate, wants_number);
        }
        candidates.sort_by(best_first);
        select(&wanted, candidates)
    }

    /// Without the embedder the words alone decide: the answer is then poorer, but still honest.
    async fn weigh_meaning(&self, question: &str, candidates: &mut [Candidate]) {
        let texts =
            std::iter::once(question.to_owned()).chain(candidates.iter().map(|candidate| candidate.in_context.clone()));
        match self.embedder.embed(texts.collect()).await {
            Ok(vectors) => {
                let Some((question, sentences)) = vectors.split_first() else { return };
                for (candidate, vector) in candidates.iter_mut().zip(sentences) {
                    candidate.meaning = Some(dot(question, vector));
                    candidate.vector.clone_from(vector);
                }
            }
            Err(error) => tracing::warn!(%error, "sentences are chosen by words alone"),
        }
    }
}

fn candidates(passages: &[Passage]) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> = Vec::new();
    for (passage, source) in passages.iter().enumerate() {
        let mut heading = String::new();
        for sentence in sentences::split(&source.text) {
            let text = sentence.of(&source.text).split_whitespace().collect::<Vec<_>>().join(" ");
            let is_heading = sentence.kind == Kind::Heading;
            if is_heading {
                heading.clone_from(&text);
            }
            let stems = stems(&text);
            // Passages overlap, and documents repeat themselves: the first place that says it is enough.
            if stems.len() < 2 || candidates.iter().any(|other| other.text == text) {
                continue;
            }
            let in_context = if heading.is_empty() || is_heading { text.clone() } else { format!("{heading}: {text}") };
            candidates.push(Candidate {
                passage,
                start: sentence.start,
                end: sentence.end,
                text,
                stems,
                context: self::stems(&heading),
                in_context,
                item: sentence.kind == Kind::Item,
                heading: is_heading,
                coverage: 0.0,
                meaning: None,
                score: 0.0,
                vector: Vec::new(),
            });
        }
    }
    candidates
}

/// 1 for the best passage, falling slowly: retrieval has already read the passage as a whole.
fn prior(passage: usize) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "at most fifty passages")]
    let rank = passage as f32;
    1.0 / (1.0 + 0.35 * rank)
}

fn score(candidate: &Candidate, wants_number: bool) -> f32 {
    let number = if wants_number && candidate.text.contains(|c: char| c.is_ascii_digit()) { 0.08 } else { 0.0 };
    match candidate.meaning {
        Some(meaning) => 0.55 * meaning.max(0.0) + 0.35 * candidate.coverage + 0.10 * prior(candidate.passage) + number,
        None => 0.85 * candidate.coverage + 0.10 * prior(candidate.passage) + number,
    }
}

/// Whether the sentence is about the question at all. Measured with all-MiniLM-L6-v2: an answer mostly lies above 0.45,
/// a sentence of another subject below 0.25; in between, shared words decide.
fn answers(candidate: &Candidate) -> bool {
    match candidate.meaning {
        Some(meaning) => {
            meaning >= 0.50
                || (meaning >= 0.35 && candidate.coverage >= 0.25)
                || (meaning >= 0.22 && candidate.coverage >= 0.5)
        }
        None => candidate.coverage >= 0.5,
    }
}

/// The best sentences that say different things, in the order to be read in.
fn select(wanted: &[String], candidates: Vec<Candidate>) -> Vec<Candidate> {
    let mut chosen: Vec<Candidate> = Vec::new();
    let mut left: Vec<Candidate> = candidates.into_iter().filter(answers).collect();
    if left.iter().any(|candidate| !candidate.heading) {
        left.retain(|candidate| !candidate.heading);
    }
    let Some(best) = left.first().map(|candidate| candidate.score) else { return chosen };
    while chosen.len() < MOST_SENTENCES {
        let next = left
            .iter()
            .enumerate()
            .filter(|(_, candidate)| candidate.score >= NEAR_THE_BEST * best)
            .map(|(index, candidate)| {
                (index, candidate.score - 0.35 * redundancy(candidate, &chosen) + news(wanted, candidate, &chosen))
            })
            .max_by(|a, b| a.1.total_cmp(&b.1));
        let Some((index, worth)) = next else { break };
        if !chosen.is_empty() && worth < 0.5 * best {
            break;
        }
        let candidate = left.remove(index);
        if redundancy(&candidate, &chosen) < REDUNDANT {
            chosen.push(candidate);
        }
    }
    in_reading_order(chosen)
}

/// How much of it is said already, 0 to 1.
fn redundancy(candidate: &Candidate, chosen: &[Candidate]) -> f32 {
    let likeness = |other: &Candidate| {
        if candidate.vector.is_empty() || other.vector.is_empty() {
            let shared = candidate.stems.iter().filter(|stem| other.stems.contains(stem)).count();
            #[expect(clippy::cast_precision_loss, reason = "words of a sentence")]
            let ratio = shared as f32 / candidate.stems.len().max(1) as f32;
            ratio
        } else {
            dot(&candidate.vector, &other.vector)
        }
    };
    chosen.iter().map(likeness).fold(0.0, f32::max)
}

/// A bonus for a part of the question that nothing chosen so far speaks of.
fn news(wanted: &[String], candidate: &Candidate, chosen: &[Candidate]) -> f32 {
    let open =
        |stem: &&String| !chosen.iter().any(|other| other.stems.contains(stem)) && candidate.stems.contains(stem);
    if !chosen.is_empty() && wanted.iter().any(|stem| open(&stem)) { 0.06 } else { 0.0 }
}

/// Passages by their best sentence; within a passage as they stand there.
fn in_reading_order(chosen: Vec<Candidate>) -> Vec<Candidate> {
    let mut order: Vec<usize> = Vec::new();
    for candidate in &chosen {
        if !order.contains(&candidate.passage) {
            order.push(candidate.passage);
        }
    }
    let mut chosen = chosen;
    chosen.sort_by_key(|candidate| (order.iter().position(|&passage| passage == candidate.passage), candidate.start));
    chosen
}

fn best_first(a: &Candidate, b: &Candidate) -> Ordering {
    b.score.total_cmp(&a.score).then(a.passage.cmp(&b.passage)).then(a.start.cmp(&b.start))
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn asks_for_number(question: &str) -> bool {
    let question = question.to_lowercase();
    [
        "how many",
        "how much",
        "how long",
        "how old",
        "how often",
        "when ",
        "what year",
        "which year",
        "what date",
        "price",
        "cost",
    ]
    .iter()
    .any(|cue| question.contains(cue))
}

fn write(chosen: Vec<Candidate>, no_passages: bool) -> AnswerStream {
    Box::pin(async_stream::stream! {
        if chosen.is_empty() {
            for piece in pieces(if no_passages { NO_PASSAGES } else { NOTHING_FOUND }) {
                yield Ok(AnswerPart::Text(piece));
                tokio::time::sleep(PACE).await;
            }
            return;
        }
        let list = chosen.len() > 1 || chosen.iter().any(|candidate| candidate.item);
        yield Ok(AnswerPart::Text(format!("{PREFACE}\n")));
        for candidate in chosen {
            yield Ok(AnswerPart::Text(if list { "\n- ".to_owned() } else { "\n".to_owned() }));
            // The bars at a table row's ends hold no words.
            for piece in pieces(&as_markdown(candidate.text.trim_matches(['|', ' ']))) {
                yield Ok(AnswerPart::Text(piece));
                tokio::time::sleep(PACE).await;
            }
            yield Ok(AnswerPart::Support { passage: candidate.passage, start: candidate.start, end: candidate.end });
            yield Ok(AnswerPart::Text(format!(" [{}]", candidate.passage + 1)));
        }
    })
}

/// A few words at a time, with the white space between them.
fn pieces(text: &str) -> Vec<String> {
    text.split_inclusive(' ').collect::<Vec<_>>().chunks(WORDS_A_PIECE).map(<[&str]>::concat).collect()
}

/// A document's words as Markdown that shows just them: nothing in them formats, links or passes for a citation.
fn as_markdown(text: &str) -> String {
    let mut markdown = String::with_capacity(text.len());
    for (index, c) in text.char_indices() {
        let starts_line = index == 0;
        match c {
            // A reference of the document's own, `[3]`, must not look like one of ours.
            '[' => markdown.push('('),
            ']' => markdown.push(')'),
            '\\' | '`' | '*' | '_' | '<' | '>' | '|' | '~' | '&' | '$' => {
                markdown.push('\\');
                markdown.push(c);
            }
            '#' | '+' | '-' | '=' if starts_line => {
                markdown.push('\\');
                markdown.push(c);
            }
            _ => markdown.push(c),
        }
    }
    markdown
}

#[cfg(test)]
#[path = "extractive_tests.rs"]
mod tests;
