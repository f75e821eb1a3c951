//! The messages of one conversation, kept current.

use super::{
    answer::{AnswerView, QuestionView},
    api::{self, Ask, StopAnswer},
    composer::Composer,
};
use crate::ui::{FormError, Glyph, Icon, Toast, form_error, use_toasts};
use domain::{
    ConversationId, Cursor, MessageId, Page,
    chat::{Asked, Author, Message, MessageState},
};
use leptos::{ev::MouseEvent, html, prelude::*, server_fn::ServerFn};

/// One message. Its place in the thread is kept while it changes.
#[derive(Clone, Copy)]
pub(super) struct Shown {
    pub id: MessageId,
    pub message: RwSignal<Message>,
    /// What is being done for it, while it is written.
    pub status: RwSignal<Option<String>>,
}

impl Shown {
    fn new(message: Message) -> Self {
        Self { id: message.id, message: RwSignal::new(message), status: RwSignal::new(None) }
    }
}

/// A conversation's messages and what can be done in it. Cheap to copy: handles.
#[derive(Clone, Copy)]
pub(super) struct Thread {
    pub conversation: ConversationId,
    messages: RwSignal<Vec<Shown>>,
    earlier: RwSignal<Option<Cursor>>,
    /// A question on its way to the server.
    sending: RwSignal<Option<String>>,
    /// The key of the question that could not be sent, with its text: the same again is not asked twice.
    unsent: StoredValue<Option<(String, String)>>,
    ask: ServerAction<Ask>,
    stop: ServerAction<StopAnswer>,
}

impl Thread {
    fn new(conversation: ConversationId, page: Page<Message>) -> Self {
        let thread = Self {
            conversation,
            messages: RwSignal::new(page.items.into_iter().map(Shown::new).collect()),
            earlier: RwSignal::new(page.next),
            sending: RwSignal::new(None),
            unsent: StoredValue::new(None),
            ask: ServerAction::new(),
            stop: ServerAction::new(),
        };
        let toasts = use_toasts();
        Effect::new(move |_| match thread.ask.value().get() {
            Some(Ok(asked)) => thread.asked(asked),
            Some(Err(_)) => thread.sending.set(None),
            None => {}
        });
        Effect::new(move |_| match thread.stop.value().get() {
            Some(Ok(message)) => thread.put(message),
            Some(Err(error)) => toasts.push(Toast::bad(error.to_string())),
            None => {}
        });
        thread
    }

    /// Asks in this conversation.
    pub fn ask(self, text: String) {
        let key = match self.unsent.get_value() {
            Some((unsent, key)) if unsent == text => key,
            _ => self.fresh_key(),
        };
        self.unsent.set_value(Some((text.clone(), key.clone())));
        self.sending.set(Some(text.clone()));
        self.ask.dispatch(Ask { conversation: self.conversation, text, key });
    }

    fn asked(self, asked: Asked) {
        self.unsent.set_value(None);
        let known = self.messages.with_untracked(|shown| shown.iter().any(|one| one.id == asked.answer.id));
        if !known {
            self.messages.update(|shown| shown.extend([Shown::new(asked.question), Shown::new(asked.answer)]));
        }
        self.sending.set(None);
    }

    fn put(self, message: Message) {
        let shown = self.messages.with_untracked(|shown| shown.iter().find(|one| one.id == message.id).copied());
        if let Some(shown) = shown {
            shown.message.set(message);
        }
    }

    fn prepend(self, page: Page<Message>) {
        self.messages.update(|shown| drop(shown.splice(0..0, page.items.into_iter().map(Shown::new))));
        self.earlier.set(page.next);
    }

    pub fn ask_url(self) -> &'static str {
        Ask::url()
    }

    /// The idempotency key of a form without JavaScript: the same page sent twice asks once.
    pub fn key(self) -> String {
        self.messages.with_untracked(|shown| {
            shown.last().map_or_else(|| "first".to_owned(), |last| format!("after-{}", last.id))
        })
    }

    fn fresh_key(self) -> String {
        format!("{}-{:x}", js_sys::Date::now(), (js_sys::Math::random() * f64::from(u32::MAX)) as u32)
    }

    /// The answer that is being written, if one is.
    fn streaming(self) -> Option<MessageId> {
        self.messages.with(|shown| {
            let last = shown.last()?;
            last.message.with(|message| (message.state == MessageState::Streaming).then_some(last.id))
        })
    }

    /// The question that the message answers, if it is the last one of the thread.
    pub fn question_before_last(self, answer: MessageId) -> Option<String> {
        self.messages.with(|shown| {
            let [.., question, last] = shown.as_slice() else { return None };
            (last.id == answer).then(|| question.message.with_untracked(|question| question.content.clone()))
        })
    }
}

/// The messages, and the composer at their foot.
#[component]
pub(super) fn ThreadView(conversation: ConversationId, messages: Page<Message>) -> impl IntoView {
    let thread = Thread::new(conversation, messages);
    let streaming = Memo::new(move |_| thread.streaming());
    let sending = move || thread.sending.get();
    let scroll = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        if let (Some(_), Some(scroll)) = (sending(), scroll.get_untracked()) {
            // The end of the reversed column.
            scroll.set_scroll_top(0);
        }
    });
    let error = form_error(move || thread.ask.value().get(), &[]);
    // Put back what could not be asked.
    let restore = Signal::derive(move || match thread.ask.value().get() {
        Some(Err(_)) => thread.unsent.get_value().map(|(text, _)| text),
        _ => None,
    });
    view! {
        // The newest message is at the foot, and stays there while it grows unless the reader has scrolled up: the
        // reversed column begins at its end and the browser keeps it there.
        <div class="thread__scroll" node_ref=scroll tabindex="0" role="region" aria-label="Messages">
            <div class="thread__messages">
                <Earlier thread/>
                <For each=move || thread.messages.get() key=|shown| shown.id let:shown>
                    {message(shown, thread)}
                </For>
                {move || sending().map(|text| view! { <QuestionView text/> <p class="answer__status" role="status"><span class="answer__pulse" aria-hidden="true"></span>"Asking"</p> })}
            </div>
        </div>
        <div class="thread__foot">
            <FormError error/>
            <Composer
                url=Ask::url() target="conversation" id=conversation.to_string() key=thread.key() label="Ask another question"
                placeholder="Ask about the documents" restore on_send=Callback::new(move |text| thread.ask(text))
                pending=thread.ask.pending() streaming stop=thread.stop
            />
        </div>
        {move || {
            // As a string: with JavaScript the browser reads it as text, and hydration finds no elements in it.
            streaming.get_untracked().map(|_| view! { <noscript inner_html=r#"<meta http-equiv="refresh" content="2">"#></noscript> })
        }}
    }
}

fn message(shown: Shown, thread: Thread) -> AnyView {
    match shown.message.with_untracked(|message| message.author) {
        Author::User => {
            view! { <QuestionView text=shown.message.with_untracked(|message| message.content.clone())/> }.into_any()
        }
        Author::Assistant => view! { <AnswerView shown thread/> }.into_any(),
    }
}

/// The way back in time: a link, or in place with JavaScript.
#[component]
fn Earlier(thread: Thread) -> impl IntoView {
    let toasts = use_toasts();
    let load = Action::new(move |cursor: &Cursor| {
        let cursor = cursor.clone();
        async move {
            match api::list_messages(thread.conversation, Some(cursor)).await {
                Ok(page) => thread.prepend(page),
                Err(error) => toasts.push(Toast::bad(error.to_string())),
            }
        }
    });
    let pending = load.pending();
    move || {
        thread.earlier.get().map(|cursor| {
            let href = format!("/chat/{}?cursor={}", thread.conversation, crate::redirect::encode(&cursor.0));
            let clicked = move |event: MouseEvent| {
                event.prevent_default();
                if !pending.get_untracked() {
                    load.dispatch(cursor.clone());
                }
            };
            view! {
                <a class="button button--quiet thread__earlier" href=href on:click=clicked aria-busy=move || pending.get().then_some("true")>
                    <Icon glyph=Glyph::Clock/>
                    <span class="button__label">"Show earlier messages"</span>
                </a>
            }
        })
    }
}
