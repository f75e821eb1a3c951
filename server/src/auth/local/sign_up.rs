//! `POST /signup`.

use super::{
    Provider,
    error::{AuthError, Code},
    flow::ChallengeBody,
    letters::Letter,
    limits::Mailing,
    mailing, password,
    protocol::{json_body, visitor},
    redirect,
    routes::{Shared, parse_email},
    sessions, users,
};
use axum::{
    Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::header;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

#[derive(Deserialize)]
struct SignUpBody {
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    phone: Option<String>,
    #[serde(default)]
    password: Option<String>,
    /// The person's own metadata.
    #[serde(default)]
    data: Option<Map<String, Value>>,
    #[serde(flatten)]
    challenge: ChallengeBody,
}

pub(super) async fn sign_up(State(provider): Shared, request: Request) -> Result<Response, AuthError> {
    let from = visitor(&provider, &request);
    provider.limits.token(from)?;
    if provider.settings.sign_up_closed {
        return Err(AuthError::new(422, Code::SignupDisabled, "Signups not allowed for this instance"));
    }
    let device = sessions::Device::of(&provider, &request);
    let redirect_to = redirect::wanted(&provider, &request);
    let body: SignUpBody = json_body(request.into_body()).await?;
    let (email, password) = check(&body)?;
    let data = body.data.unwrap_or_default();
    users::check_metadata(&data)?;
    let challenge = body.challenge.check()?;
    if !provider.settings.confirm_email {
        return sign_up_at_once(&provider, &email, &password, data, &device).await;
    }
    provider.limits.mail(from, &email, Mailing::Confirmation)?;
    let hash = provider.passwords.hash(&password).await?;
    let mut tx = provider.db.system().await?;
    let new = users::NewUser { email: &email, password_hash: Some(&hash), data: data.clone(), confirmed: false };
    // An address that is taken shows at this point only, so that both take the same time until here.
    let made = users::insert(tx.conn(), new).await?;
    tx.commit().await?;
    let user = match made {
        Some(user) => Some(user),
        None => users::by_email(&provider.db, &email).await?.filter(|user| user.email_confirmed_at.is_none()),
    };
    let Some(user) = user else { return Ok(Json(stand_in(&email, data)).into_response()) };
    let mut tx = provider.db.system().await?;
    let mut shown = users::json(tx.conn(), &user).await?;
    // Of an earlier sign-up with this address nobody sees more than they say themselves.
    shown["user_metadata"] = Value::Object(data);
    mailing::behind_the_answer(async move {
        mailing::send(&provider, &user, Letter::Confirmation, challenge.as_ref(), &redirect_to).await
    });
    Ok(Json(shown).into_response())
}

fn check(body: &SignUpBody) -> Result<(String, String), AuthError> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let Some(email) = given(&body.email) else {
        return Err(match given(&body.phone) {
            Some(_) => AuthError::new(400, Code::PhoneProviderDisabled, "Phone signups are disabled"),
            None => AuthError::new(422, Code::AnonymousProviderDisabled, "Anonymous sign-ins are disabled"),
        });
    };
    let email = parse_email(&email)?;
    let Some(password) = given(&body.password) else {
        return Err(AuthError::invalid("Signup requires a valid password"));
    };
    password::check_rules(&password)?;
    Ok((email, password))
}

/// Without confirmation an account begins with a session.
async fn sign_up_at_once(
    provider: &Provider,
    email: &str,
    password: &str,
    data: Map<String, Value>,
    device: &sessions::Device,
) -> Result<Response, AuthError> {
    if users::exists(&provider.db, email).await? {
        return Err(users::already_exists());
    }
    let hash = provider.passwords.hash(password).await?;
    let mut tx = provider.db.system().await?;
    let new = users::NewUser { email, password_hash: Some(&hash), data, confirmed: true };
    let user = users::insert(tx.conn(), new).await?.ok_or_else(users::already_exists)?;
    let session = sessions::start(provider, tx.conn(), &user, "password", device).await?;
    tx.commit().await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(session)).into_response())
}

/// What GoTrue answers to a sign-up with an address that has a confirmed account: somebody who does not exist.
fn stand_in(email: &str, data: Map<String, Value>) -> Value {
    let now = users::timestamp(Some(OffsetDateTime::now_utc()));
    json!({
        "id": Uuid::new_v4(),
        "aud": "authenticated",
        "role": "",
        "email": email,
        "phone": "",
        "confirmation_sent_at": now,
        "app_metadata": { "provider": "email", "providers": ["email"] },
        "user_metadata": data,
        "identities": [],
        "created_at": now,
        "updated_at": now,
        "is_anonymous": false,
    })
}
