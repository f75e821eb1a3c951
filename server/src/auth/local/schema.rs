//! The provider's own migrations, in its own schema.

use crate::{db::Db, fault::Fault};
use sqlx::{PgConnection, migrate::Migrator};

const MIGRATIONS_TABLE: &str = "auth._atelier_migrations";
/// Any number that is used for nothing else: `auth` in ASCII.
const LOCK: i64 = 0x6175_7468;

/// Where people's accounts are. Sessions, links and codes are of the moment: no backup has them, and whoever is restored signs
/// in anew.
pub const ACCOUNT_TABLES: &[&str] = &["users", "identities", "mfa_factors"];

/// The newest migration of the provider's schema; none where Supabase's or no schema `auth` is.
///
/// # Errors
/// [`Fault::Database`].
pub async fn applied(conn: &mut PgConnection) -> Result<Option<i64>, Fault> {
    let ours: bool =
        sqlx::query_scalar("select to_regclass('auth._atelier_migrations') is not null").fetch_one(&mut *conn).await?;
    if !ours {
        return Ok(None);
    }
    let newest = sqlx::query_scalar("select max(version) from auth._atelier_migrations where success");
    Ok(newest.fetch_one(conn).await?)
}

/// Makes the schema, up to a migration or to the newest.
///
/// # Errors
/// Also when the schema `auth` is somebody else's, Supabase's for example.
pub async fn migrate(db: &Db, upto: Option<i64>) -> Result<(), Fault> {
    let mut migrator: Migrator = sqlx::migrate!("src/auth/local/migrations");
    migrator.dangerous_set_table_name(MIGRATIONS_TABLE);
    migrator.create_schema("auth");
    // What a newer release has applied is let be, as in `db.rs`.
    migrator.set_ignore_missing(true);
    // The lock below is held until the commit; sqlx's own would end before it.
    migrator.set_locking(false);
    let mut tx = db.system().await?;
    sqlx::query!("select pg_advisory_xact_lock($1)", LOCK).execute(tx.conn()).await?;
    let is_foreign = sqlx::query_scalar!(
        r#"select to_regclass('auth.users') is not null and to_regclass('auth._atelier_migrations') is null as "foreign!""#
    )
    .fetch_one(tx.conn())
    .await?;
    if is_foreign {
        return Err(Fault::Identity(
            "this database has a schema `auth` of its own, as Supabase's have: set SUPABASE_URL and SUPABASE_PUBLISHABLE_KEY to use it, or give \
             Atelier another database"
                .into(),
        ));
    }
    let migrated = match upto {
        Some(version) => migrator.run_to(version, &mut *tx.conn()).await,
        None => migrator.run(&mut *tx.conn()).await,
    };
    migrated.map_err(Fault::while_doing("make the embedded identity provider's schema"))?;
    tx.commit().await
}
