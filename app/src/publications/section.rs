use super::api::{Publish, Unpublish};
use crate::call::{FormAction, ServerForm};
use crate::ui::{Badge, Button, ConfirmActions, FormError, Popover, Time, Tone, Variant, form_error};
use domain::{
    DocumentId,
    publications::{Publication, PublicationStatus},
};
use leptos::prelude::*;

const CONFIRMATION: &str = "publish";

/// What can be done with a document's publication; forms, so that it can be done without JavaScript.
#[component]
pub(crate) fn PublicationSection(
    document: DocumentId,
    status: PublicationStatus,
    publish: FormAction<Publish>,
    unpublish: FormAction<Unpublish>,
) -> impl IntoView {
    let withdrawn = form_error(move || unpublish.value().get(), &[]);
    status.possible.then(|| {
        let shown = match status.publication {
            Some(publication) => view! { <Published publication publish unpublish/> }.into_any(),
            None => view! {
                <p class="publication__text">
                    "Published, its file can be read by everybody at a public address that does not expire, and found by search engines."
                </p>
                <PublishButton document publish label="Publish"/>
            }
            .into_any(),
        };
        view! {
            <section class="publication" aria-labelledby="publication-title">
                <h3 class="publication__title" id="publication-title">"Public address"</h3>
                {shown}
                <FormError error=withdrawn/>
            </section>
        }
    })
}

/// Asks first: what everybody has read cannot be taken back. To withdraw needs no question.
#[component]
fn PublishButton(document: DocumentId, publish: FormAction<Publish>, label: &'static str) -> impl IntoView {
    view! {
        <button type="button" class="button button--small" popovertarget=CONFIRMATION>
            <span class="button__label">{label}</span>
        </button>
        <Popover id=CONFIRMATION title=|| "Publish this document for everybody?">
            <p>"Whoever has the address reads the file, without an account and without an end, and search engines may find it. What has been read or copied stays out when you withdraw it."</p>
            <FormError error=form_error(move || publish.value().get(), &[])/>
            <ServerForm action=publish>
                <input type="hidden" name="document" value=document.to_string()/>
                <ConfirmActions popover=CONFIRMATION verb="Publish for everybody" keep="Cancel" pending=publish.pending()/>
            </ServerForm>
        </Popover>
    }
}

#[component]
fn Published(
    publication: Publication,
    publish: FormAction<Publish>,
    unpublish: FormAction<Unpublish>,
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
            {(!current).then(|| view! { <PublishButton document publish label="Publish this version"/> })}
            <ServerForm action=unpublish>
                <input type="hidden" name="document" value=document.to_string()/>
                <Button small=true variant=Variant::Quiet pending=unpublish.pending()>"Withdraw"</Button>
            </ServerForm>
        </div>
    }
}
