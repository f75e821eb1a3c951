use super::{
    actions::{DocumentActions, FailureLine},
    api::{self, Opened},
    facts,
    live::{self, Change},
    reading::{self, Kind, Paragraph, Part},
    state::DocumentStateView,
};
use crate::{
    call::{FormAction, ServerForm},
    chat::InChatButton,
    error::ApiError,
    folders::{ItemFields, href},
    links::SourceLine,
    loaded::loaded,
    members::api::Secret,
    routes::{path_id, query_param},
    shares::{ShareButton, ShareDialog, ShareOutcome},
    trash::{TrashedBanner, api::MoveToTrash},
    ui::{
        Button, Crumb, Failure, FormError, Glyph, Icon, LinkButton, Page, Skeleton, Time, Toast, Variant, Width,
        form_error, scroll_to_fragment, use_toasts,
    },
    written::{ExportMenu, StatusBadge, WrittenArticle},
};
use domain::{
    DocumentId, ProjectId,
    documents::{Document, DocumentPage as PageText, DocumentState, Span, is_worth_retrying},
    folders::Item,
    workspaces::Role,
};
use leptos::prelude::*;

/// Pages shown at a time.
const PAGES: u32 = 5;

/// What the address asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    page: u32,
    /// The cited passage, if the address names one.
    span: Option<Span>,
}

impl Place {
    /// What is no number counts as absent.
    fn of(page: Option<String>, start: Option<String>, end: Option<String>) -> Self {
        let number = |text: Option<String>| text.and_then(|text| text.parse().ok());
        let page: u32 = number(page).unwrap_or(1).max(1);
        let span = match (number(start), number(end)) {
            (Some(start), Some(end)) if start < end => Some(Span { page, start, end }),
            _ => None,
        };
        Self { page, span }
    }

    /// The page to begin with. A passage is shown with the page before it, which it may continue.
    fn first(self) -> u32 {
        if self.span.is_some() { self.page.saturating_sub(1).max(1) } else { self.page }
    }
}

/// A document to read, open at the page and passage that the address names.
#[component]
pub fn DocumentPage() -> impl IntoView {
    let id = path_id::<DocumentId>("document");
    let (page, start, end) = (query_param("page"), query_param("start"), query_param("end"));
    let place = Memo::new(move |_| Place::of(page(), start(), end()));
    let opened = Resource::new_blocking(
        move || (id(), place.get().first()),
        |(id, from)| async move { Ok((from, api::open_document(id?, from, PAGES).await?)) },
    );
    view! {
        <Transition fallback=Loading>
            {move || Suspend::new(async move { content(loaded(opened).await, place) })}
        </Transition>
    }
}

#[component]
fn Loading() -> impl IntoView {
    view! {
        <Page title="Document" crumbs=vec![Crumb::link("Workspaces", "/workspaces")] width=Width::Reading>
            <Skeleton rows=1/>
            <Skeleton rows=12 shape="skeleton--line"/>
        </Page>
    }
}

/// A document that is open. What becomes of it meanwhile may want it to be opened again.
#[derive(Clone, Copy)]
struct Reader {
    id: DocumentId,
    opened: RwSignal<Opened>,
    /// The document as it is known now, which may be later than it was opened.
    live: RwSignal<Document>,
    next_version: RwSignal<Option<Document>>,
    reopen: Action<(), ()>,
}

impl Reader {
    fn new(opened: Opened, place: Memo<Place>) -> Self {
        let id = opened.document.id;
        let live = RwSignal::new(opened.document.clone());
        let next_version = RwSignal::new(opened.next_version.clone());
        let opened = RwSignal::new(opened);
        let toasts = use_toasts();
        let reopen = Action::new(move |()| {
            let from = place.get_untracked().first();
            async move {
                match api::open_document(id, from, PAGES).await {
                    // Nothing to set where another place has been opened meanwhile.
                    Ok(now) => {
                        live.try_set(now.document.clone());
                        next_version.try_set(now.next_version.clone());
                        opened.try_set(now);
                    }
                    Err(error) => toasts.push(Toast::bad(error.to_string())),
                }
            }
        });
        Self { id, opened, live, next_version, reopen }
    }

    fn put(self, document: Document) {
        let is_another = document.state == DocumentState::Ready
            && self
                .live
                .with_untracked(|known| known.state != DocumentState::Ready || known.fetched_at != document.fetched_at);
        self.live.set(document);
        if is_another {
            self.reopen.dispatch(());
        }
    }

    /// Hears what becomes of it. A file that has been read stays as it is.
    fn follow(self) {
        let Document { project, state, source_url, .. } = self.live.get_untracked();
        if state == DocumentState::Ready && source_url.is_none() {
            return;
        }
        live::follow(project.id, move |change| match change {
            Change::Changed(document) if document.id == self.id => self.put(*document),
            Change::Changed(document) if document.replaces == Some(self.id) => {
                self.next_version.set(Some(*document));
            }
            Change::Deleted(gone)
                if self.next_version.with_untracked(|next| next.as_ref().is_some_and(|next| next.id == gone)) =>
            {
                self.next_version.set(None);
            }
            _ => {}
        });
    }
}

/// `opened`: from which page on, and the document.
fn content(opened: Result<(u32, Opened), ApiError>, place: Memo<Place>) -> AnyView {
    let (from, opened) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            let crumbs = vec![Crumb::link("Workspaces", "/workspaces"), Crumb::here("Not found")];
            return view! { <Page title="Not found" crumbs><Failure error/></Page> }.into_any();
        }
    };
    // Shown once, also when the page around it is drawn anew.
    let made = opened.made.clone();
    let reader = Reader::new(opened, place);
    let actions = DocumentActions::new(move |document| reader.put(document));
    reader.follow();
    let shared = Memo::new(move |_| {
        reader.opened.with(|Opened { document, .. }| {
            may_share(document).then(|| (document.id, document.name.clone(), document.role))
        })
    });
    // Another page is shown when its text is here, and not before.
    let shown = Memo::new(move |shown: Option<&Place>| {
        let asked = place.get();
        shown.copied().filter(|_| asked.first() != from).unwrap_or(asked)
    });
    view! {
        {move || reading_page(reader, shown.get(), actions, made.clone())}
        // Beside what is drawn anew when the document has been read: what somebody has open, and what is typed in it, stays.
        {move || shared.get().map(|(document, name, role)| view! { <ShareDialog document name role/> })}
    }
    .into_any()
}

/// What is in the trash is neither shared nor fetched again.
fn may_share(document: &Document) -> bool {
    document.role >= Role::Member && document.has_file() && document.trashed_at.is_none()
}

fn reading_page(reader: Reader, place: Place, actions: DocumentActions, made: Option<Secret>) -> AnyView {
    let Reader { id, opened, live, next_version, reopen } = reader;
    let Opened { document, pages, written, .. } = opened.get();
    let project = document.project.clone();
    let crumbs = vec![
        Crumb::link(project.name, format!("/projects/{}", project.id)),
        Crumb::link("Documents", href(project.id, document.folder_id)),
        Crumb::here(document.name.clone()),
    ];
    let is_there = document.has_file();
    let may_share = may_share(&document);
    let is_written = written.is_some();
    let file = move || {
        let share = may_share.then(|| view! { <ShareButton/> });
        if is_written {
            return view! { <WrittenActions document=live.get_untracked() share/> }.into_any();
        }
        view! {
            {share}
            // Not a page of the app: the router must leave it to the browser.
            {is_there.then(|| view! {
                <a class="button" href=format!("/api/v1/documents/{id}/file") rel="external" target="_blank">
                    <Icon glyph=Glyph::ExternalLink/>
                    <span class="button__label">"Open the file"</span>
                </a>
            })}
        }
        .into_any()
    };
    let name = document.name.clone();
    let count = document.page_count.unwrap_or(0);
    let put_away = Callback::new(move |()| {
        reopen.dispatch(());
    });
    let banner = document.trashed_at.is_some().then(|| document.clone());
    let marked = place.span.filter(|span| pages.iter().any(|page| page.number == span.page));
    // A passage is marked in the text that answers are given from; without one, what is written is read as it is now.
    let body = if let Some(written) = written.filter(|_| marked.is_none()) {
        view! { <WrittenArticle text=Signal::stored(String::from(written.text))/> }.into_any()
    } else if pages.is_empty() {
        view! { <NoText document=live actions count/> }.into_any()
    } else {
        sheets(&document, pages, marked)
    };
    bring_into_view(marked);
    view! {
        <Page title=name crumbs action=file width=Width::Reading>
            {banner.map(|document| view! { <TrashedBanner document restored=put_away/> })}
            <Facts document=live put_away/>
            <FormError error=actions.error()/>
            {document.source_url.clone().map(|address| view! { <SourceLine document=live address next_version/> })}
            {may_share.then(|| view! { <ShareOutcome made/> })}
            {marked.map(|span| view! { <Cited span/> })}
            {body}
        </Page>
    }
    .into_any()
}

/// The pages, with the passage that is marked, and the way to others.
fn sheets(document: &Document, pages: Vec<PageText>, marked: Option<Span>) -> AnyView {
    let (id, count) = (document.id, document.page_count.unwrap_or(0));
    let word = facts::page_word(&document.media_type);
    let (first, last) = (pages.first().map_or(1, |page| page.number), pages.last().map_or(1, |page| page.number));
    let sheets = pages
        .into_iter()
        .map(|page| {
            let span = marked.filter(|span| span.page == page.number).map(|span| (span.start, span.end));
            view! { <Sheet page count word span/> }
        })
        .collect_view();
    view! {
        <article class="reader">{sheets}</article>
        <PageTurner path=format!("/documents/{id}") first last count/>
    }
    .into_any()
}

fn bring_into_view(marked: Option<Span>) {
    Effect::new(move |_| {
        if marked.is_some() {
            scroll_to_fragment("cited");
        }
    });
}

/// The document's name and what is known of it.
#[component]
fn Facts(
    document: RwSignal<Document>,
    /// It is in the trash now.
    put_away: Callback<()>,
) -> impl IntoView {
    // What never changes.
    let Document {
        id, name, media_type, size_bytes, created_by, created_at, role, project, trashed_at, writing, ..
    } = document.get_untracked();
    let may_put_away = role >= Role::Member && trashed_at.is_none();
    let is_there = document.with_untracked(Document::has_file);
    let pages = move || document.with(|document| facts::pages(document.page_count, &document.media_type));
    view! {
        <header class="reader-head">
            <h1 class="reader-head__name">{name.clone()}</h1>
            <ul class="reader-head__facts" aria-label="Facts">
                {writing.map(|status| view! { <li><StatusBadge status=Signal::stored(status)/></li> })}
                <li><DocumentStateView document/></li>
                {is_there.then(|| view! {
                    <li>{if writing.is_some() { "Written here".to_owned() } else { facts::kind(&media_type).to_owned() }}</li>
                })}
                {move || pages().map(|pages| view! { <li>{pages}</li> })}
                {is_there.then(|| view! { <li>{facts::size(size_bytes)}</li> })}
                <li>"Added by " {created_by} ", " <Time at=created_at/></li>
                <Show when=move || document.with(|document| !document.in_chat)><li>"Left out of chat"</li></Show>
            </ul>
            {may_put_away.then(|| view! {
                <div class="reader-head__actions">
                    <InChatButton document class="button button--quiet button--small"/>
                    <TrashForm id project=project.id put_away/>
                </div>
            })}
        </header>
    }
}

/// Puts the document into the trash. Its page stays, and says how it comes back.
#[component]
fn TrashForm(id: DocumentId, project: ProjectId, put_away: Callback<()>) -> impl IntoView {
    let action = FormAction::<MoveToTrash>::new();
    Effect::new(move |_| {
        if let Some(Ok(_)) = action.value().get() {
            put_away.run(());
        }
    });
    view! {
        <ServerForm action>
            <ItemFields project item=Item::Document(id)/>
            <Button small=true variant=Variant::Quiet icon=Glyph::Trash2 pending=action.pending()>"Move to trash"</Button>
        </ServerForm>
        <FormError error=form_error(move || action.value().get(), &[])/>
    }
}

/// What can be done with a document that is written here.
#[component]
fn WrittenActions(document: Document, share: Option<impl IntoView>) -> impl IntoView {
    let Document { id, role, trashed_at, .. } = document;
    let may_edit = role >= Role::Member && trashed_at.is_none();
    view! {
        <LinkButton href=format!("/documents/{id}/history") variant=Variant::Quiet icon=Glyph::History>"History"</LinkButton>
        <ExportMenu id/>
        {share}
        {may_edit.then(|| view! {
            <LinkButton href=format!("/documents/{id}/edit") variant=Variant::Primary icon=Glyph::Pencil>"Edit"</LinkButton>
        })}
    }
}

/// Says that a passage is marked, and leads to it.
#[component]
fn Cited(span: Span) -> impl IntoView {
    let text = format!("The cited passage is marked on page {}.", span.page);
    view! {
        <p class="reader-cited">
            <Icon glyph=Glyph::Quote/>
            <span>{text}</span>
            // Within the page: the browser scrolls by itself.
            <a href="#cited" rel="external">"Go to it"</a>
        </p>
    }
}

/// One page of the document.
#[component]
pub(crate) fn Sheet(
    page: PageText,
    /// Of the whole document; 0 when it is not known.
    count: u32,
    /// What a page is called here.
    word: &'static str,
    /// To be marked.
    span: Option<(u32, u32)>,
) -> impl IntoView {
    let PageText { number, text } = page;
    let paragraphs = reading::paragraphs(&text, span);
    let is_blank = paragraphs.is_empty();
    let title_id = format!("page-{number}");
    let labelled_by = title_id.clone();
    let title = match word {
        _ if count <= 1 => "Text".to_owned(),
        "slide" => format!("Slide {number} of {count}"),
        _ => format!("Page {number} of {count}"),
    };
    let title_class = if count > 1 { "sheet-page__number" } else { "visually-hidden" };
    view! {
        <section class="sheet-page" aria-labelledby=labelled_by>
            <h2 class=title_class id=title_id>{title}</h2>
            <div class="prose">
                {is_blank.then(|| view! { <p class="sheet-page__blank">{format!("This {word} has no text.")}</p> })}
                {paragraphs.into_iter().map(paragraph).collect_view()}
            </div>
        </section>
    }
}

fn paragraph(paragraph: Paragraph) -> impl IntoView {
    let class = match paragraph.kind {
        Kind::Text => "reader__text",
        Kind::Heading => "reader__text reader__heading",
        Kind::Item(0) => "reader__text reader__item",
        Kind::Item(1) => "reader__text reader__item reader__item--1",
        Kind::Item(_) => "reader__text reader__item reader__item--2",
    };
    let parts = paragraph
        .parts
        .into_iter()
        .map(|part| match part {
            Part::Text(text) => text.into_any(),
            Part::Mark { first, text } => view! { <mark id=first.then_some("cited")>{text}</mark> }.into_any(),
        })
        .collect_view();
    view! { <p class=class>{parts}</p> }
}

/// The way to the pages before and after, and to any page, of what is read at `path`.
#[component]
pub(crate) fn PageTurner(path: String, first: u32, last: u32, count: u32) -> impl IntoView {
    if first <= 1 && last >= count {
        return ().into_any();
    }
    let before = (first > 1).then(|| {
        let page = first.saturating_sub(PAGES).max(1);
        view! { <a class="button" rel="prev" href=format!("{path}?page={page}")><Icon glyph=Glyph::ArrowLeft/><span class="button__label">"Earlier pages"</span></a> }
    });
    let after = (last < count).then(|| {
        let page = last + 1;
        view! { <a class="button" rel="next" href=format!("{path}?page={page}")><span class="button__label">"Later pages"</span><Icon glyph=Glyph::ArrowRight/></a> }
    });
    view! {
        <nav class="page-turner" aria-label="Pages">
            <div class="page-turner__side">{before}</div>
            <form class="page-turner__jump" method="get" action=path>
                <label for="jump">"Page"</label>
                <input class="input" id="jump" name="page" type="number" min="1" max=count.to_string() value=first.to_string() inputmode="numeric" required=true/>
                <span>{format!("of {count}")}</span>
                <button class="button button--quiet button--small" type="submit"><span class="button__label">"Go"</span></button>
            </form>
            <div class="page-turner__side page-turner__side--end">{after}</div>
        </nav>
    }
    .into_any()
}

/// What stands in the place of the text while there is none.
#[component]
fn NoText(document: RwSignal<Document>, actions: DocumentActions, count: u32) -> impl IntoView {
    let Document { id, role, source_url, .. } = document.get_untracked();
    let may_write = role >= Role::Member;
    let is_link = source_url.is_some();
    let state = Memo::new(move |_| document.with(|document| document.state));
    let failure = move || document.with(|document| document.failure.clone()).unwrap_or_default();
    move || {
        match state.get() {
        DocumentState::Failed => {
            let reason = failure();
            let may_retry = may_write && is_worth_retrying(&reason, is_link);
            view! {
                <section class="empty" role="alert">
                    <h2>"This document could not be read"</h2>
                    <FailureLine id reason may_retry actions/>
                </section>
            }
            .into_any()
        }
        DocumentState::Ready if document.with(|document| document.page_count == Some(0)) => view! {
            <section class="empty">
                <h2>"This document has no text"</h2>
                <p>"It is stored and can be opened, but no answer is given from it. A picture is read where a model that sees is configured."</p>
            </section>
        }
        .into_any(),
        DocumentState::Ready if count > 0 => {
            let text = format!("It has {}.", crate::workspaces::count(count, "page"));
            view! {
                <section class="empty">
                    <h2>"There is no such page"</h2>
                    <p>{text}</p>
                    <div class="empty__actions"><a class="button" href=format!("/documents/{id}")><span class="button__label">"Go to the first page"</span></a></div>
                </section>
            }
            .into_any()
        }
        // Also between the end of reading and the text: it is asked for then.
        DocumentState::Queued | DocumentState::Extracting | DocumentState::Embedding | DocumentState::Ready => view! {
            <section class="empty">
                <h2>"The text is on its way"</h2>
                <p>"The document is being read. This page shows its text as soon as it is there."</p>
                // Without JavaScript. As a string: with JavaScript the browser reads it as text, and hydration finds no elements in it.
                <noscript inner_html=r#"<meta http-equiv="refresh" content="3">"#></noscript>
            </section>
        }
        .into_any(),
    }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(page: &str, start: &str, end: &str) -> Place {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Place::of(given(page), given(start), given(end))
    }

    #[test]
    fn what_the_address_asks_for_is_clamped() {
        assert_eq!(place("3", "10", "20"), Place { page: 3, span: Some(Span { page: 3, start: 10, end: 20 }) });
        for (page, start, end) in [
            ("", "", ""),
            ("0", "5", "5"),
            ("-1", "9", "2"),
            ("x", "1", "x"),
            ("1", "", "7"),
            ("99999999999", "a", "b"),
        ] {
            assert_eq!(place(page, start, end), Place { page: 1, span: None }, "{page} {start} {end}");
        }
        assert_eq!(place("1", "", "").first(), 1);
        assert_eq!(place("7", "", "").first(), 7);
        assert_eq!(place("7", "1", "2").first(), 6);
    }
}
