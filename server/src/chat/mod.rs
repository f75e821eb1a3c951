//! Conversations: the port [`Chat`] on a session. An answer is written by a task of its own ([`answer`]) whose events are
//! stored before anyone sees them ([`running`]) and can be followed from any point, in any process ([`follow`]).

mod answer;
pub(crate) mod attachments;
mod calls;
mod cite;
mod events;
mod export;
mod find;
mod follow;
mod markers;
mod messages;
pub(crate) mod repo;
pub mod routes;
mod running;
mod scope;
#[cfg(test)]
mod tests;
mod tools;
mod waiting;

pub use running::{Answers, sweep};
pub use tools::Tools;

use crate::{
    access::{ConversationAccess, MessageAccess},
    ai::answer::Turn,
    db::Scope,
    documents::repo as documents,
    events::{Notice, notify},
    fault::Fault,
    http::page,
    models,
    session::UserSession,
};
use answer::Assignment;
use async_trait::async_trait;
use domain::{
    ConversationId, DocumentId, Error, MessageId, Page, PageRequest, ProjectId, ToolCallId,
    chat::{
        Asked, Branch, Chat, ChatDocument, ChatScope, Conversation, ConversationChange, Found, MAX_CHOSEN, MAX_FIND,
        Message, MessageState, NewConversation, NewQuestion,
    },
    documents::Document,
    models::ModelName,
    projects::Brief,
    text::{Name, Prose},
    tools::ToolsMode,
    workspaces::Role,
};
use messages::{New, Place, Stored};
use std::{collections::BTreeSet, time::Duration};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

/// Characters of a title made from a question.
const TITLE: usize = 60;
/// How long a person waits for an answer to stop before its row is ended without it.
const STOP: Duration = Duration::from_millis(1_500);
/// Messages below the one that a branch is opened at.
const BELOW: i64 = 30;
const ARCHIVED: &str =
    "This conversation is archived. Ask a member of the workspace to bring it back, or begin a new one.";
const BUSY: &str = "An answer is being written in this conversation. Wait for its end, or stop it.";

#[async_trait]
impl Chat for UserSession {
    async fn list_conversations(
        &self,
        project: ProjectId,
        archived: bool,
        request: PageRequest,
    ) -> Result<Page<Conversation>, Error> {
        let mut scope = self.reading().await?;
        let access = scope.project(project, Role::Viewer).await?;
        let (after, rows) = (page::after(&request)?, page::rows_and_one(&request));
        let found = repo::list(scope.conn(), &access, archived, after, rows).await?;
        page::page(found, &request, |conversation| page::Recent {
            updated_at: conversation.updated_at,
            id: conversation.id.into(),
        })
    }

    async fn find_messages(
        &self,
        project: ProjectId,
        query: String,
        request: PageRequest,
    ) -> Result<Page<Found>, Error> {
        let query = Prose::<MAX_FIND>::parse("q", &query)?;
        if query.is_empty() {
            return Err(Error::invalid("q", "Type what to look for."));
        }
        let mut scope = self.reading().await?;
        let access = scope.project(project, Role::Viewer).await?;
        let (after, rows) = (page::after(&request)?, page::rows_and_one(&request));
        let hits = find::find(scope.conn(), &access, query.as_str(), after, rows).await?;
        let Page { items, next } = page::page(hits, &request, |hit| hit.key)?;
        Ok(Page { items: items.into_iter().map(|hit| hit.found).collect(), next })
    }

    async fn create_conversation(&self, project: ProjectId, new: NewConversation) -> Result<Conversation, Error> {
        let documents = chosen(new.documents)?;
        self.check_offered(new.model.as_ref()).await?;
        let mut scope = self.scope().await?;
        let access = scope.project(project, Role::Viewer).await?;
        let user = scope.user_id();
        let id = repo::insert(scope.conn(), &access, user).await?;
        if !documents.is_empty() || new.model.is_some() {
            let access = scope.conversation(id, Role::Viewer).await?;
            scope::choose(scope.conn(), &access, &documents).await?;
            models::repo::choose(scope.conn(), &access, new.model.as_ref()).await?;
        }
        let conversation = repo::get(scope.conn(), id).await?;
        scope.commit().await?;
        Ok(conversation)
    }

    async fn conversation(&self, id: ConversationId) -> Result<Conversation, Error> {
        let mut scope = self.reading().await?;
        scope.conversation(id, Role::Viewer).await?;
        Ok(repo::get(scope.conn(), id).await?)
    }

    async fn change_conversation(&self, id: ConversationId, change: ConversationChange) -> Result<Conversation, Error> {
        let mut scope = self.scope().await?;
        let access = changeable(&mut scope, id).await?;
        if let Some(title) = &change.title {
            repo::rename(scope.conn(), &access, title).await?;
        }
        if let Some(archived) = change.archived {
            repo::archive(scope.conn(), &access, archived).await?;
        }
        if let Some(mode) = change.tools_mode {
            // Whoever asks lends the model their rights: a guest may not do that for others.
            if mode == ToolsMode::Autonomous && access.project().workspace().role() < Role::Member {
                return Err(Error::Forbidden);
            }
            repo::set_tools_mode(scope.conn(), &access, mode).await?;
        }
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

    async fn chat_documents(
        &self,
        project: ProjectId,
        name: Option<String>,
        request: PageRequest,
    ) -> Result<Page<ChatDocument>, Error> {
        let name = Prose::<{ Name::MAX_CHARS }>::parse("name", name.as_deref().unwrap_or_default())?;
        let mut scope = self.reading().await?;
        let access = scope.project(project, Role::Viewer).await?;
        let (after, rows) = (page::after::<Uuid>(&request)?, page::rows_and_one(&request));
        let found = scope::documents(scope.conn(), &access, name.as_str(), after, rows).await?;
        page::page(found, &request, |document| Uuid::from(document.id))
    }

    async fn use_in_chat(&self, id: DocumentId, in_chat: bool) -> Result<Document, Error> {
        let mut scope = self.scope().await?;
        let access = scope.document(id, Role::Member).await?;
        scope::use_in_chat(scope.conn(), &access, in_chat).await?;
        notify(scope.conn(), &Notice::Document { project: access.project().id(), document: id }).await?;
        let document = documents::find(&mut scope, &access).await?;
        scope.commit().await?;
        Ok(document)
    }

    async fn project_scope(&self, project: ProjectId) -> Result<ChatScope, Error> {
        let mut scope = self.reading().await?;
        let access = scope.project(project, Role::Viewer).await?;
        Ok(scope::of_project(scope.conn(), &access).await?)
    }

    async fn conversation_scope(&self, id: ConversationId) -> Result<ChatScope, Error> {
        let mut scope = self.reading().await?;
        let access = scope.conversation(id, Role::Viewer).await?;
        Ok(scope::of_conversation(scope.conn(), &access).await?)
    }

    async fn choose_documents(&self, id: ConversationId, documents: Vec<DocumentId>) -> Result<ChatScope, Error> {
        let documents = chosen(documents)?;
        let mut scope = self.scope().await?;
        let access = changeable(&mut scope, id).await?;
        scope::choose(scope.conn(), &access, &documents).await?;
        let chosen = scope::of_conversation(scope.conn(), &access).await?;
        scope.commit().await?;
        Ok(chosen)
    }

    async fn list_messages(&self, id: ConversationId, request: PageRequest) -> Result<Page<Message>, Error> {
        let mut scope = self.reading().await?;
        let access = scope.conversation(id, Role::Viewer).await?;
        let from = match page::after::<Uuid>(&request)? {
            Some(last) => messages::parent(scope.conn(), &access, last).await?,
            None => messages::end_in_view(scope.conn(), &access).await?,
        };
        Ok(upwards(&mut scope, &access, from, &request).await?)
    }

    async fn message(&self, id: MessageId) -> Result<Message, Error> {
        let mut scope = self.reading().await?;
        scope.message(id, Role::Viewer).await?;
        Ok(messages::message(scope.conn(), id).await?)
    }

    async fn branch(&self, id: MessageId) -> Result<Branch, Error> {
        let mut scope = self.reading().await?;
        let access = scope.message(id, Role::Viewer).await?;
        let from = messages::below(scope.conn(), id.into(), BELOW).await?;
        let end = messages::below(scope.conn(), from, i64::MAX).await?;
        let messages = upwards(&mut scope, &access.conversation(), Some(from), &PageRequest::first()).await?;
        Ok(Branch { messages, end: (end != from).then(|| end.into()) })
    }

    async fn select_branch(&self, id: MessageId) -> Result<Page<Message>, Error> {
        let mut scope = self.scope().await?;
        let access = scope.message(id, Role::Viewer).await?;
        // Whoever may only read sees the branch too, and leaves what others see as it is.
        if may_change(&mut scope, &access.conversation()).await? {
            messages::select(scope.conn(), &access).await?;
        }
        let end = messages::below(scope.conn(), id.into(), i64::MAX).await?;
        let page = upwards(&mut scope, &access.conversation(), Some(end), &PageRequest::first()).await?;
        scope.commit().await?;
        Ok(page)
    }

    async fn ask(&self, id: ConversationId, question: NewQuestion) -> Result<Asked, Error> {
        let asked = Instant::now();
        check(&question)?;
        let place = match (question.after, question.instead_of) {
            (None, None) => Place::End,
            (Some(answer), None) => Place::After(answer),
            (None, Some(question)) => Place::InsteadOf(question),
            (Some(_), Some(_)) => {
                return Err(Error::invalid(
                    "instead_of",
                    "Leave out `after`: the question goes where the other one is.",
                ));
            }
        };
        let text = question.text.as_str();
        let attached = question.attachments.map(attachments::distinct).transpose()?;
        let mut scope = self.scope().await?;
        let access = scope.conversation(id, Role::Viewer).await?;
        let model = self.chosen_model(&mut scope, &access).await?;
        let new = self.new_message(&scope, question.idempotency_key.as_deref(), model.as_ref());
        let stored = messages::insert_question(scope.conn(), &access, place, text, &title(text), &new).await?;
        if let Stored::New { question: made, .. } = stored {
            match (attached, question.instead_of) {
                (Some(documents), _) => attachments::attach(&mut scope, &access, made, &documents).await?,
                (None, Some(version)) => attachments::copy(scope.conn(), version, made).await?,
                (None, None) => {}
            }
        }
        Ok(self.begin(scope, &access, stored, model, asked).await?)
    }

    async fn regenerate(&self, answer: MessageId, idempotency_key: Option<String>) -> Result<Asked, Error> {
        let asked = Instant::now();
        check_key(idempotency_key.as_deref())?;
        let mut scope = self.scope().await?;
        let access = scope.message(answer, Role::Viewer).await?;
        let conversation = access.conversation();
        let model = self.chosen_model(&mut scope, &conversation).await?;
        let new = self.new_message(&scope, idempotency_key.as_deref(), model.as_ref());
        let stored = messages::insert_answer(scope.conn(), &access, &new).await?;
        Ok(self.begin(scope, &conversation, stored, model, asked).await?)
    }

    async fn stop_answer(&self, id: MessageId) -> Result<Message, Error> {
        let mut scope = self.scope().await?;
        let access = scope.message(id, Role::Viewer).await?;
        steers(&mut scope, &access).await?;
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
        let message = messages::message(scope.conn(), id).await?;
        scope.commit().await?;
        Ok(message)
    }

    async fn decide_tool_call(&self, id: ToolCallId, approve: bool) -> Result<Message, Error> {
        Ok(waiting::decide(self, id, approve).await?)
    }
}

impl UserSession {
    /// Who is to answer in the conversation; none: the one that is configured.
    async fn chosen_model(&self, scope: &mut Scope, access: &ConversationAccess) -> Result<Option<ModelName>, Fault> {
        // What was chosen while there were models says nothing to the built-in answerer.
        if self.state.config.models.default.is_none() {
            return Ok(None);
        }
        models::repo::chosen(scope.conn(), access).await
    }

    fn new_message<'a>(
        &'a self,
        scope: &Scope,
        idempotency_key: Option<&'a str>,
        model: Option<&'a ModelName>,
    ) -> New<'a> {
        New {
            idempotency_key,
            user: scope.user_id(),
            model: model.map_or(self.state.answerer.model(), ModelName::as_str),
            lease_seconds: events::LEASE_SECONDS,
        }
    }

    /// Commits what was stored, and starts the answer if it is new. A conversation that is asked in is archived no more.
    async fn begin(
        &self,
        mut scope: Scope,
        access: &ConversationAccess,
        stored: Stored,
        model: Option<ModelName>,
        asked: Instant,
    ) -> Result<Asked, Fault> {
        let (question, answer, is_new) = match stored {
            Stored::Busy => return Err(Error::conflict(BUSY).into()),
            Stored::Repeated { question, answer } => (question, answer, false),
            Stored::New { question, answer } => (question, answer, true),
        };
        let pair = Asked {
            question: messages::message(scope.conn(), question).await?,
            answer: messages::message(scope.conn(), answer).await?,
        };
        if is_new {
            bring_back(&mut scope, access).await?;
            scope.commit().await?;
            let (conversation, text) = (access.id(), pair.question.content.clone());
            let assignment =
                Assignment { message: answer, conversation, question, text, model, asked, is_resumed: false };
            answer::start(self, assignment, messages::FIRST_EPOCH);
        }
        Ok(pair)
    }
}

/// A page of the branch that ends at `from`, the oldest first.
async fn upwards(
    scope: &mut Scope,
    conversation: &ConversationAccess,
    from: Option<Uuid>,
    request: &PageRequest,
) -> Result<Page<Message>, Fault> {
    let Some(from) = from else { return Ok(Page { items: Vec::new(), next: None }) };
    let found = messages::upwards(scope.conn(), conversation, from, page::rows_and_one(request)).await?;
    let mut page = page::page(found, request, |message| Uuid::from(message.id))?;
    page.items.reverse();
    Ok(page)
}

/// What the next question on the branch in view is told beside the passages: the brief, and the turns before it.
pub(crate) async fn told(scope: &mut Scope, access: &ConversationAccess) -> Result<(Brief, Vec<Turn>), Fault> {
    let history = match messages::end_in_view(scope.conn(), access).await? {
        Some(end) => messages::history(scope.conn(), access, end.into(), messages::TURNS).await?,
        None => Vec::new(),
    };
    Ok((repo::brief(scope.conn(), &access.project()).await?, history))
}

/// Each document once.
fn chosen(documents: Vec<DocumentId>) -> Result<Vec<Uuid>, Error> {
    let documents: BTreeSet<Uuid> = documents.into_iter().map(Into::into).collect();
    if documents.len() > MAX_CHOSEN {
        return Err(Error::invalid("documents", format!("Choose at most {MAX_CHOSEN} documents, or none for all.")));
    }
    Ok(documents.into_iter().collect())
}

/// Who asked may stop the answer, and decide what is done for it; so may every member.
async fn steers(scope: &mut Scope, message: &MessageAccess) -> Result<(), Fault> {
    let asked_by = repo::asked_by(scope.conn(), message).await?;
    let role = message.conversation().project().workspace().role();
    if role < Role::Member && asked_by != Some(scope.user_id().into()) {
        return Err(Error::Forbidden.into());
    }
    Ok(())
}

/// Who began a conversation may change it, and so may every member.
pub(crate) async fn changeable(scope: &mut Scope, id: ConversationId) -> Result<ConversationAccess, Fault> {
    let access = scope.conversation(id, Role::Viewer).await?;
    if may_change(scope, &access).await? { Ok(access) } else { Err(Error::Forbidden.into()) }
}

async fn may_change(scope: &mut Scope, access: &ConversationAccess) -> Result<bool, Fault> {
    Ok(access.project().workspace().role() >= Role::Member
        || repo::creator(scope.conn(), access).await? == Some(scope.user_id().into()))
}

/// # Errors
/// `Conflict` for whoever may not archive it: what others have put away is theirs to bring back.
async fn bring_back(scope: &mut Scope, access: &ConversationAccess) -> Result<(), Fault> {
    // Nobody archives it meanwhile: the new answer has locked it.
    if !repo::is_archived(scope.conn(), access).await? {
        return Ok(());
    }
    if !may_change(scope, access).await? {
        return Err(Error::conflict(ARCHIVED).into());
    }
    repo::archive(scope.conn(), access, false).await
}

fn check(question: &NewQuestion) -> Result<(), Error> {
    if question.text.is_empty() {
        return Err(Error::invalid("text", "Type a question."));
    }
    check_key(question.idempotency_key.as_deref())
}

fn check_key(key: Option<&str>) -> Result<(), Error> {
    match key.map(|key| (key.trim().is_empty(), key.chars().count(), key.contains('\0'))) {
        Some((true, ..) | (_, 65.., _) | (.., true)) => {
            Err(Error::invalid("idempotency_key", "Use a key of 1 to 64 characters."))
        }
        _ => Ok(()),
    }
}

/// Not of what turns the direction of the text, in a line that stands among others.
fn is_shown(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A title from a question: its first line, shortened at a word.
fn title(question: &str) -> String {
    let words = question.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = words.chars().filter(|c| is_shown(*c)).collect();
    if line.chars().count() <= TITLE {
        return if line.is_empty() { repo::UNTITLED.to_owned() } else { line };
    }
    let cut: String = line.chars().take(TITLE).collect();
    let cut = cut.rsplit_once(' ').map_or(cut.as_str(), |(words, _)| words);
    format!("{}…", cut.trim_end_matches([',', ';', ':', '.', '-', '–', ' ']))
}
