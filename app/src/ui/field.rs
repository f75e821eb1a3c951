use super::{button::IconButton, icon::Glyph};
use crate::error::ApiError;
use leptos::{html, prelude::*};
use std::ops::Deref;
use wasm_bindgen::JsCast;

/// The sentence for one field in what an action answered, for [`Field`].
pub fn field_error<T: Clone + Send + Sync + 'static>(
    answer: impl Fn() -> Option<Result<T, ApiError>> + Send + Sync + 'static,
    field: &'static str,
) -> Signal<Option<String>> {
    Signal::derive(move || answer().and_then(Result::err).and_then(|error| error.for_field(field)))
}

/// The sentence that belongs to none of `fields`, for [`FormError`].
pub fn form_error<T: Clone + Send + Sync + 'static>(
    answer: impl Fn() -> Option<Result<T, ApiError>> + Send + Sync + 'static,
    fields: &'static [&'static str],
) -> Signal<Option<String>> {
    Signal::derive(move || answer().and_then(Result::err).and_then(|error| error.outside(fields)))
}

/// The error that the page came with: what a form without JavaScript came back with. What fails later is told where it was
/// done.
pub fn error_on_arrival<I, T>(action: impl Deref<Target = Action<I, Result<T, ApiError>>>) -> Signal<Option<String>>
where
    I: Send + Sync + 'static,
    T: Clone + Send + Sync + 'static,
{
    let action = *action;
    form_error(move || if action.version().get() == 0 { action.value().get() } else { None }, &[])
}

/// Empties a field whose content has been dealt with, so that the next can be typed.
pub fn clear_field(id: &str) {
    let field = document().get_element_by_id(id);
    if let Some(field) = field.and_then(|field| field.dyn_into::<web_sys::HtmlInputElement>().ok()) {
        field.set_value("");
    }
}

/// The error of a form as a whole, announced when it appears.
#[component]
pub fn FormError(#[prop(into)] error: Signal<Option<String>>) -> impl IntoView {
    view! {
        <div class="form-error" role="alert" hidden=move || error.get().is_none()>
            {move || error.get()}
        </div>
    }
}

/// What stands below a control: its error, else its hint. `{id}-note` is for `aria-describedby`.
#[component]
fn Note(id: String, hint: Option<String>, error: Signal<Option<String>>) -> impl IntoView {
    view! {
        <p class="field__note" id=format!("{id}-note") aria-live="polite" data-error=move || error.get().map(|_| "")>
            {move || error.get().or_else(|| hint.clone())}
        </p>
    }
}

/// A one-line text field with its label above, and its hint or error below.
#[component]
pub fn Field(
    /// The name in the form; the id too, unless `id` is given.
    name: &'static str,
    #[prop(into)] label: String,
    #[prop(optional, into)] id: Option<String>,
    #[prop(default = "text")] kind: &'static str,
    #[prop(optional, into)] value: String,
    #[prop(optional, into)] hint: Option<String>,
    #[prop(optional, into)] error: Signal<Option<String>>,
    #[prop(optional, into)] placeholder: Option<String>,
    #[prop(optional)] autocomplete: Option<&'static str>,
    #[prop(optional)] maxlength: Option<u32>,
    #[prop(optional)] required: bool,
    #[prop(optional)] autofocus: bool,
    /// Writes "optional" beside the label.
    #[prop(optional)]
    optional: bool,
) -> impl IntoView {
    let id = id.unwrap_or_else(|| format!("field-{name}"));
    view! {
        <div class="field">
            <label for=id.clone()>{label} {optional.then(|| view! { <span class="field__optional">"Optional"</span> })}</label>
            <input
                class="input"
                id=id.clone()
                name=name
                type=kind
                value=value
                placeholder=placeholder
                autocomplete=autocomplete.unwrap_or("off")
                maxlength=maxlength.map(|length| length.to_string())
                required=required
                autofocus=autofocus
                aria-invalid=move || error.get().map(|_| "true")
                aria-describedby=format!("{id}-note")
            />
            <Note id hint error/>
        </div>
    }
}

/// A code of six digits, from a mail or an authenticator app.
#[component]
pub fn CodeField(
    #[prop(into)] label: String,
    /// Of the element; `field-code` if there is one such form on the page.
    #[prop(optional, into)]
    id: Option<String>,
    #[prop(optional, into)] error: Signal<Option<String>>,
    #[prop(optional)] autofocus: bool,
) -> impl IntoView {
    let id = id.unwrap_or_else(|| "field-code".to_owned());
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <input
                class="input input--digits"
                id=id.clone()
                name="code"
                type="text"
                inputmode="numeric"
                autocomplete="one-time-code"
                autocapitalize="off"
                spellcheck="false"
                maxlength="12"
                required
                autofocus=autofocus
                aria-invalid=move || error.get().map(|_| "true")
                aria-describedby=format!("{id}-note")
            />
            <Note id hint=None error/>
        </div>
    }
}

/// What stands in a `<textarea>` for it to hold `text`. Leptos writes the content of one as it is, on the server, and
/// leaves it alone in the browser (tachys 0.2, `ESCAPE_CHILDREN`); of HTML, the first line break does not count.
pub fn area_text(text: String) -> String {
    if cfg!(feature = "ssr") {
        format!("\n{}", text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
    } else {
        text
    }
}

/// A field for running text, as tall as `rows` and growing with what is typed.
#[component]
pub fn TextArea(
    name: &'static str,
    #[prop(into)] label: String,
    #[prop(optional, into)] id: Option<String>,
    #[prop(optional, into)] value: String,
    #[prop(optional, into)] hint: Option<String>,
    #[prop(optional, into)] error: Signal<Option<String>>,
    #[prop(optional, into)] placeholder: Option<String>,
    #[prop(default = 3)] rows: u32,
    #[prop(optional)] maxlength: Option<u32>,
) -> impl IntoView {
    let id = id.unwrap_or_else(|| format!("field-{name}"));
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <textarea
                class="input input--area"
                id=id.clone()
                name=name
                rows=rows.to_string()
                placeholder=placeholder
                maxlength=maxlength.map(|length| length.to_string())
                aria-invalid=move || error.get().map(|_| "true")
                aria-describedby=format!("{id}-note")
            >
                {area_text(value)}
            </textarea>
            <Note id hint error/>
        </div>
    }
}

/// A password with a button that reveals it. For a new one it says in words how strong it is.
#[component]
pub fn PasswordField(
    name: &'static str,
    #[prop(into)] label: String,
    /// A password that is being chosen, not one that is known.
    #[prop(optional)]
    new: bool,
    #[prop(optional, into)] error: Signal<Option<String>>,
) -> impl IntoView {
    let id = format!("field-{name}");
    let revealed = RwSignal::new(false);
    let typed = RwSignal::new(String::new());
    let input = NodeRef::<html::Input>::new();
    // Before hydration a browser may have restored or filled in a password.
    Effect::new(move |_| {
        if let Some(input) = input.get() {
            typed.set(input.value());
        }
    });
    let note = Signal::derive(move || error.get());
    let hint = move || {
        if !new {
            return None;
        }
        Some(typed.with(|password| strength(password)))
    };
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <div class="input-group">
                <input
                    class="input"
                    id=id.clone()
                    name=name
                    node_ref=input
                    type=move || if revealed.get() { "text" } else { "password" }
                    autocomplete=if new { "new-password" } else { "current-password" }
                    autocapitalize="off"
                    spellcheck="false"
                    required
                    minlength=new.then_some("8")
                    maxlength="200"
                    aria-invalid=move || note.get().map(|_| "true")
                    aria-describedby=format!("{id}-note")
                    on:input:target=move |event| typed.set(event.target().value())
                />
                <RevealButton revealed/>
            </div>
            <p class="field__note" id=format!("{id}-note") aria-live="polite" data-error=move || note.get().map(|_| "")>
                {move || note.get().or_else(hint)}
            </p>
        </div>
    }
}

/// Does nothing without JavaScript, so it is shown only after hydration (by its class).
#[component]
fn RevealButton(revealed: RwSignal<bool>) -> impl IntoView {
    let show =
        move || view! { <IconButton glyph=Glyph::Eye label="Show the password" on:click=move |_| revealed.set(true)/> };
    let hide = move || view! { <IconButton glyph=Glyph::EyeOff label="Hide the password" on:click=move |_| revealed.set(false)/> };
    view! {
        <span class="input-group__action needs-script">
            <Show when=move || revealed.get() fallback=show>{hide()}</Show>
        </span>
    }
}

/// How long it would take to guess, in words. Length counts most: a sentence beats a jumble.
fn strength(password: &str) -> String {
    let length = password.chars().count();
    if length == 0 {
        return "At least 8 characters. A few words are easy to remember and hard to guess.".to_owned();
    }
    if length < 8 {
        let missing = 8 - length;
        return format!("Too short: {missing} more character{}.", if missing == 1 { "" } else { "s" });
    }
    let mut distinct: Vec<char> = password.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    let classes = [
        password.chars().any(char::is_lowercase),
        password.chars().any(char::is_uppercase),
        password.chars().any(|c| c.is_ascii_digit()),
        password.chars().any(|c| !c.is_alphanumeric()),
    ];
    let classes = classes.into_iter().filter(|present| *present).count();
    let words = match (length, distinct.len(), classes) {
        (_, ..5, _) => "Weak: few different characters.",
        (16.., _, _) | (12.., _, 3..) => "Strong.",
        (12.., _, _) | (10.., _, 2..) => "Good. Longer is stronger.",
        _ => "Fair. Add a word to make it stronger.",
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strength_is_told_in_words() {
        for (password, start) in [
            ("", "At least 8"),
            ("1234567", "Too short: 1 more character."),
            ("123", "Too short: 5 more characters."),
            ("aaaaaaaaaaaaaaaaaa", "Weak"),
            ("password", "Fair"),
            ("password12", "Good"),
            ("correct horse battery", "Strong"),
        ] {
            assert!(strength(password).starts_with(start), "{password:?}: {}", strength(password));
        }
    }

    #[cfg(feature = "ssr")]
    #[test]
    fn no_text_leaves_its_area() {
        let html = Owner::new()
            .with(|| view! { <TextArea name="notes" label="Notes" value="\n</textarea><b>&amp;"/> }.to_html());
        assert!(html.contains(">\n\n&lt;/textarea&gt;&lt;b&gt;&amp;amp;</textarea>"), "{html}");
    }
}
