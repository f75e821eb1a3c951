//! Following an answer: what is stored after the last event seen, then what comes. In the process that writes the answer
//! new events come from memory; in any other they are read from the table. A follower that falls behind, or whose writer
//! goes away, reads the table again, so nothing is skipped and nothing comes twice.

use super::{
    events::{self, Replayed},
    messages,
    running::Numbered,
};
use crate::{
    events::Notice,
    fault::Fault,
    session::{CHECK_ACCESS, UserSession},
};
use axum::response::sse;
use domain::{
    Error, MessageId,
    chat::{AnswerEvent, MessageState},
    workspaces::Role,
};
use futures::Stream;
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::{
    sync::broadcast::Receiver,
    time::{Instant, sleep},
};

/// Between two looks at the table for an answer that another process writes.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// The events of `message` after number `seen`, to its end. Ends early when the server stops, so that the browser comes
/// back to one that runs, or when access is lost or the session ends.
pub fn follow(
    session: UserSession,
    message: MessageId,
    seen: i32,
) -> impl Stream<Item = Result<sse::Event, Infallible>> {
    async_stream::stream! {
        let state = session.state.clone();
        let mut seen = seen;
        let mut checked = Instant::now();
        loop {
            if checked.elapsed() >= CHECK_ACCESS {
                if !session.stands().await.unwrap_or(false) {
                    return;
                }
                checked = Instant::now();
            }
            let mut notices = state.events.subscribe();
            // First the subscription, then the table: what is stored in between comes twice, and is told apart by number.
            let live = state.answers.running(message).map(|running| running.live.subscribe());
            let (stored, answer_state) = match replay(&session, message, seen).await {
                Ok(replayed) => replayed,
                Err(Fault::Refused(Error::NotFound)) => return,
                Err(error) => {
                    tracing::warn!(%error, "an answer's events could not be read");
                    return;
                }
            };
            for numbered in stored {
                seen = numbered.seq;
                let last = is_last(&numbered);
                yield Ok(encode(&numbered));
                if last {
                    return;
                }
            }
            match live {
                Some(mut live) => {
                    let until = checked + CHECK_ACCESS;
                    loop {
                        let numbered = tokio::select! {
                            () = state.events.stopped() => return,
                            () = state.answers.stopped() => None,
                            () = tokio::time::sleep_until(until) => None,
                            numbered = next(&mut live) => numbered,
                        };
                        let Some(numbered) = numbered else { break };
                        if numbered.seq <= seen {
                            continue;
                        }
                        seen = numbered.seq;
                        let last = is_last(&numbered);
                        yield Ok(encode(&numbered));
                        if last {
                            return;
                        }
                    }
                    // While this process stops, the end of the answer is on its way to the table.
                    if state.answers.is_stopping() {
                        sleep(LOOK_AGAIN).await;
                    }
                }
                // Somebody is to decide, today or tomorrow: nothing is asked until they have.
                None if answer_state == MessageState::Waiting => tokio::select! {
                    () = state.events.stopped() => return,
                    () = sleep(CHECK_ACCESS) => {}
                    () = told_of(&mut notices, message) => {}
                },
                // Another process writes it, or this one is about to: whoever decides is heard of before the writer begins.
                None => tokio::select! {
                    () = state.events.stopped() => return,
                    () = sleep(LOOK_AGAIN) => {}
                    () = state.answers.begins(message) => {}
                },
            }
        }
    }
}

/// The next event; `None` when some were missed or the writer is gone.
async fn next(live: &mut Receiver<Arc<Numbered>>) -> Option<Arc<Numbered>> {
    live.recv().await.ok()
}

/// Resolves when the message may have changed.
async fn told_of(notices: &mut Receiver<Notice>, message: MessageId) {
    loop {
        match notices.recv().await {
            Ok(Notice::Message { message: changed }) if changed == message => return,
            Ok(Notice::Missed) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

/// The events after number `seen`, and the state that the answer had before them.
async fn replay(
    session: &UserSession,
    message: MessageId,
    seen: i32,
) -> Result<(Vec<Arc<Numbered>>, MessageState), Fault> {
    let mut scope = session.reading().await?;
    scope.message(message, Role::Viewer).await?;
    let state = messages::state(scope.conn(), message).await?;
    let mut events = Vec::new();
    for (seq, replayed) in events::after(scope.conn(), message, seen).await? {
        let event = match replayed {
            Replayed::Event(event) => *event,
            Replayed::Finished => AnswerEvent::Finished { message: messages::message(scope.conn(), message).await? },
        };
        events.push(Arc::new(Numbered { seq, event }));
    }
    Ok((events, state))
}

/// Whether everything there is has been seen: a browser that comes back for more is told to stay away.
///
/// # Errors
/// `NotFound` without access.
pub async fn is_over(session: &UserSession, message: MessageId, seen: i32) -> Result<bool, Fault> {
    let mut scope = session.reading().await?;
    scope.message(message, Role::Viewer).await?;
    let state = messages::state(scope.conn(), message).await?;
    Ok(!state.is_open() && events::after(scope.conn(), message, seen).await?.is_empty())
}

fn is_last(numbered: &Numbered) -> bool {
    matches!(numbered.event, AnswerEvent::Finished { .. })
}

fn encode(numbered: &Numbered) -> sse::Event {
    let event = sse::Event::default().id(numbered.seq.to_string()).event("answer");
    event.json_data(&numbered.event).unwrap_or_else(|error| {
        // Strings, numbers and dates always have a JSON form.
        tracing::error!(%error, "an event has no JSON form");
        sse::Event::default().comment("unreadable event")
    })
}
