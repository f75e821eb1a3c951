//! Where a search looks, as a condition that stands inside the scans of the indexes.

use crate::fault::Fault;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

/// A place that the caller has authorised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    tenant: Tenant,
    /// Only these.
    pub documents: Option<Vec<Uuid>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tenant {
    Workspace(Uuid),
    Project(Uuid),
}

impl Place {
    pub fn workspace(id: Uuid) -> Self {
        Self { tenant: Tenant::Workspace(id), documents: None }
    }

    pub fn project(id: Uuid) -> Self {
        Self { tenant: Tenant::Project(id), documents: None }
    }

    /// What is bound as `$2`.
    pub fn id(&self) -> Uuid {
        match self.tenant {
            Tenant::Workspace(id) | Tenant::Project(id) => id,
        }
    }

    /// On the table or alias `of`, with the id as `$2` and the documents, where there are any, as `$documents`.
    pub fn condition(&self, of: &str, documents: u8) -> String {
        let (inside, tenant) = match self.tenant {
            // What a new version of a file has in the making is of no project yet.
            Tenant::Workspace(_) => (format!("{of}.workspace_id = $2 and {of}.project_id is not null"), "workspace_id"),
            Tenant::Project(_) => (format!("{of}.project_id = $2"), "project_id"),
        };
        // Run once and hashed, whatever the way of the scan around it. The passages themselves are not marked: a document
        // goes and comes back in one row's change, however long it is.
        let kept = format!(
            " and {of}.document_id not in (select id from documents where {tenant} = $2 and trashed_at is not null)"
        );
        let chosen = if self.documents.is_some() {
            format!(" and {of}.document_id = any(${documents}::uuid[])")
        } else {
            String::new()
        };
        inside + &kept + &chosen
    }

    /// How many rows of a table or subquery are of this place, counted up to `most`.
    pub async fn count(&self, conn: &mut PgConnection, table: &str, most: i64) -> Result<i64, Fault> {
        let condition = self.condition("c", 3);
        let statement = format!("select count(*) from (select from {table} c where {condition} limit $1) as counted");
        let count = sqlx::query_scalar(AssertSqlSafe(statement)).bind(most).bind(self.id());
        let count = match &self.documents {
            Some(documents) => count.bind(documents),
            None => count,
        };
        Ok(count.fetch_one(conn).await?)
    }
}
