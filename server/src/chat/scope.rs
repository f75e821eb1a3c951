//! Which documents questions are asked of: the project's default, what a conversation has chosen, and what a question
//! was asked of. What a question records stays, so that it can be answered again in the same way.

use super::attachments;
use crate::{
    access::{ConversationAccess, DocumentAccess, ProjectAccess},
    fault::Fault,
    rag::search::{Documents, Place},
    workspaces::repo::count,
};
use domain::{
    Error, MessageId,
    chat::{ChatDocument, ChatScope, ScopeKind},
};
use sqlx::PgConnection;
use uuid::Uuid;

/// What a new conversation of the project is asked of.
pub async fn of_project(conn: &mut PgConnection, project: &ProjectAccess) -> Result<ChatScope, Fault> {
    let row = sqlx::query!(
        r#"select count(*) filter (where in_chat) as "in_project!", count(*) filter (where not in_chat) as "left_out!"
           from documents where project_id = $1 and state = 'ready' and replaces is null and trashed_at is null"#,
        Uuid::from(project.id())
    )
    .fetch_one(conn)
    .await?;
    Ok(ChatScope {
        kind: ScopeKind::Project,
        documents: Vec::new(),
        in_project: count(row.in_project),
        left_out: count(row.left_out),
    })
}

pub async fn of_conversation(conn: &mut PgConnection, conversation: &ConversationAccess) -> Result<ChatScope, Fault> {
    let of_project = of_project(conn, &conversation.project()).await?;
    let id = Uuid::from(conversation.id());
    let kind = sqlx::query_scalar!("select scope from conversations where id = $1", id).fetch_one(&mut *conn).await?;
    let documents = sqlx::query_as!(
        ChatDocument,
        "select d.id, d.name, d.in_chat
         from conversation_documents c join documents d on d.id = c.document_id
         where c.conversation_id = $1 and d.trashed_at is null
         order by lower(d.name), d.id",
        id
    )
    .fetch_all(conn)
    .await?;
    Ok(ChatScope { kind: ScopeKind::parse(&kind), documents, ..of_project })
}

/// From now on only these, each of the conversation's project; none means the project's default.
pub async fn choose(
    conn: &mut PgConnection,
    conversation: &ConversationAccess,
    documents: &[Uuid],
) -> Result<(), Fault> {
    let id = Uuid::from(conversation.id());
    let kind = if documents.is_empty() { "project" } else { "chosen" };
    sqlx::query!("update conversations set scope = $2 where id = $1", id, kind).execute(&mut *conn).await?;
    sqlx::query!("delete from conversation_documents where conversation_id = $1", id).execute(&mut *conn).await?;
    let chosen = sqlx::query!(
        "insert into conversation_documents (conversation_id, document_id, workspace_id)
         select $1, id, workspace_id from documents where project_id = $2 and id = any($3) and replaces is null
             and trashed_at is null",
        id,
        Uuid::from(conversation.project().id()),
        documents
    )
    .execute(conn)
    .await?
    .rows_affected();
    if chosen == documents.len() as u64 {
        Ok(())
    } else {
        Err(Error::invalid("documents", "One of these documents is not in the project any more. Choose again.").into())
    }
}

/// The project's ready documents, the newest first; with `name`, those that have it in theirs.
pub async fn documents(
    conn: &mut PgConnection,
    project: &ProjectAccess,
    name: &str,
    after: Option<Uuid>,
    rows: i64,
) -> Result<Vec<ChatDocument>, Fault> {
    let found = sqlx::query_as!(
        ChatDocument,
        "select id, name, in_chat from documents
         where project_id = $1 and state = 'ready' and replaces is null and trashed_at is null
             and position(lower($2) in lower(name)) > 0
             and id < coalesce($3, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
         order by id desc
         limit $4",
        Uuid::from(project.id()),
        name,
        after,
        rows
    )
    .fetch_all(conn)
    .await?;
    Ok(found)
}

pub async fn use_in_chat(conn: &mut PgConnection, document: &DocumentAccess, in_chat: bool) -> Result<(), Fault> {
    sqlx::query!(
        "update documents set in_chat = $2, updated_at = now() where id = $1",
        Uuid::from(document.id()),
        in_chat
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Where to look for what the question is about.
pub async fn place_of_question(
    conn: &mut PgConnection,
    conversation: &ConversationAccess,
    question: MessageId,
) -> Result<Place, Fault> {
    let mut place = Place::project(conversation.project().id().into());
    place.documents = of_question(conn, conversation, question).await?;
    Ok(place)
}

/// What the question was asked of; everything, where it is older than scopes are. What is attached to it, or was to one
/// before it, is always among that.
pub async fn of_question(
    conn: &mut PgConnection,
    conversation: &ConversationAccess,
    question: MessageId,
) -> Result<Documents, Fault> {
    let row = sqlx::query!(
        "select scope, scope_documents from messages where id = $1 and conversation_id = $2",
        Uuid::from(question),
        Uuid::from(conversation.id())
    )
    .fetch_one(&mut *conn)
    .await?;
    let scope = row.scope.as_deref().map(ScopeKind::parse);
    let mut documents = row.scope_documents.unwrap_or_default();
    if scope != Some(ScopeKind::Chosen) {
        documents.extend(left_out_since(conn, conversation, question).await?);
    }
    let attached = attachments::on_branch(conn, conversation, question).await?;
    let attached: Vec<Uuid> = attached.into_iter().map(|one| one.document).collect();
    let asked_of = match scope {
        Some(ScopeKind::Chosen) => Documents::Only(documents),
        Some(ScopeKind::Project) | None if !documents.is_empty() => Documents::Except(documents),
        Some(ScopeKind::Project) | None => Documents::All,
    };
    Ok(asked_of.with(&attached))
}

/// Documents that came after the question and are not for chat, such as what was attached in other conversations: the
/// question's own list cannot name them.
async fn left_out_since(
    conn: &mut PgConnection,
    conversation: &ConversationAccess,
    question: MessageId,
) -> Result<Vec<Uuid>, Fault> {
    let documents = sqlx::query_scalar!(
        "select d.id from documents d join messages m on m.id = $2
         where d.project_id = $1 and not d.in_chat and d.created_at >= m.created_at",
        Uuid::from(conversation.project().id()),
        Uuid::from(question)
    );
    Ok(documents.fetch_all(conn).await?)
}
