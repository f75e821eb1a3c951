//! Light, dark, or as the system has it: kept in a cookie, so that the server's first paint is right.

use crate::{
    call::{Call, FormAction, ServerForm},
    error::ApiError,
};
use gloo_storage::{LocalStorage, Storage};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// The reader's choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    #[cfg_attr(not(any(feature = "ssr", test)), allow(dead_code))]
    fn parse(text: &str) -> Option<Self> {
        [Self::System, Self::Light, Self::Dark].into_iter().find(|theme| theme.as_str() == text)
    }

    /// What `data-theme` on `<html>` says; nothing for the system's.
    pub const fn attribute(self) -> Option<&'static str> {
        match self {
            Self::System => None,
            _ => Some(self.as_str()),
        }
    }
}

#[cfg(feature = "ssr")]
const COOKIE: &str = "atelier_theme";

/// The theme that this request's cookie names.
#[cfg(feature = "ssr")]
pub fn of_request() -> Theme {
    use_context::<http::request::Parts>()
        .and_then(|request| crate::cookie::read(&request.headers, COOKIE).and_then(|value| Theme::parse(&value)))
        .unwrap_or_default()
}

/// Keeps the choice for a year.
#[server(protocol = Call)]
pub async fn set_theme(theme: Theme) -> Result<(), ApiError> {
    // Not HttpOnly: it holds no secret.
    crate::cookie::set(&format!("{COOKIE}={}; Path=/; Max-Age=31536000; SameSite=Lax", theme.as_str()));
    Ok(())
}

/// Three buttons: as the system has it, light, dark. Without JavaScript they post and come back.
#[component]
pub fn ThemeSwitch() -> impl IntoView {
    let action = FormAction::<SetTheme>::new();
    let option = move |theme: Theme, glyph, label: &'static str| {
        view! {
            <button
                class="segment"
                name="theme"
                value=theme.as_str()
                aria-label=label
                title=label
                on:click=move |_| show(theme)
            >
                <crate::ui::Icon glyph/>
            </button>
        }
    };
    view! {
        <ServerForm action>
            <div class="segments segments--theme" role="group" aria-label="Theme">
                {option(Theme::System, crate::ui::Glyph::Monitor, "As the system")}
                {option(Theme::Light, crate::ui::Glyph::Sun, "Light")}
                {option(Theme::Dark, crate::ui::Glyph::Moon, "Dark")}
            </div>
        </ServerForm>
    }
}

/// Repaints at once, and remembers it for the other tabs.
fn show(theme: Theme) {
    let Some(root) = document().document_element() else { return };
    // Neither fails for a valid attribute name.
    let _ = match theme.attribute() {
        Some(value) => root.set_attribute("data-theme", value),
        None => root.remove_attribute("data-theme"),
    };
    // A browser that keeps nothing still has the cookie.
    let _ = LocalStorage::set(KEY, theme);
}

const KEY: &str = "atelier:theme";

/// Follows a choice made in another tab, for as long as the page lives.
pub(crate) fn follow_other_tabs() {
    Effect::new(move |_| {
        let handle = window_event_listener(leptos::ev::storage, |event| {
            if event.key().as_deref() == Some(KEY) {
                show(LocalStorage::get(KEY).unwrap_or_default());
            }
        });
        on_cleanup(move || handle.remove());
    });
}

#[cfg(test)]
mod tests {
    use super::Theme;

    #[test]
    fn only_a_known_theme_is_read() {
        assert_eq!(Theme::parse("dark"), Some(Theme::Dark));
        assert_eq!(Theme::parse("\"><script>"), None);
        assert_eq!(Theme::System.attribute(), None);
    }
}
