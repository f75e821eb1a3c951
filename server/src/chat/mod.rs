//! Conversations: the port [`Chat`] on a session. An answer is written by a task of its own ([`answer`]) whose events are
//! stored before anyone sees them ([`running`]) and can be followed from any point, in any process ([`follow`]).

mod answer;
mod cite;
mod events;
mod follow;
mod markers;
mod repo;
pub mod routes;
mod running;
#[cfg(test)]
mod tests;

pub use running::{Answers, sweep};

use crate::{access::ConversationAccess, db::Scope, fault::Fault, http::page, session::UserSession};
use answer::Assignment;
use async_trait::async_trait;
use domain::{
    ConversationId, Error, MessageId, Page, PageRequest, ProjectId,
    chat::{Asked, Chat, Conversation, Message, MessageState, NewQuestion},
    text::Name,
    workspaces::Role,
};
use repo::{NewMessages, Stored};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

/// Characters of a title made from a question.
const TITLE: usize = 60;
/// How long a person waits for an answer to stop before its row is ended without it.
const STOP: Duration = Duration::from_millis(1_500);

#[async_trait]
impl Chat for UserSession {
    async fn list_conversations(&self, project: ProjectId, request: PageRequest) -> Result<Page<Conversation>, Error> {
        let mut scope = self.scope().await?;
        let access = scope.project(project, Role::Viewer).await?;
        let found = repo::list(scope.conn(), &access, page::after(&request)?, page::rows_and_one(&request)).await?;
        page::page(found, &request, |conversation| page::Recent {
            updated_at: conversation.updated_at,
            id: conversation.id.into(),
        })
    }

    async fn create_conversation(&self, project: ProjectId) -> Result<Conversation, Error> {
        let mut scope = self.scope().await?;
        let access = scope.project(project, Role::Viewer).await?;
        let user = scope.user_id();
        let id = repo::insert(scope.conn(), &access, user).await?;
        let conversation = repo::get(scope.conn(), id).await?;
        scope.commit().await?;
        Ok(conversation)
    }

    async fn conversation(&self, id: ConversationId) -> Result<Conversation, Error> {
        let mut scope = self.scope().await?;
        scope.conversation(id, Role::Viewer).await?;
        Ok(repo::get(scope.conn(), id).await?)
    }

    async fn rename_conversation(&self, id: ConversationId, title: Name) -> Result<Conversation, Error> {
        let mut scope = self.scope().await?;
        let access = changeable(&mut scope, id).await?;
        repo::rename(scope.conn(), &access, &title).await?;
        let conversation = repo::get(scope.conn(), id).await?;
        scope.commit().await?;
        Ok(conversation)
    }

    async fn delete_conversation(&self, id: ConversationId) -> Result<(), Error> {
        let mut scope = self.scope().await?;
        let access = changeable(&mut scope, id).await?;
        for message in repo::streaming_in(scope.conn(), &access).await? {
            if let Some(running) = self.state.answers.running(message) {
                running.lost.cancel();
            }
        }
        repo::delete(scope.conn(), &access).await?;
        Ok(scope.commit().await?)
    }

    async fn list_messages(&self, id: ConversationId, request: PageRequest) -> Result<Page<Message>, Error> {
        let mut scope = self.scope().await?;
        let access = scope.conversation(id, Role::Viewer).await?;
        let found =
            repo::messages(scope.conn(), &access, page::after::<Uuid>(&request)?, page::rows_and_one(&request)).await?;
        let mut page = page::page(found, &request, |message| Uuid::from(message.id))?;
        page.items.reverse();
        Ok(page)
    }

    async fn ask(&self, id: ConversationId, question: NewQuestion) -> Result<Asked, Error> {
        let asked = Instant::now();
        check(&question)?;
        let mut scope = self.scope().await?;
        let access = scope.conversation(id, Role::Viewer).await?;
        let new = NewMessages {
            text: question.text.as_str(),
            idempotency_key: question.idempotency_key.as_deref(),
            user: scope.user_id(),
            model: self.state.answerer.model(),
            title: &title(question.text.as_str()),
            lease_seconds: events::LEASE_SECONDS,
        };
        match repo::insert_question(scope.conn(), &access, &new).await? {
            Stored::Busy => {
                Err(Error::conflict("An answer is being written in this conversation. Wait for its end, or stop it."))
            }
            Stored::Repeated { question, answer } => Ok(pair(&mut scope, question, answer).await?),
            Stored::New { question: stored, answer } => {
                let pair = pair(&mut scope, stored, answer).await?;
                scope.commit().await?;
                let assignment = Assignment {
                    message: answer,
                    conversation: id,
                    project: access.project().id(),
                    question: question.text.as_str().to_owned(),
                    asked,
                };
                answer::start(self, assignment, repo::FIRST_EPOCH);
                Ok(pair)
            }
        }
    }

    async fn stop_answer(&self, id: MessageId) -> Result<Message, Error> {
        let mut scope = self.scope().await?;
        let access = scope.message(id, Role::Viewer).await?;
        let asked_by = repo::asked_by(scope.conn(), &access).await?;
        let role = access.conversation().project().workspace().role();
        if role < Role::Member && asked_by != Some(scope.user_id().into()) {
            return Err(Error::Forbidden);
        }
        drop(scope);
        if let Some(running) = self.state.answers.running(id) {
            running.stop.cancel();
            // The task has text that is in no event yet, so it is the better one to store the end.
            let _ = timeout(STOP, running.done.cancelled()).await;
        }
        let mut scope = self.scope().await?;
        scope.message(id, Role::Viewer).await?;
        // Another process writes it, or this one is stuck: its next write finds that it has lost the answer.
        events::finish_from_events(scope.conn(), id, MessageState::Stopped, None).await?;
        let message = repo::message(scope.conn(), id).await?;
        scope.commit().await?;
        Ok(message)
    }
}

impl UserSession {
    /// One message, for the JSON API.
    async fn message(&self, id: MessageId) -> Result<Message, Error> {
        let mut scope = self.scope().await?;
        scope.message(id, Role::Viewer).await?;
        Ok(repo::message(scope.conn(), id).await?)
    }
}

/// Who began a conversation may change it, and so may every member.
async fn changeable(scope: &mut Scope, id: ConversationId) -> Result<ConversationAccess, Fault> {
    let access = scope.conversation(id, Role::Viewer).await?;
    if access.project().workspace().role() >= Role::Member {
        return Ok(access);
    }
    let creator = repo::creator(scope.conn(), &access).await?;
    if creator == Some(scope.user_id().into()) { Ok(access) } else { Err(Error::Forbidden.into()) }
}

async fn pair(scope: &mut Scope, question: MessageId, answer: MessageId) -> Result<Asked, Fault> {
    Ok(Asked {
        question: repo::message(scope.conn(), question).await?,
        answer: repo::message(scope.conn(), answer).await?,
    })
}

fn check(question: &NewQuestion) -> Result<(), Error> {
    if question.text.is_empty() {
        return Err(Error::invalid("text", "Type a question."));
    }
    match question
        .idempotency_key
        .as_deref()
        .map(|key| (key.trim().is_empty(), key.chars().count(), key.contains('\0')))
    {
        Some((true, ..) | (_, 65.., _) | (.., true)) => {
            Err(Error::invalid("idempotency_key", "Use a key of 1 to 64 characters."))
        }
        _ => Ok(()),
    }
}

/// A title from a question: its first line, shortened at a word.
fn title(question: &str) -> String {
    let line: String =
        question.split_whitespace().collect::<Vec<_>>().join(" ").chars().filter(|c| !c.is_control()).collect();
    if line.chars().count() <= TITLE {
        return if line.is_empty() { repo::UNTITLED.to_owned() } else { line };
    }
    let cut: String = line.chars().take(TITLE).collect();
    let cut = cut.rsplit_once(' ').map_or(cut.as_str(), |(words, _)| words);
    format!("{}…", cut.trim_end_matches([',', ';', ':', '.', '-', '–', ' ']))
}
