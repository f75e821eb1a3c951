use super::{ENDED_TEXT, ENDED_TITLE, api};
use crate::{
    documents::{PageTurner, Sheet, kind, page_word, size},
    error::ApiError,
    loaded::loaded,
    markdown::{self, MarkdownView},
    redirect::encode,
    routes::query_param,
    ui::{Glyph, Icon, LinkButton, Mark, Time},
};
use domain::{
    Error,
    shares::{SharedDocument, SharedText},
};
use leptos::prelude::*;
use leptos_meta::{Meta, Title};
use leptos_router::hooks::use_params_map;

/// Where a share's link leads: the document to read, for whoever has it, and nothing of the workspace around it.
#[component]
pub fn SharedPage() -> impl IntoView {
    let params = use_params_map();
    let token = Memo::new(move |_| params.with(|params| params.get("token").unwrap_or_default()));
    let page = query_param("page");
    let from = Memo::new(move |_| page().and_then(|page| page.parse().ok()).unwrap_or(1_u32).max(1));
    let opened = Resource::new_blocking(
        move || (token.get(), from.get()),
        |(token, from)| async move { api::open_share(token, from).await },
    );
    view! {
        <Meta name="robots" content="noindex, nofollow, noarchive"/>
        <Transition>
            {move || {
                let path = format!("/shared/{}", encode(&token.get()));
                Suspend::new(async move {
                    match loaded(opened).await {
                        Ok(document) => reading(document, path),
                        Err(error) => ended(&error),
                    }
                })
            }}
        </Transition>
    }
}

fn reading(document: SharedDocument, path: String) -> AnyView {
    let SharedDocument { name, media_type, size_bytes, page_count, shared_by, expires_at, text } = document;
    view! {
        <Title text=name.clone()/>
        <header class="topline shared__top">
            <a class="shared__mark" href="/" aria-label="atelier"><Mark size=24/></a>
            // Not a page of the app: the router must leave it to the browser.
            <a class="button button--primary" href=format!("{path}/file") rel="external" download="">
                <Icon glyph=Glyph::Download/>
                <span class="button__label">"Download"</span>
            </a>
        </header>
        <main class="page page--reading shared" id="main" tabindex="-1">
            <header class="reader-head">
                <h1 class="reader-head__name">{name}</h1>
                <ul class="reader-head__facts" aria-label="Facts">
                    <li>{kind(&media_type).to_owned()}</li>
                    <li>{size(size_bytes)}</li>
                    <li>"Shared by " {shared_by}</li>
                    <li>"This link works until " <Time at=expires_at/></li>
                </ul>
            </header>
            {content(text, page_count, page_word(&media_type), path)}
        </main>
    }
    .into_any()
}

fn content(text: SharedText, page_count: u32, word: &'static str, path: String) -> AnyView {
    match text {
        SharedText::Markdown(text) => {
            let blocks = markdown::parse_document(&text);
            view! { <article class="reader shared__markdown prose"><MarkdownView blocks=Signal::stored(blocks)/></article> }.into_any()
        }
        SharedText::Pages(pages) if pages.is_empty() && page_count > 0 => view! {
            <section class="empty">
                <h2>{format!("There is no such {word}")}</h2>
                <div class="empty__actions"><LinkButton href=path>"Go to the first page"</LinkButton></div>
            </section>
        }
        .into_any(),
        SharedText::Pages(pages) if pages.is_empty() => view! {
            <section class="empty">
                <h2>"There is no text to show"</h2>
                <p>"The document is a picture, or has not been read yet. Download the file to open it."</p>
            </section>
        }
        .into_any(),
        SharedText::Pages(pages) => {
            let (first, last) =
                (pages.first().map_or(1, |page| page.number), pages.last().map_or(1, |page| page.number));
            let sheets =
                pages.into_iter().map(|page| view! { <Sheet page count=page_count word span=None/> }).collect_view();
            view! {
                <article class="reader">{sheets}</article>
                <PageTurner path first last count=page_count/>
            }
            .into_any()
        }
    }
}

fn ended(error: &ApiError) -> AnyView {
    let (title, text) = match error.error() {
        Error::NotFound => (ENDED_TITLE, ENDED_TEXT.to_owned()),
        other => ("This document cannot be shown right now", other.to_string()),
    };
    view! {
        <Title text=title/>
        <main class="auth" id="main" tabindex="-1">
            <a class="auth__mark" href="/" aria-label="atelier"><Mark size=32/></a>
            <h1>{title}</h1>
            <p class="auth__text" role="alert">{text}</p>
            <LinkButton href="/">"Go to the start"</LinkButton>
        </main>
    }
    .into_any()
}
