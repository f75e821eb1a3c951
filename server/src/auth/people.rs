//! The row in `public.users` of everyone who signs in.

use super::{AuthUser, token::Claims};
use crate::{db::Db, fault::Fault};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use uuid::Uuid;

/// How long a name that was changed elsewhere may still be shown as it was.
const FRESH: Duration = Duration::from_secs(60);
const MAX_KNOWN: usize = 10_000;

#[derive(Clone, Debug)]
struct Known {
    email: String,
    display_name: String,
    seen: Instant,
}

/// Makes the row from verified claims where the trigger on `auth.users` did not, and remembers who was seen.
#[derive(Debug)]
pub(super) struct People {
    db: Db,
    known: Mutex<HashMap<Uuid, Known>>,
}

impl People {
    pub(super) fn new(db: Db) -> Self {
        Self { db, known: Mutex::default() }
    }

    /// The person of verified claims, who has a row from now on.
    pub(super) async fn person(&self, claims: &Claims) -> Result<AuthUser, Fault> {
        let email = claims.email.clone().unwrap_or_default();
        let remembered =
            self.lock().get(&claims.sub).filter(|known| known.email == email && known.seen.elapsed() < FRESH).cloned();
        let known = match remembered {
            Some(known) => known,
            None => {
                let known = self.look_up(claims, &email).await?;
                self.remember(claims.sub, &known, email);
                known
            }
        };
        Ok(AuthUser {
            id: claims.sub.into(),
            email: known.email,
            display_name: known.display_name,
            session_id: claims.session_id,
            key: None,
        })
    }

    async fn look_up(&self, claims: &Claims, email: &str) -> Result<Known, Fault> {
        let mut tx = self.db.system().await?;
        let row = sqlx::query!("select email, display_name from public.users where id = $1", claims.sub)
            .fetch_optional(tx.conn())
            .await?;
        if let Some(row) = row
            && row.email == email
        {
            return Ok(Known { email: row.email, display_name: row.display_name, seen: Instant::now() });
        }
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
        .execute(tx.conn())
        .await?;
        let row = sqlx::query!("select email, display_name from public.users where id = $1", claims.sub)
            .fetch_one(tx.conn())
            .await?;
        tx.commit().await?;
        Ok(Known { email: row.email, display_name: row.display_name, seen: Instant::now() })
    }

    /// Under the address of the token that asked, so that an older token is not looked up at every request.
    fn remember(&self, id: Uuid, known: &Known, email: String) {
        let mut people = self.lock();
        if people.len() >= MAX_KNOWN {
            people.clear();
        }
        people.insert(id, Known { email, ..known.clone() });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The part of the address before the `@`, as the trigger does; for a person without an address, something to tell them
/// apart by.
fn first_name(id: Uuid, email: &str) -> String {
    match email.split('@').next() {
        Some(local) if !local.is_empty() => local.to_owned(),
        _ => format!("Member {}", &id.simple().to_string()[..6]),
    }
}
