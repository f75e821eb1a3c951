use super::{
    api::StopAnswer,
    attachments::{AttachButton, Attaching, ToAttach},
};
use crate::{
    draft,
    ui::{Glyph, Icon},
};
use domain::MessageId;
use leptos::{
    ev::{ClipboardEvent, KeyboardEvent, SubmitEvent},
    html,
    prelude::*,
    server_fn::ServerFn,
};
use web_sys::HtmlTextAreaElement;

/// The form's id, for fields that stand outside of it.
pub(super) const COMPOSER: &str = "composer-form";

/// Where a question is typed. Enter sends, Shift and Enter makes a line. What is not sent is kept in this browser. Without
/// JavaScript it is a form like any other.
#[component]
pub(super) fn Composer(
    /// Of the server function.
    url: &'static str,
    /// What is asked in: the name of its field, `conversation` or `project`, and its id.
    target: &'static str,
    id: String,
    /// Idempotency key of the form without JavaScript.
    #[prop(into)]
    key: String,
    #[prop(into)] label: String,
    #[prop(into)] placeholder: String,
    /// A question that could not be sent, to be put back.
    #[prop(into)]
    restore: Signal<Option<String>>,
    on_send: Callback<String>,
    #[prop(into)] pending: Signal<bool>,
    /// The answer that can be stopped.
    #[prop(optional, into)]
    streaming: Signal<Option<MessageId>>,
    #[prop(optional)] stop: Option<ServerAction<StopAnswer>>,
    /// The answer that a form without JavaScript asks after.
    #[prop(optional_no_strip)]
    after: Option<MessageId>,
    /// For whoever may add documents.
    #[prop(optional_no_strip)]
    attaching: Option<Attaching>,
) -> impl IntoView {
    let area = NodeRef::<html::Textarea>::new();
    let key_of_draft = StoredValue::new(draft_key(&id));
    let keep = move |text: &str| key_of_draft.with_value(|key| draft::keep(key, text));
    let restored = RwSignal::new(false);
    Effect::new(move |_| {
        let Some(area) = area.get() else { return };
        let kept = key_of_draft.with_value(|key| draft::read(key));
        if area.value().is_empty() && !kept.is_empty() {
            area.set_value(&kept);
            restored.set(true);
        }
        grow(&area);
    });
    Effect::new(move |_| {
        if let (Some(text), Some(area)) = (restore.get(), area.get_untracked())
            && area.value().is_empty()
        {
            area.set_value(&text);
            keep(&text);
            grow(&area);
        }
    });
    // Kept until it has arrived: what is sent when the session has ended comes back after signing in.
    Effect::new(move |was_pending: Option<bool>| {
        let is_pending = pending.get();
        if was_pending == Some(true) && !is_pending && restore.get_untracked().is_none() {
            keep(&area.get_untracked().map(|area| area.value()).unwrap_or_default());
        }
        is_pending
    });
    let typed = move |_| {
        if let Some(area) = area.get_untracked() {
            restored.set(false);
            keep(&area.value());
            grow(&area);
        }
    };
    let discard = move |_| {
        if let Some(area) = area.get_untracked() {
            restored.set(false);
            area.set_value("");
            keep("");
            grow(&area);
            // Refused by no browser.
            let _ = area.focus();
        }
    };
    let is_uploading = move || attaching.is_some_and(Attaching::is_busy);
    let send = move || {
        let Some(area) = area.get_untracked() else { return };
        let text = area.value().trim().to_owned();
        let is_held = pending.get_untracked() || streaming.get_untracked().is_some() || untrack(is_uploading);
        if text.is_empty() || is_held {
            return;
        }
        restored.set(false);
        area.set_value("");
        grow(&area);
        on_send.run(text);
    };
    let submitted = move |event: SubmitEvent| {
        event.prevent_default();
        send();
    };
    let pressed = move |event: KeyboardEvent| {
        // While an input method composes a word, Enter takes the word.
        if event.key() == "Enter" && !event.shift_key() && !event.is_composing() {
            event.prevent_default();
            send();
        }
    };
    let pasted = move |event: ClipboardEvent| {
        if let Some(attaching) = attaching {
            attaching.paste(&event);
        }
    };
    let is_streaming = move || streaming.get().is_some();
    let send_button = move || {
        view! {
            <button
                class="composer__send" type="submit" aria-label="Send" title="Send" aria-busy=move || pending.get().then_some("true")
                aria-disabled=move || is_uploading().then_some("true")
            >
                <Icon glyph=Glyph::ArrowUp size=20/>
            </button>
        }
    };
    view! {
        {attaching.map(|attaching| view! { <ToAttach attaching/> })}
        <form class="composer" id=COMPOSER method="post" action=url on:submit=submitted>
            <input type="hidden" name=target value=id/>
            {after.map(|after| view! { <input type="hidden" name="after" value=after.to_string()/> })}
            <input type="hidden" name="key" value=key/>
            {attaching.map(|attaching| view! { <AttachButton attaching/> })}
            <label class="visually-hidden" for="composer">{label}</label>
            <textarea
                class="composer__text" id="composer" name="text" rows="1" maxlength="8000" required=true placeholder=placeholder
                node_ref=area on:input=typed on:keydown=pressed on:paste=pasted enterkeyhint="send"
            ></textarea>
            <Show when=is_streaming fallback=send_button>
                <button class="composer__send composer__send--stop" type="submit" form="stop-answer" formnovalidate=true aria-label="Stop" title="Stop">
                    <Icon glyph=Glyph::Square/>
                </button>
            </Show>
        </form>
        {stop.map(|stop| view! { <StopForm stop streaming/> })}
        <div class="draft" role="status">
            {move || restored.get().then(|| view! {
                <span>"Restored what you had typed."</span>
                <button type="button" class="draft__discard" on:click=discard>"Discard"</button>
            })}
        </div>
        <p class="composer__hint">
            <span class="composer__keys"><kbd>"Enter"</kbd>" sends, "<kbd>"Shift"</kbd>" "<kbd>"Enter"</kbd>" makes a new line"</span>
        </p>
    }
}

/// The form of the stop button, which stands in another form.
#[component]
fn StopForm(stop: ServerAction<StopAnswer>, streaming: Signal<Option<MessageId>>) -> impl IntoView {
    let submitted = move |event: SubmitEvent| {
        event.prevent_default();
        if let Some(id) = streaming.get_untracked()
            && !stop.pending().get_untracked()
        {
            stop.dispatch(StopAnswer { id });
        }
    };
    view! {
        <form id="stop-answer" method="post" action=StopAnswer::url() on:submit=submitted hidden=true>
            <input type="hidden" name="id" value=move || streaming.get().map(|id| id.to_string())/>
        </form>
    }
}

/// The draft of what is asked in the conversation or project with this id.
pub(super) fn draft_key(id: &str) -> String {
    format!("question:{id}")
}

/// As tall as its text; the style sheet has the limit.
fn grow(area: &HtmlTextAreaElement) {
    let style = web_sys::HtmlElement::style(area);
    // Refused for no valid value.
    let _ = style.set_property("height", "auto");
    let _ = style.set_property("height", &format!("{}px", area.scroll_height()));
}
