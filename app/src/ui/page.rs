use super::breadcrumb::{Breadcrumb, Crumb};
use leptos::prelude::*;
use leptos_meta::Title;

/// How much of the window a page's content takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Width {
    /// 68 characters of reading text.
    Reading,
    /// Lists, cards and tables: all of it, with padding.
    #[default]
    Wide,
    /// All of it, without padding and not scrolling itself: for panes that scroll on their own.
    Full,
}

/// A page inside the frame: the document's title, the top line with breadcrumb and primary action, and the content,
/// which should begin with an `<h1>`.
#[component]
pub fn Page(
    /// The tab's title.
    #[prop(into)]
    title: String,
    crumbs: Vec<Crumb>,
    /// The page's one primary action, at the right of the top line.
    #[prop(optional, into)]
    action: Option<ViewFn>,
    #[prop(optional)] width: Width,
    children: Children,
) -> impl IntoView {
    let class = match width {
        Width::Reading => "page page--reading",
        Width::Wide => "page page--wide",
        Width::Full => "page page--full",
    };
    view! {
        <Title text=title/>
        <header class="topline">
            <Breadcrumb crumbs/>
            <div class="topline__action">{action.map(|action| action.run())}</div>
        </header>
        <main class=class id="main" tabindex="-1">
            {children()}
        </main>
    }
}
