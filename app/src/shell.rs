//! The HTML document around every page.

use crate::{App, csp, flash, theme};
use leptos::{hydration::AutoReload, hydration::HydrationScripts, prelude::*};
use leptos_meta::{HashedStylesheet, MetaTags};

/// Renders the document in the reader's theme, so that the first paint is the right one.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    csp::set();
    let theme = theme::of_request();
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
                <HashedStylesheet id="style" options=options.clone()/>
                <link rel="icon" href="/favicon.svg" r#type="image/svg+xml"/>
                <AutoReload options=options.clone()/>
                <HydrationScripts options/>
                {flash::form_failure_meta()}
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}
