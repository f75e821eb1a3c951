//! Whether the database is as `migrations/supabase` makes it: the extension, row-level security, the trigger. What is
//! missing is mended by those very files.

use sqlx::PgConnection;

const VECTOR: &str = include_str!("../../../migrations/supabase/1_vector.sql");
const ROW_SECURITY: &str = include_str!("../../../migrations/supabase/2_row_level_security.sql");
const USERS: &str = include_str!("../../../migrations/supabase/3_users.sql");

/// One thing that was looked at, and the SQL that mends it.
#[derive(Debug)]
pub(super) struct Finding {
    pub what: &'static str,
    pub found: Result<String, String>,
    pub sql: Option<&'static str>,
}

impl Finding {
    fn ok(what: &'static str, found: impl Into<String>) -> Self {
        Self { what, found: Ok(found.into()), sql: None }
    }

    fn missing(what: &'static str, found: impl Into<String>, sql: &'static str) -> Self {
        Self { what, found: Err(found.into()), sql: Some(sql) }
    }
}

pub(super) async fn examine(conn: &mut PgConnection) -> Result<Vec<Finding>, sqlx::Error> {
    let mut findings = vec![extension(conn).await?];
    let migrated: bool =
        sqlx::query_scalar("select to_regclass('public.workspaces') is not null").fetch_one(&mut *conn).await?;
    // Before the first start there is nothing to close, and the line about migrations says what to do.
    if migrated {
        findings.push(row_security(conn).await?);
        findings.push(users(conn).await?);
    }
    Ok(findings)
}

async fn extension(conn: &mut PgConnection) -> Result<Finding, sqlx::Error> {
    let there: bool =
        sqlx::query_scalar("select exists (select from pg_extension where extname = 'vector')").fetch_one(conn).await?;
    Ok(if there {
        Finding::ok("extension", "vector")
    } else {
        Finding::missing("extension", "vector is not installed; the SQL below does it", VECTOR)
    })
}

/// All of our tables: those that [`ROW_SECURITY`] closes. A test holds them against a new database.
pub(crate) fn tables() -> Vec<&'static str> {
    let list = ROW_SECURITY.split_once("array[").and_then(|(_, rest)| rest.split_once(']'));
    list.map_or("", |(list, _)| list).split('\'').skip(1).step_by(2).collect()
}

async fn row_security(conn: &mut PgConnection) -> Result<Finding, sqlx::Error> {
    let open: Vec<String> = sqlx::query_scalar(
        "select c.relname::text from pg_class c
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname = any ($1)
             and (not c.relrowsecurity or exists (
                 select from pg_roles r
                 where r.rolname in ('anon', 'authenticated')
                     and (has_table_privilege(r.oid, c.oid, 'select, insert, update, delete, truncate, references, trigger')
                         or has_any_column_privilege(r.oid, c.oid, 'select, insert, update, references'))))
         order by 1",
    )
    .bind(tables())
    .fetch_all(conn)
    .await?;
    Ok(if open.is_empty() {
        Finding::ok("row security", "on, and nothing granted to anon and authenticated")
    } else {
        let tables = open.join(", ");
        let found = format!("open to whoever holds the publishable key: {tables}; the SQL below closes them");
        Finding::missing("row security", found, ROW_SECURITY)
    })
}

async fn users(conn: &mut PgConnection) -> Result<Finding, sqlx::Error> {
    const WHAT: &str = "users trigger";
    let here: bool = sqlx::query_scalar("select to_regclass('auth.users') is not null").fetch_one(&mut *conn).await?;
    if !here {
        return Ok(Finding::ok(
            WHAT,
            "not in this database, which has no auth.users: people are added when they first come",
        ));
    }
    // Bits of tgtype: 1 for each row, 2 before, 4 insert, 16 update.
    let fires: bool = sqlx::query_scalar(
        "select exists (
             select from pg_trigger t join pg_proc p on p.oid = t.tgfoid
             where t.tgrelid = to_regclass('auth.users') and p.oid = to_regprocedure('public.sync_user()')
                 and t.tgenabled in ('O', 'A') and t.tgtype & 23 = 21 and p.prosecdef)",
    )
    .fetch_one(&mut *conn)
    .await?;
    if !fires {
        let found = "missing on auth.users: people are added only when they first come; the SQL below sets it";
        return Ok(Finding::missing(WHAT, found, USERS));
    }
    let callable: bool = sqlx::query_scalar(
        "select exists (
             select from pg_roles r
             where r.rolname in ('anon', 'authenticated')
                 and has_function_privilege(r.oid, 'public.sync_user()', 'execute'))",
    )
    .fetch_one(conn)
    .await?;
    Ok(if callable {
        Finding::missing(WHAT, "anon or authenticated may call public.sync_user(); the SQL below forbids it", USERS)
    } else {
        Finding::ok(WHAT, "on auth.users")
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::testing::supabase_like;

    /// What is wrong, and the SQL that is printed for it.
    async fn wrong(conn: &mut PgConnection) -> Vec<(&'static str, String, &'static str)> {
        let findings = examine(conn).await.unwrap();
        findings
            .into_iter()
            .filter_map(|finding| Some((finding.what, finding.found.err()?, finding.sql.unwrap())))
            .collect()
    }

    async fn run(conn: &mut PgConnection, sql: &'static str) {
        sqlx::raw_sql(sql).execute(conn).await.expect(sql);
    }

    #[tokio::test]
    async fn the_files_change_nothing_of_what_the_migrations_made() {
        let (_database, mut sql) = supabase_like().await;
        let function = "select pg_get_functiondef('public.sync_user()'::regprocedure) || pg_get_triggerdef(oid)
                        from pg_trigger where tgname = 'atelier_sync_user'";
        let before: String = sqlx::query_scalar(function).fetch_one(&mut sql).await.unwrap();
        for _ in 0..2 {
            assert!(wrong(&mut sql).await.is_empty(), "{:?}", wrong(&mut sql).await);
            for file in [VECTOR, ROW_SECURITY, USERS] {
                run(&mut sql, file).await;
            }
        }
        let after: String = sqlx::query_scalar(function).fetch_one(&mut sql).await.unwrap();
        assert_eq!(before, after, "bring migrations/supabase/3_users.sql up to date");
        let of_the_database: Vec<String> = sqlx::query_scalar(
            "select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') order by 1",
        )
        .fetch_all(&mut sql)
        .await
        .unwrap();
        assert_eq!(of_the_database, tables(), "bring migrations/supabase/2_row_level_security.sql up to date");
    }

    #[tokio::test]
    async fn what_is_missing_is_named_and_the_printed_sql_mends_it() {
        let (_database, mut sql) = supabase_like().await;
        for (what, said, harm) in [
            ("row security", "documents", "alter table public.documents disable row level security"),
            ("row security", "chunks, users", "grant select on public.chunks, public.users to anon"),
            ("row security", "members", "grant update (role) on public.members to authenticated"),
            ("row security", "messages", "grant all on public.messages to public"),
            ("users trigger", "missing", "drop trigger atelier_sync_user on auth.users"),
            ("users trigger", "missing", "alter table auth.users disable trigger atelier_sync_user"),
            ("users trigger", "missing", "drop function public.sync_user() cascade"),
            ("users trigger", "missing", "alter function public.sync_user() security invoker"),
            ("users trigger", "may call", "grant execute on function public.sync_user() to anon"),
            ("extension", "not installed", "drop extension vector cascade"),
        ] {
            run(&mut sql, harm).await;
            let [(named, found, mends)] = wrong(&mut sql).await.try_into().expect(harm);
            assert_eq!(named, what, "{harm}");
            assert!(found.contains(said), "{harm}: {found}");
            run(&mut sql, mends).await;
            assert!(wrong(&mut sql).await.is_empty(), "after {harm}: {:?}", wrong(&mut sql).await);
        }
    }

    #[tokio::test]
    async fn an_empty_database_is_told_of_the_extension_alone() {
        let (_database, mut sql) = supabase_like().await;
        run(&mut sql, "drop extension vector cascade; drop schema public cascade; create schema public").await;
        let wrong = wrong(&mut sql).await;
        assert_eq!(wrong.iter().map(|(what, ..)| *what).collect::<Vec<_>>(), ["extension"]);
    }
}
