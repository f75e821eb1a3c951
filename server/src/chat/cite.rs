//! From `[n]` in a model's text to citations. A marker names a passage; the citation is the sentence of that passage
//! which supports the claim before the marker best, and only if it stands word for word in the stored page. Numbers count
//! citations in the order of their first appearance; a marker without a citation disappears.

use super::markers::{Scanner, Segment};
use crate::{
    ai::{
        answer::{
            lexical::{Rarity, stems},
            sentences::{self, Kind, Sentence},
        },
        embed::Embedder,
    },
    fault::Fault,
};
use async_trait::async_trait;
use domain::{
    DocumentId,
    chat::Citation,
    documents::{Passage, Span},
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// The stored pages, asked whether they hold a quote.
#[async_trait]
pub trait Pages: Send + Sync {
    /// Where `quote` stands in the page word for word, at `start` if it is there. `None` when it does not.
    async fn locate(&self, document: DocumentId, page: u32, start: u32, quote: &str) -> Result<Option<u32>, Fault>;
}

/// A part of an answer that is ready to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A citation whose number stands in the text that follows.
    Cited(Citation),
    Text(String),
}

/// Characters of the answer that are kept to find the claim in.
const RECENT: usize = 1_000;
/// A sentence that holds this part of the claim's words supports it without asking the embedder.
const CLEAR: f32 = 0.6;

/// Reads an answer as it is written; see the module.
pub struct Citer<P> {
    passages: Vec<Passage>,
    pages: P,
    embedder: Arc<dyn Embedder>,
    scanner: Scanner,
    recent: String,
    citations: Vec<Citation>,
    /// Exact places that the answerer named for the next marker of a passage.
    supports: HashMap<usize, (u32, u32)>,
    sources: HashMap<usize, Source>,
    /// The last number written, while nothing has been written after it.
    just_cited: Vec<u32>,
}

/// A passage in sentences.
struct Source {
    sentences: Vec<(Sentence, String, Vec<String>)>,
    rarity: Rarity,
    vectors: Option<Vec<Vec<f32>>>,
}

impl<P: Pages> Citer<P> {
    pub fn new(passages: Vec<Passage>, pages: P, embedder: Arc<dyn Embedder>) -> Self {
        Self {
            passages,
            pages,
            embedder,
            scanner: Scanner::default(),
            recent: String::new(),
            citations: Vec::new(),
            supports: HashMap::new(),
            sources: HashMap::new(),
            just_cited: Vec::new(),
        }
    }

    /// An answer that goes on, with what is cited and written of it already.
    pub fn go_on(mut self, citations: Vec<Citation>, written: &str) -> Self {
        self.citations = citations;
        self.remember(written);
        self
    }

    /// Passages that were found meanwhile; their numbers go on.
    pub fn add(&mut self, passages: Vec<Passage>) {
        self.passages.extend(passages);
    }

    /// All that a marker may name.
    pub fn passages(&self) -> &[Passage] {
        &self.passages
    }

    /// The exact place for the next `[passage + 1]`.
    pub fn support(&mut self, passage: usize, start: u32, end: u32) {
        self.supports.insert(passage, (start, end));
    }

    pub fn citations(&self) -> &[Citation] {
        &self.citations
    }

    /// # Errors
    /// When the stored pages cannot be read.
    pub async fn push(&mut self, text: &str) -> Result<Vec<Piece>, Fault> {
        let segments = self.scanner.push(text);
        self.resolve(segments).await
    }

    /// What is still held back. What is pushed later begins anew: code that was left open ends here.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub async fn finish(&mut self) -> Result<Vec<Piece>, Fault> {
        let segments = std::mem::take(&mut self.scanner).finish();
        self.resolve(segments).await
    }

    async fn resolve(&mut self, segments: Vec<Segment>) -> Result<Vec<Piece>, Fault> {
        let mut pieces = Vec::new();
        for segment in segments {
            match segment {
                Segment::Text(text) => {
                    self.remember(&text);
                    if !text.is_empty() {
                        self.just_cited.clear();
                    }
                    append(&mut pieces, &text);
                }
                Segment::Marker { space, numbers } => self.mark(&space, &numbers, &mut pieces).await?,
            }
        }
        Ok(pieces)
    }

    fn remember(&mut self, text: &str) {
        self.recent.push_str(text);
        let length = self.recent.chars().count();
        if length > 2 * RECENT {
            self.recent = self.recent.chars().skip(length - RECENT).collect();
        }
    }

    async fn mark(&mut self, space: &str, numbers: &[u32], pieces: &mut Vec<Piece>) -> Result<(), Fault> {
        let mut written = false;
        for &number in numbers {
            let Some(cited) = self.cite(number).await? else { continue };
            let (number, new) = cited;
            if self.just_cited.contains(&number) {
                continue;
            }
            if let Some(citation) = new {
                pieces.push(Piece::Cited(citation));
            }
            let space = if written || !self.just_cited.is_empty() { "" } else { space };
            append(pieces, &format!("{space}[{number}]"));
            self.just_cited.push(number);
            written = true;
        }
        Ok(())
    }

    /// The number of the citation that a marker stands for, and the citation if it is new.
    async fn cite(&mut self, marker: u32) -> Result<Option<(u32, Option<Citation>)>, Fault> {
        let Some(index) = usize::try_from(marker).ok().and_then(|marker| marker.checked_sub(1)) else {
            return Ok(None);
        };
        let Some(passage) = self.passages.get(index).cloned() else { return Ok(None) };
        let place = match self.supports.remove(&index) {
            Some(place) => Some(place),
            None => self.narrow(index, &passage.text).await,
        };
        let Some((start, end)) = place else { return Ok(None) };
        let quote: String =
            passage.text.chars().skip(start as usize).take(end.saturating_sub(start) as usize).collect();
        let expected = passage.span.start.saturating_add(start);
        let Some(start) = self.pages.locate(passage.document_id, passage.span.page, expected, &quote).await? else {
            tracing::warn!(document = %passage.document_id, page = passage.span.page, "a quote does not stand in its source");
            return Ok(None);
        };
        let length = u32::try_from(quote.chars().count()).unwrap_or(u32::MAX);
        let span = Span { page: passage.span.page, start, end: start.saturating_add(length) };
        let known = self.citations.iter().find(|known| known.document_id == passage.document_id && known.span == span);
        if let Some(known) = known {
            return Ok(Some((known.number, None)));
        }
        let number = u32::try_from(self.citations.len() + 1).unwrap_or(u32::MAX);
        let citation =
            Citation { number, document_id: passage.document_id, document_name: passage.document_name, span, quote };
        self.citations.push(citation.clone());
        Ok(Some((number, Some(citation))))
    }

    /// The sentence of a passage that supports what was just written best.
    async fn narrow(&mut self, index: usize, text: &str) -> Option<(u32, u32)> {
        let claim = sentences::split(&self.recent).last().map(|sentence| sentence.of(&self.recent)).unwrap_or_default();
        let source = self.sources.entry(index).or_insert_with(|| Source::of(text));
        let place = |at: usize| source.sentences.get(at).map(|(sentence, ..)| (sentence.start, sentence.end));
        if source.sentences.len() <= 1 {
            return place(0);
        }
        let wanted = stems(&claim);
        let shared: Vec<f32> =
            source.sentences.iter().map(|(.., stems)| source.rarity.coverage(&wanted, stems)).collect();
        let best = highest(&shared)?;
        let rival =
            shared.iter().enumerate().filter(|(at, _)| *at != best).map(|(_, score)| *score).fold(0.0, f32::max);
        if shared[best] >= CLEAR && shared[best] - rival >= 0.15 {
            return place(best);
        }
        let meaning = likeness(source, &claim, self.embedder.as_ref()).await;
        let scores: Vec<f32> =
            shared.iter().enumerate().map(|(at, shared)| shared + meaning.get(at).copied().unwrap_or(0.0)).collect();
        source.sentences.get(highest(&scores)?).map(|(sentence, ..)| (sentence.start, sentence.end))
    }
}

/// Cosines of the claim and each sentence; none when the embedder fails, since words alone then decide.
async fn likeness(source: &mut Source, claim: &str, embedder: &dyn Embedder) -> Vec<f32> {
    let mut texts = vec![claim.to_owned()];
    if source.vectors.is_none() {
        texts.extend(source.sentences.iter().map(|(_, text, _)| text.clone()));
    }
    let mut vectors = match embedder.embed(texts).await {
        Ok(vectors) if !vectors.is_empty() => vectors,
        Ok(_) => return Vec::new(),
        Err(error) => {
            tracing::warn!(%error, "a citation is narrowed by words alone");
            return Vec::new();
        }
    };
    let claim = vectors.remove(0);
    let sentences = source.vectors.get_or_insert(vectors);
    sentences.iter().map(|vector| claim.iter().zip(vector).map(|(a, b)| a * b).sum()).collect()
}

impl Source {
    fn of(text: &str) -> Self {
        let all = sentences::split(text);
        let mut chosen: Vec<Sentence> = all.iter().copied().filter(|sentence| sentence.kind != Kind::Heading).collect();
        if chosen.is_empty() {
            chosen = all;
        }
        let sentences: Vec<_> = chosen
            .into_iter()
            .map(|sentence| {
                let words = sentence.of(text);
                let stems = stems(&words);
                (sentence, words, stems)
            })
            .collect();
        let rarity = Rarity::among(sentences.iter().map(|(.., stems)| stems.as_slice()));
        Self { sentences, rarity, vectors: None }
    }
}

fn highest(scores: &[f32]) -> Option<usize> {
    // The first of equals: it stands earlier in the text.
    scores.iter().enumerate().rev().max_by(|a, b| a.1.total_cmp(b.1)).map(|(at, _)| at)
}

fn append(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(Piece::Text(last)) => last.push_str(text),
        _ => pieces.push(Piece::Text(text.to_owned())),
    }
}

/// An answer with only the citations in `kept`, numbered anew without gaps; the other numerals leave its text.
pub fn keep(content: &str, citations: Vec<Citation>, kept: &HashSet<u32>) -> (String, Vec<Citation>) {
    let mut renumbered: HashMap<u32, u32> = HashMap::new();
    let mut left = Vec::new();
    for mut citation in citations.into_iter().filter(|citation| kept.contains(&citation.number)) {
        let number = u32::try_from(left.len() + 1).unwrap_or(u32::MAX);
        renumbered.insert(citation.number, number);
        citation.number = number;
        left.push(citation);
    }
    let mut scanner = Scanner::default();
    let mut segments = scanner.push(content);
    segments.extend(scanner.finish());
    let mut text = String::with_capacity(content.len());
    for segment in segments {
        match segment {
            Segment::Text(part) => text.push_str(&part),
            Segment::Marker { space, numbers } => {
                let numbers: Vec<u32> = numbers.iter().filter_map(|number| renumbered.get(number).copied()).collect();
                if !numbers.is_empty() {
                    text.push_str(&space);
                }
                for number in numbers {
                    text.push_str(&format!("[{number}]"));
                }
            }
        }
    }
    (text, left)
}

#[cfg(test)]
#[path = "cite_tests.rs"]
mod tests;
