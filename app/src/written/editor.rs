//! What is typed, and its way to the server. Nothing typed is lost: it is kept in this browser from the first letter on, and
//! until the server has it.

use super::{api, sent::Sent};
use crate::{draft, error::ApiError};
use domain::{
    DocumentId, Error,
    written::{Saved, WritingStatus, WrittenText},
};
use leptos::{ev, html, prelude::*, task::spawn_local};
use std::time::Duration;

/// A pause in typing after which it is saved.
const PAUSE: Duration = Duration::from_secs(1);
/// Whoever types without a pause is saved in between.
const LONGEST: f64 = 5_000.0;
/// Before a save that could not reach the server is tried again.
const AGAIN: Duration = Duration::from_secs(4);
/// The preview follows as quickly.
const PREVIEW: Duration = Duration::from_millis(150);

/// What the fields hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Typed {
    title: String,
    text: String,
}

/// How far what is typed has come.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum SaveState {
    /// The server has it; since when, in milliseconds since 1970.
    Saved {
        at: f64,
    },
    /// Not sent yet.
    Typed,
    Saving,
    /// The server cannot be reached; it is tried again.
    Unreachable {
        offline: bool,
    },
    /// It is not taken as it is.
    Refused(String),
    /// Somebody else has saved another text meanwhile.
    Overtaken(Box<WrittenText>),
}

#[derive(Clone, Copy)]
pub(super) struct Editor {
    pub id: DocumentId,
    pub title: NodeRef<html::Input>,
    pub area: NodeRef<html::Textarea>,
    pub state: RwSignal<SaveState>,
    /// What the next save is made from.
    pub revision: RwSignal<u64>,
    pub status: RwSignal<WritingStatus>,
    /// What the preview shows.
    pub text: RwSignal<String>,
    /// Something was put back that an earlier visit had left.
    pub restored: RwSignal<bool>,
    typed: StoredValue<Typed>,
    /// What the server has.
    known: StoredValue<Typed>,
    /// What it may have beyond that.
    sent: StoredValue<Sent>,
    timer: StoredValue<Option<TimeoutHandle>>,
    preview: StoredValue<Option<TimeoutHandle>>,
    /// When the oldest letter was typed that is not saved, in milliseconds since 1970.
    waiting_since: StoredValue<Option<f64>>,
}

impl Editor {
    pub fn new(written: &WrittenText) -> Self {
        let known = Typed { title: written.document.name.clone(), text: written.text.as_str().to_owned() };
        let editor = Self {
            id: written.document.id,
            title: NodeRef::new(),
            area: NodeRef::new(),
            state: RwSignal::new(SaveState::Saved { at: milliseconds(written.changed_at) }),
            revision: RwSignal::new(written.revision),
            status: RwSignal::new(written.status),
            text: RwSignal::new(known.text.clone()),
            restored: RwSignal::new(false),
            typed: StoredValue::new(known.clone()),
            known: StoredValue::new(known),
            sent: StoredValue::new(Sent::default()),
            timer: StoredValue::new(None),
            preview: StoredValue::new(None),
            waiting_since: StoredValue::new(None),
        };
        editor.come_alive();
        editor
    }

    /// In the browser only.
    fn come_alive(self) {
        Effect::new(move |_| {
            if self.area.get().is_some() && self.title.get().is_some() {
                self.put_back();
            }
        });
        let online = window_event_listener(ev::online, move |_| self.save());
        // It bubbles up from the document.
        let hidden = window_event_listener_untyped("visibilitychange", move |_| {
            if document().hidden() {
                self.save();
            }
        });
        on_cleanup(move || {
            online.remove();
            hidden.remove();
            self.leave();
        });
    }

    /// What an earlier visit could not save, else what was typed before the page came alive.
    fn put_back(self) {
        let kept = draft::read_all(&self.key());
        let (Some(title), Some(text)) = (kept.get("title"), kept.get("text")) else { return self.typed() };
        let kept_typed = Typed { title: title.clone(), text: text.clone() };
        if self.known.with_value(|known| *known == kept_typed) {
            self.forget(&kept_typed);
            return self.typed();
        }
        let sent = kept.get("sent").map(|sent| Sent::parse(sent)).unwrap_or_default();
        let is_own = self.known.with_value(|known| sent.has(&known.title, &known.text));
        if let Some(revision) = kept.get("revision").and_then(|revision| revision.parse().ok()).filter(|_| !is_own) {
            self.revision.set(revision);
            self.sent.set_value(sent);
        }
        self.show(&kept_typed);
        self.restored.set(true);
        self.typed();
        self.save();
    }

    fn show(self, typed: &Typed) {
        if let (Some(area), Some(title)) = (self.area.get_untracked(), self.title.get_untracked()) {
            area.set_value(&typed.text);
            title.set_value(&typed.title);
        }
    }

    fn read(self) -> Option<Typed> {
        let (area, title) = (self.area.get_untracked()?, self.title.get_untracked()?);
        Some(Typed { title: title.value(), text: area.value() })
    }

    /// Something in the fields may have changed.
    pub fn typed(self) {
        let Some(now) = self.read() else { return };
        if self.typed.with_value(|before| *before == now) {
            return;
        }
        self.typed.set_value(now.clone());
        self.keep(&now);
        self.show_later();
        if matches!(self.state.get_untracked(), SaveState::Saved { .. } | SaveState::Refused(_)) {
            self.state.set(SaveState::Typed);
        }
        self.save_later();
    }

    fn show_later(self) {
        let show = move || {
            if let Some(typed) = self.typed.try_get_value() {
                self.text.set(typed.text);
            }
        };
        replace(self.preview, set_timeout_with_handle(show, PREVIEW).ok());
    }

    fn save_later(self) {
        let now = js_sys::Date::now();
        let since = self.waiting_since.get_value().unwrap_or(now);
        self.waiting_since.set_value(Some(since));
        let pause = if now - since > LONGEST { Duration::ZERO } else { PAUSE };
        self.save_after(pause);
    }

    fn save_after(self, pause: Duration) {
        let save = move || {
            if !self.state.is_disposed() {
                self.save();
            }
        };
        replace(self.timer, set_timeout_with_handle(save, pause).ok());
    }

    /// Saves what is typed, unless that is under way or somebody has to decide first.
    pub fn save(self) {
        let waits = self.state.with_untracked(|state| matches!(state, SaveState::Saving | SaveState::Overtaken(_)));
        if waits {
            return;
        }
        if self.is_known() {
            if self.state.with_untracked(|state| *state == SaveState::Typed) {
                self.settle();
            }
            return;
        }
        self.send(false);
    }

    fn is_known(self) -> bool {
        self.typed.with_value(|typed| self.known.with_value(|known| typed == known))
    }

    fn send(self, new_version: bool) {
        let typed = self.typed.get_value();
        let revision = self.revision.get_untracked();
        self.state.set(SaveState::Saving);
        self.sent.update_value(|sent| sent.add(&typed.title, &typed.text));
        self.keep(&typed);
        spawn_local(async move {
            let Typed { title, text } = typed.clone();
            let answer = api::save_text(self.id, revision, title, text, new_version).await;
            if self.state.is_disposed() {
                if let Ok(saved) = answer {
                    save_rest(self.id, &typed, saved.revision).await;
                }
                return;
            }
            match answer {
                Ok(saved) => self.saved(typed, &saved),
                Err(error) => self.failed(&error).await,
            }
        });
    }

    fn saved(self, typed: Typed, saved: &Saved) {
        self.revision.set(saved.revision);
        self.sent.set_value(Sent::default());
        self.status.set(saved.status);
        self.known.set_value(typed);
        self.waiting_since.set_value(None);
        if self.is_known() {
            self.settle();
        } else {
            // Typed while it was on its way: made from what is saved now.
            self.typed.with_value(|typed| self.keep(typed));
            self.state.set(SaveState::Typed);
            self.save_later();
        }
    }

    fn settle(self) {
        self.waiting_since.set_value(None);
        self.restored.set(false);
        self.typed.with_value(|typed| self.forget(typed));
        self.state.set(SaveState::Saved { at: js_sys::Date::now() });
    }

    async fn failed(self, error: &ApiError) {
        let state = match error.error() {
            Error::Conflict { message } => match api::open_editor(self.id).await {
                Ok(theirs) if self.state.is_disposed() => return drop(theirs),
                Ok(theirs) if theirs.revision == self.revision.get_untracked() => SaveState::Refused(message.clone()),
                Ok(theirs) if self.is_own(&theirs) => return self.go_on_from(&theirs),
                Ok(theirs) => SaveState::Overtaken(Box::new(theirs)),
                Err(_) => unreachable_now(),
            },
            Error::Unavailable { .. } | Error::Internal { .. } | Error::RateLimited { .. } => unreachable_now(),
            _ => SaveState::Refused(error.to_string()),
        };
        if self.state.is_disposed() {
            return;
        }
        if matches!(state, SaveState::Unreachable { .. }) {
            self.save_after(AGAIN);
        }
        self.state.set(state);
    }

    /// Whether the server has what this page has sent, and nobody else's text.
    fn is_own(self, written: &WrittenText) -> bool {
        self.sent.with_value(|sent| sent.has(&written.document.name, written.text.as_str()))
    }

    /// An earlier save had arrived after all: what was typed since follows it.
    fn go_on_from(self, written: &WrittenText) {
        self.revision.set(written.revision);
        self.status.set(written.status);
        self.sent.set_value(Sent::default());
        self.known.set_value(Typed { title: written.document.name.clone(), text: written.text.as_str().to_owned() });
        self.state.set(SaveState::Typed);
        self.save_later();
    }

    /// Saves what is typed over what somebody else has saved, which stays in the history.
    pub fn keep_mine(self) {
        let Some(theirs) = self.overtaken() else { return };
        self.revision.set(theirs.revision);
        self.status.set(theirs.status);
        self.send(true);
    }

    /// Leaves what is typed in the history, and goes on with the other text.
    pub fn take_theirs(self) {
        let Some(theirs) = self.overtaken() else { return };
        let typed = self.typed.get_value();
        self.state.set(SaveState::Saving);
        spawn_local(async move {
            let text = typed.text.clone();
            let answer = api::yield_text(self.id, theirs.revision, theirs.version, text).await;
            if self.state.is_disposed() {
                return;
            }
            match answer {
                Ok(written) => {
                    self.forget(&typed);
                    self.adopt(&written);
                }
                Err(error) => self.failed(&error).await,
            }
        });
    }

    fn overtaken(self) -> Option<WrittenText> {
        self.state.with_untracked(|state| match state {
            SaveState::Overtaken(theirs) => Some((**theirs).clone()),
            _ => None,
        })
    }

    fn adopt(self, written: &WrittenText) {
        let known = Typed { title: written.document.name.clone(), text: written.text.as_str().to_owned() };
        self.show(&known);
        self.text.set(known.text.clone());
        self.typed.set_value(known.clone());
        self.known.set_value(known);
        self.sent.set_value(Sent::default());
        self.revision.set(written.revision);
        self.status.set(written.status);
        self.settle();
    }

    /// What is typed, for a comparison.
    pub fn present(self) -> String {
        self.typed.with_value(|typed| typed.text.clone())
    }

    /// The page is left: what is not saved is sent, and kept in this browser until it has arrived.
    fn leave(self) {
        let (Some(typed), Some(known)) = (self.typed.try_get_value(), self.known.try_get_value()) else { return };
        // What is on its way is followed by the rest when it has arrived.
        let waits = self.state.try_with_untracked(|state| matches!(state, SaveState::Overtaken(_) | SaveState::Saving));
        let (id, Some(revision)) = (self.id, self.revision.try_get_untracked()) else { return };
        if typed == known || waits != Some(false) {
            return;
        }
        spawn_local(async move {
            let Typed { title, text } = typed.clone();
            if api::save_text(id, revision, title, text, false).await.is_ok() {
                forget(id, &typed);
            }
        });
    }

    fn key(self) -> String {
        key(self.id)
    }

    fn keep(self, typed: &Typed) {
        let revision = self.revision.get_untracked().to_string();
        let sent = self.sent.with_value(Sent::to_string);
        let fields =
            [("revision", revision), ("sent", sent), ("title", typed.title.clone()), ("text", typed.text.clone())];
        let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        draft::keep_all(&self.key(), &fields);
    }

    fn forget(self, typed: &Typed) {
        forget(self.id, typed);
    }
}

fn key(id: DocumentId) -> String {
    format!("written:{id}")
}

/// Another window of this browser may have kept something else since: that stays.
fn forget(id: DocumentId, typed: &Typed) {
    let kept = draft::read_all(&key(id));
    if kept.get("text") == Some(&typed.text) && kept.get("title") == Some(&typed.title) {
        draft::forget(&key(id));
    }
}

/// The editor is gone and what was on its way has arrived: what was typed after it follows.
async fn save_rest(id: DocumentId, arrived: &Typed, revision: u64) {
    forget(id, arrived);
    let mut kept = draft::read_all(&key(id));
    let (Some(title), Some(text)) = (kept.remove("title"), kept.remove("text")) else { return };
    if api::save_text(id, revision, title.clone(), text.clone(), false).await.is_ok() {
        forget(id, &Typed { title, text });
    }
}

fn unreachable_now() -> SaveState {
    SaveState::Unreachable { offline: !window().navigator().on_line() }
}

fn replace(slot: StoredValue<Option<TimeoutHandle>>, handle: Option<TimeoutHandle>) {
    slot.update_value(|slot| {
        if let Some(before) = std::mem::replace(slot, handle) {
            before.clear();
        }
    });
}

/// Milliseconds since 1970, as the browser counts.
#[allow(clippy::cast_precision_loss)] // they fit for 280,000 years
fn milliseconds(at: time::OffsetDateTime) -> f64 {
    (at.unix_timestamp_nanos() / 1_000_000) as f64
}
