use super::{
    branch::{Again, Versions},
    citation::{Sources, numerals},
    spoken, stream,
    thread::{Shown, Thread},
    tool_calls::{ToolCalls, Waiting},
};
use crate::{
    markdown::{self, MarkdownView},
    workspaces::count,
};
use domain::chat::{Message, MessageState};
use leptos::prelude::*;

/// A question as it was asked.
#[component]
pub(super) fn QuestionView(text: String) -> impl IntoView {
    view! {
        <article class="question" aria-label="Question">
            <p class="question__text">{text}</p>
        </article>
    }
}

/// An answer, while and after it is written.
#[component]
pub(super) fn AnswerView(shown: Shown, thread: Thread) -> impl IntoView {
    let message = shown.message;
    stream::follow(shown);
    let state = Memo::new(move |_| message.with(|message| message.state));
    let blocks = Memo::new(move |_| message.with(|message| markdown::parse(&message.content)));
    let citations = Signal::derive(move || message.with(|message| message.citations.clone()));
    let status = move || shown.status.get().unwrap_or_else(|| "Looking through the documents".to_owned());
    view! {
        <article class="answer" aria-label="Answer" data-state=move || state.get().as_str() aria-busy=move || (state.get() == MessageState::Streaming).then_some("true")>
            <ToolCalls message thread/>
            <div class="prose answer__text">
                <MarkdownView blocks citation=numerals(shown.id, citations)/>
            </div>
            <Show when=move || state.get() == MessageState::Streaming>
                <p class="answer__status" role="status">
                    <span class="answer__pulse" aria-hidden="true"></span>
                    {status}
                </p>
            </Show>
            <Waiting message thread/>
            <Interruption message thread/>
            <Sources citations/>
            <AnswerTools message thread/>
            <Announcer message/>
        </article>
    }
}

/// Why an answer ended early, and the way to ask again.
#[component]
fn Interruption(message: RwSignal<Message>, thread: Thread) -> impl IntoView {
    let (id, versions) = message.with_untracked(|message| (message.id, message.siblings.count));
    let note = move || {
        message.with(|message| match message.state {
            MessageState::Stopped if message.content.is_empty() => {
                Some("Stopped before a word was written.".to_owned())
            }
            MessageState::Stopped => Some("Stopped. What was written so far is kept.".to_owned()),
            MessageState::Failed => Some(
                message
                    .failure
                    .clone()
                    .unwrap_or_else(|| "The answer broke off. What was written so far is kept.".to_owned()),
            ),
            _ => None,
        })
    };
    move || {
        note().map(|note| {
            let is_failure = message.with_untracked(|message| message.state == MessageState::Failed);
            view! {
                <div class="interruption" data-tone=if is_failure { "bad" } else { "neutral" }>
                    <p>{note}</p>
                    <Again id versions label="Try again" class="button button--small" thread/>
                </div>
            }
        })
    }
}

/// Under an answer that is whole: what is known of it, and its other versions.
#[component]
fn AnswerTools(message: RwSignal<Message>, thread: Thread) -> impl IntoView {
    let state = Memo::new(move |_| message.with(|message| message.state));
    let (id, siblings) = message.with_untracked(|message| (message.id, message.siblings));
    let again = move || {
        (state.get() == MessageState::Complete).then(|| {
            view! { <Again id versions=siblings.count label="Answer again" class="button button--quiet button--small" thread/> }
        })
    };
    view! {
        <div class="message-tools">
            <Facts message/>
            <Versions id siblings thread/>
            {again}
        </div>
    }
}

/// The quiet line: which model, how many tokens, for how much, how long.
#[component]
fn Facts(message: RwSignal<Message>) -> impl IntoView {
    let line = Memo::new(move |_| message.with(|message| (!message.state.is_open()).then(|| facts(message))));
    move || line.get().filter(|line| !line.is_empty()).map(|line| view! { <p class="answer__facts">{line}</p> })
}

fn facts(message: &Message) -> String {
    let model = message.model.as_deref().map(|model| match model {
        "extractive" => "Built-in answerer: quotes your documents, no language model".to_owned(),
        model => model.to_owned(),
    });
    let tokens = match (message.prompt_tokens, message.completion_tokens) {
        (None, None) => None,
        (read, written) => Some(format!("{} in, {} out", count(read.unwrap_or(0), "token"), written.unwrap_or(0))),
    };
    let cost = message.cost.map(|cost| cost.to_string());
    let left_out = message.turns_left_out.map(|turns| format!("without {}", count(turns, "earlier turn")));
    let time = message.duration_ms.map(|milliseconds| {
        if milliseconds < 1000 {
            format!("{milliseconds} ms")
        } else {
            format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100)
        }
    });
    [model, tokens, cost, time, left_out].into_iter().flatten().collect::<Vec<_>>().join(" \u{b7} ")
}

/// Tells a screen reader what is written, sentence by sentence. Silent about what was there when the page opened.
#[component]
fn Announcer(message: RwSignal<Message>) -> impl IntoView {
    let said = RwSignal::new(String::new());
    let follows = message.with_untracked(|message| message.state.is_open());
    Effect::new(move |from: Option<usize>| {
        message.with(|message| {
            let whole = !message.state.is_open();
            let Some(from) = from else { return if whole { message.content.len() } else { 0 } };
            match spoken::sentences(&message.content, from, whole) {
                Some((text, end)) => {
                    said.set(text);
                    end
                }
                None => from,
            }
        })
    });
    follows.then(|| view! { <p class="visually-hidden" aria-live="polite">{said}</p> })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::chat::Author;
    use time::OffsetDateTime;

    #[test]
    fn the_quiet_line_says_what_is_known() {
        let mut message = Message {
            id: uuid::Uuid::nil().into(),
            conversation_id: uuid::Uuid::nil().into(),
            parent_id: None,
            siblings: domain::chat::Siblings::default(),
            scope: None,
            author: Author::Assistant,
            state: MessageState::Complete,
            content: String::new(),
            citations: Vec::new(),
            attachments: Vec::new(),
            tool_calls: Vec::new(),
            model: Some("gpt-x".into()),
            failure: None,
            prompt_tokens: Some(1200),
            completion_tokens: Some(34),
            cost: Some(domain::models::MicroDollars(3_340)),
            turns_left_out: Some(2),
            duration_ms: Some(2340),
            created_at: OffsetDateTime::UNIX_EPOCH,
        };
        assert_eq!(
            facts(&message),
            "gpt-x \u{b7} 1200 tokens in, 34 out \u{b7} $0.0033 \u{b7} 2.3 s \u{b7} without 2 earlier turns"
        );
        (message.cost, message.turns_left_out) = (None, None);
        message.prompt_tokens = None;
        message.completion_tokens = None;
        message.duration_ms = Some(87);
        assert_eq!(facts(&message), "gpt-x \u{b7} 87 ms");
    }
}
