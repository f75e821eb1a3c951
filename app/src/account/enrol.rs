use super::api::{self, Setup};
use crate::{
    call::{FormAction, ServerForm},
    error::ApiError,
    loaded::loaded,
    ui::{
        Button, CodeField, Crumb, Failure, FormError, LinkButton, Page, Skeleton, Variant, Width, field_error,
        form_error,
    },
};
use leptos::prelude::*;

/// Adding an authenticator app: the QR code, the secret for typing it in, and the first code as proof.
#[component]
pub fn EnrolPage() -> impl IntoView {
    let setup = Resource::new_blocking(|| (), |()| api::get_setup());
    view! {
        <Page title="Add an authenticator app" crumbs=vec![Crumb::link("Account", "/account"), Crumb::here("Authenticator app")] width=Width::Reading>
            <h1>"Add an authenticator app"</h1>
            <Suspense fallback=|| view! { <Skeleton rows=3/> }>
                {move || Suspend::new(async move { content(loaded(setup).await) })}
            </Suspense>
        </Page>
    }
}

fn content(setup: Result<Option<Setup>, ApiError>) -> AnyView {
    match setup {
        Ok(Some(setup)) => view! { <Steps setup/> }.into_any(),
        Ok(None) => view! {
            <p class="lead">"Nothing is under way, or it took too long. Begin again in your account."</p>
            <LinkButton href="/account#second-factor">"Go to your account"</LinkButton>
        }
        .into_any(),
        Err(error) => view! { <Failure error/> }.into_any(),
    }
}

#[component]
fn Steps(setup: Setup) -> impl IntoView {
    let action = FormAction::<api::ConfirmFactor>::new();
    let answer = move || action.value().get();
    let Setup { factor_id, secret, uri, qr } = setup;
    view! {
        <ol class="enrol">
            <li>
                <h2>"Scan this code"</h2>
                <p>"Open your authenticator app, add an account and point the camera here."</p>
                // Drawn by our server from the address below; its markup holds squares only.
                {qr.map(|qr| view! { <div class="enrol__qr" role="img" aria-label="QR code for your authenticator app" inner_html=qr></div> })}
                <details class="enrol__secret">
                    <summary>"No camera?"</summary>
                    <p>"On this phone " <a href=uri>"open the app"</a> ", or type this secret into it:"</p>
                    <code>{secret}</code>
                </details>
            </li>
            <li>
                <h2>"Type the code that it shows"</h2>
                <ServerForm action>
                    <div class="form">
                        <FormError error=form_error(answer, &["code"])/>
                        <input type="hidden" name="factor_id" value=factor_id/>
                        <CodeField label="Code" error=field_error(answer, "code")/>
                        <div class="form__actions">
                            <Button variant=Variant::Primary pending=action.pending()>"Add the app"</Button>
                            <LinkButton href="/account#second-factor" variant=Variant::Quiet>"Cancel"</LinkButton>
                        </div>
                    </div>
                </ServerForm>
            </li>
        </ol>
    }
}
