//! Search in what was said: messages and titles of a project, by their words.

use super::{
    is_shown,
    markers::{Scanner, Segment},
};
use crate::{access::ProjectAccess, fault::Fault, http::page::Recent, rag::extract::markdown_to_text};
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

/// A row before it has a snippet.
struct Row {
    at: OffsetDateTime,
    key: Uuid,
    conversation_id: Uuid,
    title: String,
    is_archived: bool,
    message_id: Option<Uuid>,
    author: Option<String>,
    /// The beginning, as far as its words are in the index.
    content: Option<String>,
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
    let found = rows_of(conn, project, query, before, rows).await?;
    let (texts, found) = tokio::task::spawn_blocking(move || (found.iter().map(plain).collect::<Vec<_>>(), found))
        .await
        .map_err(Fault::while_doing("read what was found"))?;
    let headlines = headlines(conn, query, &texts).await?;
    Ok(found.into_iter().zip(headlines).map(|(row, headline)| hit(row, &headline)).collect())
}

async fn rows_of(
    conn: &mut PgConnection,
    project: &ProjectAccess,
    query: &str,
    before: Option<Recent>,
    rows: i64,
) -> Result<Vec<Row>, Fault> {
    let found = sqlx::query_as!(
        Row,
        r#"with wanted as materialized (select project_query($1, $2) as query),
           -- The project stands in the query, and so in the scan of the index.
           spoken as materialized (
               select s.message_id, s.conversation_id, s.created_at
               from wanted, message_search s
               where s.words @@ wanted.query and s.project_id = $1
           ),
           hit as (
               select s.created_at as at, s.message_id as key, s.message_id, s.conversation_id
               from spoken s
               where (s.created_at, s.message_id) < (coalesce($3, 'infinity'::timestamptz), coalesce($4, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid))
               union all
               select c.updated_at, c.id, null, c.id
               from wanted, conversations c
               where project_words(c.project_id, c.title) @@ wanted.query and c.project_id = $1
                   and (c.updated_at, c.id) < (coalesce($3, 'infinity'::timestamptz), coalesce($4, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid))
                   and c.id not in (select s.conversation_id from spoken s)
               order by at desc, key desc
               limit $5
           )
           select hit.at as "at!: OffsetDateTime", hit.key as "key!", c.id as "conversation_id!", c.title as "title!",
               c.archived_at is not null as "is_archived!", hit.message_id, m.author as "author?",
               left(m.content, 100000) as content
           from hit join conversations c on c.id = hit.conversation_id left join messages m on m.id = hit.message_id
           order by hit.at desc, hit.key desc"#,
        Uuid::from(project.id()),
        query,
        before.map(|key| key.updated_at) as Option<OffsetDateTime>,
        before.map(|key| key.id),
        rows
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

/// What of each text stands around the words, in the same order.
async fn headlines(conn: &mut PgConnection, query: &str, texts: &[String]) -> Result<Vec<String>, Fault> {
    let headlines = sqlx::query_scalar!(
        r#"select ts_headline('english', text, websearch_to_tsquery('english', $1) || websearch_to_tsquery('simple', $1),
               'MaxWords=28, MinWords=12, ShortWord=0, StartSel=' || chr(2) || ', StopSel=' || chr(3)) as "headline!"
           from unnest($2::text[]) with ordinality as found (text, place)
           order by place"#,
        query,
        texts
    )
    .fetch_all(conn)
    .await?;
    Ok(headlines)
}

fn hit(row: Row, headline: &str) -> Hit {
    let author = if row.author.as_deref() == Some("user") { Author::User } else { Author::Assistant };
    let message = row.message_id.map(|id| {
        let (snippet, matches) = marked(headline);
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
}

/// What a snippet is taken from: the message as it is read, without the numerals of its citations.
fn plain(row: &Row) -> String {
    let content = row.content.as_deref().unwrap_or_default();
    let text = match row.author.as_deref() {
        Some("assistant") => markdown_to_text(&without_markers(content)),
        // A question is shown as it was typed.
        _ => content.to_owned(),
    };
    text.replace([OPEN, CLOSE], "")
}

fn without_markers(content: &str) -> String {
    let mut scanner = Scanner::default();
    let mut segments = scanner.push(content);
    segments.extend(scanner.finish());
    let text = segments.iter().filter_map(|segment| match segment {
        Segment::Text(text) => Some(text.as_str()),
        Segment::Marker { .. } => None,
    });
    text.collect()
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
            c if !c.is_whitespace() && !is_shown(c) => {}
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
        let (snippet, matches) = marked("a\u{202e}b\u{7} \u{2}c\u{2066}d\u{3}");
        assert_eq!((snippet.as_str(), matches), ("ab cd", vec![Mark { start: 3, end: 5 }]));
    }

    #[test]
    fn a_snippet_is_of_what_is_read() {
        let row = |author: &str, content: &str| Row {
            at: OffsetDateTime::UNIX_EPOCH,
            key: Uuid::nil(),
            conversation_id: Uuid::nil(),
            title: String::new(),
            is_archived: false,
            message_id: None,
            author: Some(author.to_owned()),
            content: Some(content.to_owned()),
        };
        let answer =
            "## Price\n\n**Gold** pays _no_ postage [1]. See [terms](https://x.example \"t\"), `a[9]` [2, 3].\u{2}";
        let text = plain(&row("assistant", answer));
        assert_eq!(
            text.split_whitespace().collect::<Vec<_>>().join(" "),
            "Price Gold pays no postage. See terms, a[9]."
        );
        assert_eq!(plain(&row("user", "Is *this* [1]?")), "Is *this* [1]?");
    }
}
