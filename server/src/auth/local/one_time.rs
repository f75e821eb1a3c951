//! What a mail holds to prove that its address was reached: a link's token, and six digits to type in. Each counts once
//! and for an hour; a new one replaces the old.

use super::{Provider, keys};
use crate::fault::Fault;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::SecretString;
use sqlx::PgConnection;
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// How often the six digits may be guessed at.
const MAX_ATTEMPTS: i32 = 5;
/// As GoTrue marks links that come back with a code instead of a session.
pub(super) const PKCE_PREFIX: &str = "pkce_";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Confirmation,
    /// Of a password, or a link to sign in with.
    Recovery,
    /// At the new address.
    EmailChangeNew,
    /// At the address until now.
    EmailChangeCurrent,
    Reauthentication,
}

impl Kind {
    /// By Supabase's names of the column `token_type`.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmation => "confirmation_token",
            Self::Recovery => "recovery_token",
            Self::EmailChangeNew => "email_change_token_new",
            Self::EmailChangeCurrent => "email_change_token_current",
            Self::Reauthentication => "reauthentication_token",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        let all = [
            Self::Confirmation,
            Self::Recovery,
            Self::EmailChangeNew,
            Self::EmailChangeCurrent,
            Self::Reauthentication,
        ];
        all.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// What goes into the mail, and nowhere else.
pub(super) struct Issued {
    pub token: SecretString,
    pub code: String,
}

/// What was consumed.
#[derive(Debug)]
pub(super) struct Taken {
    pub user_id: Uuid,
    pub kind: Kind,
    pub flow_state: Option<Uuid>,
}

/// A new one for a mail to `address`.
pub(super) async fn issue(
    provider: &Provider,
    conn: &mut PgConnection,
    user: Uuid,
    kind: Kind,
    address: &str,
    flow_state: Option<Uuid>,
) -> Result<Issued, Fault> {
    let prefix = if flow_state.is_some() { PKCE_PREFIX } else { "" };
    let token: SecretString = format!("{prefix}{}", URL_SAFE_NO_PAD.encode(keys::random::<32>()?)).into();
    // The remainder favours no digits that anyone could notice: 2^64 is 10^13 times a million.
    let code = format!("{:06}", u64::from_le_bytes(keys::random()?) % 1_000_000);
    let id = Uuid::new_v4();
    sqlx::query!(
        "insert into auth.one_time_tokens (id, user_id, token_type, token_hash, code_hash, relates_to, flow_state_id)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (user_id, token_type) do update
         set id = excluded.id, token_hash = excluded.token_hash, code_hash = excluded.code_hash, attempts = 0,
             relates_to = excluded.relates_to, flow_state_id = excluded.flow_state_id, created_at = now()",
        id,
        user,
        kind.as_str(),
        keys::hash_of(&token),
        provider.keys.code_hash(id, &code)?,
        address,
        flow_state
    )
    .execute(conn)
    .await?;
    Ok(Issued { token, code })
}

/// Consumes the link's token.
pub(super) async fn take_token(
    conn: &mut PgConnection,
    token: &SecretString,
    kinds: &[Kind],
) -> Result<Option<Taken>, Fault> {
    let taken = sqlx::query!(
        "delete from auth.one_time_tokens
         where token_hash = $1 and token_type = any($2) and created_at > now() - interval '1 hour'
         returning user_id, token_type, flow_state_id",
        keys::hash_of(token),
        &names(kinds)
    )
    .fetch_optional(conn)
    .await?;
    Ok(taken.and_then(|row| {
        Some(Taken { user_id: row.user_id, kind: Kind::parse(&row.token_type)?, flow_state: row.flow_state_id })
    }))
}

/// The row whose digits these are, mailed to `address`. The guess is counted, whatever comes of it, before it is
/// looked at: many at once count like one after the other.
pub(super) async fn guess(
    provider: &Provider,
    address: &str,
    code: &str,
    kinds: &[Kind],
) -> Result<Option<Uuid>, Fault> {
    let mut tx = provider.db.system().await?;
    let rows = sqlx::query!(
        "update auth.one_time_tokens set attempts = attempts + 1
         where relates_to = $1 and token_type = any($2) and attempts < $3 and created_at > now() - interval '1 hour'
         returning id, code_hash",
        address,
        &names(kinds),
        MAX_ATTEMPTS
    )
    .fetch_all(tx.conn())
    .await?;
    tx.commit().await?;
    for row in rows {
        if bool::from(provider.keys.code_hash(row.id, code)?.ct_eq(&row.code_hash)) {
            return Ok(Some(row.id));
        }
    }
    Ok(None)
}

/// Consumes what [`guess`] found.
pub(super) async fn take(conn: &mut PgConnection, id: Uuid) -> Result<Option<Taken>, Fault> {
    let taken =
        sqlx::query!("delete from auth.one_time_tokens where id = $1 returning user_id, token_type, flow_state_id", id)
            .fetch_optional(conn)
            .await?;
    Ok(taken.and_then(|row| {
        Some(Taken { user_id: row.user_id, kind: Kind::parse(&row.token_type)?, flow_state: row.flow_state_id })
    }))
}

/// Whether one of the two links of a change of address is still to be opened.
pub(super) async fn is_half_changed(conn: &mut PgConnection, user: Uuid) -> Result<bool, sqlx::Error> {
    let left = sqlx::query_scalar!(
        "select id from auth.one_time_tokens
         where user_id = $1 and token_type in ('email_change_token_new', 'email_change_token_current') limit 1",
        user
    )
    .fetch_optional(conn)
    .await?;
    Ok(left.is_some())
}

/// Ends all that was mailed and not yet used: links, codes, and flows under way.
pub(super) async fn forget(conn: &mut PgConnection, user: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from auth.one_time_tokens where user_id = $1", user).execute(&mut *conn).await?;
    sqlx::query!("delete from auth.flow_state where user_id = $1", user).execute(conn).await?;
    Ok(())
}

fn names(kinds: &[Kind]) -> Vec<String> {
    kinds.iter().map(|kind| kind.as_str().to_owned()).collect()
}
