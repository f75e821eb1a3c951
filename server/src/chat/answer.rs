//! Writing one answer: a task that goes on whether or not anyone follows. It retrieves, asks the answerer, verifies each
//! citation as its marker comes, stores the events, and stores the end.

use super::{
    cite::{Citer, Pages, Piece},
    events::{self, End},
    messages, repo,
    running::{Lost, Numbered, Running},
    scope,
};
use crate::{
    ai::answer::{
        AnswerPart, AnswerRequest, EXTRACTIVE,
        context::{self, Fitted, Room},
        lexical::standalone_question,
    },
    fault::Fault,
    models,
    rag::search::{self, Place},
    session::UserSession,
};
use async_trait::async_trait;
use domain::{
    ConversationId, DocumentId, Error, MessageId,
    chat::{AnswerEvent, Message, MessageState},
    documents::Passage,
    models::{Model, ModelName},
    workspaces::Role,
};
use futures::StreamExt;
use std::{collections::HashSet, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, sleep_until};

/// Text that comes within this time of an event travels with the next one. Below what a reader notices, and it bounds
/// the events of a fast model.
const GATHER: Duration = Duration::from_millis(40);
const PASSAGES: u32 = 10;
const SHUTDOWN: &str =
    "Atelier was restarted while this answer was being written. What there was of it is kept; ask again for the rest.";
const UNSUPPORTED: &str = "*No passage of your documents supports this answer.*";

/// What is to be answered.
#[derive(Clone, Debug)]
pub struct Assignment {
    pub message: MessageId,
    pub conversation: ConversationId,
    pub question: MessageId,
    pub text: String,
    /// Who is to answer; none: the one that is configured.
    pub model: Option<ModelName>,
    pub asked: Instant,
}

/// Starts the task.
pub fn start(session: &UserSession, assignment: Assignment, epoch: i64) {
    let message = assignment.message;
    let state = session.state.clone();
    let session = session.clone();
    state.answers.spawn(&state.db, message, epoch, |running| async move {
        Writer::new(session, assignment, running).run().await;
    });
}

/// Why an answer ended early.
enum Stop {
    Lost,
    /// With a sentence for the reader.
    Failed(String),
}

impl From<Lost> for Stop {
    fn from(Lost: Lost) -> Self {
        Self::Lost
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        // The port's conversion logs the cause and finds the words.
        Self::Failed(Error::from(fault).to_string())
    }
}

struct Writer {
    session: UserSession,
    assignment: Assignment,
    running: Running,
    seq: i32,
    /// All of the text so far, recorded or not.
    content: String,
    /// Its end that is not recorded yet.
    pending: String,
    citations: Vec<domain::chat::Citation>,
    gather_until: Instant,
    usage: Option<(u32, u32)>,
    turns_left_out: u32,
}

impl Writer {
    fn new(session: UserSession, assignment: Assignment, running: Running) -> Self {
        Self {
            session,
            assignment,
            running,
            seq: 0,
            content: String::new(),
            pending: String::new(),
            citations: Vec::new(),
            gather_until: Instant::now(),
            usage: None,
            turns_left_out: 0,
        }
    }

    async fn run(mut self) {
        let answers = self.session.state.answers.clone();
        let running = self.running.clone();
        // Whatever wins, the others are dropped, and with them the stream from the model.
        let (state, failure) = tokio::select! {
            biased;
            () = running.lost.cancelled() => return,
            () = running.stop.cancelled() => (MessageState::Stopped, None),
            () = answers.stopped() => (MessageState::Failed, Some(SHUTDOWN.to_owned())),
            written = self.write() => match written {
                Ok(()) => (MessageState::Complete, None),
                Err(Stop::Lost) => return,
                Err(Stop::Failed(sentence)) => (MessageState::Failed, Some(sentence)),
            },
        };
        self.end(state, failure).await;
    }

    async fn write(&mut self) -> Result<(), Stop> {
        self.check_model().await?;
        self.record(AnswerEvent::Status { text: "Searching the documents".to_owned() }).await?;
        let request = self.prepare().await?;
        let passages = request.passages.clone();
        self.record(AnswerEvent::Status { text: reading(&passages) }).await?;

        let answerer = Arc::clone(&self.session.state.answerer);
        let mut parts = answerer.answer(request).await.map_err(|error| failed(&error))?;
        let pages = StoredPages { session: self.session.clone() };
        let mut citer = Citer::new(passages, pages, Arc::clone(&self.session.state.embedder));
        loop {
            let part = tokio::select! {
                biased;
                () = sleep_until(self.gather_until), if !self.pending.is_empty() => {
                    self.flush().await?;
                    continue;
                }
                part = parts.next() => part,
            };
            match part {
                None => break,
                Some(Ok(AnswerPart::Text(text))) => {
                    // Postgres stores no NUL.
                    let pieces = citer.push(&text.replace('\0', "")).await?;
                    self.take(pieces).await?;
                }
                Some(Ok(AnswerPart::Support { passage, start, end })) => citer.support(passage, start, end),
                Some(Ok(AnswerPart::Usage { prompt_tokens, completion_tokens })) => {
                    self.usage = Some((prompt_tokens, completion_tokens));
                }
                Some(Err(error)) => {
                    let rest = citer.finish().await?;
                    self.take(rest).await?;
                    return Err(failed(&error));
                }
            }
        }
        let rest = citer.finish().await?;
        self.take(rest).await?;
        if citer.citations().is_empty() && answerer.model() != EXTRACTIVE {
            let gap = if self.content.ends_with("\n\n") { "" } else { "\n\n" };
            self.take(vec![Piece::Text(format!("{gap}{UNSUPPORTED}"))]).await?;
        }
        self.flush().await
    }

    /// The provider may have taken the model from its list since it was chosen.
    async fn check_model(&self) -> Result<(), Stop> {
        let Some(model) = &self.assignment.model else { return Ok(()) };
        let offer = self.session.state.models.offer().await;
        if offer.is_known && offer.models.find(model).is_none() {
            return Err(Stop::Failed(models::gone(model)));
        }
        Ok(())
    }

    /// What is known of the model that answers; none of the built-in answerer.
    fn model(&self) -> Option<Model> {
        let state = &self.session.state;
        let name = self.assignment.model.as_ref().or(state.config.models.default.as_ref())?;
        Some(state.models.model(name))
    }

    async fn prepare(&mut self) -> Result<AnswerRequest, Fault> {
        let Assignment { question, ref text, .. } = self.assignment;
        let mut scope = self.session.scope().await?;
        let conversation = scope.conversation(self.assignment.conversation, Role::Viewer).await?;
        let history = messages::history(scope.conn(), &conversation, question, messages::TURNS).await?;
        let brief = repo::brief(scope.conn(), &conversation.project()).await?;
        let mut place = Place::project(conversation.project().id().into());
        place.documents = scope::of_question(scope.conn(), &conversation, question).await?;
        let ready = search::prepare(scope.conn(), place).await?;
        drop(scope);
        let earlier = history.last().map(|turn| turn.question.as_str());
        let query = standalone_question(text, earlier);
        let passages = search::in_place(&self.session, ready, &query, PASSAGES).await?;
        let window = self.model().map_or(u32::MAX, |model| model.context_tokens);
        let room = Room::in_window(window, context::fixed(&brief, text));
        let Fitted { turns, left_out } = context::fit(history, room);
        let request = AnswerRequest {
            question: text.clone(),
            model: self.assignment.model.clone(),
            history: turns,
            brief,
            passages,
            passage_chars: room.passages,
        };
        self.turns_left_out = left_out;
        Ok(request)
    }

    async fn take(&mut self, pieces: Vec<Piece>) -> Result<(), Stop> {
        for piece in pieces {
            match piece {
                Piece::Text(text) => {
                    self.content.push_str(&text);
                    self.pending.push_str(&text);
                }
                Piece::Cited(citation) => {
                    // In order: what was written before it, then the citation, then its numeral.
                    self.flush().await?;
                    self.citations.push(citation.clone());
                    self.record(AnswerEvent::Cited { citation }).await?;
                }
            }
        }
        if Instant::now() >= self.gather_until { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), Stop> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let text = std::mem::take(&mut self.pending);
        self.record(AnswerEvent::Delta { text }).await?;
        self.gather_until = Instant::now() + GATHER;
        Ok(())
    }

    async fn record(&mut self, event: AnswerEvent) -> Result<(), Stop> {
        self.seq += 1;
        let numbered = Numbered { seq: self.seq, event };
        Ok(self.session.state.answers.record(self.assignment.message, &self.running, numbered).await?)
    }

    /// Stores the end, trying again while the database is away; if it stays away, the sweep ends the answer later.
    async fn end(self, state: MessageState, failure: Option<String>) {
        let elapsed = u32::try_from(self.assignment.asked.elapsed().as_millis()).unwrap_or(u32::MAX);
        let end = End {
            state,
            failure,
            content: self.content.trim_end().to_owned(),
            citations: self.citations.clone(),
            prompt_tokens: self.usage.map(|(prompt, _)| prompt),
            completion_tokens: self.usage.map(|(_, completion)| completion),
            cost: self.usage.and_then(|(prompt, completion)| Some(self.model()?.prices?.cost(prompt, completion))),
            turns_left_out: (self.turns_left_out > 0).then_some(self.turns_left_out),
            duration_ms: Some(elapsed),
        };
        for attempt in 1..=20_u32 {
            match self.store(&end).await {
                Ok(Some((seq, message))) => {
                    let _ =
                        self.running.live.send(Arc::new(Numbered { seq, event: AnswerEvent::Finished { message } }));
                    return;
                }
                Ok(None) => return,
                Err(error) => {
                    tracing::error!(%error, attempt, "the end of an answer could not be stored");
                    sleep(Duration::from_millis(500)).await;
                }
            }
        }
    }

    async fn store(&self, end: &End) -> Result<Option<(i32, Message)>, Fault> {
        let mut scope = self.session.state.db.system().await?;
        let finished =
            events::finish(scope.conn(), self.assignment.message, Some(self.running.epoch), end.clone()).await?;
        scope.commit().await?;
        Ok(finished)
    }
}

fn failed(error: &crate::ai::answer::AnswerError) -> Stop {
    tracing::warn!(%error, cause = ?error.cause, "the model gave no whole answer");
    Stop::Failed(error.message.clone())
}

/// What is being done, for the reader.
fn reading(passages: &[Passage]) -> String {
    let documents: HashSet<DocumentId> = passages.iter().map(|passage| passage.document_id).collect();
    match (documents.len(), passages.first()) {
        (0, _) | (_, None) => "No passage matches".to_owned(),
        (1, Some(passage)) => format!("Reading {}", passage.document_name),
        (count, _) => format!("Reading {count} documents"),
    }
}

/// The pages that the person who asked may read.
struct StoredPages {
    session: UserSession,
}

#[async_trait]
impl Pages for StoredPages {
    async fn locate(&self, document: DocumentId, page: u32, start: u32, quote: &str) -> Result<Option<u32>, Fault> {
        let mut scope = self.session.scope().await?;
        let access = match scope.document(document, Role::Viewer).await {
            Ok(access) => access,
            // Deleted since it was retrieved.
            Err(Fault::Refused(Error::NotFound)) => return Ok(None),
            Err(fault) => return Err(fault),
        };
        repo::locate_quote(scope.conn(), &access, page, start, quote).await
    }
}
