use super::api::SaveBrief;
use crate::call::{FormAction, ServerForm};
use crate::draft::KeepTyped;
use crate::ui::{Button, Field, FormError, Glyph, Icon, TextArea, Toast, Variant, field_error, form_error, use_toasts};
use domain::{
    ProjectId,
    projects::{Brief, Project},
    workspaces::Role,
};
use leptos::prelude::*;

const FIELDS: [&str; 6] = ["client", "audience", "brand_voice", "key_messages", "competitors", "notes"];

/// The brief in one line that opens, to a form for whoever may write. A `<details>`, so it works without JavaScript.
#[component]
pub(super) fn BriefPanel(project: Project) -> impl IntoView {
    let Project { id, brief, role, .. } = project;
    let may_write = role >= Role::Member;
    let saved = RwSignal::new(brief.clone());
    let line = move || saved.with(summary);
    let body = if may_write {
        view! { <BriefForm project=id brief saved/> }.into_any()
    } else {
        view! { <BriefText brief/> }.into_any()
    };
    let invitation = if may_write {
        "Write down the client, the audience and the voice once, for everyone who works here."
    } else {
        "Nothing is written down yet."
    };
    view! {
        <details class="brief" id="brief">
            <summary class="brief__line">
                <Icon glyph=Glyph::ChevronRight/>
                <span class="brief__label">"Brief"</span>
                <span class="brief__summary" data-empty=move || line().is_none().then_some("")>
                    {move || line().unwrap_or_else(|| invitation.to_owned())}
                </span>
            </summary>
            <div class="brief__body">{body}</div>
        </details>
    }
}

/// What is written in it, in the order of the form, on one line.
fn summary(brief: &Brief) -> Option<String> {
    let parts = [
        brief.client.as_str(),
        brief.audience.as_str(),
        brief.brand_voice.as_str(),
        brief.key_messages.as_str(),
        brief.competitors.as_str(),
        brief.notes.as_str(),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(|part| part.split_whitespace().take(24).collect::<Vec<_>>().join(" "))
        .collect();
    (!parts.is_empty()).then(|| parts.join(" \u{b7} "))
}

#[component]
fn BriefForm(project: ProjectId, brief: Brief, saved: RwSignal<Brief>) -> impl IntoView {
    let action = FormAction::<SaveBrief>::new();
    let answer = move || action.value().get();
    let toasts = use_toasts();
    Effect::new(move |_| {
        if let Some(Ok(project)) = answer() {
            saved.set(project.brief);
            toasts.push(Toast::ok("Brief saved."));
        }
    });
    let Brief { client, audience, brand_voice, key_messages, competitors, notes } = brief;
    view! {
        <ServerForm action attr:class="brief__form">
            <KeepTyped key=format!("brief:{project}") fields=&FIELDS saved=Signal::derive(move || matches!(answer(), Some(Ok(_))))/>
            <FormError error=form_error(answer, &FIELDS)/>
            <input type="hidden" name="project" value=project.to_string()/>
            <div class="brief__fields">
                <Field
                    name="client" label="Client" value=String::from(client) maxlength=200
                    placeholder="Nord Coffee Roasters" error=field_error(answer, "client")
                />
                <TextArea
                    name="audience" label="Audience" value=String::from(audience) maxlength=4000 rows=2
                    placeholder="Who should be reached, and what they care about" error=field_error(answer, "audience")
                />
                <TextArea
                    name="brand_voice" label="Brand voice" value=String::from(brand_voice) maxlength=4000 rows=3
                    placeholder="How the brand speaks: warm, plain, never loud" error=field_error(answer, "brand_voice")
                />
                <TextArea
                    name="key_messages" label="Key messages" value=String::from(key_messages) maxlength=4000 rows=3
                    placeholder="What must come across" error=field_error(answer, "key_messages")
                />
                <TextArea
                    name="competitors" label="Competitors" value=String::from(competitors) maxlength=4000 rows=2
                    placeholder="Who else speaks to these people" error=field_error(answer, "competitors")
                />
                <TextArea
                    name="notes" label="Notes" value=String::from(notes) maxlength=10_000 rows=2
                    placeholder="Anything else that everyone should know" error=field_error(answer, "notes")
                />
            </div>
            <div class="form__actions">
                <Button variant=Variant::Secondary pending=action.pending()>"Save brief"</Button>
            </div>
        </ServerForm>
    }
}

/// The brief for a reader who may not change it.
#[component]
fn BriefText(brief: Brief) -> impl IntoView {
    let Brief { client, audience, brand_voice, key_messages, competitors, notes } = brief;
    let parts: [(&str, String); 6] = [
        ("Client", client.into()),
        ("Audience", audience.into()),
        ("Brand voice", brand_voice.into()),
        ("Key messages", key_messages.into()),
        ("Competitors", competitors.into()),
        ("Notes", notes.into()),
    ];
    let parts = parts
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| view! { <div><dt>{name}</dt><dd>{text}</dd></div> })
        .collect_view();
    view! { <dl class="brief__text">{parts}</dl> }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::text::Prose;

    #[test]
    #[allow(clippy::unwrap_used)]
    fn the_brief_is_told_in_one_line() {
        let brief = Brief {
            client: Prose::parse("client", "Nord").unwrap(),
            brand_voice: Prose::parse("brand_voice", "Warm,\nplain").unwrap(),
            ..Brief::default()
        };
        assert_eq!(summary(&brief).as_deref(), Some("Nord \u{b7} Warm, plain"));
        assert_eq!(summary(&Brief::default()), None);
    }
}
