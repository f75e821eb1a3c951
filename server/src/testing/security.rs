//! What somebody sees who comes past the app to the database, with the keys that Supabase hands to every browser.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::{config, connect, database::TestDatabase, prepare};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// Gives the roles what Supabase gives them: everything in `public`, now and later.
const AS_ON_SUPABASE: &str = "
    do $$
    declare api_role text;
    begin
        foreach api_role in array array['anon', 'authenticated'] loop
            begin
                execute format('create role %I nologin', api_role);
            exception when duplicate_object or unique_violation then
                null;
            end;
            execute format('grant usage on schema public to %I', api_role);
            execute format('alter default privileges in schema public grant all on tables to %I', api_role);
            execute format('alter default privileges in schema public grant all on functions to %I', api_role);
        end loop;
    end $$";

/// A new database with Supabase's roles and all of our schemas. It is dropped with the first value.
pub(crate) async fn supabase_like() -> (TestDatabase, PgConnection) {
    let database = TestDatabase::empty().await;
    let mut sql = PgConnection::connect(&database.url).await.unwrap();
    sqlx::raw_sql(AS_ON_SUPABASE).execute(&mut sql).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let db = connect(&database, 4).await;
    prepare(&db, &config(&database, folder.path(), &[])).await.stop();
    (database, sql)
}

async fn tables(sql: &mut PgConnection) -> Vec<(String, bool)> {
    let query = "select relname::text, relrowsecurity from pg_class
                 where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f') order by 1";
    sqlx::query_as(query).fetch_all(sql).await.unwrap()
}

#[tokio::test]
async fn every_table_is_closed_to_the_roles_that_supabase_opens_to_browsers() {
    let (_database, mut sql) = supabase_like().await;
    let tables = tables(&mut sql).await;
    assert!(tables.len() > 15, "{tables:?}");
    for (table, row_security) in tables {
        assert!(row_security, "{table} has no row-level security");
        for role in ["anon", "authenticated"] {
            for statement in [
                format!("select * from public.{table}"),
                format!("insert into public.{table} default values"),
                format!("delete from public.{table}"),
                format!("truncate public.{table}"),
            ] {
                let mut tx = sql.begin().await.unwrap();
                sqlx::query(AssertSqlSafe(format!("set local role {role}"))).execute(&mut *tx).await.unwrap();
                let outcome = sqlx::query(AssertSqlSafe(statement.as_str())).fetch_all(&mut *tx).await;
                let error = outcome.expect_err(&statement);
                let code = error.as_database_error().and_then(|error| error.code()).unwrap().into_owned();
                // insufficient_privilege: refused before a single row or column was looked at.
                assert_eq!(code, "42501", "{role}: {statement}: {error}");
                tx.rollback().await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn no_function_of_ours_can_be_called_by_those_roles() {
    let (_database, mut sql) = supabase_like().await;
    // Functions of extensions are Postgres' own business.
    let open: Vec<String> = sqlx::query_scalar(
        "select p.oid::regprocedure::text from pg_proc p
         where p.pronamespace = 'public'::regnamespace
           and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
           and (has_function_privilege('anon', p.oid, 'execute') or has_function_privilege('authenticated', p.oid, 'execute'))",
    )
    .fetch_all(&mut sql)
    .await
    .unwrap();
    assert_eq!(open, Vec::<String>::new());
}
