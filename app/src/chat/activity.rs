use super::api;
use crate::ui::{Badge, Tone};
use domain::{
    ConversationId, ProjectId,
    chat::{Activity, Conversation},
};
use leptos::{prelude::*, task::spawn_local};
use std::{collections::HashMap, time::Duration};

/// Between two looks, while something goes on.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// What goes on in a conversation, in words.
#[component]
pub(super) fn ActivityBadge(activity: Activity) -> impl IntoView {
    match activity {
        Activity::Answering => view! { <Badge tone=Tone::Active>"Being answered"</Badge> },
        Activity::Waiting => view! { <Badge tone=Tone::Warn>"Waits for a decision"</Badge> },
    }
}

/// What goes on in the conversations of a list.
#[derive(Clone, Copy)]
pub(super) struct Activities(RwSignal<HashMap<ConversationId, Activity>>);

impl Activities {
    pub fn of(conversations: &[Conversation]) -> Self {
        Self(RwSignal::new(map(conversations)))
    }

    pub fn get(self, id: ConversationId) -> Option<Activity> {
        self.0.with(|known| known.get(&id).copied())
    }

    pub fn add(self, conversations: &[Conversation]) {
        self.0.update(|known| known.extend(map(conversations)));
    }

    /// Looks again and again while something goes on, so that no mark outlives what it means. In the browser only.
    pub fn follow(self, project: ProjectId, archived: bool) {
        let is_any = Memo::new(move |_| self.0.with(|known| !known.is_empty()));
        let look = move || {
            if document().hidden() {
                return;
            }
            spawn_local(async move {
                if let Ok(page) = api::list_conversations(project, None, archived).await {
                    // Gone with its page.
                    let _ = self.0.try_set(map(&page.items));
                }
            });
        };
        Effect::new(move |_| {
            if is_any.get()
                && let Ok(timer) = set_interval_with_handle(look, LOOK_AGAIN)
            {
                on_cleanup(move || timer.clear());
            }
        });
    }
}

fn map(conversations: &[Conversation]) -> HashMap<ConversationId, Activity> {
    conversations.iter().filter_map(|conversation| Some((conversation.id, conversation.activity?))).collect()
}
