//! Search in what was said: messages and titles of a project, by their words.

use crate::{access::ProjectAccess, fault::Fault, http::page::Recent};
use domain::{
    chat::{Author, Found, FoundMessage},
    documents::Mark,
};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// Stand around a word that was found, on its way here from Postgres. No message keeps them: they are taken out.
const OPEN: char = '\u{2}';
const CLOSE: char = '\u{3}';

/// A row with the key that pages are cut by.
pub struct Hit {
    pub key: Recent,
    pub found: Found,
}

/// The newest first. A conversation is found by its title only where none of its messages has the words, because the
/// title is most often the first question's beginning.
pub async fn find(
    conn: &mut PgConnection,
    project: &ProjectAccess,
    query: &str,
    before: Option<Recent>,
    rows: i64,
) -> Result<Vec<Hit>, Fault> {
    let found = sqlx::query!(
        r#"with wanted as materialized (
               select websearch_to_tsquery('english', $2) || websearch_to_tsquery('simple', $2) as query
           ),
           hit as (
               select m.created_at as at, m.id as key, m.id as message_id, m.author, m.content, m.conversation_id
               from wanted, messages m join conversations c on c.id = m.conversation_id
               where c.project_id = $1 and message_words(m.content) @@ wanted.query
                   and (m.created_at, m.id) < (coalesce($3, 'infinity'::timestamptz), coalesce($4, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid))
               union all
               select c.updated_at, c.id, null, null, null, c.id
               from wanted, conversations c
               where c.project_id = $1 and message_words(c.title) @@ wanted.query
                   and (c.updated_at, c.id) < (coalesce($3, 'infinity'::timestamptz), coalesce($4, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid))
                   and not exists (select from messages m where m.conversation_id = c.id and message_words(m.content) @@ wanted.query)
               order by at desc, key desc
               limit $5
           )
           select hit.at as "at!: OffsetDateTime", hit.key as "key!", hit.message_id, hit.author, c.id as "conversation_id!",
               c.title as "title!", c.archived_at is not null as "is_archived!",
               ts_headline('english', translate(left(hit.content, 100000), chr(2) || chr(3), ''), wanted.query,
                   'MaxWords=28, MinWords=12, ShortWord=0, StartSel=' || chr(2) || ', StopSel=' || chr(3)) as headline
           from hit cross join wanted join conversations c on c.id = hit.conversation_id
           order by hit.at desc, hit.key desc"#,
        Uuid::from(project.id()),
        query,
        before.map(|key| key.updated_at) as Option<OffsetDateTime>,
        before.map(|key| key.id),
        rows
    )
    .fetch_all(conn)
    .await?;
    Ok(found
        .into_iter()
        .map(|row| {
            let message = row.message_id.map(|id| {
                let (snippet, matches) = marked(&row.headline.unwrap_or_default());
                let author = if row.author.as_deref() == Some("user") { Author::User } else { Author::Assistant };
                FoundMessage { id: id.into(), author, snippet, matches }
            });
            Hit {
                key: Recent { updated_at: row.at, id: row.key },
                found: Found {
                    conversation_id: row.conversation_id.into(),
                    title: row.title,
                    is_archived: row.is_archived,
                    message,
                    at: row.at,
                },
            }
        })
        .collect())
}

/// The text without the marks' characters, in one line, and where they stood.
fn marked(headline: &str) -> (String, Vec<Mark>) {
    let mut snippet = String::with_capacity(headline.len());
    let (mut length, mut start, mut matches) = (0, None, Vec::new());
    for c in headline.trim().chars() {
        match c {
            OPEN => start = Some(length),
            CLOSE => matches.extend(start.take().map(|start| Mark { start, end: length })),
            c if c.is_whitespace() && snippet.ends_with(' ') => {}
            c => {
                snippet.push(if c.is_whitespace() { ' ' } else { c });
                length += 1;
            }
        }
    }
    (snippet, matches)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_count_characters_of_what_is_shown() {
        let (snippet, matches) = marked("  på \u{2}blåbær\u{3}\n\n og \u{2}øl\u{3}\u{2}");
        assert_eq!(snippet, "på blåbær og øl");
        assert_eq!(matches, [Mark { start: 3, end: 9 }, Mark { start: 13, end: 15 }]);
        assert_eq!(marked(""), (String::new(), Vec::new()));
    }
}
