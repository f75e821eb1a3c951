use super::{
    api::{self, History, RestoreVersion},
    diff::DifferenceView,
    reading::WrittenArticle,
};
use crate::{
    call::{FormAction, ServerForm},
    documents::size,
    error::ApiError,
    loaded::loaded,
    redirect::encode,
    routes::{path_id, query_param},
    ui::{
        Badge, Button, Crumb, Empty, Failure, FormError, Glyph, LinkButton, Page, Pager, Skeleton, Time, Variant,
        form_error,
    },
};
use domain::{
    Cursor, DocumentId, VersionId,
    documents::Document,
    workspaces::Role,
    written::{Difference, Version, VersionText, WritingStatus},
};
use leptos::prelude::*;

/// A document's versions, and what has changed since the one that the address names.
#[component]
pub fn HistoryPage() -> impl IntoView {
    let id = path_id::<DocumentId>("document");
    let (cursor, version) = (query_param("cursor"), query_param("version"));
    let overtaken = query_param("overtaken");
    let history = Resource::new_blocking(
        move || (id(), cursor().map(Cursor), version()),
        |(id, cursor, version)| async move {
            let version = match version {
                None => None,
                Some(version) => Some(version.parse::<VersionId>().map_err(|_| ApiError::not_found())?),
            };
            api::open_history(id?, cursor, version).await
        },
    );
    view! {
        <Transition fallback=Loading>
            {move || {
                let (cursor, overtaken) = (cursor(), overtaken());
                Suspend::new(async move { content(loaded(history).await, cursor, overtaken) })
            }}
        </Transition>
    }
}

#[component]
fn Loading() -> impl IntoView {
    view! {
        <Page title="History" crumbs=vec![Crumb::link("Workspaces", "/workspaces")]>
            <div class="page__head"><h1>"History"</h1></div>
            <Skeleton rows=8/>
        </Page>
    }
}

fn content(history: Result<History, ApiError>, cursor: Option<String>, overtaken: Option<String>) -> AnyView {
    let History { document, versions, chosen } = match history {
        Ok(history) => history,
        Err(error) => {
            let crumbs = vec![Crumb::link("Workspaces", "/workspaces"), Crumb::here("Not found")];
            return view! { <Page title="Not found" crumbs><Failure error/></Page> }.into_any();
        }
    };
    let Document { id, project, name, role, .. } = document;
    let may_write = role >= Role::Member;
    let crumbs = vec![
        Crumb::link("Documents", format!("/projects/{}/documents", project.id)),
        Crumb::link(name.clone(), format!("/documents/{id}")),
        Crumb::here("History"),
    ];
    let edit = move || {
        may_write.then(|| {
            view! { <LinkButton href=format!("/documents/{id}/edit") icon=Glyph::Pencil>"Edit"</LinkButton> }
        })
    };
    let current = chosen.as_ref().map(|(text, _)| text.version.id);
    // So that a version that is chosen on a later page of the list stays in view.
    let suffix = cursor.map(|cursor| format!("&cursor={}", encode(&cursor))).unwrap_or_default();
    let rows = versions
        .items
        .into_iter()
        .map(|version| {
            let href = format!("/documents/{id}/history?version={}{suffix}", version.id);
            let is_current = current == Some(version.id);
            view! { <VersionRow version href is_current/> }
        })
        .collect_view();
    let next = versions.next;
    let detail = match chosen {
        Some((text, difference)) => view! { <Chosen text difference may_write/> }.into_any(),
        None => view! {
            <Empty title="Choose a version" text="It is shown with what has changed since. Putting one back makes a new version: nothing is lost."/>
        }
        .into_any(),
    };
    view! {
        <Page title=format!("History \u{b7} {name}") crumbs action=edit>
            <div class="page__head"><h1>"History"</h1></div>
            {overtaken.map(|_| view! {
                <p class="notice" role="status">"Somebody has changed this document while you were writing. Your text is saved as the newest version; theirs is the one below it."</p>
            })}
            <div class="history">
                <section class="history__list" aria-label="Versions">
                    <ol class="versions">{rows}</ol>
                    <Pager next=Signal::stored(next) path=format!("/documents/{id}/history")/>
                </section>
                <div class="history__detail">{detail}</div>
            </div>
        </Page>
    }
    .into_any()
}

#[component]
fn VersionRow(version: Version, href: String, is_current: bool) -> impl IntoView {
    let Version { number, author, changed_at, size_bytes, restored_from, reached, is_present, .. } = version;
    let author = if author.is_empty() { "Somebody".to_owned() } else { author };
    let note = restored_from.map(|from| format!("Version {from} put back"));
    let reached = reached.map(|reached| match reached {
        WritingStatus::Published => "Published",
        _ => "Approved",
    });
    view! {
        <li>
            <a class="version" href=href aria-current=is_current.then_some("true")>
                <span class="version__number">{format!("Version {number}")}</span>
                <span class="version__by">{author} ", " <Time at=changed_at/></span>
                <span class="version__size">{size(size_bytes.into())}</span>
                <span class="version__notes">
                    {is_present.then(|| view! { <Badge>"Present"</Badge> })}
                    {reached.map(|word| view! { <Badge>{word}</Badge> })}
                    {note.map(|note| view! { <span>{note}</span> })}
                </span>
            </a>
        </li>
    }
}

/// One version: what has changed since, and all of it.
#[component]
fn Chosen(text: VersionText, difference: Difference, may_write: bool) -> impl IntoView {
    let VersionText { version, text } = text;
    let restore = FormAction::<RestoreVersion>::new();
    let error = form_error(move || restore.value().get(), &[]);
    let number = version.number;
    let may_restore = may_write && !version.is_present;
    let changes = if version.is_present {
        view! { <p class="diff__none">"This is the present text."</p> }.into_any()
    } else {
        let label = format!("From version {number} to the present text");
        view! { <DifferenceView difference label/> }.into_any()
    };
    view! {
        <section class="chosen" aria-labelledby="chosen-title">
            <div class="chosen__head">
                <h2 id="chosen-title">{format!("Version {number}")}</h2>
                {may_restore.then(|| view! {
                    <ServerForm action=restore>
                        <input type="hidden" name="id" value=version.id.to_string()/>
                        <input type="hidden" name="document" value=version.document_id.to_string()/>
                        <Button variant=Variant::Secondary icon=Glyph::RotateCcw pending=restore.pending()>"Put this version back"</Button>
                    </ServerForm>
                })}
            </div>
            <FormError error/>
            <h3>"Changed since"</h3>
            {changes}
            <details class="chosen__text">
                <summary>"The whole text of this version"</summary>
                <WrittenArticle text=Signal::stored(String::from(text))/>
            </details>
        </section>
    }
}
