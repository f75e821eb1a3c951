//! Writing one answer: a task that goes on whether or not anyone follows. It retrieves, asks the answerer, verifies each
//! citation as its marker comes, has tools run for it ([`turns`]), stores the events, and stores the end.

mod attached;
mod turns;

use super::{
    attachments::{self, Share},
    cite::{Citer, Pages, Piece},
    events::{self, End},
    messages, repo,
    running::{Lost, Numbered, Running},
    waiting::{self, Progress},
};
use crate::{
    ai::answer::{
        AnswerPart, AnswerRequest, EXTRACTIVE, Tooling, Wanted,
        context::{self, Fitted, Room},
        lexical::standalone_question,
    },
    fault::Fault,
    models,
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

/// Text that comes within this time of the beginning of an event travels with the next one. Below what a reader notices,
/// and it bounds the events of a fast model.
const GATHER: Duration = Duration::from_millis(40);
const SHUTDOWN: &str =
    "Atelier was restarted while this answer was being written. What there was of it is kept; ask again for the rest.";
const NO_END: &str = "The model went on to call tools and gave no answer. Try again, or ask something narrower.";
const NO_ROOM: &str =
    "What the tools returned is more than this model takes. Ask something narrower, or choose a model that takes more.";
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
    /// When the question came; of an answer that goes on, when it does.
    pub asked: Instant,
    /// It was put down, and goes on from what is stored of it.
    pub is_resumed: bool,
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

/// How far an answer has come.
enum Written {
    Whole,
    /// It is put down until a person has decided.
    Waits,
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

/// What the model said in one turn.
struct Said {
    /// As it came, with the model's own numbers.
    text: String,
    calls: Vec<Wanted>,
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
    /// Over all turns.
    usage: Option<(u32, u32)>,
    turns_left_out: u32,
    /// Characters that calls of tools and what they return may take.
    room_for_rounds: usize,
    progress: Progress,
    /// As a member of the workspace, when the answer was begun or gone on with.
    role: Role,
    /// Whether documents were changed for it.
    has_written: bool,
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
            room_for_rounds: 0,
            progress: Progress::default(),
            role: Role::Viewer,
            has_written: false,
        }
    }

    async fn run(mut self) {
        let answers = self.session.state.answers.clone();
        let running = self.running.clone();
        if self.assignment.is_resumed
            && let Err(fault) = self.take_up().await
        {
            // The sweep ends it with what is stored.
            tracing::error!(%fault, "an answer could not be gone on with");
            return;
        }
        // Whatever wins, the others are dropped, and with them the stream from the model.
        let (state, failure) = tokio::select! {
            biased;
            () = running.lost.cancelled() => return,
            () = running.stop.cancelled() => (MessageState::Stopped, None),
            () = answers.stopped() => (MessageState::Failed, Some(SHUTDOWN.to_owned())),
            written = self.write() => match written {
                Ok(Written::Whole) => (MessageState::Complete, None),
                Ok(Written::Waits) => return,
                Err(Stop::Lost) => return,
                Err(Stop::Failed(sentence)) => (MessageState::Failed, Some(sentence)),
            },
        };
        self.end(state, failure).await;
    }

    async fn write(&mut self) -> Result<Written, Stop> {
        let (mut request, mut citer) = self.begin().await?;
        loop {
            if !context::fit_rounds(&mut request.tools.rounds, self.room_for_rounds) {
                return Err(Stop::Failed(NO_ROOM.to_owned()));
            }
            let said = self.turn(request.clone(), &mut citer).await?;
            if said.calls.is_empty() {
                break;
            }
            if request.tools.offered.is_empty() {
                // What it said is its answer, whatever else it would do.
                if said.text.trim().is_empty() {
                    return Err(Stop::Failed(NO_END.to_owned()));
                }
                break;
            }
            if !self.call(said, &mut request, &mut citer).await? {
                return Ok(Written::Waits);
            }
            self.record(AnswerEvent::Status { text: "Going on with the answer".to_owned() }).await?;
        }
        let is_models = self.session.state.answerer.model() != EXTRACTIVE;
        // Who has had a document written is told so, and no passage need support it.
        if citer.citations().is_empty() && is_models && !self.has_written {
            let gap = if self.content.ends_with("\n\n") { "" } else { "\n\n" };
            self.take(vec![Piece::Text(format!("{gap}{UNSUPPORTED}"))]).await?;
        }
        self.flush().await?;
        Ok(Written::Whole)
    }

    /// What the model is asked, and who reads its citations.
    async fn begin(&mut self) -> Result<(AnswerRequest, Citer<StoredPages>), Stop> {
        self.check_model().await?;
        if !self.assignment.is_resumed {
            self.await_attachments().await?;
            self.record(AnswerEvent::Status { text: "Searching the documents".to_owned() }).await?;
        }
        let mut request = self.prepare().await?;
        let pages = StoredPages { session: self.session.clone() };
        let mut citer = Citer::new(request.passages.clone(), pages, Arc::clone(&self.session.state.embedder));
        if self.assignment.is_resumed {
            request.passages.truncate(self.progress.asked_with);
            citer = citer.go_on(self.citations.clone(), &self.content);
            self.go_on(&mut request, &mut citer).await?;
        } else {
            self.progress.asked_with = request.passages.len();
            self.record(AnswerEvent::Status { text: reading(&request.passages) }).await?;
        }
        Ok((request, citer))
    }

    /// One turn of the model, written down as it comes.
    async fn turn(&mut self, request: AnswerRequest, citer: &mut Citer<StoredPages>) -> Result<Said, Stop> {
        let answerer = Arc::clone(&self.session.state.answerer);
        let mut parts = answerer.answer(request).await.map_err(|error| failed(&error))?;
        let mut said = Said { text: String::new(), calls: Vec::new() };
        let mut gap = if self.content.is_empty() { "" } else { "\n\n" };
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
                    let text = text.replace('\0', "");
                    said.text.push_str(&text);
                    let pieces = citer.push(&format!("{gap}{text}")).await?;
                    gap = "";
                    self.take(pieces).await?;
                }
                Some(Ok(AnswerPart::Support { passage, start, end })) => citer.support(passage, start, end),
                Some(Ok(AnswerPart::Call(wanted))) => said.calls.push(wanted),
                Some(Ok(AnswerPart::Usage { prompt_tokens, completion_tokens })) => {
                    let (prompt, completion) = self.usage.unwrap_or((0, 0));
                    self.usage =
                        Some((prompt.saturating_add(prompt_tokens), completion.saturating_add(completion_tokens)));
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
        Ok(said)
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
        let text = text.clone();
        let mut scope = self.session.scope().await?;
        let conversation = scope.conversation(self.assignment.conversation, Role::Viewer).await?;
        self.role = conversation.project().workspace().role();
        let history = messages::history(scope.conn(), &conversation, question, messages::TURNS).await?;
        let brief = repo::brief(scope.conn(), &conversation.project()).await?;
        let window = self.model().map_or(u32::MAX, |model| model.context_tokens);
        let offered = self.session.state.tools.offers(self.role);
        let fixed = context::fixed(&brief, &text, &offered);
        let attached = attachments::on_branch(scope.conn(), &conversation, question).await?;
        let share = Share::of(&attached, context::room_for_attached(window, fixed));
        let passages = if self.assignment.is_resumed {
            waiting::passages(scope.conn(), &conversation.project(), &self.progress.passages).await?
        } else {
            let earlier = history.last().map(|turn| turn.question.as_str());
            self.retrieve(scope, &conversation, &share, &standalone_question(&text, earlier)).await?
        };
        let room = Room::in_window(window, fixed + share.chars);
        let Fitted { turns, left_out } = context::fit(history, room);
        self.turns_left_out = left_out;
        self.room_for_rounds = room.for_rounds(&turns, &passages);
        Ok(AnswerRequest {
            question: text,
            model: self.assignment.model.clone(),
            history: turns,
            brief,
            passages,
            passage_chars: room.passages + share.chars,
            attached: attached::named(attached),
            tools: Tooling { offered, rounds: Vec::new() },
        })
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
        let begun = Instant::now();
        self.record(AnswerEvent::Delta { text }).await?;
        // From its beginning, or a model of twenty tokens a second would have each wait for what the last one took. Where
        // storing is slow, as much time as it took goes to gathering: the answer does not fall behind its model.
        self.gather_until = begun + GATHER.max(begun.elapsed() * 2);
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
    // Without its cause, which may hold words of the answer or of the documents: what of it may be known is logged where
    // it is told apart.
    tracing::warn!(%error, "the model gave no whole answer");
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
        let mut scope = self.session.reading().await?;
        let access = match scope.document(document, Role::Viewer).await {
            Ok(access) => access,
            // Deleted since it was retrieved.
            Err(Fault::Refused(Error::NotFound)) => return Ok(None),
            Err(fault) => return Err(fault),
        };
        repo::locate_quote(scope.conn(), &access, page, start, quote).await
    }
}
