use super::{
    api::{self, SearchHome},
    index_line::IndexLine,
    result::ResultCard,
};
use crate::{
    error::ApiError,
    loaded::loaded,
    routes::{path_id, query_param},
    ui::{Button, Crumb, Empty, Failure, FormError, Glyph, Icon, LinkButton, Page, Skeleton, Variant},
    workspaces::count,
};
use domain::{
    ProjectId,
    documents::{Document, DocumentState, Passage},
    search::MAX_QUERY,
};
use leptos::prelude::*;
use leptos_router::{components::Form, hooks::use_query_map};

/// Search in a project's documents. The query stands in the address, so that a search can be linked and gone back to.
#[component]
pub fn SearchPage() -> impl IntoView {
    let id = path_id::<ProjectId>("project");
    let query = query_param("q");
    let params = use_query_map();
    let chosen = move || params.with(|params| params.get_all("document").unwrap_or_default());
    let home = Resource::new_blocking(
        move || (id(), query().unwrap_or_default(), chosen().join(",")),
        |(id, query, documents)| async move { api::open_search(id?, query, documents).await },
    );
    view! {
        <Transition fallback=Loading>
            {move || {
                let (query, chosen) = (query().unwrap_or_default(), chosen());
                Suspend::new(async move { content(loaded(home).await, query, chosen) })
            }}
        </Transition>
    }
}

#[component]
fn Loading() -> impl IntoView {
    view! {
        <Page title="Search" crumbs=vec![Crumb::link("Workspaces", "/workspaces")]>
            <div class="page__head"><h1>"Search"</h1></div>
            <Skeleton rows=6/>
        </Page>
    }
}

fn content(home: Result<SearchHome, ApiError>, query: String, chosen: Vec<String>) -> AnyView {
    let SearchHome { project, documents, index, found, failure } = match home {
        Ok(home) => home,
        Err(error) => {
            let crumbs = vec![Crumb::link("Workspaces", "/workspaces"), Crumb::here("Not found")];
            return view! { <Page title="Not found" crumbs><Failure error/></Page> }.into_any();
        }
    };
    let id = project.id;
    let crumbs = vec![
        Crumb::link(project.workspace.name.clone(), format!("/workspaces/{}", project.workspace.id)),
        Crumb::link(project.name.clone(), format!("/projects/{id}")),
        Crumb::here("Search"),
    ];
    let title = if query.is_empty() { "Search".to_owned() } else { format!("{query} \u{b7} Search") };
    let results = match found {
        Some(passages) => view! { <Results passages is_filtered=!chosen.is_empty() project=id/> }.into_any(),
        None if failure.is_some() => ().into_any(),
        None => view! { <Teach project=id has_documents=project.document_count != 0/> }.into_any(),
    };
    view! {
        <Page title=format!("{title} \u{b7} {}", project.name) crumbs>
            <div class="page__head"><h1>"Search"</h1></div>
            <SearchForm project=id query documents chosen/>
            <IndexLine index/>
            <FormError error=Signal::stored(failure)/>
            {results}
        </Page>
    }
    .into_any()
}

/// A form that is sent by GET: with JavaScript the page changes in place.
#[component]
fn SearchForm(project: ProjectId, query: String, documents: Vec<Document>, chosen: Vec<String>) -> impl IntoView {
    let is_first = query.is_empty();
    view! {
        <Form method="GET" action=format!("/projects/{project}/search") attr:class="search" attr:role="search">
            <label class="visually-hidden" for="search-query">"What to look for"</label>
            <div class="search__row">
                <input
                    class="input search__input" id="search-query" type="search" name="q" value=query required=true
                    maxlength=MAX_QUERY.to_string() autocomplete="off" autofocus=is_first
                    placeholder="A question, a phrase, a name"
                />
                <Button variant=Variant::Primary icon=Glyph::Search>"Search"</Button>
            </div>
            <Filter documents chosen/>
        </Form>
    }
}

/// Documents to look in; all when none is chosen.
#[component]
fn Filter(documents: Vec<Document>, chosen: Vec<String>) -> impl IntoView {
    let ready: Vec<Document> =
        documents.into_iter().filter(|document| document.state == DocumentState::Ready).collect();
    let label = match u32::try_from(chosen.len()) {
        Ok(0) => "In all documents".to_owned(),
        Ok(number) => format!("In {}", count(number, "document")),
        Err(_) => "In some documents".to_owned(),
    };
    let is_open = !chosen.is_empty();
    // With one document there is nothing to choose.
    (ready.len() > 1 || is_open).then(|| {
        let choices = ready
            .into_iter()
            .map(|document| {
                let id = document.id.to_string();
                let checked = chosen.contains(&id);
                view! {
                    <label class="search__choice">
                        <input type="checkbox" name="document" value=id checked=checked/>
                        <span>{document.name}</span>
                    </label>
                }
            })
            .collect_view();
        view! {
            <details class="search__filter" open=is_open>
                <summary><Icon glyph=Glyph::ChevronRight/>{label}</summary>
                <fieldset class="search__choices">
                    <legend class="visually-hidden">"Only in these documents"</legend>
                    {choices}
                </fieldset>
            </details>
        }
    })
}

#[component]
fn Results(passages: Vec<Passage>, is_filtered: bool, project: ProjectId) -> impl IntoView {
    if passages.is_empty() {
        let text = if is_filtered {
            "Nothing in the chosen documents matches. Choose others, or none to look in all."
        } else {
            "Nothing matches. Documents are found once they are ready; see how far they are in the list."
        };
        return view! {
            <Empty title="Nothing found" text>
                <LinkButton href=format!("/projects/{project}/documents") icon=Glyph::FileText>"Documents"</LinkButton>
            </Empty>
        }
        .into_any();
    }
    let number = u32::try_from(passages.len()).unwrap_or(u32::MAX);
    let best_bm25 = passages.iter().filter_map(|passage| passage.bm25).fold(0.0, f32::max);
    let cards = passages.into_iter().map(|passage| view! { <ResultCard passage best_bm25/> }).collect_view();
    view! {
        <section class="results" aria-labelledby="results-title">
            <h2 class="results__title" id="results-title">{format!("{}, the best first", count(number, "passage"))}</h2>
            <ol class="results__list">{cards}</ol>
        </section>
    }
    .into_any()
}

/// What stands here before the first search.
#[component]
fn Teach(project: ProjectId, has_documents: bool) -> impl IntoView {
    if !has_documents {
        return view! {
            <Empty title="There is nothing to search yet" text="Add documents first. Each is found as soon as it is ready.">
                <LinkButton href=format!("/projects/{project}/documents") icon=Glyph::Upload>"Add documents"</LinkButton>
            </Empty>
        }
        .into_any();
    }
    view! {
        <section class="empty search-teach">
            <h2>"Find the passage, not only the file"</h2>
            <dl>
                <div>
                    <dt>"By words"</dt>
                    <dd>"Names, numbers and terms are found as they are written, in any of their forms."</dd>
                </div>
                <div>
                    <dt>"By meaning"</dt>
                    <dd>"Describe it in your own words: \u{201c}how we talk about money\u{201d} finds the page on prices."</dd>
                </div>
                <div>
                    <dt>"Both at once"</dt>
                    <dd>"Every search does both. Each passage says why it is there, and opens at its place in the document."</dd>
                </div>
            </dl>
        </section>
    }
    .into_any()
}
