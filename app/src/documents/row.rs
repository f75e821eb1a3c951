use super::{
    actions::{DocumentActions, FailureLine},
    facts,
    list::Listed,
    state::DocumentStateView,
    upload::{Upload, UploadState, Uploads},
};
use crate::{
    chat::InChatButton,
    folders::{Choice, ItemActions, MoveButton, TrashButton},
    links::SourceHost,
    ui::{Button, Glyph, Icon, IconButton, Menu, Progress, Time},
};
use domain::{
    documents::{Document, DocumentState, is_worth_retrying},
    folders::Item,
    workspaces::Role,
};
use leptos::prelude::*;

/// A document in the list. The roles say what CSS may hide from a screen reader when it turns rows into cards.
#[component]
pub(super) fn DocumentRow(listed: Listed, actions: DocumentActions, items: ItemActions) -> impl IntoView {
    let Listed { id, document } = listed;
    // What never changes.
    let Document { created_by, created_at, role, source_url, writing, .. } = document.get_untracked();
    let may_write = role >= Role::Member;
    // A link is what its page is, which is known when that has been fetched.
    let name = Memo::new(move |_| document.with(|document| document.name.clone()));
    let is_there = Memo::new(move |_| document.with(Document::has_file));
    let kind = move || document.with(|document| facts::kind(&document.media_type).to_owned());
    let size = move || {
        if is_there.get() { document.with(|document| facts::size(document.size_bytes)) } else { "\u{2013}".to_owned() }
    };
    let is_link = source_url.is_some();
    let glyph = if is_link { Glyph::Link } else { Glyph::FileText };
    let pages = move || {
        document
            .with(|document| facts::pages(document.page_count, &document.media_type))
            .unwrap_or_else(|| "\u{2013}".to_owned())
    };
    let failure = move || {
        document.with(|document| {
            (document.state == DocumentState::Failed).then(|| document.failure.clone().unwrap_or_default())
        })
    };
    let item = Item::Document(id);
    view! {
        <tr role="row" class="document">
            <td role="cell" class="document__choice">
                {may_write.then(|| view! { <Choice item name=name.get_untracked() selection=items.selection/> })}
            </td>
            <th role="rowheader" scope="row" class="document__name">
                <Icon glyph/>
                <div>
                    <a class="document__link" href=format!("/documents/{id}")>{name}</a>
                    {source_url.map(|address| view! { <SourceHost address/> })}
                    <Show when=move || document.with(|document| !document.in_chat)>
                        <p class="document__hint">"Left out of chat"</p>
                    </Show>
                    {move || failure().map(|reason| {
                        let may_retry = may_write && is_worth_retrying(&reason, is_link);
                        view! { <FailureLine id reason may_retry actions/> }
                    })}
                </div>
            </th>
            <td role="cell" class="document__state"><DocumentStateView document/></td>
            <td role="cell" class="document__pages">{pages}</td>
            <td role="cell" class="document__size" title=kind>{size}</td>
            <td role="cell" class="document__by">{created_by}</td>
            <td role="cell" class="document__at"><Time at=created_at/></td>
            <td role="cell" class="document__actions">
                <Menu label=format!("Actions for {}", name.get_untracked()) summary=|| view! { <Icon glyph=Glyph::Ellipsis/> } right=true>
                    {(writing.is_some() && may_write).then(|| view! {
                        <a class="menu__item" href=format!("/documents/{id}/edit")>
                            <Icon glyph=Glyph::Pencil/>
                            "Edit"
                        </a>
                    })}
                    // Not a page of the app: the router must leave it to the browser.
                    {move || (is_there.get() && writing.is_none()).then(|| view! {
                        <a class="menu__item" href=format!("/api/v1/documents/{id}/file") rel="external" target="_blank">
                            <Icon glyph=Glyph::ExternalLink/>
                            "Open the file"
                        </a>
                    })}
                    {may_write.then(|| view! {
                        <InChatButton document class="menu__item"/>
                        <MoveButton item actions=items/>
                        <TrashButton item actions=items/>
                    })}
                </Menu>
            </td>
        </tr>
    }
}

/// A file on its way up, in the place that its document will have.
#[component]
pub(super) fn UploadRow(upload: Upload, uploads: Uploads) -> impl IntoView {
    let name = upload.name.get_value();
    let failure = move || match upload.state.get() {
        UploadState::Failed(reason) => Some(reason),
        _ => None,
    };
    let can_retry = upload.size > 0;
    let cancel = move || if failure().is_some() { "Remove from the list" } else { "Cancel the upload" };
    let is_unchosen = move || upload.state.with(|state| matches!(state, UploadState::Unchosen { .. }));
    let turn = move || match upload.state.get() {
        UploadState::Sending { .. } | UploadState::Interrupted { .. } => Some((Glyph::Pause, "Pause the upload")),
        UploadState::Paused { .. } => Some((Glyph::Play, "Go on with the upload")),
        _ => None,
    };
    let turn = Memo::new(move |_| turn());
    let change_turn = move |_| match turn.get_untracked() {
        Some((Glyph::Pause, _)) => uploads.pause(upload),
        Some(_) => uploads.resume(upload),
        None => {}
    };
    view! {
        <tr role="row" class="document document--upload">
            <td role="cell" class="document__choice"></td>
            <th role="rowheader" scope="row" class="document__name">
                <Icon glyph=Glyph::Upload/>
                <div>
                    <span class="document__link">{name.clone()}</span>
                    {move || failure().map(|reason| view! {
                        <div class="failure-line" role="alert">
                            <p>{reason}</p>
                            {can_retry.then(|| view! {
                                <Button small=true kind="button" icon=Glyph::RotateCcw on:click=move |_| uploads.resume(upload)>"Try again"</Button>
                            })}
                        </div>
                    })}
                    <Show when=is_unchosen>
                        <p class="document__hint">"Choose the same file again, and it goes on from there."</p>
                    </Show>
                </div>
            </th>
            <td role="cell" class="document__state"><UploadProgress upload name/></td>
            <td role="cell" class="document__pages">"\u{2013}"</td>
            <td role="cell" class="document__size">{facts::size(upload.size)}</td>
            <td role="cell" class="document__by"></td>
            <td role="cell" class="document__at"></td>
            <td role="cell" class="document__actions">
                {move || turn.get().map(|(glyph, label)| view! { <IconButton glyph label on:click=change_turn/> })}
                {move || view! { <IconButton glyph=Glyph::X label=cancel() on:click=move |_| uploads.remove(upload)/> }}
            </td>
        </tr>
    }
}

/// How far a file is, in words, with a bar.
#[component]
pub(crate) fn UploadProgress(upload: Upload, name: String) -> impl IntoView {
    let part = move |sent| format!("{} of {}", facts::size(sent), facts::size(upload.size));
    let words = move || match upload.state.get() {
        UploadState::Waiting => "Waiting".to_owned(),
        UploadState::Sending { sent } => part(sent),
        UploadState::Paused { sent } => format!("Paused at {}", part(sent)),
        UploadState::Interrupted { sent } => format!("Connecting again at {}", part(sent)),
        UploadState::Unchosen { sent } => format!("Stopped at {}", part(sent)),
        UploadState::Storing => "Storing".to_owned(),
        UploadState::Failed(_) => "Not uploaded".to_owned(),
    };
    let value = Signal::derive(move || match upload.state.get() {
        UploadState::Storing => None,
        other => Some(fraction(other.sent(), upload.size)),
    });
    let has_bar = move || {
        upload.state.with(|state| {
            state.is_under_way() || matches!(state, UploadState::Paused { .. } | UploadState::Unchosen { .. })
        })
    };
    let label = format!("Uploading {name}");
    view! {
        <span class="state">
            <span class="state__words">{words}</span>
            <Show when=has_bar>
                <Progress label=label.clone() value/>
            </Show>
        </span>
    }
}

#[allow(clippy::cast_precision_loss)] // for a bar of a hundred pixels
fn fraction(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}
