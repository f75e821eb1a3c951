//! Whether the session of a token is still there, and the row in `public.users` of everyone who signs in.
//!
//! A token is good until it expires; its session may end before (docs/adr/0006). Where the provider's tables are in our
//! own database and may be read, as on Supabase and with the embedded provider, one query answers both questions.
//! Elsewhere the provider is asked.

use super::{AuthUser, client::Client, standing::Standing, token::Claims};
use crate::{db::Db, fault::Fault};
use sqlx::PgConnection;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use uuid::Uuid;

/// How long the database's answer counts: so long at most a session that was ended elsewhere goes on.
const FRESH: Duration = Duration::from_secs(10);
/// How long the provider's answer counts, where it has to be asked over the network.
const ASKED_FRESH: Duration = Duration::from_secs(60);
const MAX_KNOWN: usize = 10_000;

/// Who is behind a verified token.
#[derive(Clone, Debug)]
pub(super) enum Presence {
    Person(AuthUser),
    /// They have a second factor, and no code of it was given in this session yet.
    NeedsSecondFactor,
    /// The session is over, or the person is banned or gone.
    Ended,
}

#[derive(Clone, Debug)]
struct Known {
    /// The address in the token that asked, so that an older token is not looked up at every request.
    token_email: String,
    email: String,
    display_name: String,
    counts: bool,
    has_factor: bool,
    until: Instant,
}

/// What is known of one session. Whoever looks it up holds the lock, so that many requests at once make one query; an
/// entry that is forgotten in the meantime takes what was found with it.
#[derive(Clone, Debug)]
struct Entry {
    user: Uuid,
    known: Arc<tokio::sync::Mutex<Option<Known>>>,
}

#[derive(Debug)]
pub(super) struct People {
    db: Db,
    client: Arc<Client>,
    standing: Standing,
    sessions: Mutex<HashMap<Uuid, Entry>>,
}

impl People {
    pub(super) fn new(db: Db, client: Arc<Client>, standing: Standing) -> Self {
        Self { db, client, standing, sessions: Mutex::default() }
    }

    pub(super) fn standing(&self) -> &Standing {
        &self.standing
    }

    /// The person of verified claims, who has a row from now on.
    pub(super) async fn presence(&self, claims: &Claims, token: &str) -> Result<Presence, Fault> {
        let email = claims.email.clone().unwrap_or_default();
        let entry = self.entry(claims);
        let mut slot = entry.known.lock().await;
        let known = match slot.as_ref() {
            Some(known) if known.token_email == email && known.until > Instant::now() => known.clone(),
            before => {
                let known = self.look_up(claims, token, email, before).await?;
                *slot = Some(known.clone());
                known
            }
        };
        drop(slot);
        Ok(if !known.counts {
            Presence::Ended
        } else if known.has_factor && !claims.has_second_factor() {
            Presence::NeedsSecondFactor
        } else {
            Presence::Person(AuthUser {
                id: claims.sub.into(),
                email: known.email,
                display_name: known.display_name,
                session_id: claims.session_id,
                key: None,
            })
        })
    }

    /// So that the next request with this token looks it up.
    pub(super) fn forget_session(&self, claims: &Claims) {
        self.lock().remove(&key(claims));
    }

    /// The same for all sessions of a person.
    pub(super) fn forget_person(&self, user: Uuid) {
        self.lock().retain(|_, entry| entry.user != user);
    }

    pub(super) fn forget_everybody(&self) {
        self.lock().clear();
    }

    async fn look_up(
        &self,
        claims: &Claims,
        token: &str,
        token_email: String,
        before: Option<&Known>,
    ) -> Result<Known, Fault> {
        let mut tx = self.db.system().await?;
        let found = if self.standing.is_readable(tx.conn()).await? {
            session_and_row(tx.conn(), claims).await?
        } else {
            // Nobody holds a connection while the network is waited for.
            drop(tx);
            let asked = self.ask(token, before).await;
            tx = self.db.system().await?;
            Found { row: row(tx.conn(), claims.sub).await?, ..asked }
        };
        let Row { email, display_name } = match found.row {
            // Whoever has no account any more gets no row.
            _ if !found.counts => Row::default(),
            Some(row) if row.email == token_email => row,
            _ => {
                let row = make_row(tx.conn(), claims, &token_email).await?;
                tx.commit().await?;
                row
            }
        };
        let Found { counts, has_factor, fresh, .. } = found;
        Ok(Known { token_email, email, display_name, counts, has_factor, until: Instant::now() + fresh })
    }

    /// A provider that does not answer ends no session: the token itself is good, and what was known of the person holds.
    async fn ask(&self, token: &str, before: Option<&Known>) -> Found {
        match self.client.profile(token).await {
            Ok(profile) => {
                let has_factor = profile.factors.iter().any(super::client::Factor::is_verified);
                Found { counts: true, has_factor, fresh: ASKED_FRESH, row: None }
            }
            Err(error) if matches!(error.code(), "session_not_found" | "user_not_found" | "user_banned") => {
                tracing::info!(code = error.code(), "the session of a good token is over");
                Found { counts: false, has_factor: false, fresh: ASKED_FRESH, row: None }
            }
            Err(error) => {
                tracing::warn!(%error, "the identity provider could not be asked about a session");
                let has_factor = before.is_some_and(|known| known.has_factor);
                Found { counts: true, has_factor, fresh: FRESH, row: None }
            }
        }
    }

    fn entry(&self, claims: &Claims) -> Entry {
        let mut sessions = self.lock();
        if sessions.len() >= MAX_KNOWN && !sessions.contains_key(&key(claims)) {
            sessions.clear();
        }
        sessions.entry(key(claims)).or_insert_with(|| Entry { user: claims.sub, known: Arc::default() }).clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Entry>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a look-up found.
struct Found {
    counts: bool,
    has_factor: bool,
    /// How long it counts.
    fresh: Duration,
    row: Option<Row>,
}

/// A row of `public.users`.
#[derive(Default)]
struct Row {
    email: String,
    display_name: String,
}

/// A token that names no session, as somebody may have signed one with the project's own secret, stands for its person.
fn key(claims: &Claims) -> Uuid {
    claims.session_id.unwrap_or(claims.sub)
}

async fn session_and_row(conn: &mut PgConnection, claims: &Claims) -> Result<Found, Fault> {
    // revoked_at is the embedded provider's alone: Supabase deletes a session whose token came back.
    let found = sqlx::query!(
        r#"select u.email as "email?", u.display_name as "display_name?",
               exists (
                   select from auth.users a
                   where a.id = $1 and a.deleted_at is null and (a.banned_until is null or a.banned_until <= now())
               ) and ($2::uuid is null or exists (
                   select from auth.sessions s
                   where s.id = $2 and s.user_id = $1 and (s.not_after is null or s.not_after > now())
                       and to_jsonb(s) ->> 'revoked_at' is null
               )) as "counts!",
               exists (
                   select from auth.mfa_factors f where f.user_id = $1 and f.status = 'verified'
               ) as "has_factor!"
           from (select) one
           left join public.users u on u.id = $1"#,
        claims.sub,
        claims.session_id
    )
    .fetch_one(conn)
    .await?;
    let row = found.email.zip(found.display_name).map(|(email, display_name)| Row { email, display_name });
    Ok(Found { counts: found.counts, has_factor: found.has_factor, fresh: FRESH, row })
}

async fn row(conn: &mut PgConnection, user: Uuid) -> Result<Option<Row>, Fault> {
    let row = sqlx::query_as!(Row, "select email, display_name from public.users where id = $1", user);
    Ok(row.fetch_optional(conn).await?)
}

/// Makes the row from verified claims where the trigger on `auth.users` did not; address and name as they are then.
async fn make_row(conn: &mut PgConnection, claims: &Claims, email: &str) -> Result<Row, Fault> {
    // An older token still names the address from before a change: only a newer one than the row changes it.
    sqlx::query!(
        "insert into public.users (id, email, display_name) values ($1, $2, $3)
         on conflict (id) do update set email = excluded.email, updated_at = now()
         where public.users.email is distinct from excluded.email and public.users.updated_at < to_timestamp($4)",
        claims.sub,
        email,
        first_name(claims.sub, email),
        // Whole seconds since 1970 are exact in a double for as long as anyone will care.
        claims.iat as f64
    )
    .execute(&mut *conn)
    .await?;
    Ok(row(conn, claims.sub).await?.ok_or(sqlx::Error::RowNotFound)?)
}

/// The part of the address before the `@`, as the trigger does; for a person without an address, something to tell them
/// apart by.
fn first_name(id: Uuid, email: &str) -> String {
    match email.split('@').next() {
        Some(local) if !local.is_empty() => local.to_owned(),
        _ => format!("Member {}", &id.simple().to_string()[..6]),
    }
}
