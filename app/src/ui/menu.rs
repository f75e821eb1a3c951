use leptos::{ev, html, prelude::*};

/// A button that opens a list of links and forms. It is a `<details>`, so it works without JavaScript; with it, Escape,
/// a click elsewhere and a choice close it.
#[component]
pub fn Menu(
    /// What a screen reader hears, before what the button shows.
    #[prop(into)]
    label: String,
    /// What the button shows.
    #[prop(into)]
    summary: ViewFn,
    /// The list opens above the button, for the foot of the rail.
    #[prop(optional)]
    upwards: bool,
    /// Aligned with the button's right edge.
    #[prop(optional)]
    right: bool,
    /// From the beginning.
    #[prop(optional)]
    open: bool,
    children: Children,
) -> impl IntoView {
    let element = NodeRef::<html::Details>::new();
    let close = move || {
        if let Some(details) = element.get_untracked() {
            details.set_open(false);
        }
    };
    let escape = window_event_listener(ev::keydown, move |event| {
        if event.key() == "Escape" {
            close();
        }
    });
    let elsewhere = window_event_listener(ev::click, move |event| {
        use leptos::wasm_bindgen::JsCast;
        let target = event.target().and_then(|target| target.dyn_into::<leptos::web_sys::Element>().ok());
        let inside = element.get_untracked().is_some_and(|details| details.contains(target.as_deref()));
        // A link may lead to a download or another tab, and the page stays.
        let chosen = target.is_some_and(|target| target.closest("a").is_ok_and(|link| link.is_some()));
        if !inside || chosen {
            close();
        }
    });
    on_cleanup(move || {
        escape.remove();
        elsewhere.remove();
    });
    let class =
        format!("menu{}{}", if upwards { " menu--upwards" } else { "" }, if right { " menu--right" } else { "" });
    view! {
        <details class=class open=open node_ref=element>
            <summary class="menu__button"><span class="visually-hidden">{label}</span>{summary.run()}</summary>
            <div class="menu__list">{children()}</div>
        </details>
    }
}

/// A link in a menu. The page that it leads to is another, so the menu closes.
#[component]
pub fn MenuLink(
    #[prop(into)] href: String,
    #[prop(optional, into)] current: bool,
    children: Children,
) -> impl IntoView {
    view! {
        <a class="menu__item" href=href aria-current=current.then_some("page")>
            {children()}
        </a>
    }
}
