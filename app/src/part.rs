//! The two parts of the site, and the way from one into the other.

use domain::redirect::safe_next;
use leptos::{ev, prelude::*, server_fn::redirect::set_redirect_hook};
use leptos_router::location::{BrowserUrl, LocationProvider};
use std::{
    future::poll_fn,
    sync::atomic::{AtomicBool, Ordering},
    task::Poll,
    time::Duration,
};
use wasm_bindgen::JsCast;

/// Each part has a module of its own, which attaches its pages in the browser and knows no other: what leads into the other
/// part is a page load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What comes before the sign-in.
    Entrance,
    /// Everything else.
    Studio,
}

impl Part {
    /// Whose page it is that a path of this site leads to.
    pub fn of(path: &str) -> Self {
        let first = path.trim_start_matches('/').split(['/', '?', '#']).next();
        match first {
            None | Some("" | "login" | "register" | "forgot" | "reset" | "auth" | "invite") => Self::Entrance,
            Some(_) => Self::Studio,
        }
    }
}

/// Has links and redirects from the studio into the entrance load their page. To be called before the router hears of them, by
/// the owner that it will be of.
pub(crate) fn load_what_leads_to_the_entrance() {
    window_event_listener(ev::click, move |click| {
        if click.button() != 0 || click.ctrl_key() || click.meta_key() || click.shift_key() || click.alt_key() {
            return;
        }
        let clicked = click.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        let link = clicked.and_then(|clicked| clicked.closest("a[href]").ok().flatten());
        if link.and_then(|link| link.get_attribute("href")).is_some_and(|path| leads_to_the_entrance(&path)) {
            click.stop_immediate_propagation();
        }
    });
    // The hook is the process's: the server must not keep the owner of a page in it.
    if cfg!(feature = "ssr") {
        return;
    }
    let owner = Owner::current();
    let _ = set_redirect_hook(move |to| match &owner {
        Some(owner) if !leads_to_the_entrance(to) => owner.with(|| BrowserUrl::redirect(to)),
        _ => leave(to),
    });
}

/// Has redirects of the entrance load their page: it has no router.
pub(crate) fn load_what_redirects_lead_to() {
    if cfg!(not(feature = "ssr")) {
        let _ = set_redirect_hook(leave);
    }
}

fn leads_to_the_entrance(path: &str) -> bool {
    safe_next(path).is_some_and(|path| Part::of(path) == Part::Entrance)
}

static LEAVING: AtomicBool = AtomicBool::new(false);

/// Loads a page.
fn leave(to: &str) {
    LEAVING.store(true, Ordering::Relaxed);
    let _ = window().location().set_href(to);
    // It may not come: the reader may have stopped it.
    set_timeout(|| LEAVING.store(false, Ordering::Relaxed), Duration::from_secs(10));
}

/// Whether another page is on its way. What is answered meanwhile, as that nobody is signed in any more, leads nowhere else.
pub(crate) fn is_leaving() -> bool {
    LEAVING.load(Ordering::Relaxed)
}

/// Until no other page is on its way: a form stays busy that has led to one.
pub(crate) async fn left() {
    poll_fn(|context| {
        if !is_leaving() {
            return Poll::Ready(());
        }
        let waker = context.waker().clone();
        set_timeout(move || waker.wake(), Duration::from_secs(1));
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::{Part, leads_to_the_entrance};

    #[test]
    fn a_path_is_of_one_part() {
        for path in ["/", "/?a=b", "/login?next=/chat/1", "/invite/abc#x"] {
            assert_eq!(Part::of(path), Part::Entrance, "{path}");
            assert!(leads_to_the_entrance(path), "{path}");
        }
        for path in ["/workspaces", "/projects/1?next=/login", "/loginx"] {
            assert_eq!(Part::of(path), Part::Studio, "{path}");
            assert!(!leads_to_the_entrance(path), "{path}");
        }
        for path in ["#main", "?page=2", "https://example.com/login", "//example.com/"] {
            assert!(!leads_to_the_entrance(path), "{path}");
        }
    }
}
