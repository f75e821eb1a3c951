//! SQL of the frame: names to link to, and no more of them than a menu can hold.

use crate::{
    access::{ProjectAccess, WorkspaceAccess},
    db::Scope,
    fault::Fault,
};
use domain::{projects::ProjectLink, workspaces::WorkspaceLink};
use uuid::Uuid;

/// The user's workspaces, and the projects of one of them, each the most recently used first and at most 50. One statement,
/// as every page waits for it.
pub(super) async fn menus(
    scope: &mut Scope,
    workspace: Option<&WorkspaceAccess>,
) -> Result<(Vec<WorkspaceLink>, Vec<ProjectLink>), Fault> {
    let user = Uuid::from(scope.user_id());
    let only = scope.only_workspace().map(Uuid::from);
    let rows = sqlx::query!(
        r#"select is_workspace as "is_workspace!", id as "id!", name as "name!"
           from (
               (select true as is_workspace, w.id, w.name, a.active_at
                from members m
                join workspaces w on w.id = m.workspace_id
                join workspace_activity a on a.workspace_id = w.id
                where m.user_id = $1 and ($2::uuid is null or m.workspace_id = $2)
                order by a.active_at desc, w.id desc
                limit 50)
               union all
               (select false, p.id, p.name, a.active_at
                from project_activity a
                join projects p on p.id = a.project_id
                where a.workspace_id = $3
                order by a.active_at desc, a.project_id desc
                limit 50)
           ) as listed
           order by active_at desc, id desc"#,
        user,
        only,
        workspace.map(|access| Uuid::from(access.id()))
    )
    .fetch_all(scope.conn())
    .await?;
    let (workspaces, projects): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.is_workspace);
    Ok((
        workspaces.into_iter().map(|row| WorkspaceLink { id: row.id.into(), name: row.name }).collect(),
        projects.into_iter().map(|row| ProjectLink { id: row.id.into(), name: row.name }).collect(),
    ))
}

/// The names of what is in view, which the menus may be too short to hold.
pub(super) async fn names(
    scope: &mut Scope,
    workspace: &WorkspaceAccess,
    project: Option<&ProjectAccess>,
) -> Result<(WorkspaceLink, Option<ProjectLink>), Fault> {
    let row = sqlx::query!(
        r#"select w.name, p.id as "project_id?", p.name as "project_name?"
           from workspaces w
           left join projects p on p.workspace_id = w.id and p.id = $2
           where w.id = $1"#,
        Uuid::from(workspace.id()),
        project.map(|project| Uuid::from(project.id()))
    )
    .fetch_one(scope.conn())
    .await?;
    let project = row.project_id.zip(row.project_name).map(|(id, name)| ProjectLink { id: id.into(), name });
    Ok((WorkspaceLink { id: workspace.id(), name: row.name }, project))
}
