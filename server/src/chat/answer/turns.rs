//! The model's turns that call tools: each call is stored before it runs, runs if nobody need be asked, and its result
//! goes back to the model. Where somebody is to decide, the answer is put down.

use super::{Said, Stop, StoredPages, Writer};
use crate::{
    ai::answer::{AnswerRequest, Called, MAX_ARGUMENTS, Round, Wanted, prompt},
    chat::{
        calls::{self, Call, NewCall, Outcome},
        cite::Citer,
        events::{self, Lease},
        repo,
        running::{Lost, Numbered},
        tools::{Answering, Content, Given, Output, read},
        waiting::{self, Spent},
    },
    fault::Fault,
};
use domain::{
    DocumentId, Error, ToolCallId,
    chat::AnswerEvent,
    tools::{ToolCallState, ToolsMode},
    workspaces::Role,
};
use serde_json::Value;
use std::sync::Arc;
use tokio::time::Instant;

/// Characters of the passages that one search tells the model.
const PASSAGE_BUDGET: usize = 16_000;
/// Characters of what any other tool tells it.
const TEXT_BUDGET: usize = 24_000;
/// Characters of a result for people.
const SUMMARY: usize = 500;
/// Calls of one turn that are done.
const CALLS: usize = 16;
/// Characters that are kept of arguments that cannot be read.
const UNREADABLE: usize = 2_000;
const REFUSED: &str = "The person refused this.";
const TOO_MANY: &str = "Not done: only the first 16 calls of a turn are. Call again what is still needed.";

type Calling = Citer<StoredPages>;

impl Writer {
    fn lease(&self) -> Lease {
        Lease { message: self.assignment.message, epoch: self.running.epoch }
    }

    /// Does what the model wants done; false when the answer waits for somebody's decision.
    pub(super) async fn call(
        &mut self,
        said: Said,
        request: &mut AnswerRequest,
        citer: &mut Calling,
    ) -> Result<bool, Stop> {
        self.flush().await?;
        let mode = self.mode().await?;
        let round = request.tools.rounds.len();
        for (number, wanted) in said.calls.into_iter().enumerate() {
            let mut new = self.plan(round, wanted, mode, citer).await?;
            if number >= CALLS {
                (new.state, new.result) = (ToolCallState::Failed, Some(TOO_MANY.to_owned()));
            }
            let mut system = self.session.state.db.system().await?;
            let id = calls::insert(system.conn(), self.lease(), &new).await?.ok_or(Lost)?;
            system.commit().await?;
            self.tell(id).await?;
        }
        self.progress.said.push(said.text);
        self.work(request, citer).await
    }

    /// An answer that goes on: what was called before, and what has been decided.
    pub(super) async fn go_on(&mut self, request: &mut AnswerRequest, citer: &mut Calling) -> Result<(), Stop> {
        let all = self.calls().await?;
        let tools = &self.session.state.tools;
        self.has_written = all.iter().any(|call| call.state == ToolCallState::Done && tools.writes(&call.name));
        for round in 0..self.progress.said.len().saturating_sub(1) {
            let round = self.round(round, &all, citer).await;
            request.tools.rounds.push(round);
        }
        // Nothing waits any more, or the answer would not go on.
        self.work(request, citer).await?;
        Ok(())
    }

    /// Runs what may run of the last turn and adds the turn to the request; false when somebody is to decide first.
    async fn work(&mut self, request: &mut AnswerRequest, citer: &mut Calling) -> Result<bool, Stop> {
        let round = request.tools.rounds.len();
        for call in self.calls().await? {
            if is_of(&call, round) && call.state == ToolCallState::Approved {
                self.perform(call, citer).await?;
            }
        }
        let all = self.calls().await?;
        if all.iter().any(|call| call.state == ToolCallState::Waiting) {
            self.pause(citer).await?;
            return Ok(false);
        }
        let round = self.round(round, &all, citer).await;
        request.tools.rounds.push(round);
        let tools = &self.session.state.tools;
        let may_go_on = request.tools.rounds.len() < tools.max_iterations;
        request.tools.offered = if may_go_on { tools.offers(self.role) } else { Vec::new() };
        Ok(true)
    }

    /// What is to become of a call: it runs, somebody is asked, or it fails at once.
    async fn plan(&self, round: usize, wanted: Wanted, mode: ToolsMode, citer: &Calling) -> Result<NewCall, Stop> {
        let Wanted { id, tool: name, arguments } = wanted;
        let (name, id) = (bounded(&name, 64), id.replace('\0', ""));
        let tools = self.session.state.tools.clone();
        let offered = tools.offers(self.role).iter().any(|offer| offer.name == name);
        let parsed = parse(&arguments);
        let answering = self.answering(citer).await?;
        let planned = match (tools.find(&name).filter(|_| offered), &parsed) {
            (None, _) => Err((name.clone(), format!("There is no tool “{name}” here."))),
            (Some(tool), Err(reason)) => Err((tool.label().to_owned(), reason.clone())),
            (Some(tool), Ok(arguments)) => match tool.describe(&answering, arguments).await {
                Ok(label) => Ok((label, tool.kind())),
                Err(error) => Err((tool.label().to_owned(), error.to_string())),
            },
        };
        let arguments = parsed.unwrap_or_else(|_| Value::String(bounded(&arguments, UNREADABLE)));
        let document = arguments.get("id").and_then(Value::as_str).and_then(|id| id.parse().ok());
        let round = i32::try_from(round).unwrap_or(i32::MAX);
        let new = |label: String, state, result| NewCall {
            round,
            model_call_id: id,
            name,
            label: bounded(&label, 200),
            arguments,
            state,
            result,
            document,
        };
        Ok(match planned {
            Ok((label, kind)) if kind.needs_approval() && mode == ToolsMode::Ask => {
                new(label, ToolCallState::Waiting, None)
            }
            Ok((label, _)) => new(label, ToolCallState::Approved, None),
            Err((label, reason)) => new(label, ToolCallState::Failed, Some(bounded(&reason, SUMMARY))),
        })
    }

    async fn perform(&mut self, call: Call, citer: &mut Calling) -> Result<(), Stop> {
        let running = Outcome { state: ToolCallState::Running, result: None, given: None, created: None };
        self.set(call.id, &running).await?;
        let tools = self.session.state.tools.clone();
        let outcome = match tools.find(&call.name) {
            Some(tool) => tool.run(&self.answering(citer).await?, call.arguments).await,
            // Switched off since the model was told of it.
            None => Err(Error::conflict("This tool is not there any more.")),
        };
        match outcome {
            Ok(Output { summary, content }) => {
                let mut created: Option<DocumentId> = None;
                let given = match content {
                    Content::Text(text) => Given::Text(bounded(&text, TEXT_BUDGET)),
                    Content::Created { document, text } => {
                        created = Some(document);
                        Given::Text(text)
                    }
                    Content::Pages(pages) => Given::Pages(pages),
                    Content::Passages(passages) => {
                        let (first, count) = (citer.passages().len() + 1, passages.len());
                        citer.add(passages);
                        Given::Passages { first, count }
                    }
                };
                self.has_written |= tools.writes(&call.name);
                let summary = bounded(&summary, SUMMARY);
                let (result, given) = (Some(summary.as_str()), Some(&given));
                self.set(call.id, &Outcome { state: ToolCallState::Done, result, given, created }).await
            }
            Err(error) => {
                let reason = bounded(&error.to_string(), SUMMARY);
                let result = Some(reason.as_str());
                self.set(call.id, &Outcome { state: ToolCallState::Failed, result, given: None, created: None }).await
            }
        }
    }

    /// Stores a call's state, and tells of it.
    async fn set(&mut self, call: ToolCallId, outcome: &Outcome<'_>) -> Result<(), Stop> {
        let mut system = self.session.state.db.system().await?;
        if !calls::set(system.conn(), self.lease(), call, outcome).await? {
            return Err(Stop::Lost);
        }
        system.commit().await?;
        self.tell(call).await
    }

    async fn tell(&mut self, call: ToolCallId) -> Result<(), Stop> {
        let mut system = self.session.state.db.system().await?;
        let call = calls::find(system.conn(), self.assignment.message, call).await?.ok_or(Lost)?;
        drop(system);
        self.record(AnswerEvent::Tool { call }).await
    }

    /// A turn as the model is reminded of it.
    async fn round(&self, round: usize, all: &[Call], citer: &Calling) -> Round {
        let mut called = Vec::new();
        for call in all.iter().filter(|call| is_of(call, round)) {
            let (id, tool) = (call.model_call_id.clone(), call.name.clone());
            let wanted = Wanted { id, tool, arguments: as_sent(&call.arguments) };
            called.push(Called { wanted, result: self.told(call, citer).await });
        }
        Round { said: self.progress.said.get(round).cloned().unwrap_or_default(), calls: called }
    }

    /// What the model is told of a call.
    async fn told(&self, call: &Call, citer: &Calling) -> String {
        let failed = |reason: &str| format!("This failed: {reason}");
        match (call.state, call.given.as_ref()) {
            (ToolCallState::Refused, _) => REFUSED.to_owned(),
            (ToolCallState::Done, Some(Given::Text(text))) => text.clone(),
            (ToolCallState::Done, Some(Given::Pages(pages))) => match read::text_of(&self.session, *pages).await {
                Ok(text) => text,
                Err(error) => failed(&error.to_string()),
            },
            (ToolCallState::Done, Some(Given::Passages { count: 0, .. })) => "No passage matches.".to_owned(),
            (ToolCallState::Done, Some(&Given::Passages { first, count })) => {
                let found: Vec<_> = citer.passages().iter().skip(first - 1).take(count).cloned().collect();
                prompt::numbered(&found, first, PASSAGE_BUDGET) + &prompt::ids(&found)
            }
            _ => failed(call.result.as_deref().unwrap_or("nobody knows why.")),
        }
    }

    /// Puts the answer down. From here on whoever decides goes on with it.
    async fn pause(&mut self, citer: &Calling) -> Result<(), Stop> {
        self.progress.passages =
            citer.passages().iter().map(|passage| (passage.document_id, passage.span)).collect::<Vec<_>>();
        let spent = Spent {
            prompt_tokens: self.usage.map(|(prompt, _)| prompt),
            completion_tokens: self.usage.map(|(_, completion)| completion),
            time: self.assignment.asked.elapsed(),
        };
        let mut system = self.session.state.db.system().await?;
        let paused = waiting::pause(system.conn(), self.lease(), &self.progress, spent).await?;
        let seq = paused.ok_or(Lost)?;
        system.commit().await?;
        // The only error is that nobody follows.
        let _ = self.running.live.send(Arc::new(Numbered { seq, event: AnswerEvent::Waiting }));
        Ok(())
    }

    /// Takes up what is stored of an answer that was put down.
    pub(super) async fn take_up(&mut self) -> Result<(), Fault> {
        let message = self.assignment.message;
        let mut system = self.session.state.db.system().await?;
        let so_far = events::streamed(system.conn(), message).await?;
        let (progress, spent) = waiting::progress(system.conn(), message).await?;
        (self.seq, self.content, self.citations) = (so_far.seq, so_far.content, so_far.citations);
        self.progress = progress;
        self.usage = match (spent.prompt_tokens, spent.completion_tokens) {
            (None, None) => None,
            (prompt, completion) => Some((prompt.unwrap_or(0), completion.unwrap_or(0))),
        };
        // The time that it waited is nobody's.
        let now = Instant::now();
        self.assignment.asked = now.checked_sub(spent.time).unwrap_or(now);
        Ok(())
    }

    /// For a call, with the rights that its session has now.
    async fn answering(&self, citer: &Calling) -> Result<Answering<'_>, Fault> {
        let id = self.assignment.conversation;
        let mut scope = self.session.reading().await?;
        let project = scope.conversation(id, Role::Viewer).await?.project().id();
        Ok(Answering {
            session: &self.session,
            project,
            conversation: id,
            question: self.assignment.question,
            numbered: citer.passages().len(),
        })
    }

    async fn calls(&self) -> Result<Vec<Call>, Fault> {
        let mut system = self.session.state.db.system().await?;
        calls::of_answer(system.conn(), self.assignment.message).await
    }

    async fn mode(&self) -> Result<ToolsMode, Fault> {
        let mut system = self.session.state.db.system().await?;
        repo::tools_mode(system.conn(), self.assignment.conversation).await
    }
}

fn is_of(call: &Call, round: usize) -> bool {
    usize::try_from(call.round) == Ok(round)
}

/// Arguments as JSON that Postgres can store, or a sentence for the model.
fn parse(arguments: &str) -> Result<Value, String> {
    if arguments.len() > MAX_ARGUMENTS {
        return Err("The arguments are too long: write less, or in several calls.".to_owned());
    }
    let text = arguments.replace('\0', "").replace("\\u0000", "");
    // Some models send nothing where a tool wants nothing.
    match serde_json::from_str(if text.trim().is_empty() { "{}" } else { &text }) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err("The arguments are no JSON object.".to_owned()),
        Err(error) => Err(format!("The arguments are no JSON: {error}.")),
    }
}

/// The arguments as the model may see them again: what is no JSON object is stored as a string.
fn as_sent(arguments: &Value) -> String {
    match arguments {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// At most so many characters, without NUL, which Postgres cannot store.
fn bounded(text: &str, most: usize) -> String {
    text.chars().filter(|c| *c != '\0').take(most).collect()
}
