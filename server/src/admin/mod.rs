//! `atelier admin`: what only the operator can do. Each task prints what it has done, and leaves a line in the log.

mod people;
mod stuck;
#[cfg(test)]
mod tests;

use crate::{
    auth,
    config::{Config, identity::Identity},
    db::Db,
    fault::Fault,
    startup::{self, StartError},
};
use domain::Error;
use std::fmt;
use time::OffsetDateTime;

/// What there is to do.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Task {
    /// Makes a person an owner of a workspace, whatever they were in it before.
    Owner {
        /// The person's address.
        email: String,
        /// The workspace's id, as it is in its address, or its name.
        workspace: String,
    },
    /// Takes the second factor from a person who has lost it; they sign in by password alone then, and can set up another.
    ResetSecondFactor {
        /// The person's address.
        email: String,
    },
    /// Lists what does not go on by itself: failed documents, leases that nobody took over, jobs without attempts left.
    Stuck,
    /// Has something that is stuck tried again.
    Requeue {
        /// A document's or a job's id, as `stuck` prints it.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        id: Option<String>,
        /// All that failed.
        #[arg(long)]
        all: bool,
    },
    /// Publishes a new signing key of the embedded identity provider; nobody is signed out.
    RotateKeys,
}

/// Why a task was not done.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What a task has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    lines: Vec<String>,
    /// Nothing is left that somebody should look at.
    pub well: bool,
}

impl Done {
    fn well(line: impl Into<String>) -> Self {
        Self { lines: vec![line.into()], well: true }
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// A sentence for the operator.
fn refuse<T>(sentence: impl Into<String>) -> Result<T, Fault> {
    Err(Error::conflict(sentence).into())
}

/// # Errors
/// A sentence that says what is wrong; then nothing was done.
pub async fn run(config: &Config, task: Task) -> Result<Done, AdminError> {
    if matches!(task, Task::RotateKeys) {
        return Ok(rotate_keys(config)?);
    }
    startup::with_stores(config, async |db, _| Ok(perform(config, db, task).await?)).await
}

async fn perform(config: &Config, db: &Db, task: Task) -> Result<Done, Fault> {
    if db.system().await?.applied_migration().await? < Db::newest_migration() {
        return refuse("The database is not up to date. Run `atelier migrate`, or start Atelier once.");
    }
    match task {
        Task::Owner { email, workspace } => people::make_owner(db, &email, &workspace).await,
        Task::ResetSecondFactor { email } => people::reset_second_factor(config, db, &email).await,
        Task::Stuck => stuck::list(db).await,
        Task::Requeue { id: Some(id), .. } => stuck::requeue(db, &id).await,
        Task::Requeue { id: None, .. } => stuck::requeue_all(db).await,
        Task::RotateKeys => rotate_keys(config),
    }
}

fn rotate_keys(config: &Config) -> Result<Done, Fault> {
    let Identity::Embedded(embedded) = &config.identity else {
        return refuse("Supabase signs here. Rotate the keys in its dashboard; Atelier follows within ten minutes.");
    };
    if embedded.jwt_secret.is_some() {
        return refuse("SUPABASE_JWT_SECRET signs here. Replace it to rotate, which signs everybody out; or unset it.");
    }
    let rotated = auth::rotate_keys(&config.paths.data.join(auth::KEYS_FOLDER))?;
    tracing::info!(target: "audit", task = "rotate-keys", kid = rotated.kid, "a signing key was published");
    let auth::Rotated { kid, signs_from, kept, removed } = rotated;
    Ok(Done::well(format!(
        "The signing key {kid} is published, and signs from {} on. {kept} before it still verify, {removed} were removed. \
         Nobody is signed out, and nothing has to be started again.",
        minute(signs_from)
    )))
}

/// In UTC.
fn minute(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    format!("{} {:02}:{:02} UTC", at.date(), at.hour(), at.minute())
}
