use super::api::{Publish, Unpublish};
use crate::ui::{Badge, Button, FormError, Time, Tone, Variant, form_error};
use domain::{
    DocumentId,
    publications::{Publication, PublicationStatus},
};
use leptos::prelude::*;

/// What can be done with a document's publication; forms, so that it can be done without JavaScript.
#[component]
pub(crate) fn PublicationSection(
    document: DocumentId,
    status: PublicationStatus,
    publish: ServerAction<Publish>,
    unpublish: ServerAction<Unpublish>,
) -> impl IntoView {
    let published = form_error(move || publish.value().get(), &[]);
    let withdrawn = form_error(move || unpublish.value().get(), &[]);
    status.possible.then(|| {
        let shown = match status.publication {
            Some(publication) => view! { <Published publication publish unpublish/> }.into_any(),
            None => view! {
                <p class="publication__text">
                    "Published, its file can be read by everybody at a public address that does not expire, and found by search engines."
                </p>
                <PublishForm document publish label="Publish"/>
            }
            .into_any(),
        };
        view! {
            <section class="publication" aria-labelledby="publication-title">
                <h3 class="publication__title" id="publication-title">"Public address"</h3>
                {shown}
                <FormError error=Signal::derive(move || published.get().or_else(|| withdrawn.get()))/>
            </section>
        }
    })
}

#[component]
fn PublishForm(document: DocumentId, publish: ServerAction<Publish>, label: &'static str) -> impl IntoView {
    view! {
        <ActionForm action=publish>
            <input type="hidden" name="document" value=document.to_string()/>
            <Button small=true pending=publish.pending()>{label}</Button>
        </ActionForm>
    }
}

#[component]
fn Published(
    publication: Publication,
    publish: ServerAction<Publish>,
    unpublish: ServerAction<Unpublish>,
) -> impl IntoView {
    let Publication { document_id: document, url, published_at, published_by, current } = publication;
    let address = url.clone();
    view! {
        <p class="publication__address">
            // Of another origin: nothing of ours goes there.
            <a class="external" href=address rel="external noreferrer" target="_blank">{url}</a>
        </p>
        <p class="publication__text">
            "Published by " {published_by} ", " <Time at=published_at/> ". "
            {(!current).then(|| view! { <Badge tone=Tone::Warn>"An older version"</Badge> })}
        </p>
        <div class="publication__actions">
            {(!current).then(|| view! { <PublishForm document publish label="Publish this version"/> })}
            <ActionForm action=unpublish>
                <input type="hidden" name="document" value=document.to_string()/>
                <Button small=true variant=Variant::Quiet pending=unpublish.pending()>"Withdraw"</Button>
            </ActionForm>
        </div>
    }
}
