//! Whether somebody who was verified once still may ask: for API keys, which the identity provider knows nothing of, and
//! for event streams, which outlive the check of their request. The provider's own tables are asked where the database
//! lets us read them, as Supabase's does.

use super::{AuthUser, KeyLimit};
use crate::{db::Db, fault::Fault};
use domain::UserId;
use sqlx::PgConnection;
use tokio::sync::OnceCell;
use uuid::Uuid;

#[derive(Debug)]
pub(super) struct Standing {
    db: Db,
    embedded: bool,
    readable: OnceCell<bool>,
}

impl Standing {
    pub(super) fn new(db: Db, embedded: bool) -> Self {
        Self { db, embedded, readable: OnceCell::new() }
    }

    pub(super) fn db(&self) -> &Db {
        &self.db
    }

    pub(super) async fn stands(&self, user: &AuthUser) -> Result<bool, Fault> {
        let mut tx = self.db.system().await?;
        if let Some(key) = user.key()
            && !key_counts(tx.conn(), key).await?
        {
            return Ok(false);
        }
        Ok(self.account_counts(tx.conn(), user.id()).await? && self.session_counts(tx.conn(), user).await?)
    }

    /// Whether the account is there and not banned, as far as can be told.
    pub(super) async fn account_counts(&self, conn: &mut PgConnection, user: UserId) -> Result<bool, Fault> {
        if !self.is_readable(conn).await? {
            return Ok(true);
        }
        let counts = sqlx::query_scalar!(
            r#"select exists (
                   select from auth.users
                   where id = $1 and deleted_at is null and (banned_until is null or banned_until <= now())
               ) as "counts!""#,
            Uuid::from(user)
        );
        Ok(counts.fetch_one(conn).await?)
    }

    async fn session_counts(&self, conn: &mut PgConnection, user: &AuthUser) -> Result<bool, Fault> {
        let Some(session) = user.session_id() else { return Ok(true) };
        if !self.is_readable(conn).await? {
            return Ok(true);
        }
        // revoked_at is the embedded provider's alone: Supabase deletes a session whose token came back.
        let counts = sqlx::query_scalar!(
            r#"select exists (
                   select from auth.sessions s
                   where s.id = $1 and s.user_id = $2 and (s.not_after is null or s.not_after > now())
                       and to_jsonb(s) ->> 'revoked_at' is null
               ) as "counts!""#,
            session,
            Uuid::from(user.id())
        );
        Ok(counts.fetch_one(conn).await?)
    }

    /// Whether this database holds the tables of the configured provider, and we may read them. Asked once. A schema
    /// that the embedded provider left behind says nothing about Supabase's users.
    pub(super) async fn is_readable(&self, conn: &mut PgConnection) -> Result<bool, Fault> {
        let embedded = self.embedded;
        let ask = || async move {
            let readable = sqlx::query_scalar!(
                r#"select coalesce(
                       bool_and(
                           c.relname = '_atelier_migrations'
                           or (has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select'))
                       )
                       and count(*) filter (where c.relname in ('users', 'sessions', 'mfa_factors')) = 3
                       and bool_or(c.relname = '_atelier_migrations') = $1,
                       false
                   ) as "readable!"
                   from pg_class c
                   join pg_namespace n on n.oid = c.relnamespace
                   where n.nspname = 'auth' and c.relname in ('users', 'sessions', 'mfa_factors', '_atelier_migrations')"#,
                embedded
            );
            readable.fetch_one(conn).await
        };
        Ok(*self.readable.get_or_try_init(ask).await?)
    }
}

async fn key_counts(conn: &mut PgConnection, key: KeyLimit) -> Result<bool, Fault> {
    let counts = sqlx::query_scalar!(
        r#"select exists (
               select from api_keys where id = $1 and (expires_at is null or expires_at > now())
           ) as "counts!""#,
        Uuid::from(key.id())
    );
    Ok(counts.fetch_one(conn).await?)
}
