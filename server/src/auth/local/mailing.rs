//! The endpoints that mail something. They count first, answer at once, and do the rest behind the answer, so that
//! neither what they say nor how long they take tells whether there is an account.

use super::{
    Provider,
    error::{AuthError, Code},
    flow::{self, Challenge, ChallengeBody},
    letters::{self, Letter},
    limits::Mailing,
    one_time::{self, Kind},
    protocol::{json_body, visitor},
    redirect,
    routes::{Shared, parse_email},
    user, users,
};
use crate::fault::Fault;
use axum::{
    Json,
    extract::{Request, State},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use url::Url;

/// Does the work while the answer is under way.
pub(super) fn behind_the_answer(work: impl Future<Output = Result<(), Fault>> + Send + 'static) {
    tokio::spawn(async move {
        if let Err(error) = work.await {
            tracing::error!(?error, "a mail of the embedded identity provider was not sent");
        }
    });
}

#[derive(Deserialize)]
struct RecoverBody {
    #[serde(default)]
    email: String,
    #[serde(flatten)]
    challenge: ChallengeBody,
}

pub(super) async fn recover(State(provider): Shared, request: Request) -> Result<Json<Value>, AuthError> {
    let (from, redirect_to) = (visitor(&provider, &request), redirect::wanted(&provider, &request));
    let body: RecoverBody = json_body(request.into_body()).await?;
    if body.email.is_empty() {
        return Err(AuthError::invalid("Password recovery requires an email"));
    }
    let email = parse_email(&body.email)?;
    let challenge = body.challenge.check()?;
    provider.limits.mail(from, &email, Mailing::Recovery)?;
    behind_the_answer(async move {
        match users::by_email(&provider.db, &email).await? {
            Some(user) => send(&provider, &user, Letter::Recovery, challenge.as_ref(), &redirect_to).await,
            None => Ok(()),
        }
    });
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
struct OtpBody {
    #[serde(default)]
    email: String,
    #[serde(default)]
    phone: String,
    #[serde(default)]
    create_user: Option<bool>,
    #[serde(default)]
    data: Option<Map<String, Value>>,
    #[serde(flatten)]
    challenge: ChallengeBody,
}

/// `/otp` and `/magiclink`: a link to sign in with, and six digits. An account that is not there is made, and confirmed
/// by whoever opens the link.
pub(super) async fn otp(State(provider): Shared, request: Request) -> Result<Json<Value>, AuthError> {
    let (from, redirect_to) = (visitor(&provider, &request), redirect::wanted(&provider, &request));
    let body: OtpBody = json_body(request.into_body()).await?;
    match (body.email.is_empty(), body.phone.is_empty()) {
        (false, false) => {
            return Err(AuthError::invalid("Only an email address or phone number should be provided"));
        }
        (true, false) => return Err(AuthError::new(400, Code::PhoneProviderDisabled, "Unsupported phone provider")),
        (true, true) => return Err(AuthError::invalid("One of email or phone must be set")),
        (false, true) => {}
    }
    let email = parse_email(&body.email)?;
    let challenge = body.challenge.check()?;
    let data = body.data.unwrap_or_default();
    users::check_metadata(&data)?;
    provider.limits.mail(from, &email, Mailing::Recovery)?;
    // The protocol has it so: whoever wants no account made is told that there is none.
    if body.create_user == Some(false) && !users::exists(&provider.db, &email).await? {
        return Err(AuthError::new(422, Code::OtpDisabled, "Signups not allowed for otp"));
    }
    behind_the_answer(async move {
        match find_or_make(&provider, &email, data).await? {
            Some(user) => send(&provider, &user, Letter::SignInLink, challenge.as_ref(), &redirect_to).await,
            None => Ok(()),
        }
    });
    Ok(Json(json!({})))
}

async fn find_or_make(
    provider: &Provider,
    email: &str,
    data: Map<String, Value>,
) -> Result<Option<users::User>, Fault> {
    let found = users::by_email(&provider.db, email).await?;
    if found.is_some() || provider.settings.sign_up_closed {
        return Ok(found);
    }
    let mut tx = provider.db.system().await?;
    let new = users::NewUser { email, password_hash: None, data, confirmed: false };
    let made = users::insert(tx.conn(), new).await?;
    tx.commit().await?;
    match made {
        Some(user) => Ok(Some(user)),
        None => users::by_email(&provider.db, email).await,
    }
}

#[derive(Deserialize)]
struct ResendBody {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    phone: String,
    #[serde(flatten)]
    challenge: ChallengeBody,
}

pub(super) async fn resend(State(provider): Shared, request: Request) -> Result<Json<Value>, AuthError> {
    let (from, redirect_to) = (visitor(&provider, &request), redirect::wanted(&provider, &request));
    let body: ResendBody = json_body(request.into_body()).await?;
    let mailing = match body.kind.as_str() {
        "signup" => Mailing::Confirmation,
        "email_change" => Mailing::EmailChange,
        "sms" | "phone_change" => {
            return Err(AuthError::new(400, Code::PhoneProviderDisabled, "Phone logins are disabled"));
        }
        _ => return Err(AuthError::invalid("Missing one of these types: signup, email_change, sms, phone_change")),
    };
    if body.email.is_empty() {
        return Err(AuthError::invalid("Type provided requires an email address"));
    }
    if !body.phone.is_empty() {
        return Err(AuthError::invalid("Only an email address or phone number should be provided."));
    }
    let email = parse_email(&body.email)?;
    let challenge = body.challenge.check()?;
    provider.limits.mail(from, &email, mailing)?;
    behind_the_answer(async move {
        let Some(user) = users::by_email(&provider.db, &email).await? else { return Ok(()) };
        match mailing {
            Mailing::EmailChange if !user.email_change.is_empty() => {
                let new = user.email_change.clone();
                user::mail_change(&provider, &user, &new, challenge.as_ref(), &redirect_to).await
            }
            Mailing::Confirmation if user.email_confirmed_at.is_none() => {
                send(&provider, &user, Letter::Confirmation, challenge.as_ref(), &redirect_to).await
            }
            _ => Ok(()),
        }
    });
    Ok(Json(json!({})))
}

pub(super) async fn reauthenticate(State(provider): Shared, request: Request) -> Result<Json<Value>, AuthError> {
    let caller = user::authenticated(&provider, request.headers()).await?;
    let user = caller.user;
    if user.email().is_empty() {
        return Err(AuthError::invalid("Reauthentication requires the user to have an email or a phone number"));
    }
    if user.email_confirmed_at.is_none() {
        return Err(AuthError::new(422, Code::EmailNotConfirmed, "Please verify your email first."));
    }
    provider.limits.mail(visitor(&provider, &request), user.email(), Mailing::Reauthentication)?;
    let mut tx = provider.db.system().await?;
    let issued = one_time::issue(&provider, tx.conn(), user.id, Kind::Reauthentication, user.email(), None).await?;
    tx.commit().await?;
    provider.mailer.send_later(letters::with_code(user.email(), &issued));
    Ok(Json(json!({})))
}

/// Makes the link and mails it to the account's address.
pub(super) async fn send(
    provider: &Arc<Provider>,
    user: &users::User,
    letter: Letter,
    challenge: Option<&Challenge>,
    redirect_to: &Url,
) -> Result<(), Fault> {
    let (kind, method) = match letter {
        Letter::Confirmation => (Kind::Confirmation, "email/signup"),
        Letter::Recovery => (Kind::Recovery, "recovery"),
        Letter::SignInLink => (Kind::Recovery, "magiclink"),
        Letter::EmailChange => (Kind::EmailChangeNew, "email_change"),
    };
    let mut tx = provider.db.system().await?;
    let flow = match challenge {
        Some(challenge) => Some(flow::begin(tx.conn(), user.id, method, challenge).await?),
        None => None,
    };
    let issued = one_time::issue(provider, tx.conn(), user.id, kind, user.email(), flow).await?;
    sqlx::query!(
        "update auth.users set confirmation_sent_at = case when $2 then now() else confirmation_sent_at end,
                recovery_sent_at = case when $2 then recovery_sent_at else now() end
         where id = $1",
        user.id,
        kind == Kind::Confirmation
    )
    .execute(tx.conn())
    .await?;
    tx.commit().await?;
    provider.mailer.send(letters::with_link(provider, letter, user.email(), &issued, redirect_to)).await
}
