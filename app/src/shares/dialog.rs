use super::api::{self, CreateShare, RevokeShare, SharesView};
use crate::{
    call::{FormAction, ServerForm},
    loaded::loaded,
    members::api::Secret,
    publications::{
        PublicationSection,
        api::{Publish, Unpublish},
    },
    ui::{
        Badge, Button, Failure, Field, FormError, Glyph, Icon, Select, ShownOnce, Skeleton, Time, Toast, Tone, Variant,
        error_on_arrival, form_error, use_toasts,
    },
};
use domain::{
    DocumentId, UserId,
    shares::{NewShare, Share},
    workspaces::Role,
};
use leptos::prelude::*;

const DIALOG: &str = "share";

/// Opens [`ShareDialog`]. Popovers are the browser's own: this works without JavaScript.
#[component]
pub(crate) fn ShareButton() -> impl IntoView {
    view! {
        <button type="button" class="button" popovertarget=DIALOG>
            <Icon glyph=Glyph::Share2/>
            <span class="button__label">"Share"</span>
        </button>
    }
}

/// What the forms of [`ShareDialog`] came back with without JavaScript, when it is closed.
#[component]
pub(crate) fn ShareOutcome(made: Option<Secret>) -> impl IntoView {
    let failed = [
        error_on_arrival(FormAction::<CreateShare>::new()),
        error_on_arrival(FormAction::<RevokeShare>::new()),
        error_on_arrival(FormAction::<Publish>::new()),
        error_on_arrival(FormAction::<Unpublish>::new()),
    ];
    let failed = failed.into_iter().find_map(|error| error.get_untracked());
    let made = match made {
        Some(Secret::Share { link }) => Some(view! { <Made link/> }),
        _ => None,
    };
    view! {
        {failed.map(|failed| view! { <FormError error=Signal::stored(Some(failed))/> })}
        {made}
    }
}

/// Makes links to the document, and shows those that there are. To be put beside what is drawn anew while it is open.
#[component]
pub(crate) fn ShareDialog(
    document: DocumentId,
    name: String,
    /// The reader's.
    role: Role,
) -> impl IntoView {
    let create = FormAction::<CreateShare>::new();
    let revoke = FormAction::<RevokeShare>::new();
    let publish = FormAction::<Publish>::new();
    let unpublish = FormAction::<Unpublish>::new();
    let toasts = use_toasts();
    Effect::new(move |_| {
        if let Some(Ok(())) = revoke.value().get() {
            toasts.push(Toast::ok("The link is revoked. It opens nothing any more."));
        }
    });
    Effect::new(move |_| {
        if let Some(Ok(_)) = publish.value().get() {
            toasts.push(Toast::ok("The document is published."));
        }
    });
    Effect::new(move |_| {
        if let Some(Ok(())) = unpublish.value().get() {
            toasts.push(Toast::ok("The document is withdrawn from its public address."));
        }
    });
    let created = form_error(move || create.value().get(), &[]);
    let revoked = form_error(move || revoke.value().get(), &[]);
    let shares = Resource::new_blocking(
        move || [create.version().get(), revoke.version().get(), publish.version().get(), unpublish.version().get()],
        move |_| async move { api::list_shares(document).await },
    );
    let shown = move || match create.value().get() {
        Some(Ok(Secret::Share { link })) => Some(view! { <Made link/> }),
        _ => None,
    };
    view! {
        <div class="confirm share" id=DIALOG popover="auto" role="dialog" aria-labelledby="share-title">
            <h2 class="confirm__title" id="share-title">"Share " <span class="confirm__name">{name}</span></h2>
            <p>"Whoever has the link reads this document and its file, without an account, and nothing else of the workspace."</p>
            {shown}
            <ShareForm document action=create/>
            <FormError error=Signal::derive(move || created.get().or_else(|| revoked.get()))/>
            <Transition fallback=|| view! { <Skeleton rows=2/> }>
                {move || Suspend::new(async move {
                    match loaded(shares).await {
                        Ok(SharesView { shares, publication, own }) => view! {
                            <ShareList shares own role revoke/>
                            <PublicationSection document status=publication publish unpublish/>
                        }
                        .into_any(),
                        Err(error) => view! { <Failure error/> }.into_any(),
                    }
                })}
            </Transition>
        </div>
    }
}

#[component]
fn Made(link: String) -> impl IntoView {
    view! {
        <ShownOnce
            title="The link is ready" noun="link" secret=link
            text="Copy it now and hand it over yourself. It is shown only this once."
        />
    }
}

/// The field for a day is shown where that is chosen, by the style sheet.
#[component]
fn ShareForm(document: DocumentId, action: FormAction<CreateShare>) -> impl IntoView {
    let choice = |value: &str, label: &str| (value.to_owned(), label.to_owned());
    let ends =
        vec![choice("1", "1 day"), choice("7", "7 days"), choice("30", "30 days"), choice("date", "Until a day")];
    view! {
        <ServerForm action attr:class="share__form">
            <input type="hidden" name="document" value=document.to_string()/>
            <div class="share__fields">
                <Select name="expires" id="share-expires" label="Works for" options=ends selected=NewShare::DEFAULT_DAYS.to_string()/>
                <Field name="date" id="share-date" label="Last day" kind="date"/>
                <Button variant=Variant::Primary pending=action.pending()>"Create link"</Button>
            </div>
        </ServerForm>
    }
}

#[component]
fn ShareList(shares: Vec<Share>, own: UserId, role: Role, revoke: FormAction<RevokeShare>) -> impl IntoView {
    if shares.is_empty() {
        return view! { <p class="share__none">"No links yet."</p> }.into_any();
    }
    let rows = shares.into_iter().map(|share| view! { <ShareRow share own role revoke/> }).collect_view();
    view! { <ul class="share__list" aria-label="Links">{rows}</ul> }.into_any()
}

#[component]
fn ShareRow(share: Share, own: UserId, role: Role, revoke: FormAction<RevokeShare>) -> impl IntoView {
    let Share { id, user_id, user_name, created_at, expires_at, expired, opened_count, last_opened_at, .. } = share;
    let may_revoke = user_id == own || role >= Role::Admin;
    let pending = revoke.sends("id", id);
    let label = format!("Revoke the link that {user_name} made");
    let opened = match opened_count {
        0 => "Not opened yet".to_owned(),
        1 => "Opened once".to_owned(),
        count => format!("Opened {count} times"),
    };
    view! {
        <li class="share__item">
            <div class="share__facts">
                <p>
                    {if expired {
                        view! { <Badge tone=Tone::Warn>"Expired"</Badge> }.into_any()
                    } else {
                        view! { <span>"Works until " <Time at=expires_at/></span> }.into_any()
                    }}
                </p>
                <p class="share__by">"By " {user_name} ", " <Time at=created_at/> ". " {opened} {last_opened_at.map(|at| view! { <span>", last " <Time at/></span> })}</p>
            </div>
            {may_revoke.then(|| view! {
                <ServerForm action=revoke>
                    <input type="hidden" name="id" value=id.to_string()/>
                    <Button small=true variant=Variant::Quiet pending attr:aria-label=label>"Revoke"</Button>
                </ServerForm>
            })}
        </li>
    }
}
