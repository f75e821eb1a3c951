use leptos::prelude::*;

/// What a state means to the reader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    #[default]
    Neutral,
    /// Something is at work.
    Active,
    Ok,
    Warn,
    Bad,
}

impl Tone {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Neutral => "neutral",
            Self::Active => "active",
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}

/// A state in a word, with a dot in its colour: never by colour alone.
#[component]
pub fn Badge(#[prop(optional, into)] tone: Signal<Tone>, children: Children) -> impl IntoView {
    view! { <span class="badge" data-tone=move || tone.get().as_str()>{children()}</span> }
}
