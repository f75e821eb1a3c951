//! The messages of one conversation, kept current.

use super::{
    answer::{AnswerView, QuestionView},
    api::{self, Ask, DecideToolCall, RegenerateAnswer, SelectBranch, StopAnswer},
    attachments::{Attaching, Attachments},
    branch::{QuestionTools, focus_versions},
    composer::Composer,
    scope::{ConversationScope, Scoped},
};
use crate::{
    error::ApiError,
    models::{Answering, ContextMeter, ModelPicker},
    ui::{FormError, Glyph, Icon, LinkButton, Toast, form_error, scroll_to_fragment, use_toasts},
};
use domain::{
    ConversationId, Cursor, DocumentId, MessageId, Page, ProjectId, ToolCallId,
    chat::{Activity, Asked, Author, Message, MessageState},
};
use leptos::{
    ev::MouseEvent,
    html,
    prelude::*,
    reactive::owner::{Owner, WeakOwner},
    server_fn::ServerFn,
};
use leptos_router::{NavigateOptions, hooks::use_navigate};

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
    project: ProjectId,
    messages: RwSignal<Vec<Shown>>,
    /// Of the thread: what an effect makes for itself goes when the effect runs again.
    owner: StoredValue<Option<WeakOwner>>,
    earlier: RwSignal<Option<Cursor>>,
    /// A question on its way to the server.
    sending: RwSignal<Option<String>>,
    /// The question that could not be sent: the same again is not asked twice.
    unsent: StoredValue<Option<Unsent>>,
    /// The message that the address names.
    found: Option<MessageId>,
    /// The version that was chosen last.
    selected: StoredValue<Option<MessageId>>,
    ask: ServerAction<Ask>,
    edit: ServerAction<Ask>,
    regenerate: ServerAction<RegenerateAnswer>,
    select: ServerAction<SelectBranch>,
    stop: ServerAction<StopAnswer>,
    decide: ServerAction<DecideToolCall>,
}

/// A question on its way.
#[derive(Clone)]
struct Unsent {
    text: String,
    attachments: Vec<DocumentId>,
    /// Idempotency key.
    key: String,
}

impl Thread {
    fn new(conversation: ConversationId, project: ProjectId, page: Page<Message>, found: Option<MessageId>) -> Self {
        let thread = Self {
            conversation,
            project,
            messages: RwSignal::new(page.items.into_iter().map(Shown::new).collect()),
            owner: StoredValue::new(Owner::current().map(|owner| owner.downgrade())),
            earlier: RwSignal::new(page.next),
            sending: RwSignal::new(None),
            unsent: StoredValue::new(None),
            found,
            selected: StoredValue::new(None),
            ask: ServerAction::new(),
            edit: ServerAction::new(),
            regenerate: ServerAction::new(),
            select: ServerAction::new(),
            stop: ServerAction::new(),
            decide: ServerAction::new(),
        };
        thread.hear();
        thread
    }

    /// Shows what the server has done.
    fn hear(self) {
        let toasts = use_toasts();
        let navigate = use_navigate();
        let tell = move |error: ApiError| toasts.push(Toast::bad(error.to_string()));
        Effect::new(move |_| match self.ask.value().get() {
            Some(Ok(asked)) => {
                self.unsent.set_value(None);
                self.show(asked);
                self.sending.set(None);
            }
            Some(Err(_)) => self.sending.set(None),
            None => {}
        });
        for answered in [self.edit.value(), self.regenerate.value()] {
            Effect::new(move |_| match answered.get() {
                Some(Ok(asked)) => self.show(asked),
                Some(Err(error)) => tell(error),
                None => {}
            });
        }
        Effect::new(move |_| match self.select.value().get() {
            // The address names a message of another branch.
            Some(Ok(_)) if self.found.is_some() => {
                let here = NavigateOptions { replace: true, ..NavigateOptions::default() };
                navigate(&format!("/chat/{}", self.conversation), here);
            }
            Some(Ok(page)) => {
                self.messages.set(page.items.into_iter().map(|message| self.shown(message)).collect());
                self.earlier.set(page.next);
                if let Some(id) = self.selected.get_value() {
                    focus_versions(id);
                }
            }
            Some(Err(error)) => tell(error),
            None => {}
        });
        for changed in [self.stop.value(), self.decide.value()] {
            Effect::new(move |_| match changed.get() {
                Some(Ok(message)) => self.put(message),
                Some(Err(error)) => tell(error),
                None => {}
            });
        }
    }

    /// Asks at the end of what is shown, with these files.
    pub fn ask(self, text: String, attachments: Vec<DocumentId>) {
        let key = match self.unsent.get_value() {
            Some(unsent) if unsent.text == text && unsent.attachments == attachments => unsent.key,
            _ => self.fresh_key(),
        };
        self.unsent.set_value(Some(Unsent { text: text.clone(), attachments: attachments.clone(), key: key.clone() }));
        self.sending.set(Some(text.clone()));
        let (conversation, after) = (self.conversation, self.last());
        self.ask.dispatch(Ask { conversation, text, key, after, instead_of: None, attachments });
    }

    /// Asks another version of a question.
    pub fn edit(self, question: MessageId, text: String) {
        if !text.trim().is_empty() && !self.edit.pending().get_untracked() {
            let (conversation, key, instead_of) = (self.conversation, self.fresh_key(), Some(question));
            // It keeps its files.
            self.edit.dispatch(Ask { conversation, text, key, after: None, instead_of, attachments: Vec::new() });
        }
    }

    /// Lets a model do what it wants to, or not.
    pub fn decide(self, id: ToolCallId, approve: bool) {
        if !self.decide.pending().get_untracked() {
            self.decide.dispatch(DecideToolCall { id, approve });
        }
    }

    /// Whether a decision about the call is on its way.
    pub fn deciding(self, id: ToolCallId) -> bool {
        self.decide.input().with(|input| input.as_ref().is_some_and(|input| input.id == id))
    }

    /// Ends an answer that waits.
    pub fn stop(self, id: MessageId) {
        if !self.stop.pending().get_untracked() {
            self.stop.dispatch(StopAnswer { id });
        }
    }

    pub fn editing(self) -> Signal<bool> {
        self.edit.pending().into()
    }

    /// Has the question of an answer answered again.
    pub fn regenerate(self, answer: MessageId) {
        if !self.regenerate.pending().get_untracked() {
            self.regenerate.dispatch(RegenerateAnswer { id: answer, key: self.fresh_key() });
        }
    }

    /// Shows the branch with this version of a message.
    pub fn select(self, id: MessageId) {
        if !self.select.pending().get_untracked() {
            self.selected.set_value(Some(id));
            self.select.dispatch(SelectBranch { id, conversation: self.conversation });
        }
    }

    /// Puts a question and its answer where they belong in the tree. What stood there is on another branch now.
    fn show(self, Asked { question, answer }: Asked) {
        let shown: Vec<MessageId> = self.messages.with_untracked(|shown| shown.iter().map(|one| one.id).collect());
        if shown.contains(&answer.id) {
            return;
        }
        let place = |id: MessageId| shown.iter().position(|known| *known == id).map(|place| place + 1);
        let (kept, new) = match place(question.id) {
            Some(kept) => (kept, vec![answer]),
            None => (question.parent_id.and_then(place).unwrap_or(0), vec![question, answer]),
        };
        let new: Vec<Shown> = new.into_iter().map(|message| self.shown(message)).collect();
        self.messages.update(|shown| {
            shown.truncate(kept);
            shown.extend(new);
        });
    }

    /// The message as it is shown already, or anew.
    fn shown(self, message: Message) -> Shown {
        let known = self.messages.with_untracked(|shown| shown.iter().find(|one| one.id == message.id).copied());
        let make = || Shown::new(message);
        known.unwrap_or_else(|| match self.owner.get_value().and_then(|owner| owner.upgrade()) {
            Some(owner) => owner.with(make),
            None => make(),
        })
    }

    fn last(self) -> Option<MessageId> {
        self.messages.with_untracked(|shown| shown.last().map(|last| last.id))
    }

    fn put(self, message: Message) {
        let shown = self.messages.with_untracked(|shown| shown.iter().find(|one| one.id == message.id).copied());
        if let Some(shown) = shown {
            shown.message.set(message);
        }
    }

    fn prepend(self, page: Page<Message>) {
        let earlier: Vec<Shown> = page.items.into_iter().map(|message| self.shown(message)).collect();
        self.messages.update(|shown| drop(shown.splice(0..0, earlier)));
        self.earlier.set(page.next);
    }

    /// The idempotency key of a form without JavaScript: the same page sent twice asks once.
    fn key(self) -> String {
        self.last().map_or_else(|| "first".to_owned(), |last| format!("after-{last}"))
    }

    fn fresh_key(self) -> String {
        format!("{}-{:x}", js_sys::Date::now(), (js_sys::Math::random() * f64::from(u32::MAX)) as u32)
    }

    /// What goes on among what is shown.
    fn activity(self) -> Option<Activity> {
        self.messages
            .with(|shown| shown.iter().rev().find_map(|one| one.message.with(|message| Activity::of(message.state))))
    }

    /// The answer that is being written, if one is.
    fn streaming(self) -> Option<MessageId> {
        self.messages.with(|shown| {
            let last = shown.last()?;
            last.message.with(|message| (message.state == MessageState::Streaming).then_some(last.id))
        })
    }
}

/// The messages, and the composer at their foot.
#[component]
pub(super) fn ThreadView(
    conversation: ConversationId,
    messages: Page<Message>,
    /// The message that the address names.
    found: Option<MessageId>,
    /// Where later messages are that are not among these: nothing is asked in their midst.
    later: Option<String>,
    scoped: Scoped,
    answering: Answering,
    /// What goes on in the conversation, for others on the page.
    activity: RwSignal<Option<Activity>>,
    may_attach: bool,
) -> impl IntoView {
    let thread = Thread::new(conversation, scoped.project(), messages, found);
    let attaching = may_attach.then(|| Attaching::new(scoped.project(), &conversation.to_string()));
    if let Some(attaching) = attaching {
        attaching.hear(move || thread.ask.value().with(|value| value.as_ref().map(Result::is_ok)));
    }
    // What goes on where nothing of it is shown is on another branch: the page knows of that.
    Effect::new(move |before: Option<Option<Activity>>| {
        let now = thread.activity();
        if now != before.flatten() {
            activity.set(now);
        }
        now
    });
    Effect::new(move |_| {
        if let Some(found) = found {
            scroll_to_fragment(&anchor(found));
        }
    });
    let streaming = Memo::new(move |_| thread.streaming());
    answering.follow(conversation, streaming);
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
        Some(Err(_)) => thread.unsent.get_value().map(|unsent| unsent.text),
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
        {match later {
            Some(href) => view! {
                <div class="thread__foot thread__foot--later">
                    <LinkButton href icon=Glyph::ChevronDown>"Show the newest messages"</LinkButton>
                </div>
            }.into_any(),
            None => view! {
                <div class="thread__foot">
                    <FormError error/>
                    <div class="composer-bar">
                        <ConversationScope conversation scoped/>
                        <ModelPicker conversation answering/>
                        <ContextMeter answering/>
                    </div>
                    <Composer
                        url=Ask::url() target="conversation" id=conversation.to_string() key=thread.key() label="Ask another question"
                        placeholder="Ask about the documents" restore attaching
                        on_send=Callback::new(move |text| thread.ask(text, attaching.map(Attaching::take).unwrap_or_default()))
                        pending=thread.ask.pending() streaming stop=thread.stop after=thread.last()
                    />
                </div>
            }.into_any(),
        }}
        {move || {
            // As a string: with JavaScript the browser reads it as text, and hydration finds no elements in it.
            streaming.get_untracked().map(|_| view! { <noscript inner_html=r#"<meta http-equiv="refresh" content="2">"#></noscript> })
        }}
    }
}

fn message(shown: Shown, thread: Thread) -> AnyView {
    let is_found = (thread.found == Some(shown.id)).then_some("");
    let content = match shown.message.with_untracked(|message| message.author) {
        Author::User => {
            let message = shown.message.get_untracked();
            view! {
                <QuestionView text=message.content.clone()/>
                {(!message.attachments.is_empty()).then(|| view! {
                    <Attachments attachments=message.attachments.clone() project=thread.project/>
                })}
                <QuestionTools message thread/>
            }
            .into_any()
        }
        Author::Assistant => view! { <AnswerView shown thread/> }.into_any(),
    };
    view! { <div class="message" id=anchor(shown.id) data-found=is_found>{content}</div> }.into_any()
}

/// The fragment that names a message.
pub(super) fn anchor(id: MessageId) -> String {
    format!("message-{id}")
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
