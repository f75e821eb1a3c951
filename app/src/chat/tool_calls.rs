//! What a model did for an answer or wants to do, and the decision about it. Forms, so that it works without scripts.

use super::{
    api::{DecideToolCall, StopAnswer},
    thread::Thread,
};
use crate::ui::{Glyph, Icon};
use domain::{
    ToolCallId,
    chat::{Message, MessageState},
    tools::{ToolArgument, ToolCall, ToolCallState},
};
use leptos::{ev::SubmitEvent, prelude::*, server_fn::ServerFn};
use wasm_bindgen::JsCast;

/// The calls of tools of an answer, in order.
#[component]
pub(super) fn ToolCalls(message: RwSignal<Message>, thread: Thread) -> impl IntoView {
    let any = Memo::new(move |_| message.with(|message| !message.tool_calls.is_empty()));
    let ids = move || message.with(|message| message.tool_calls.iter().map(|call| call.id).collect::<Vec<_>>());
    view! {
        <Show when=move || any.get()>
            <ol class="tool-calls" aria-label="Done for this answer">
                <For each=ids key=|id| *id let:id>
                    <Call id message thread/>
                </For>
            </ol>
        </Show>
    }
}

/// Under the text of an answer that waits.
#[component]
pub(super) fn Waiting(message: RwSignal<Message>, thread: Thread) -> impl IntoView {
    let waits = Memo::new(move |_| message.with(|message| message.state == MessageState::Waiting));
    let id = message.with_untracked(|message| message.id);
    let submitted = move |event: SubmitEvent| {
        event.prevent_default();
        thread.stop(id);
    };
    view! {
        <Show when=move || waits.get()>
            <div class="interruption" data-tone="neutral">
                <p role="status">"The answer goes on when you have decided."</p>
                <form method="post" action=StopAnswer::url() on:submit=submitted>
                    <input type="hidden" name="id" value=id.to_string()/>
                    <button class="button button--small" type="submit">
                        <Icon glyph=Glyph::Square/>
                        <span class="button__label">"Stop"</span>
                    </button>
                </form>
            </div>
        </Show>
    }
}

#[component]
fn Call(id: ToolCallId, message: RwSignal<Message>, thread: Thread) -> impl IntoView {
    let find = move |message: &Message| message.tool_calls.iter().find(|call| call.id == id).cloned();
    let call = Memo::new(move |_| message.with(find));
    let can_decide = Memo::new(move |_| {
        message.with(|message| {
            let waits = |call: ToolCall| call.state == ToolCallState::Waiting;
            message.state == MessageState::Waiting && find(message).is_some_and(waits)
        })
    });
    // What does not change while the call is in view.
    let first = call.get_untracked();
    let name = first.as_ref().map(|call| call.name.clone()).unwrap_or_default();
    let label = first.as_ref().map(|call| call.label.clone()).unwrap_or_default();
    let arguments = first.as_ref().map(|call| call.arguments.clone()).unwrap_or_default();
    let is_open = first.is_some_and(|call| call.state == ToolCallState::Waiting);
    let state = move || call.with(|call| call.as_ref().map(|call| call.state.as_str()));
    let words = move || call.with(|call| call.as_ref().map(words));
    let result = move || call.with(|call| call.as_ref().and_then(|call| call.result.clone()));
    let decided = StoredValue::new(label.clone());
    view! {
        // Takes the focus when its buttons go.
        <li class="tool-call" id=anchor(id) tabindex="-1" data-state=state>
            <details class="tool-call__details" open=is_open>
                <summary class="tool-call__summary">
                    <Icon glyph=glyph(&name)/>
                    <span class="tool-call__label">{label}</span>
                    <span class="tool-call__state">{words}</span>
                </summary>
                <Arguments arguments/>
            </details>
            {move || result().map(|result| view! { <p class="tool-call__result">{result}</p> })}
            <Show when=move || can_decide.get()>
                <div class="tool-call__decision">
                    <Decide id approve=true label=decided.get_value() thread/>
                    <Decide id approve=false label=decided.get_value() thread/>
                </div>
            </Show>
        </li>
    }
}

#[component]
fn Arguments(arguments: Vec<ToolArgument>) -> impl IntoView {
    let rows = arguments.into_iter().map(|ToolArgument { name, value }| {
        view! {
            <div class="tool-call__argument">
                <dt>{name.replace('_', " ")}</dt>
                <dd>{value}</dd>
            </div>
        }
    });
    view! { <dl class="tool-call__arguments">{rows.collect_view()}</dl> }
}

#[component]
fn Decide(id: ToolCallId, approve: bool, label: String, thread: Thread) -> impl IntoView {
    let (verb, class, glyph) = if approve {
        ("Approve", "button button--primary button--small", Glyph::Check)
    } else {
        ("Refuse", "button button--small", Glyph::X)
    };
    let submitted = move |event: SubmitEvent| {
        event.prevent_default();
        focus(id);
        thread.decide(id, approve);
    };
    let pending = move || thread.deciding(id).then_some("true");
    view! {
        <form method="post" action=DecideToolCall::url() on:submit=submitted>
            <input type="hidden" name="id" value=id.to_string()/>
            <input type="hidden" name="approve" value=approve.to_string()/>
            <button class=class type="submit" aria-label=format!("{verb}: {label}") aria-busy=pending>
                <Icon glyph/>
                <span class="button__label">{verb}</span>
            </button>
        </form>
    }
}

fn anchor(id: ToolCallId) -> String {
    format!("tool-call-{id}")
}

fn focus(id: ToolCallId) {
    let item = document().get_element_by_id(&anchor(id));
    if let Some(item) = item.and_then(|item| item.dyn_into::<web_sys::HtmlElement>().ok()) {
        // Refused by no browser.
        let _ = item.focus();
    }
}

/// Where a call stands, and whose decision it was.
fn words(call: &ToolCall) -> String {
    let by = |verb: &str| match &call.decided_by {
        Some(name) => format!("{verb} by {name}"),
        None => verb.to_owned(),
    };
    match call.state {
        ToolCallState::Waiting => "Waits for a decision".to_owned(),
        ToolCallState::Approved => by("Approved"),
        ToolCallState::Running => "Working".to_owned(),
        ToolCallState::Refused => by("Refused"),
        ToolCallState::Failed => "Failed".to_owned(),
        ToolCallState::Done => call.decided_by.as_ref().map(|_| by("Approved")).unwrap_or_default(),
    }
}

fn glyph(tool: &str) -> Glyph {
    match tool {
        "search_documents" => Glyph::Search,
        "read_document" => Glyph::BookOpen,
        "create_document" => Glyph::FileText,
        "edit_document" => Glyph::Pencil,
        "trash_document" => Glyph::Trash2,
        "web_search" => Glyph::ExternalLink,
        _ => Glyph::Code,
    }
}

/// Puts what is told of a call where it belongs.
pub(super) fn put(message: &mut Message, call: ToolCall) {
    match message.tool_calls.iter_mut().find(|known| known.id == call.id) {
        Some(known) => *known = call,
        None => message.tool_calls.push(call),
    }
}

/// An answer's state as its events tell it; of one that has ended they tell nothing.
pub(super) fn set_state(message: &mut Message, state: MessageState) {
    if message.state.is_open() {
        message.state = state;
    }
}
