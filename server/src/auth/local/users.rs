//! Accounts: `auth.users` and `auth.identities`.

use super::{
    error::{AuthError, Code},
    factors::{self, Factor},
};
use crate::{db::Db, fault::Fault};
use serde_json::{Map, Value, json};
use sqlx::PgConnection;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

/// A row of `auth.users`, as far as it is used.
#[derive(Clone)]
pub(super) struct User {
    pub id: Uuid,
    pub aud: String,
    pub role: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub encrypted_password: Option<String>,
    pub email_confirmed_at: Option<OffsetDateTime>,
    pub confirmed_at: Option<OffsetDateTime>,
    pub invited_at: Option<OffsetDateTime>,
    pub confirmation_sent_at: Option<OffsetDateTime>,
    pub recovery_sent_at: Option<OffsetDateTime>,
    /// The address that is asked for and not yet confirmed, or empty.
    pub email_change: String,
    pub email_change_sent_at: Option<OffsetDateTime>,
    pub last_sign_in_at: Option<OffsetDateTime>,
    pub raw_app_meta_data: Value,
    pub raw_user_meta_data: Value,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
    pub banned_until: Option<OffsetDateTime>,
    pub is_anonymous: bool,
}

impl User {
    pub(super) fn email(&self) -> &str {
        self.email.as_deref().unwrap_or_default()
    }

    pub(super) fn is_banned(&self) -> bool {
        self.banned_until.is_some_and(|until| until > OffsetDateTime::now_utc())
    }
}

/// 422 as GoTrue says it where addresses need no confirmation.
pub(super) fn already_exists() -> AuthError {
    AuthError::new(422, Code::UserAlreadyExists, "User already registered")
}

/// Whether the table can be read.
pub(super) async fn check(db: &Db) -> Result<(), Fault> {
    let mut tx = db.system().await?;
    sqlx::query_scalar!("select id from auth.users limit 1").fetch_optional(tx.conn()).await?;
    Ok(())
}

pub(super) async fn exists(db: &Db, email: &str) -> Result<bool, Fault> {
    let mut tx = db.system().await?;
    let found = sqlx::query_scalar!("select id from auth.users where email = $1 and not is_sso_user", email)
        .fetch_optional(tx.conn())
        .await?;
    Ok(found.is_some())
}

pub(super) async fn by_email(db: &Db, email: &str) -> Result<Option<User>, Fault> {
    if email.contains('\0') {
        return Ok(None);
    }
    let mut tx = db.system().await?;
    let id = sqlx::query_scalar!("select id from auth.users where email = $1 and not is_sso_user", email)
        .fetch_optional(tx.conn())
        .await?;
    match id {
        Some(id) => Ok(find(tx.conn(), id).await?),
        None => Ok(None),
    }
}

pub(super) async fn by_id(db: &Db, id: Uuid) -> Result<Option<User>, Fault> {
    let mut tx = db.system().await?;
    Ok(find(tx.conn(), id).await?)
}

pub(super) async fn find(conn: &mut PgConnection, id: Uuid) -> Result<Option<User>, sqlx::Error> {
    sqlx::query_as!(
        User,
        r#"select id, aud, role, email, phone, encrypted_password, email_confirmed_at as "email_confirmed_at: _",
                  confirmed_at as "confirmed_at: _", invited_at as "invited_at: _", confirmation_sent_at as "confirmation_sent_at: _",
                  recovery_sent_at as "recovery_sent_at: _", email_change, email_change_sent_at as "email_change_sent_at: _",
                  last_sign_in_at as "last_sign_in_at: _", raw_app_meta_data, raw_user_meta_data,
                  created_at as "created_at: _", updated_at as "updated_at: _", banned_until as "banned_until: _", is_anonymous
           from auth.users where id = $1 and deleted_at is null"#,
        id
    )
    .fetch_optional(conn)
    .await
}

/// A new account, to be inserted.
pub(super) struct NewUser<'a> {
    pub email: &'a str,
    pub password_hash: Option<&'a str>,
    /// The person's own metadata.
    pub data: Map<String, Value>,
    pub confirmed: bool,
}

/// The account with its identity; `None` when the address has one already.
pub(super) async fn insert(conn: &mut PgConnection, new: NewUser<'_>) -> Result<Option<User>, Fault> {
    let id = Uuid::new_v4();
    let NewUser { email, password_hash, mut data, confirmed } = new;
    let identity = json!({ "sub": id, "email": email, "email_verified": confirmed, "phone_verified": false });
    // GoTrue mixes these into the metadata, over whatever the person claims there.
    data.extend(identity.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())));
    let inserted = sqlx::query!(
        "insert into auth.users
             (instance_id, id, email, encrypted_password, email_confirmed_at, last_sign_in_at, confirmation_sent_at,
              raw_app_meta_data, raw_user_meta_data)
         values ('00000000-0000-0000-0000-000000000000', $1, $2, $3, case when $4 then now() end,
                 case when $4 then now() end, case when not $4 then now() end, $5, $6)
         on conflict (email) where not is_sso_user do nothing",
        id,
        email,
        password_hash,
        confirmed,
        json!({ "provider": "email", "providers": ["email"] }),
        Value::Object(data)
    )
    .execute(&mut *conn)
    .await?;
    if inserted.rows_affected() == 0 {
        return Ok(None);
    }
    sqlx::query!(
        "insert into auth.identities (id, provider_id, user_id, identity_data, provider, last_sign_in_at)
         values ($1, $2, $3, $4, 'email', now())",
        Uuid::new_v4(),
        id.to_string(),
        id,
        identity
    )
    .execute(&mut *conn)
    .await?;
    Ok(find(conn, id).await?)
}

/// Refuses metadata that cannot be stored: Postgres knows no NUL, in JSON neither.
///
/// # Errors
/// 400 `validation_failed`.
pub(super) fn check_metadata(data: &Map<String, Value>) -> Result<(), AuthError> {
    if Value::Object(data.clone()).to_string().contains("\\u0000") {
        return Err(AuthError::invalid("User metadata must not contain NUL characters"));
    }
    Ok(())
}

/// Records that the person has shown that the address is theirs. With `forget_password` the one that was set before
/// goes: whoever signed up with somebody else's address must not get in with a password of their own once that person
/// comes by another way.
pub(super) async fn confirm(conn: &mut PgConnection, id: Uuid, forget_password: bool) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"update auth.users set email_confirmed_at = now(), updated_at = now(),
                  encrypted_password = case when $2 then null else encrypted_password end,
                  raw_user_meta_data = raw_user_meta_data || '{"email_verified": true}'
           where id = $1 and email_confirmed_at is null"#,
        id,
        forget_password
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        r#"update auth.identities set identity_data = identity_data || '{"email_verified": true}', updated_at = now()
           where user_id = $1 and provider = 'email'"#,
        id
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives the account the address that was asked for.
///
/// # Errors
/// 422 `email_exists` when another account has taken it in the meantime.
pub(super) async fn change_email(conn: &mut PgConnection, user: &User) -> Result<(), AuthError> {
    let verified = json!({ "email": user.email_change, "email_verified": true });
    sqlx::query!(
        "update auth.users set email = email_change, email_change = '', email_confirmed_at = coalesce(email_confirmed_at, now()),
                raw_user_meta_data = raw_user_meta_data || $2, updated_at = now()
         where id = $1",
        user.id,
        verified
    )
    .execute(&mut *conn)
    .await
    .map_err(|error| match error.as_database_error() {
        Some(database) if database.is_unique_violation() => email_exists(),
        _ => error.into(),
    })?;
    sqlx::query!(
        "update auth.identities set identity_data = identity_data || $2, updated_at = now()
         where user_id = $1 and provider = 'email'",
        user.id,
        verified
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// 422 as GoTrue says it where somebody wants another account's address.
pub(super) fn email_exists() -> AuthError {
    AuthError::new(422, Code::EmailExists, "A user with this email address has already been registered")
}

/// Records a sign-in; `None` if the account has gone in the meantime.
pub(super) async fn note_sign_in(conn: &mut PgConnection, id: Uuid) -> Result<Option<User>, Fault> {
    sqlx::query!("update auth.users set last_sign_in_at = now(), updated_at = now() where id = $1", id)
        .execute(&mut *conn)
        .await?;
    sqlx::query!("update auth.identities set last_sign_in_at = now(), updated_at = now() where user_id = $1 and provider = 'email'", id)
        .execute(&mut *conn)
        .await?;
    Ok(find(conn, id).await?)
}

/// The account as clients see it.
pub(super) async fn json(conn: &mut PgConnection, user: &User) -> Result<Value, Fault> {
    let identities = sqlx::query!(
        r#"select id, provider_id, user_id, identity_data, provider, last_sign_in_at as "last_sign_in_at: OffsetDateTime",
                  created_at as "created_at: OffsetDateTime", updated_at as "updated_at: OffsetDateTime", email
           from auth.identities where user_id = $1 order by created_at, id"#,
        user.id
    )
    .fetch_all(&mut *conn)
    .await?;
    let identities: Vec<Value> = identities
        .into_iter()
        .map(|identity| {
            json!({
                "identity_id": identity.id,
                "id": identity.provider_id,
                "user_id": identity.user_id,
                "identity_data": identity.identity_data,
                "provider": identity.provider,
                "last_sign_in_at": timestamp(identity.last_sign_in_at),
                "created_at": timestamp(Some(identity.created_at)),
                "updated_at": timestamp(Some(identity.updated_at)),
                "email": identity.email,
            })
        })
        .collect();
    let factors = factors::of(&mut *conn, user.id).await?;
    let mut json = json!({
        "id": user.id,
        "aud": user.aud,
        "role": user.role,
        "email": user.email.as_deref().unwrap_or_default(),
        "phone": user.phone.as_deref().unwrap_or_default(),
        "app_metadata": user.raw_app_meta_data,
        "user_metadata": user.raw_user_meta_data,
        "identities": identities,
        "created_at": timestamp(Some(user.created_at)),
        "updated_at": timestamp(Some(user.updated_at)),
        "is_anonymous": user.is_anonymous,
    });
    // GoTrue leaves out what has not happened.
    let happened = [
        ("email_confirmed_at", user.email_confirmed_at),
        ("confirmed_at", user.confirmed_at),
        ("invited_at", user.invited_at),
        ("confirmation_sent_at", user.confirmation_sent_at),
        ("recovery_sent_at", user.recovery_sent_at),
        ("email_change_sent_at", user.email_change_sent_at),
        ("banned_until", user.banned_until),
        ("last_sign_in_at", user.last_sign_in_at),
    ];
    for (name, at) in happened {
        if let Some(at) = timestamp(at) {
            json[name] = at.into();
        }
    }
    if !user.email_change.is_empty() {
        json["new_email"] = user.email_change.as_str().into();
    }
    if !factors.is_empty() {
        json["factors"] = factors.iter().map(Factor::json).collect();
    }
    Ok(json)
}

pub(super) fn timestamp(at: Option<OffsetDateTime>) -> Option<String> {
    at.and_then(|at| at.format(&Rfc3339).ok())
}
