//! Server functions of projects.

use crate::call::Call;
use crate::error::ApiError;
use domain::{
    ProjectId,
    projects::{Project, ProjectHome},
};
use leptos::prelude::*;

/// One answer for the whole page, so that it takes one round trip.
#[server(protocol = Call)]
pub async fn open_project(id: ProjectId) -> Result<ProjectHome, ApiError> {
    Ok(crate::session::session()?.project_home(id).await?)
}

/// Replaces the whole brief. Plain text fields, so that a value that is too long is refused at its field and not as a
/// request that cannot be read.
#[server(protocol = Call)]
pub async fn save_brief(
    project: ProjectId,
    client: String,
    audience: String,
    brand_voice: String,
    key_messages: String,
    competitors: String,
    notes: String,
) -> Result<Project, ApiError> {
    use domain::{
        projects::{Brief, ProjectChange},
        text::Prose,
    };

    let brief = Brief {
        client: Prose::parse("client", &client)?,
        audience: Prose::parse("audience", &audience)?,
        brand_voice: Prose::parse("brand_voice", &brand_voice)?,
        key_messages: Prose::parse("key_messages", &key_messages)?,
        competitors: Prose::parse("competitors", &competitors)?,
        notes: Prose::parse("notes", &notes)?,
    };
    Ok(crate::session::session()?.change_project(project, ProjectChange { name: None, brief: Some(brief) }).await?)
}
