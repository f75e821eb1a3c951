use super::icon::{Glyph, Icon};
use domain::Cursor;
use leptos::{ev::MouseEvent, prelude::*};

/// The way to the next page of a list: a link that works without JavaScript. With `on_more` the page may append in
/// place instead.
#[component]
pub fn Pager(
    /// Nothing is shown on the last page.
    #[prop(into)]
    next: Signal<Option<Cursor>>,
    /// The list's own path, with what its query says besides.
    #[prop(into)]
    path: String,
    /// Of the query, where a page has several lists.
    #[prop(default = "cursor")]
    param: &'static str,
    #[prop(optional, into)] on_more: Option<Callback<Cursor>>,
    #[prop(optional, into)] pending: Signal<bool>,
) -> impl IntoView {
    let link = move || {
        next.get().map(|cursor| {
            let (path, fragment) = path.split_once('#').map_or((path.as_str(), String::new()), |(path, place)| (path, format!("#{place}")));
            let joint = if path.contains('?') { '&' } else { '?' };
            let href = format!("{path}{joint}{param}={}{fragment}", crate::redirect::encode(&cursor.0));
            let more = move |event: MouseEvent| {
                if let Some(on_more) = on_more {
                    event.prevent_default();
                    if !pending.get_untracked() {
                        on_more.run(cursor.clone());
                    }
                }
            };
            view! {
                <a class="button button--quiet" href=href on:click=more aria-busy=move || pending.get().then_some("true")>
                    <Icon glyph=Glyph::ChevronDown/>
                    <span class="button__label">"Show more"</span>
                </a>
            }
        })
    };
    view! { <div class="pager">{link}</div> }
}
