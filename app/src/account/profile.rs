use super::{api, page::Section};
use crate::{
    call::{FormAction, ServerForm},
    frame::FrameData,
    ui::{Button, Field, FormError, Toast, field_error, form_error, use_toasts},
};
use leptos::prelude::*;

#[component]
pub(super) fn ProfileSection(name: String) -> impl IntoView {
    let action = FormAction::<api::SaveName>::new();
    let answer = move || action.value().get();
    let toasts = use_toasts();
    let frame = use_context::<FrameData>();
    Effect::new(move |_| {
        if let Some(Ok(name)) = answer() {
            toasts.push(Toast::ok(format!("Your name is saved: {name}.")));
            // It stands at the foot of the rail.
            if let Some(frame) = frame {
                frame.refetch();
            }
        }
    });
    view! {
        <Section id="profile" title="Profile" text="What others in your workspaces see.">
            <ServerForm action>
                <div class="form">
                    <FormError error=form_error(answer, &["name"])/>
                    <Field
                        name="name" label="Name" required=true maxlength=120 autocomplete="name" value=name
                        error=field_error(answer, "name")
                    />
                    <div class="form__actions"><Button pending=action.pending()>"Save name"</Button></div>
                </div>
            </ServerForm>
        </Section>
    }
}
