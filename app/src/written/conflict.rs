use super::{
    api,
    diff::DifferenceView,
    editor::{Editor, SaveState},
};
use crate::ui::{Button, Time, Variant};
use domain::written::Difference;
use leptos::prelude::*;

/// Two people have changed the same text: who, and what to do about it. Both texts are kept whatever is chosen.
#[component]
pub(super) fn ConflictPanel(editor: Editor) -> impl IntoView {
    let theirs = Memo::new(move |_| {
        editor.state.with(|state| match state {
            SaveState::Overtaken(theirs) => Some((**theirs).clone()),
            _ => None,
        })
    });
    let compare = Action::new(move |text: &String| api::compare_text(editor.id, text.clone()));
    // What another conflict was about.
    Effect::new(move |_| {
        if theirs.get().is_none() {
            compare.clear();
        }
    });
    let difference = move || match compare.value().get() {
        None => None,
        Some(Ok(difference)) => Some(compared(difference)),
        Some(Err(error)) => Some(view! { <p class="form-error">{error.to_string()}</p> }.into_any()),
    };
    move || {
        theirs.get().map(|theirs| {
            let who = if theirs.changed_by.is_empty() { "Somebody".to_owned() } else { theirs.changed_by };
            view! {
                <section class="conflict" aria-labelledby="conflict-title">
                    <div role="alert">
                        <h2 id="conflict-title">{who} " has changed this document, " <Time at=theirs.changed_at/></h2>
                        <p>"What you typed is kept here, and is not saved over theirs. Whatever you choose, both texts stay in the history."</p>
                    </div>
                    <div class="conflict__actions">
                        <Button
                            kind="button" variant=Variant::Secondary pending=compare.pending()
                            on:click=move |_| { compare.dispatch(editor.present()); }
                        >"See the difference"</Button>
                        <Button kind="button" variant=Variant::Secondary on:click=move |_| editor.keep_mine()>"Keep mine as a new version"</Button>
                        <Button kind="button" variant=Variant::Quiet on:click=move |_| editor.take_theirs()>"Go on with theirs"</Button>
                    </div>
                    {difference}
                </section>
            }
        })
    }
}

fn compared(difference: Difference) -> AnyView {
    view! {
        <p class="conflict__legend">"From theirs to yours:"</p>
        <DifferenceView difference label="From theirs to yours"/>
    }
    .into_any()
}
