use super::api::FetchAgain;
use crate::call::{FormAction, ServerForm};
use crate::ui::{Button, Glyph, Icon, Time, Toast, Variant, form_error, use_toasts};
use domain::{
    documents::{Document, DocumentState},
    workspaces::Role,
};
use leptos::prelude::*;

/// In the list, under the document's name: that it is a link, and where to.
#[component]
pub(crate) fn SourceHost(address: String) -> impl IntoView {
    view! { <span class="document__source">{host(&address)}</span> }
}

/// On the document's page: where it is from, when it was fetched, and the way to have that done again.
#[component]
pub(crate) fn SourceLine(
    document: RwSignal<Document>,
    address: String,
    /// That is being fetched, or could not be.
    next_version: RwSignal<Option<Document>>,
) -> impl IntoView {
    let Document { id, role, .. } = document.get_untracked();
    let action = FormAction::<FetchAgain>::new();
    let toasts = use_toasts();
    let answer = move || action.value().get();
    let failed = form_error(answer, &[]);
    Effect::new(move |_| match answer() {
        Some(Ok(version)) => next_version.set(Some(version)),
        Some(Err(error)) => toasts.push(Toast::bad(error.to_string())),
        None => {}
    });
    let fetched_at = move || document.with(|document| document.fetched_at);
    let is_under_way =
        Memo::new(move |_| next_version.with(|next| next.as_ref().is_some_and(|next| next.state.is_working())));
    let may_fetch = move || {
        role >= Role::Member && !is_under_way.get() && document.with(|document| document.state == DocumentState::Ready)
    };
    let trouble = move || {
        let reason = next_version.with(|next| next.as_ref().and_then(|next| next.failure.clone()));
        reason.map(|reason| format!("It could not be fetched again. {reason}")).or_else(|| failed.get())
    };
    view! {
        <div class="link-source">
            <div class="link-source__line">
                <Icon glyph=Glyph::Link/>
                <a class="link-source__address" href=address.clone() target="_blank" rel="external noopener noreferrer nofollow">{address.clone()}</a>
                {move || fetched_at().map(|at| view! { <span class="link-source__when">"Fetched " <Time at/></span> })}
                {move || is_under_way.get().then(|| view! { <span class="link-source__when" role="status">"A new version is being fetched."</span> })}
                {move || may_fetch().then(|| view! {
                    <ServerForm action>
                        <input type="hidden" name="id" value=id.to_string()/>
                        <Button small=true variant=Variant::Quiet icon=Glyph::RotateCcw pending=action.pending()>"Fetch again"</Button>
                    </ServerForm>
                })}
            </div>
            {move || trouble().map(|trouble| view! { <p class="link-source__trouble" role="alert">{trouble}</p> })}
        </div>
    }
}

/// `example.com` of `https://www.example.com/page`.
fn host(address: &str) -> String {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let host = rest.split(['/', '?']).next().unwrap_or(rest);
    host.strip_prefix("www.").unwrap_or(host).to_owned()
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn an_address_is_told_by_its_host() {
        for (address, told) in [
            ("https://www.example.com/page", "example.com"),
            ("http://example.com:8080?a", "example.com:8080"),
            ("https://[2001:200::1]/", "[2001:200::1]"),
        ] {
            assert_eq!(host(address), told);
        }
    }
}
