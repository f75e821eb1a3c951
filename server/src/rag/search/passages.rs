//! Ranked chunks become passages: neighbours are joined, and what says the same in nearly the same words is left out.

use super::{Ranked, place::Place};
use crate::fault::Fault;
use domain::documents::{Passage, Span};
use sqlx::PgConnection;
use std::{
    collections::{HashMap, HashSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
};
use uuid::Uuid;

/// Chunks in one passage: three are about a page of print.
const MAX_JOINED: usize = 3;
/// Two texts are nearly the same when they share so many of their runs of three words (Jaccard): a few changed words in
/// a chunk stay above, two chunks of one template with different contents below.
const NEARLY_THE_SAME: f32 = 0.8;

/// A chunk of the ranking with its row.
struct Found {
    ranked: Ranked,
    document: Uuid,
    name: String,
    ordinal: i32,
    span: Span,
    text: String,
    shingles: HashSet<u64>,
}

/// One or more chunks that follow each other on a page; the best of them first.
struct Joined {
    chunks: Vec<Found>,
}

impl Joined {
    /// Whether the chunk stands right before or after.
    fn is_beside(&self, found: &Found) -> bool {
        let Some(first) = self.chunks.first() else { return false };
        let ordinals = || self.chunks.iter().map(|chunk| chunk.ordinal);
        let (from, to) = (ordinals().min().unwrap_or_default(), ordinals().max().unwrap_or_default());
        first.document == found.document
            && first.span.page == found.span.page
            && (found.ordinal + 1 == from || found.ordinal == to + 1)
    }

    fn span(&self) -> Option<Span> {
        Some(Span {
            page: self.chunks.first()?.span.page,
            start: self.chunks.iter().map(|chunk| chunk.span.start).min()?,
            end: self.chunks.iter().map(|chunk| chunk.span.end).max()?,
        })
    }
}

/// The passages behind the ranking, at most `limit`, the best first.
pub(super) async fn read(
    conn: &mut PgConnection,
    place: &Place,
    ranked: &[Ranked],
    limit: usize,
) -> Result<Vec<Passage>, Fault> {
    // Some are joined, and some dropped.
    let ranked = &ranked[..ranked.len().min(limit * 2 + 10)];
    let joined = join(rows(conn, place, ranked).await?, limit);
    let texts = texts_of_joined(conn, &joined).await?;
    Ok(joined.into_iter().enumerate().filter_map(|(number, joined)| passage(joined, texts.get(&number))).collect())
}

async fn rows(conn: &mut PgConnection, place: &Place, ranked: &[Ranked]) -> Result<Vec<Found>, Fault> {
    let wanted: Vec<Uuid> = ranked.iter().map(|ranked| ranked.chunk).collect();
    let rows = sqlx::query!(
        "select c.id, c.document_id, d.name, c.ordinal, c.page, c.start_char, c.end_char, c.text
         from chunks c join documents d on d.id = c.document_id
         where c.id = any($1) and $2 in (c.project_id, c.workspace_id) and d.trashed_at is null",
        &wanted,
        place.id()
    )
    .fetch_all(conn)
    .await?;
    let mut rows: HashMap<Uuid, _> = rows.into_iter().map(|row| (row.id, row)).collect();
    let found = ranked.iter().filter_map(|ranked| {
        let row = rows.remove(&ranked.chunk)?;
        Some(Found {
            ranked: *ranked,
            document: row.document_id,
            name: row.name,
            ordinal: row.ordinal,
            span: Span { page: position(row.page), start: position(row.start_char), end: position(row.end_char) },
            shingles: shingles(&row.text),
            text: row.text,
        })
    });
    Ok(found.collect())
}

/// In the order of the ranking. A neighbour of a passage joins it; it does not take a place of its own.
fn join(found: Vec<Found>, limit: usize) -> Vec<Joined> {
    let mut passages: Vec<Joined> = Vec::new();
    for found in found {
        let is_known = passages
            .iter()
            .flat_map(|passage| &passage.chunks)
            .any(|chunk| similarity(&chunk.shingles, &found.shingles) >= NEARLY_THE_SAME);
        if is_known {
            continue;
        }
        let open = |passage: &&mut Joined| passage.chunks.len() < MAX_JOINED && passage.is_beside(&found);
        if let Some(passage) = passages.iter_mut().find(open) {
            passage.chunks.push(found);
        } else if passages.len() < limit {
            passages.push(Joined { chunks: vec![found] });
        } else {
            break;
        }
    }
    passages
}

/// The text of each passage of several chunks, with what stands between them, by the passage's place.
async fn texts_of_joined(conn: &mut PgConnection, joined: &[Joined]) -> Result<HashMap<usize, String>, Fault> {
    let several = joined.iter().enumerate().filter(|(_, joined)| joined.chunks.len() > 1);
    let spans: Vec<_> = several
        .filter_map(|(number, joined)| Some((number, joined.chunks.first()?.document, joined.span()?)))
        .collect();
    if spans.is_empty() {
        return Ok(HashMap::new());
    }
    let integer = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let rows = sqlx::query!(
        r#"select wanted.place as "place!", substr(p.text, wanted.start_char + 1, wanted.end_char - wanted.start_char) as "text!"
           from unnest($1::uuid[], $2::int[], $3::int[], $4::int[]) with ordinality
               as wanted (document_id, page, start_char, end_char, place)
           join document_pages p on p.document_id = wanted.document_id and p.number = wanted.page"#,
        &spans.iter().map(|(_, document, _)| *document).collect::<Vec<_>>(),
        &spans.iter().map(|(.., span)| integer(span.page)).collect::<Vec<_>>(),
        &spans.iter().map(|(.., span)| integer(span.start)).collect::<Vec<_>>(),
        &spans.iter().map(|(.., span)| integer(span.end)).collect::<Vec<_>>(),
    )
    .fetch_all(conn)
    .await?;
    let texts = rows.into_iter().filter_map(|row| {
        let place = usize::try_from(row.place).ok()?.checked_sub(1)?;
        Some((spans.get(place)?.0, row.text))
    });
    Ok(texts.collect())
}

fn passage(joined: Joined, text: Option<&String>) -> Option<Passage> {
    let span = joined.span();
    let alone = joined.chunks.len() == 1;
    let best =
        |of: fn(&Ranked) -> Option<f32>| joined.chunks.iter().filter_map(|chunk| of(&chunk.ranked)).reduce(f32::max);
    let (similarity, bm25) = (best(|ranked| ranked.similarity), best(|ranked| ranked.bm25));
    let first = joined.chunks.into_iter().next()?;
    // A page that is gone meanwhile leaves the best chunk.
    let (span, text) = match text {
        Some(text) if !alone => (span?, text.clone()),
        _ => (first.span, first.text),
    };
    Some(Passage {
        chunk_id: first.ranked.chunk.into(),
        document_id: first.document.into(),
        document_name: first.name,
        span,
        text,
        score: first.ranked.score,
        similarity,
        bm25,
        by_meaning: first.ranked.by_meaning,
        by_words: first.ranked.by_words,
        relevance: None,
        matches: Vec::new(),
    })
}

/// The runs of three words, however they are written and spaced; of a shorter text, all of it.
fn shingles(text: &str) -> HashSet<u64> {
    let words: Vec<String> =
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    let hash = |words: &[String]| {
        let mut hasher = DefaultHasher::new();
        words.hash(&mut hasher);
        hasher.finish()
    };
    if words.len() < 3 { HashSet::from([hash(&words)]) } else { words.windows(3).map(hash).collect() }
}

fn similarity(a: &HashSet<u64>, b: &HashSet<u64>) -> f32 {
    // At best the smaller lies within the larger.
    let (less, more) = (a.len().min(b.len()), a.len().max(b.len()));
    if (less as f32) < NEARLY_THE_SAME * more as f32 {
        return 0.0;
    }
    let shared = a.intersection(b).count();
    shared as f32 / (a.len() + b.len() - shared).max(1) as f32
}

fn position(number: i32) -> u32 {
    u32::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(id: u128, document: u128, ordinal: i32, text: &str) -> Found {
        let start = u32::try_from(ordinal).unwrap_or_default() * 100;
        Found {
            ranked: Ranked {
                chunk: Uuid::from_u128(id),
                score: 1.0 / id as f32,
                similarity: Some(0.5),
                bm25: None,
                by_meaning: 0.5,
                by_words: 0.0,
            },
            document: Uuid::from_u128(document),
            name: "a".to_owned(),
            ordinal,
            span: Span { page: 1, start, end: start + 90 },
            text: text.to_owned(),
            shingles: shingles(text),
        }
    }

    fn ids(joined: &[Joined]) -> Vec<Vec<u128>> {
        let of = |joined: &Joined| joined.chunks.iter().map(|chunk| chunk.ranked.chunk.as_u128()).collect();
        joined.iter().map(of).collect()
    }

    #[test]
    fn neighbours_join_and_take_one_place() {
        let text = |n: u32| format!("alpha{n} beta{n} gamma{n} delta{n}");
        let found = vec![
            found(1, 7, 4, &text(1)),
            found(2, 8, 5, &text(2)),
            found(3, 7, 5, &text(3)),
            found(4, 7, 3, &text(4)),
            // A fourth is too much for one passage, and one further away stands alone.
            found(5, 7, 2, &text(5)),
            found(6, 7, 9, &text(6)),
        ];
        let joined = join(found, 3);
        assert_eq!(ids(&joined), [vec![1, 3, 4], vec![2], vec![5]]);
        assert_eq!(joined[0].span(), Some(Span { page: 1, start: 300, end: 590 }));
    }

    #[test]
    fn nearly_the_same_words_come_once() {
        let long: String = (0..60).map(|n| format!("word{n} ")).collect();
        let changed = long.replace("word30", "other");
        let different = long.replace("word1", "another").replace("word2", "further").replace("word3", "else");
        let found = vec![
            found(1, 1, 0, &long),
            found(2, 2, 0, &long.to_uppercase().replace(' ', " \u{2014} ")),
            found(3, 3, 0, &changed),
            found(4, 4, 0, &different),
            found(5, 5, 0, "Amber."),
            found(6, 6, 0, "amber"),
        ];
        assert_eq!(ids(&join(found, 10)), [vec![1], vec![4], vec![5]]);
    }
}
