//! Which documents the next question is asked of: shown as chips, chosen in a list of checkboxes. It is a form like any
//! other, so it works without JavaScript.

use super::{
    api::{self, ChooseDocuments},
    composer::COMPOSER,
};
use crate::{
    error::ApiError,
    ui::{Button, FormError, Glyph, Icon, Menu, Toast, form_error, use_toasts},
    workspaces::count,
};
use domain::{
    ConversationId, Cursor, DocumentId, Page, ProjectId,
    chat::{ChatDocument, ChatScope, ScopeKind},
};
use leptos::{
    ev::{KeyboardEvent, SubmitEvent},
    html,
    prelude::*,
    server_fn::ServerFn,
};
use std::time::Duration;
use wasm_bindgen::JsCast;
use web_sys::Event;

/// Names that chips show; of more, how many.
const CHIPS: usize = 3;
/// After the last key, before the list is searched.
const TYPED: Duration = Duration::from_millis(250);
/// The form by which documents are looked for without JavaScript.
const FIND: &str = "scope-find";

/// What is chosen and what can be. Cheap to copy: handles.
#[derive(Clone, Copy)]
pub(super) struct Scoped {
    project: ProjectId,
    /// What the next question is asked of.
    scope: RwSignal<ChatScope>,
    /// The boxes that are checked.
    checked: RwSignal<Vec<ChatDocument>>,
    /// The boxes.
    listed: RwSignal<Vec<ChatDocument>>,
    next: RwSignal<Option<Cursor>>,
    /// What is looked for in the names.
    name: RwSignal<String>,
}

impl Scoped {
    pub fn new(project: ProjectId, scope: ChatScope, documents: Page<ChatDocument>, name: String) -> Self {
        let scoped = Self {
            project,
            checked: RwSignal::new(scope.documents.clone()),
            scope: RwSignal::new(scope),
            listed: RwSignal::new(Vec::new()),
            next: RwSignal::new(None),
            name: RwSignal::new(name),
        };
        scoped.list(documents);
        scoped
    }

    pub fn project(self) -> ProjectId {
        self.project
    }

    /// The ids of what is checked.
    pub fn chosen(self) -> Vec<DocumentId> {
        self.checked.with_untracked(|checked| checked.iter().map(|document| document.id).collect())
    }

    fn is_checked(self, id: DocumentId) -> bool {
        self.checked.with(|checked| checked.iter().any(|document| document.id == id))
    }

    fn check(self, document: ChatDocument, is_checked: bool) {
        self.checked.update(|checked| {
            checked.retain(|known| known.id != document.id);
            if is_checked {
                checked.push(document);
            }
        });
    }

    /// Lists what is checked, then these.
    fn list(self, page: Page<ChatDocument>) {
        self.listed.set(self.checked.get_untracked());
        self.append(page);
    }

    fn append(self, page: Page<ChatDocument>) {
        self.listed.update(|listed| {
            for document in page.items {
                if listed.iter().all(|known| known.id != document.id) {
                    listed.push(document);
                }
            }
        });
        self.next.set(page.next);
    }

    fn saved(self, scope: ChatScope) {
        self.checked.set(scope.documents.clone());
        self.scope.set(scope);
    }

    async fn look(self, cursor: Option<Cursor>) -> Result<(), ApiError> {
        let name = self.name.get_untracked();
        let page = api::list_chat_documents(self.project, Some(name.clone()), cursor.clone()).await?;
        // Meanwhile more may have been typed, or the page been left.
        if self.name.try_get_untracked() == Some(name) {
            if cursor.is_some() { self.append(page) } else { self.list(page) }
        }
        Ok(())
    }
}

/// For a new conversation: the boxes are fields of the composer, and count when it is sent.
#[component]
pub(super) fn NewScope(scoped: Scoped) -> impl IntoView {
    let chosen = Signal::derive(move || scoped.checked.get());
    view! {
        <div class="scope">
            <ScopeMenu scoped chosen path=format!("/projects/{}/chat", scoped.project)>
                <Choices scoped form=Some(COMPOSER)/>
            </ScopeMenu>
        </div>
    }
}

/// For a conversation: a form of its own, that holds for all questions from the next on.
#[component]
pub(super) fn ConversationScope(conversation: ConversationId, scoped: Scoped) -> impl IntoView {
    let action = ServerAction::<ChooseDocuments>::new();
    let form = NodeRef::<html::Form>::new();
    Effect::new(move |_| {
        if let Some(Ok(scope)) = action.value().get() {
            scoped.saved(scope);
            close_menu(form);
        }
    });
    let submitted = move |event: SubmitEvent| {
        event.prevent_default();
        if !action.pending().get_untracked() {
            action.dispatch(ChooseDocuments { conversation, documents: scoped.chosen() });
        }
    };
    let chosen = Signal::derive(move || scoped.scope.with(|scope| scope.documents.clone()));
    view! {
        <div class="scope">
            <ScopeMenu scoped chosen path=format!("/chat/{conversation}") upwards=true>
                <form class="scope__form" method="post" action=ChooseDocuments::url() on:submit=submitted node_ref=form>
                    <input type="hidden" name="conversation" value=conversation.to_string()/>
                    <FormError error=form_error(move || action.value().get(), &[])/>
                    <Choices scoped form=None/>
                    <div class="scope__actions"><Button small=true pending=action.pending()>"Use these"</Button></div>
                </form>
            </ScopeMenu>
        </div>
    }
}

/// Closes the menu around the form, and gives the focus back to its button.
fn close_menu(form: NodeRef<html::Form>) {
    let details = form.get_untracked().and_then(|form| form.closest("details").ok().flatten());
    let Some(details) = details.and_then(|details| details.dyn_into::<web_sys::HtmlElement>().ok()) else { return };
    // Neither is refused by any browser.
    let _ = details.remove_attribute("open");
    if let Some(button) = details.first_element_child().and_then(|first| first.dyn_into::<web_sys::HtmlElement>().ok())
    {
        let _ = button.focus();
    }
}

#[component]
fn ScopeMenu(
    scoped: Scoped,
    /// What the chips show.
    chosen: Signal<Vec<ChatDocument>>,
    /// Of the page, to which the names are sent that are looked for without JavaScript.
    path: String,
    /// The list opens above the chips, at the foot of a page.
    #[prop(optional)]
    upwards: bool,
    children: Children,
) -> impl IntoView {
    view! {
        <Menu label="Asked of" summary=move || view! { <Chips scoped chosen/> } upwards open=!scoped.name.with_untracked(String::is_empty)>
            <div class="scope__panel">
                <p class="scope__title">"Documents to ask"</p>
                <p class="scope__hint">{move || scoped.scope.with(default_in_words)}</p>
                {children()}
            </div>
        </Menu>
        <form id=FIND method="get" action=path hidden=true></form>
    }
}

/// What is asked where nothing is checked.
fn default_in_words(scope: &ChatScope) -> String {
    let all = count(scope.in_project, "document");
    match scope.left_out {
        0 => format!("All {all} of the project, unless you choose."),
        left_out => format!("The project\u{2019}s {all} in chat, without {left_out} left out, unless you choose."),
    }
}

#[component]
fn Chips(scoped: Scoped, chosen: Signal<Vec<ChatDocument>>) -> impl IntoView {
    let chips = move || {
        let chosen = chosen.get();
        if chosen.is_empty() {
            let words = scoped.scope.with(|scope| match scope.kind {
                ScopeKind::Chosen => "The chosen documents are gone".to_owned(),
                ScopeKind::Project => format!("All {}", count(scope.in_project, "document")),
            });
            return view! { <span class="chip">{words}</span> }.into_any();
        }
        let more = chosen.len().saturating_sub(CHIPS);
        let named = chosen.into_iter().take(CHIPS).map(|document| view! { <span class="chip">{document.name}</span> });
        view! {
            {named.collect_view()}
            {(more > 0).then(|| view! { <span class="chip">{format!("{more} more")}</span> })}
        }
        .into_any()
    };
    view! {
        <span class="scope__chips"><Icon glyph=Glyph::Layers/>{chips}</span>
    }
}

/// The boxes, and the field that searches them. `form` is the form's id where they stand outside of it.
#[component]
fn Choices(scoped: Scoped, form: Option<&'static str>) -> impl IntoView {
    let toasts = use_toasts();
    let look = Action::new(move |cursor: &Option<Cursor>| {
        let cursor = cursor.clone();
        async move {
            if let Err(error) = scoped.look(cursor).await {
                toasts.push(Toast::bad(error.to_string()));
            }
        }
    });
    let typed = move |event: Event| {
        let name = event_target_value(&event);
        scoped.name.set(name.clone());
        // Only the last of several that are typed in a row.
        let settled = move || {
            if scoped.name.try_get_untracked() == Some(name) {
                look.dispatch(None);
            }
        };
        set_timeout(settled, TYPED);
    };
    let pressed = move |event: KeyboardEvent| {
        if event.key() == "Enter" && !event.is_composing() {
            event.prevent_default();
            look.dispatch(None);
        }
    };
    let choice = move |document: ChatDocument| {
        let ChatDocument { id, name, in_chat } = document.clone();
        let is_checked = scoped.checked.with_untracked(|checked| checked.iter().any(|known| known.id == id));
        let changed = move |event: Event| scoped.check(document.clone(), event_target_checked(&event));
        view! {
            <label class="search__choice">
                <input
                    type="checkbox" name="documents[]" value=id.to_string() form=form checked=is_checked
                    prop:checked=move || scoped.is_checked(id) on:change=changed
                />
                <span>{name}</span>
                {(!in_chat).then(|| view! { <small class="scope__out">"left out"</small> })}
            </label>
        }
    };
    let more = move || {
        scoped.next.get().map(|cursor| {
            view! {
                <button type="button" class="button button--quiet button--small scope__more" on:click=move |_| { look.dispatch(Some(cursor.clone())); }>
                    <span class="button__label">"Show more"</span>
                </button>
            }
        })
    };
    let nothing = move || {
        scoped
            .listed
            .with(Vec::is_empty)
            .then(|| view! { <p class="scope__hint">"No ready document has that in its name."</p> })
    };
    view! {
        <div class="scope__find">
            <label class="visually-hidden" for="scope-name">"Find a document"</label>
            <input
                class="input" id="scope-name" type="search" name="name" form=FIND value=scoped.name.get_untracked() autocomplete="off"
                placeholder="Find a document" on:input=typed on:keydown=pressed
            />
            <button type="submit" form=FIND class="button button--small scope__find-button">"Find"</button>
        </div>
        <fieldset class="scope__choices">
            <legend class="visually-hidden">"Only these documents"</legend>
            <For each=move || scoped.listed.get() key=|document| document.id children=choice/>
            {nothing}
            {more}
        </fieldset>
    }
}
