//! Files attached to questions: documents that a question, and those after it on its branch, are asked of whatever their
//! scope. A short one is told whole, in its chunks, each of which has a number and is cited like any passage; in a long one
//! is searched.

use super::messages;
use crate::{
    access::{ConversationAccess, ProjectAccess},
    db::Scope,
    fault::Fault,
    workspaces::repo::count,
};
use domain::{
    DocumentId, Error, MessageId,
    attachments::{Attachment, AttachmentState, MAX_ATTACHMENTS},
    documents::{DocumentState, Passage, Span},
    workspaces::Role,
};
use sqlx::PgConnection;
use std::collections::HashSet;
use uuid::Uuid;

/// Files of one branch that its questions are asked of, the newest first.
const ON_BRANCH: i64 = 100;
/// Chunks that are told whole, of all files together: numbers go up to 99, and what searches find needs some.
const WHOLE_CHUNKS: usize = 60;

/// Each of them once, in their order.
///
/// # Errors
/// `Invalid` for more than [`MAX_ATTACHMENTS`].
pub fn distinct(documents: Vec<DocumentId>) -> Result<Vec<Uuid>, Error> {
    let mut known = HashSet::new();
    let documents: Vec<Uuid> = documents.into_iter().map(Uuid::from).filter(|id| known.insert(*id)).collect();
    if documents.len() > MAX_ATTACHMENTS {
        let most =
            format!("Attach at most {MAX_ATTACHMENTS} files to a question. Ask about the others in the next one.");
        return Err(Error::invalid("attachments", most));
    }
    Ok(documents)
}

/// Attaches the documents to a question that has none yet.
///
/// # Errors
/// `Forbidden` for a viewer; `Invalid` with field `attachments` for a document that is not the project's, or in its trash.
pub async fn attach(
    scope: &mut Scope,
    conversation: &ConversationAccess,
    question: MessageId,
    documents: &[Uuid],
) -> Result<(), Fault> {
    if documents.is_empty() {
        return Ok(());
    }
    let project = conversation.project();
    if project.workspace().role() < Role::Member {
        return Err(Error::Forbidden.into());
    }
    refuse_trashed(scope.conn(), &project, documents).await?;
    let attached = sqlx::query!(
        "insert into message_attachments (message_id, position, workspace_id, document_id, name)
         select $1, wanted.place, d.workspace_id, d.id, d.name
         from unnest($2::uuid[]) with ordinality as wanted (id, place)
         join documents d on d.id = wanted.id and d.project_id = $3 and d.trashed_at is null and d.replaces is null",
        Uuid::from(question),
        documents,
        Uuid::from(project.id())
    )
    .execute(scope.conn())
    .await?;
    if attached.rows_affected() == documents.len() as u64 {
        return Ok(());
    }
    let absent = "One of the attached files is not in this project any more. Take it off, or attach it again.";
    Err(Error::invalid("attachments", absent).into())
}

async fn refuse_trashed(conn: &mut PgConnection, project: &ProjectAccess, documents: &[Uuid]) -> Result<(), Fault> {
    let trashed = sqlx::query_scalar!(
        "select name from documents where project_id = $1 and id = any($2) and trashed_at is not null order by id limit 1",
        Uuid::from(project.id()),
        documents
    )
    .fetch_optional(conn)
    .await?;
    match trashed {
        Some(name) => {
            let trashed = format!("“{name}” is in the trash. Restore it, or ask without it.");
            Err(Error::invalid("attachments", trashed).into())
        }
        None => Ok(()),
    }
}

/// Attaches to a question what another version of it has, also what is in the trash or deleted by now: it says so.
pub async fn copy(conn: &mut PgConnection, from: MessageId, to: MessageId) -> Result<(), Fault> {
    sqlx::query!(
        "insert into message_attachments (message_id, position, workspace_id, document_id, name)
         select $2, position, workspace_id, document_id, name from message_attachments where message_id = $1",
        Uuid::from(from),
        Uuid::from(to)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What came with these messages, by message and in order.
pub async fn shown(conn: &mut PgConnection, messages: &[Uuid]) -> Result<Vec<(MessageId, Attachment)>, Fault> {
    let rows = sqlx::query!(
        r#"select a.message_id, a.document_id, coalesce(d.name, a.name) as "name!", d.media_type as "media_type?",
               d.state as "state?", d.page_count, d.trashed_at is not null as "is_trashed!", d.failure
           from message_attachments a left join documents d on d.id = a.document_id
           where a.message_id = any($1)
           order by a.message_id, a.position"#,
        messages
    )
    .fetch_all(conn)
    .await?;
    let attachments = rows.into_iter().map(|row| {
        let state =
            row.state.map_or(AttachmentState::Deleted, |state| state_of(&state, row.page_count, row.is_trashed));
        let attachment = Attachment {
            document_id: row.document_id.map(Into::into),
            name: row.name,
            media_type: row.media_type,
            state,
            failure: row.failure,
        };
        (MessageId::from(row.message_id), attachment)
    });
    Ok(attachments.collect())
}

fn state_of(state: &str, page_count: Option<i32>, is_trashed: bool) -> AttachmentState {
    // The column's check constraint admits no other word.
    let state = DocumentState::parse(state).unwrap_or(DocumentState::Failed);
    AttachmentState::of(state, page_count.map(|pages| count(pages.into())), is_trashed)
}

/// A document that came with a question, or with one before it.
#[derive(Clone, Debug)]
pub struct Attached {
    pub document: Uuid,
    pub name: String,
    pub state: AttachmentState,
    /// It came with the question itself.
    pub is_own: bool,
    chunks: usize,
    /// Characters of its chunks; none where they are too many to be told.
    chars: Option<usize>,
}

/// What came with the message and with those before it, the nearest first; without what is in the trash or deleted.
pub async fn on_branch(
    conn: &mut PgConnection,
    conversation: &ConversationAccess,
    message: MessageId,
) -> Result<Vec<Attached>, Fault> {
    let rows = sqlx::query!(
        r#"with recursive branch as (
               select id, parent_id, 0::bigint as place from messages where id = $1 and conversation_id = $2
               union all
               select m.id, m.parent_id, b.place + 1 from branch b join messages m on m.id = b.parent_id
           ),
           attached as (
               select a.document_id, min(b.place * 100 + a.position) as place, min(b.place) = 0 as is_own
               from branch b join message_attachments a on a.message_id = b.id
               group by a.document_id
           )
           select d.id as "id!", d.name as "name!", d.state as "state!", d.page_count, d.chunks_total as "chunks_total!",
               a.is_own as "is_own!",
               case when d.chunks_total <= $4 then (
                   select sum(c.end_char - c.start_char) from chunks c where c.document_id = d.id
               ) end as chars
           from attached a
           join documents d on d.id = a.document_id and d.project_id = $3 and d.trashed_at is null
           order by a.place
           limit $5"#,
        Uuid::from(message),
        Uuid::from(conversation.id()),
        Uuid::from(conversation.project().id()),
        i32::try_from(WHOLE_CHUNKS).unwrap_or(i32::MAX),
        ON_BRANCH
    )
    .fetch_all(conn)
    .await?;
    let attached = rows.into_iter().map(|row| Attached {
        document: row.id,
        name: row.name,
        state: state_of(&row.state, row.page_count, false),
        is_own: row.is_own,
        chunks: usize::try_from(row.chunks_total).unwrap_or_default(),
        chars: row.chars.and_then(|chars| usize::try_from(chars).ok()),
    });
    Ok(attached.collect())
}

/// Which of the attachments are told whole, and in which is searched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Share {
    pub whole: Vec<Uuid>,
    /// Characters of those that are told whole.
    pub chars: usize,
    pub searched: Vec<Uuid>,
}

impl Share {
    /// As many as there is room for in so many characters, the nearest first.
    pub fn of(attached: &[Attached], room: usize) -> Self {
        let mut share = Self::default();
        let mut chunks = 0;
        for one in attached.iter().filter(|one| one.state == AttachmentState::Ready) {
            match one.chars {
                Some(chars) if share.chars + chars <= room && chunks + one.chunks <= WHOLE_CHUNKS => {
                    share.whole.push(one.document);
                    share.chars += chars;
                    chunks += one.chunks;
                }
                _ => share.searched.push(one.document),
            }
        }
        share
    }
}

/// The chunks of these documents in their order.
pub async fn whole(
    conn: &mut PgConnection,
    project: &ProjectAccess,
    documents: &[Uuid],
) -> Result<Vec<Passage>, Fault> {
    if documents.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        r#"select d.id as "id!", d.name as "name!", c.page as "page!", c.start_char as "start_char!",
               c.end_char as "end_char!", c.text as "text!"
           from unnest($1::uuid[]) with ordinality as wanted (id, place)
           join documents d on d.id = wanted.id and d.project_id = $2 and d.trashed_at is null
           join chunks c on c.document_id = d.id
           order by wanted.place, c.ordinal
           limit $3"#,
        documents,
        Uuid::from(project.id()),
        i64::try_from(WHOLE_CHUNKS).unwrap_or(i64::MAX)
    )
    .fetch_all(conn)
    .await?;
    let passages = rows.into_iter().map(|row| {
        let number = |value: i32| count(value.into());
        let span = Span { page: number(row.page), start: number(row.start_char), end: number(row.end_char) };
        Passage::unranked(row.id.into(), row.name, span, row.text)
    });
    Ok(passages.collect())
}

/// Characters of attachments that the next question on the branch in view would be told, in so much room.
pub async fn told_next(
    conn: &mut PgConnection,
    conversation: &ConversationAccess,
    room: usize,
) -> Result<usize, Fault> {
    let Some(end) = messages::end_in_view(conn, conversation).await? else { return Ok(0) };
    let attached = on_branch(conn, conversation, end.into()).await?;
    Ok(Share::of(&attached, room).chars)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attached(document: u128, state: AttachmentState, chunks: usize, chars: Option<usize>) -> Attached {
        Attached { document: Uuid::from_u128(document), name: "a".to_owned(), state, is_own: true, chunks, chars }
    }

    #[test]
    fn what_there_is_room_for_is_told_whole_and_in_the_rest_is_searched() {
        let ready = |document, chunks, chars| attached(document, AttachmentState::Ready, chunks, chars);
        let files = [
            ready(1, 5, Some(5_000)),
            ready(2, 900, None),
            ready(3, 6, Some(6_000)),
            attached(4, AttachmentState::Reading, 0, None),
            attached(5, AttachmentState::Failed, 0, None),
            ready(6, 4, Some(4_000)),
            ready(7, 56, Some(10)),
        ];
        let ids = |ids: &[u128]| ids.iter().copied().map(Uuid::from_u128).collect::<Vec<_>>();
        let share = Share::of(&files, 10_000);
        assert_eq!(share, Share { whole: ids(&[1, 6]), chars: 9_000, searched: ids(&[2, 3, 7]) });
        assert_eq!(Share::of(&files, 0).searched, ids(&[1, 2, 3, 6, 7]));
    }

    #[test]
    fn a_file_counts_once_and_ten_are_enough() {
        let id = |number| DocumentId::from(Uuid::from_u128(number));
        let twice = distinct(vec![id(2), id(1), id(2)]);
        assert_eq!(twice, Ok(vec![Uuid::from_u128(2), Uuid::from_u128(1)]));
        assert!(distinct((0..10).map(id).collect()).is_ok());
        assert!(distinct((0..11).map(id).collect()).is_err_and(|error| error.for_field("attachments").is_some()));
    }
}
