//! Where a search looks, as a condition that stands inside the scans of the indexes.

use crate::fault::Fault;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

/// A place that the caller has authorised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    tenant: Tenant,
    pub documents: Documents,
}

/// Which of the place's documents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Documents {
    #[default]
    All,
    /// None at all, where the list is empty.
    Only(Vec<Uuid>),
    Except(Vec<Uuid>),
}

impl Documents {
    /// What is bound for them, where anything is.
    pub fn ids(&self) -> Option<&Vec<Uuid>> {
        match self {
            Self::All => None,
            Self::Only(ids) | Self::Except(ids) => Some(ids),
        }
    }

    /// These too.
    pub fn with(self, more: &[Uuid]) -> Self {
        match self {
            Self::All => Self::All,
            Self::Only(ids) => Self::Only([ids.as_slice(), more].concat()),
            Self::Except(ids) => Self::Except(ids.into_iter().filter(|id| !more.contains(id)).collect()),
        }
    }

    /// Not these.
    pub fn without(self, others: &[Uuid]) -> Self {
        match self {
            Self::All if others.is_empty() => Self::All,
            Self::All => Self::Except(others.to_vec()),
            Self::Only(ids) => Self::Only(ids.into_iter().filter(|id| !others.contains(id)).collect()),
            Self::Except(ids) => Self::Except([ids.as_slice(), others].concat()),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tenant {
    Workspace(Uuid),
    Project(Uuid),
}

impl Place {
    pub fn workspace(id: Uuid) -> Self {
        Self { tenant: Tenant::Workspace(id), documents: Documents::All }
    }

    pub fn project(id: Uuid) -> Self {
        Self { tenant: Tenant::Project(id), documents: Documents::All }
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
        let chosen = match self.documents {
            Documents::All => String::new(),
            Documents::Only(_) => format!(" and {of}.document_id = any(${documents}::uuid[])"),
            Documents::Except(_) => format!(" and {of}.document_id <> all(${documents}::uuid[])"),
        };
        inside + &kept + &chosen
    }

    /// How many rows of a table or subquery are of this place, counted up to `most`.
    pub async fn count(&self, conn: &mut PgConnection, table: &str, most: i64) -> Result<i64, Fault> {
        let condition = self.condition("c", 3);
        let statement = format!("select count(*) from (select from {table} c where {condition} limit $1) as counted");
        let count = sqlx::query_scalar(AssertSqlSafe(statement)).bind(most).bind(self.id());
        let count = match self.documents.ids() {
            Some(documents) => count.bind(documents),
            None => count,
        };
        Ok(count.fetch_one(conn).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::Documents::{self, All, Except, Only};
    use uuid::Uuid;

    #[test]
    fn documents_are_added_and_taken_out() {
        let id = Uuid::from_u128;
        for (documents, with, without) in [
            (All, All, Except(vec![id(2)])),
            (Only(vec![id(1)]), Only(vec![id(1), id(2)]), Only(vec![id(1)])),
            (Only(vec![id(2), id(3)]), Only(vec![id(2), id(3), id(2)]), Only(vec![id(3)])),
            (Except(vec![id(2), id(3)]), Except(vec![id(3)]), Except(vec![id(2), id(3), id(2)])),
        ] {
            assert_eq!(documents.clone().with(&[id(2)]), with);
            assert_eq!(documents.without(&[id(2)]), without);
        }
        assert_eq!(Documents::All.without(&[]), All);
    }
}
