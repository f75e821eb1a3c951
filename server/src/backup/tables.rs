//! Which tables are backed up, and how: found in the database's catalogue, so that a new one is in the next backup.

use super::{
    BackupError,
    manifest::{Sequence, TableName, quoted},
    refuse,
};
use crate::{auth, doctor, fault::Fault};
use sqlx::{AssertSqlSafe, PgConnection};
use std::collections::BTreeSet;

/// Tables of ours that no backup has: sqlx's own, which migrations fill, and uploads under way, whose parts the store keeps
/// for itself.
const LEFT_OUT: [&str; 2] = ["_sqlx_migrations", "uploads"];

/// The index versions are known before there is anything in them: a server that has started once has made the first.
pub(super) const MADE_AT_START: &str = "embedding_indexes";

#[derive(Clone, Debug)]
pub(super) struct Table {
    pub name: TableName,
    /// Without those that Postgres computes.
    pub columns: Vec<String>,
    pub sequences: Vec<Sequence>,
}

/// The tables of the database, each after those that it points at.
///
/// # Errors
/// [`Fault::Database`]; a sentence when tables point at each other in a circle.
pub(super) async fn find(conn: &mut PgConnection, with_accounts: bool) -> Result<Vec<Table>, BackupError> {
    let of_public: Vec<&str> = doctor::tables().into_iter().filter(|table| !LEFT_OUT.contains(table)).collect();
    let of_auth: &[&str] = if with_accounts { auth::ACCOUNT_TABLES } else { &[] };
    let rows: Vec<(String, String, Vec<String>)> = sqlx::query_as(
        "select n.nspname::text, c.relname::text, array_agg(a.attname::text order by a.attnum)
         from pg_class c
         join pg_namespace n on n.oid = c.relnamespace
         join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
         where c.relkind in ('r', 'p')
             and (n.nspname = 'public' and c.relname = any ($1) or n.nspname = 'auth' and c.relname = any ($2))
         group by 1, 2 order by 1, 2",
    )
    .bind(of_public)
    .bind(of_auth)
    .fetch_all(&mut *conn)
    .await?;
    let mut tables = Vec::with_capacity(rows.len());
    for (schema, table, columns) in rows {
        let name = TableName { schema, table };
        let sequences = sequences(conn, &name).await?;
        tables.push(Table { name, columns, sequences });
    }
    in_order(tables, &references(conn).await?)
}

/// Pairs of tables of which the first points at the second.
async fn references(conn: &mut PgConnection) -> Result<BTreeSet<(TableName, TableName)>, Fault> {
    let rows: Vec<(String, String, String, String)> = sqlx::query_as(
        "select cn.nspname::text, c.relname::text, pn.nspname::text, p.relname::text
         from pg_constraint k
         join pg_class c on c.oid = k.conrelid
         join pg_namespace cn on cn.oid = c.relnamespace
         join pg_class p on p.oid = k.confrelid
         join pg_namespace pn on pn.oid = p.relnamespace
         where k.contype = 'f' and c.oid <> p.oid",
    )
    .fetch_all(conn)
    .await?;
    let name = |schema, table| TableName { schema, table };
    Ok(rows.into_iter().map(|(cs, ct, ps, pt)| (name(cs, ct), name(ps, pt))).collect())
}

fn in_order(mut waiting: Vec<Table>, references: &BTreeSet<(TableName, TableName)>) -> Result<Vec<Table>, BackupError> {
    let mut ordered = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let names: BTreeSet<TableName> = waiting.iter().map(|table| table.name.clone()).collect();
        let blocked = |table: &Table| references.iter().any(|(from, to)| *from == table.name && names.contains(to));
        let (later, now): (Vec<Table>, Vec<Table>) = waiting.into_iter().partition(blocked);
        if now.is_empty() {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            return refuse(format!("These tables point at each other in a circle: {}.", names.join(", ")));
        }
        ordered.extend(now);
        waiting = later;
    }
    Ok(ordered)
}

async fn sequences(conn: &mut PgConnection, table: &TableName) -> Result<Vec<Sequence>, Fault> {
    let found: Vec<(String, String)> = sqlx::query_as(
        "select a.attname::text, s.name from pg_attribute a
         cross join lateral (select pg_get_serial_sequence($1, a.attname) as name) s
         where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped and s.name is not null
         order by a.attnum",
    )
    .bind(table.quoted())
    .fetch_all(&mut *conn)
    .await?;
    let mut sequences = Vec::with_capacity(found.len());
    for (column, sequence) in found {
        // Postgres has quoted the name where it must be.
        let query = AssertSqlSafe(format!("select last_value, is_called from {sequence}"));
        let (last_value, is_called): (i64, bool) = sqlx::query_as(query).fetch_one(&mut *conn).await?;
        sequences.push(Sequence { column, last_value, is_called });
    }
    Ok(sequences)
}

/// Has values written and read in the same way whatever the database is set to; until the transaction ends.
pub(super) async fn set_formats(conn: &mut PgConnection) -> Result<(), Fault> {
    sqlx::raw_sql(
        "set local datestyle = 'ISO, YMD'; set local intervalstyle = 'postgres'; set local timezone = 'UTC';
         set local bytea_output = 'hex'; set local extra_float_digits = 1; set local statement_timeout = 0",
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// `copy … to stdout` or `copy … from stdin`.
pub(super) fn copy(table: &TableName, columns: &[String], direction: &str) -> String {
    let columns: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
    format!("copy {} ({}) {direction}", table.quoted(), columns.join(", "))
}

/// Those of `tables` that are there and have rows; [`MADE_AT_START`] does not count.
pub(super) async fn with_rows<'a>(
    conn: &mut PgConnection,
    tables: impl Iterator<Item = &'a TableName>,
) -> Result<Vec<String>, Fault> {
    let mut found = Vec::new();
    for table in tables.filter(|table| table.table != MADE_AT_START) {
        let there: bool =
            sqlx::query_scalar("select to_regclass($1) is not null").bind(table.quoted()).fetch_one(&mut *conn).await?;
        if !there {
            continue;
        }
        let any = AssertSqlSafe(format!("select exists (select from {})", table.quoted()));
        if sqlx::query_scalar(any).fetch_one(&mut *conn).await? {
            found.push(table.to_string());
        }
    }
    Ok(found)
}
