use super::api::{AcceptInvitation, GetInvitation, InvitationView, SignOutForInvitation};
use crate::{
    call::{FormAction, ServerForm},
    error::ApiError,
    redirect::encode,
    ui::{Button, FormError, LinkButton, Mark, Time, Variant, form_error},
    workspaces::role_name,
};
use domain::{
    Error,
    members::{InvitationState, ReceivedInvitation},
};
use leptos::prelude::*;
use leptos_meta::Title;

/// Where an invitation's link leads. Opening it changes nothing, because mail scanners open links too: a button does.
#[component]
pub fn InvitePage(token: String, view: Result<InvitationView, ApiError>) -> impl IntoView {
    let accept = FormAction::<AcceptInvitation>::new();
    let sign_out = FormAction::<SignOutForInvitation>::new();
    let again = FormAction::<GetInvitation>::new();
    let invitation = format!("token={}", encode(&token));
    // Asked again after a try that failed, because it may have been used meanwhile.
    Effect::new(move |_| {
        if accept.version().get() > 0 && accept.value().with(|answer| matches!(answer, Some(Err(_)))) {
            again.dispatch(invitation.clone());
        }
    });
    let shown = move || {
        let now =
            again.value().get().filter(|now| now.as_ref().err().is_none_or(|error| *error.error() == Error::NotFound));
        content(now.unwrap_or_else(|| view.clone()), token.clone(), accept, sign_out)
    };
    view! {
        <Title text="Invitation"/>
        <main class="auth" id="main" tabindex="-1">
            <a class="auth__mark" href="/" aria-label="atelier"><Mark size=32/></a>
            {shown}
        </main>
    }
}

fn content(
    view: Result<InvitationView, ApiError>,
    token: String,
    accept: FormAction<AcceptInvitation>,
    sign_out: FormAction<SignOutForInvitation>,
) -> AnyView {
    let InvitationView { invitation, signed_in_as } = match view {
        Ok(view) => view,
        Err(error) => return absent(&error),
    };
    let ended = match invitation.state {
        InvitationState::Open => None,
        InvitationState::Expired => {
            Some(("This invitation has expired", format!("Ask {} for a new one.", invitation.invited_by)))
        }
        InvitationState::Accepted => Some((
            "This invitation has been used",
            format!("If it was you, {} is among your workspaces.", invitation.workspace),
        )),
        InvitationState::Withdrawn => Some((
            "This invitation was withdrawn",
            format!("There may be a newer mail with another link. If not, ask {} for one.", invitation.invited_by),
        )),
    };
    if let Some((title, text)) = ended {
        return view! {
            <h1>{title}</h1>
            <p class="auth__text">{text}</p>
            <LinkButton href="/workspaces">"Go to your workspaces"</LinkButton>
        }
        .into_any();
    }
    let email = invitation.email.as_str().to_owned();
    let act = match signed_in_as {
        None => sign_in_first(&token, &email),
        Some(own) if own.to_lowercase() == email => accept_here(token, &own, accept),
        Some(own) => wrong_address(token, own, email, sign_out),
    };
    view! {
        <h1>"Join " <span class="invite__workspace">{invitation.workspace.clone()}</span></h1>
        <Facts invitation/>
        {act}
    }
    .into_any()
}

#[component]
fn Facts(invitation: ReceivedInvitation) -> impl IntoView {
    let may = match invitation.role {
        domain::workspaces::Role::Viewer => "You can read everything and ask questions.",
        domain::workspaces::Role::Member => "You can add documents and projects, and ask questions.",
        domain::workspaces::Role::Admin => "You can do all that members do, and manage people and settings.",
        domain::workspaces::Role::Owner => "The workspace is yours as much as theirs.",
    };
    view! {
        <p class="auth__text">
            <strong>{invitation.invited_by}</strong>" invites you as "
            <strong>{role_name(invitation.role).to_lowercase()}</strong>". "{may}
        </p>
        <p class="invite__until">"Valid until "<Time at=invitation.expires_at/></p>
    }
}

fn sign_in_first(token: &str, email: &str) -> AnyView {
    let next = encode(&format!("/invite/{token}"));
    view! {
        <p class="auth__text">"It is for "<strong>{email.to_owned()}</strong>". Use that address."</p>
        <div class="invite__actions">
            <LinkButton href=format!("/register?next={next}") variant=Variant::Primary>"Create an account"</LinkButton>
            <LinkButton href=format!("/login?next={next}")>"Sign in"</LinkButton>
        </div>
    }
    .into_any()
}

fn accept_here(token: String, own: &str, accept: FormAction<AcceptInvitation>) -> AnyView {
    let answer = move || accept.value().get();
    view! {
        <ServerForm action=accept>
            <div class="form">
                <FormError error=form_error(answer, &[])/>
                <input type="hidden" name="token" value=token/>
                <Button variant=Variant::Primary pending=accept.pending()>"Accept invitation"</Button>
            </div>
        </ServerForm>
        <p class="auth__other">"You are signed in as "{own.to_owned()}"."</p>
    }
    .into_any()
}

fn wrong_address(token: String, own: String, email: String, sign_out: FormAction<SignOutForInvitation>) -> AnyView {
    view! {
        <p class="form-error" role="alert">
            "This invitation is for "<strong>{email}</strong>", but you are signed in as "<strong>{own}</strong>"."
        </p>
        <ServerForm action=sign_out>
            <div class="form">
                <FormError error=form_error(move || sign_out.value().get(), &[])/>
                <input type="hidden" name="token" value=token/>
                <Button pending=sign_out.pending()>"Sign out and use the other address"</Button>
            </div>
        </ServerForm>
        <p class="auth__other"><a href="/workspaces">"Stay signed in"</a></p>
    }
    .into_any()
}

fn absent(error: &ApiError) -> AnyView {
    let (title, text) = match error.error() {
        Error::NotFound => (
            "This invitation is not valid",
            "The link may be incomplete: copy all of it from the mail. Or whoever sent it has left the workspace."
                .to_owned(),
        ),
        other => ("This invitation cannot be read right now", other.to_string()),
    };
    view! {
        <h1>{title}</h1>
        <p class="auth__text" role="alert">{text}</p>
        <LinkButton href="/">"Go to the start"</LinkButton>
    }
    .into_any()
}
