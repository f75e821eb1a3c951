//! A conversation to keep elsewhere: the branch in view as Markdown, its citations as footnotes, or the whole tree as
//! JSON.

use super::{messages, repo};
use crate::{access::ConversationAccess, db::Scope, fault::Fault, session::UserSession};
use domain::{
    ConversationId, Error, MessageId,
    chat::{Author, Chat, Citation, Conversation, Message, MessageState},
    workspaces::Role,
};
use serde::Serialize;
use std::fmt::Write as _;
use utoipa::ToSchema;
use uuid::Uuid;

/// Messages that are read at a time.
const ROWS: i64 = 100;

/// The whole tree.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConversationExport {
    pub conversation: Conversation,
    /// The newest message of the branch in view.
    pub end_in_view: Option<MessageId>,
    /// All messages in the order in which they were made; `parent_id` makes them a tree.
    pub messages: Vec<Message>,
}

/// A file's name without its extension, and what is in it.
pub struct MarkdownFile {
    pub name: String,
    pub text: String,
}

pub async fn whole(session: &UserSession, id: ConversationId) -> Result<ConversationExport, Error> {
    let conversation = session.conversation(id).await?;
    let mut scope = session.reading().await?;
    let access = scope.conversation(id, Role::Viewer).await?;
    let end = messages::end_in_view(scope.conn(), &access).await?;
    Ok(ConversationExport { conversation, end_in_view: end.map(Into::into), messages: all(&mut scope, &access).await? })
}

async fn all(scope: &mut Scope, access: &ConversationAccess) -> Result<Vec<Message>, Fault> {
    let mut all: Vec<Message> = Vec::new();
    loop {
        let last = all.last().map(|message| Uuid::from(message.id));
        let more = messages::all(scope.conn(), access, last, ROWS).await?;
        if more.is_empty() {
            return Ok(all);
        }
        all.extend(more);
    }
}

pub async fn markdown(session: &UserSession, id: ConversationId) -> Result<MarkdownFile, Error> {
    let mut scope = session.reading().await?;
    let access = scope.conversation(id, Role::Viewer).await?;
    let conversation = repo::get(scope.conn(), id).await?;
    let messages = in_view(&mut scope, &access).await?;
    Ok(MarkdownFile { text: write(&conversation, &messages), name: conversation.title })
}

/// The branch in view, the oldest first.
async fn in_view(scope: &mut Scope, access: &ConversationAccess) -> Result<Vec<Message>, Fault> {
    let mut newest_first: Vec<Message> = Vec::new();
    let mut from = messages::end_in_view(scope.conn(), access).await?;
    while let Some(next) = from {
        newest_first.extend(messages::upwards(scope.conn(), access, next, ROWS).await?);
        from = newest_first.last().and_then(|oldest| oldest.parent_id).map(Uuid::from);
    }
    newest_first.reverse();
    Ok(newest_first)
}

fn write(conversation: &Conversation, messages: &[Message]) -> String {
    let mut text = format!("# {}\n\n*{}*\n", conversation.title, conversation.project.name);
    let mut notes = String::new();
    let mut number = 0;
    for message in messages {
        let body = match message.author {
            Author::User => format!("> {}{}", message.content.replace('\n', "\n> "), attached(message)),
            Author::Assistant => with_footnotes(message, &mut number, &mut notes),
        };
        let _ = write!(text, "\n{}\n", body.trim_end());
        match (message.state, message.failure.as_deref()) {
            (MessageState::Failed, Some(failure)) => text.push_str(&format!("\n*{failure}*\n")),
            (MessageState::Stopped, _) => text.push_str("\n*Stopped.*\n"),
            _ => {}
        }
    }
    if !notes.is_empty() {
        let _ = write!(text, "\n{notes}");
    }
    text
}

/// The names of what came with a question, as its last lines.
fn attached(message: &Message) -> String {
    let names: Vec<&str> = message.attachments.iter().map(|attachment| attachment.name.as_str()).collect();
    if names.is_empty() { String::new() } else { format!("\n>\n> Attached: {}", names.join(", ")) }
}

/// The answer with its numerals as references to footnotes, which are counted over the whole file.
fn with_footnotes(message: &Message, number: &mut usize, notes: &mut String) -> String {
    let mut numbers = Vec::new();
    for citation in &message.citations {
        *number += 1;
        numbers.push((citation.number, *number));
        let Citation { document_name, span, quote, .. } = citation;
        let quote = quote.split_whitespace().collect::<Vec<_>>().join(" ");
        let _ = writeln!(notes, "[^{number}]: {document_name}, page {}: \u{201c}{quote}\u{201d}", span.page);
    }
    let (mut text, mut rest) = (String::with_capacity(message.content.len()), message.content.as_str());
    while let Some(at) = rest.find('[') {
        let (before, found) = rest.split_at(at);
        text.push_str(before);
        let numeral = found[1..].split_once(']').and_then(|(digits, after)| {
            let cited: u32 = digits.parse().ok()?;
            let (_, note) = numbers.iter().find(|(number, _)| *number == cited)?;
            Some((*note, after))
        });
        match numeral {
            Some((note, after)) => {
                // Close to its word, as on the page.
                text.truncate(text.trim_end_matches(' ').len());
                let _ = write!(text, "[^{note}]");
                rest = after;
            }
            None => {
                text.push('[');
                rest = &found[1..];
            }
        }
    }
    text.push_str(rest);
    text
}
