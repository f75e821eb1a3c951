use super::{Answering, Content, Kind, Output, Tool};
use async_trait::async_trait;
use domain::{
    Error,
    folders::Items,
    trash::{KEPT_DAYS, Trash},
};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Puts a document into the trash.
pub struct TrashDocument;

#[derive(Deserialize, ToSchema)]
pub struct Arguments {
    /// The document's id.
    id: Uuid,
}

#[async_trait]
impl Tool for TrashDocument {
    const NAME: &'static str = "trash_document";
    const LABEL: &'static str = "Move a document to the trash";
    const DESCRIPTION: &'static str =
        "Moves a document to the project's trash, from which people can restore it for 30 days.";
    const KIND: Kind = Kind::Writes;
    type Arguments = Arguments;

    async fn describe(&self, of: &Answering<'_>, arguments: &Arguments) -> Result<String, Error> {
        Ok(format!("Move “{}” to the trash", of.document(arguments.id).await?.name))
    }

    async fn run(&self, of: &Answering<'_>, arguments: Arguments) -> Result<Output, Error> {
        let document = of.document(arguments.id).await?;
        of.session.move_to_trash(of.project, Items::document(document.id)).await?;
        let summary = format!("Moved “{}” to the trash, where it is kept for {KEPT_DAYS} days.", document.name);
        Ok(Output { content: Content::Text(summary.clone()), summary })
    }
}
