//! What the operator does for people who cannot help themselves.

use super::{Done, refuse};
use crate::{auth::Identity, config::Config, db::Db, fault::Fault, mail::Mailer};
use domain::{UserId, WorkspaceId, workspaces::Role};
use sqlx::PgConnection;
use uuid::Uuid;

struct Person {
    id: UserId,
    email: String,
}

async fn person(conn: &mut PgConnection, email: &str) -> Result<Person, Fault> {
    let mut found = sqlx::query!("select id, email from users where lower(email) = lower($1) limit 2", email.trim())
        .fetch_all(conn)
        .await?;
    match (found.pop(), found.pop()) {
        (Some(one), None) => Ok(Person { id: one.id.into(), email: one.email }),
        (None, _) => refuse(format!("Nobody with the address {email} has an account here. Have them sign up first.")),
        (Some(_), Some(_)) => refuse(format!(
            "There are several accounts with the address {email}, as after a change of identity provider. Delete the old one."
        )),
    }
}

struct Workspace {
    id: WorkspaceId,
    name: String,
}

async fn workspace(conn: &mut PgConnection, id_or_name: &str) -> Result<Workspace, Fault> {
    let id: Option<Uuid> = id_or_name.parse().ok();
    let mut found = sqlx::query!("select id, name from workspaces where id = $1 or name = $2 limit 20", id, id_or_name)
        .fetch_all(conn)
        .await?;
    match (found.len(), found.pop()) {
        (1, Some(one)) => Ok(Workspace { id: one.id.into(), name: one.name }),
        (0, _) | (_, None) => {
            refuse(format!("There is no workspace {id_or_name}. Give its id, or its name as it is written."))
        }
        (_, Some(last)) => {
            let ids: Vec<String> = found.iter().chain([&last]).map(|one| one.id.to_string()).collect();
            refuse(format!("Several workspaces are called {id_or_name}. Give the id of one: {}.", ids.join(", ")))
        }
    }
}

pub(super) async fn make_owner(db: &Db, email: &str, id_or_name: &str) -> Result<Done, Fault> {
    let mut system = db.system().await?;
    let person = person(system.conn(), email).await?;
    let workspace = workspace(system.conn(), id_or_name).await?;
    let before = sqlx::query_scalar!(
        "select role from members where workspace_id = $1 and user_id = $2 for update",
        Uuid::from(workspace.id),
        Uuid::from(person.id)
    )
    .fetch_optional(system.conn())
    .await?;
    sqlx::query!(
        "insert into members (workspace_id, user_id, role) values ($1, $2, $3)
         on conflict (workspace_id, user_id) do update set role = excluded.role",
        Uuid::from(workspace.id),
        Uuid::from(person.id),
        Role::Owner.as_str()
    )
    .execute(system.conn())
    .await?;
    system.commit().await?;
    let before = before.as_deref().unwrap_or("no member");
    tracing::info!(
        target: "audit", task = "owner", user = %person.id, workspace = %workspace.id, before, "a person was made an owner"
    );
    Ok(Done::well(format!("{} is an owner of {} now, and was {before} before.", person.email, workspace.name)))
}

pub(super) async fn reset_second_factor(config: &Config, db: &Db, email: &str) -> Result<Done, Fault> {
    let mut system = db.system().await?;
    let person = person(system.conn(), email).await?;
    drop(system);
    let identity = Identity::start(config, db, &Mailer::default()).await?;
    let reset = identity.reset_second_factor(db, person.id).await;
    identity.stop();
    let factors = reset?;
    tracing::info!(
        target: "audit", task = "reset-second-factor", user = %person.id, factors, "second factors were taken from a person"
    );
    Ok(Done::well(match factors {
        0 => format!("{} has no second factor; nothing was changed.", person.email),
        _ => format!("{} has no second factor any more, and signs in without a code.", person.email),
    }))
}
