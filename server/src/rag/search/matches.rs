//! Which words of a passage the query has too, as BM25 sees it: in any of their forms.

use crate::fault::Fault;
use domain::documents::{Mark, Passage};
use sqlx::PgConnection;
use std::collections::{BTreeSet, HashSet};

/// Marks the words in each passage. Postgres knows the forms; what stands where is found here, because `ts_headline`
/// changes the text.
pub(super) async fn mark(conn: &mut PgConnection, query: &str, passages: &mut [Passage]) -> Result<(), Fault> {
    let words: BTreeSet<String> =
        passages.iter().flat_map(|passage| words_at(&passage.text)).map(|(_, word)| word.to_lowercase()).collect();
    let words: Vec<String> = words.into_iter().collect();
    let matching = sqlx::query_scalar!(
        r#"select word as "word!" from unnest($1::text[]) as word
           where to_tsvector('english', word) @@ (
               select string_agg('''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || '''', ' | ')::tsquery
               from unnest(to_tsvector('english', $2))
           )"#,
        &words,
        query
    )
    .fetch_all(conn)
    .await?;
    let matching: HashSet<String> = matching.into_iter().collect();
    for passage in passages {
        let found = words_at(&passage.text).filter(|(_, word)| matching.contains(&word.to_lowercase()));
        passage.matches = found.map(|(mark, _)| mark).collect();
    }
    Ok(())
}

/// Runs of letters and digits with their places in `char`s.
fn words_at(text: &str) -> impl Iterator<Item = (Mark, &str)> {
    let mut chars = text.char_indices().enumerate().peekable();
    std::iter::from_fn(move || {
        let (start, from) = loop {
            let (place, (byte, c)) = chars.next()?;
            if c.is_alphanumeric() {
                break (place, byte);
            }
        };
        let mut end = start + 1;
        let mut to = text.len();
        while let Some(&(place, (byte, c))) = chars.peek() {
            if !c.is_alphanumeric() {
                to = byte;
                break;
            }
            end = place + 1;
            chars.next();
        }
        let number = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        Some((Mark { start: number(start), end: number(end) }, &text[from..to]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_where_they_stand() {
        let found: Vec<_> =
            words_at("\u{2014} Blåbær, 2 «øl»\n🙂x").map(|(mark, word)| (mark.start, mark.end, word)).collect();
        assert_eq!(found, [(2, 8, "Blåbær"), (10, 11, "2"), (13, 15, "øl"), (18, 19, "x")]);
        assert_eq!(words_at("").count() + words_at(" \u{2014} ").count(), 0);
    }
}
