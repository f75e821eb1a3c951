//! The HTML document around every page.

use crate::{
    Studio, csp,
    entrance::{Entrance, EntrancePage},
    flash,
    part::Part,
    site::{Bundle, Site},
    theme,
};
use leptos::{
    config::LeptosOptions, hydration::AutoReload, nonce::use_nonce, prelude::*, tachys::reactive_graph::OwnedView,
};
use leptos_meta::MetaTags;

/// Renders the document of a page of the studio.
pub fn studio_document(site: &Site, options: LeptosOptions) -> impl IntoView + use<> {
    document(Part::Studio, site, options, || view! { <Studio/> }.into_any())
}

/// Renders the document of a page of the entrance, once what it shows is found.
pub fn entrance_document(site: &Site, options: LeptosOptions) -> impl IntoView + use<> {
    let page = || {
        let found = Suspend::new(async {
            let page = EntrancePage::asked_for().await;
            let data = page.data();
            // What was waited for is written when the thread's owner may be of another request. A child of this request's: one
            // that held itself would outlive an answer that nobody reads to its end.
            let owner = Owner::new();
            let view = owner.with(|| view! { <Entrance page/> {data} });
            OwnedView::new_with_owner(view, owner)
        });
        found.into_any()
    };
    document(Part::Entrance, site, options, page)
}

/// The document of a part's page, in the reader's theme, so that the first paint is the right one.
fn document(part: Part, site: &Site, options: LeptosOptions, page: fn() -> AnyView) -> impl IntoView + use<> {
    csp::set();
    let theme = theme::of_request();
    let bundle = site.bundle(part).clone();
    // Who has signed in goes on to the studio.
    let next = (part == Part::Entrance).then(|| view! { <Meanwhile bundle=site.studio.clone()/> });
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme.attribute()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover"/>
                <meta name="color-scheme" content="light dark"/>
                <meta name="theme-color" media="(prefers-color-scheme: light)" content="#fcfaf6"/>
                <meta name="theme-color" media="(prefers-color-scheme: dark)" content="#141110"/>
                <link rel="preload" href="/fonts/geist-latin.woff2" r#as="font" r#type="font/woff2" crossorigin="anonymous"/>
                <link rel="preload" href="/fonts/newsreader-latin.woff2" r#as="font" r#type="font/woff2" crossorigin="anonymous"/>
                <link id="style" rel="stylesheet" href=bundle.style.clone()/>
                <link rel="icon" href="/favicon.svg" r#type="image/svg+xml"/>
                <AutoReload options/>
                <Hydration bundle/>
                {next}
                {flash::form_failure_meta()}
                <MetaTags/>
            </head>
            <body>{page()}</body>
        </html>
    }
}

/// Loads the module of the page's part, which attaches it. Fetched from the first line of the page on.
#[component]
fn Hydration(bundle: Bundle) -> impl IntoView {
    let Bundle { script, wasm, .. } = bundle;
    let start = format!(
        "import('{script}').then(part => part.default({{module_or_path: '{wasm}'}}).then(() => part.hydrate()))"
    );
    view! {
        <link rel="modulepreload" href=script crossorigin="anonymous"/>
        <link rel="preload" href=wasm r#as="fetch" r#type="application/wasm" crossorigin="anonymous"/>
        <script type="module" nonce=use_nonce()>{start}</script>
    }
}

/// Has the browser fetch what the next page will want, when it has nothing else to do.
#[component]
fn Meanwhile(bundle: Bundle) -> impl IntoView {
    view! {
        <link rel="prefetch" href=bundle.style r#as="style"/>
        <link rel="prefetch" href=bundle.script r#as="script" crossorigin="anonymous"/>
        <link rel="prefetch" href=bundle.wasm r#as="fetch" crossorigin="anonymous"/>
    }
}
