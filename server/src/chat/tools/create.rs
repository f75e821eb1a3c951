use super::{Answering, Content, Kind, Output, Tool};
use async_trait::async_trait;
use domain::{
    Error,
    text::Name,
    written::{Markdown, NewWritten, Written},
};
use serde::Deserialize;
use utoipa::ToSchema;

/// Writes a new document.
pub struct CreateDocument;

#[derive(Deserialize, ToSchema)]
pub struct Arguments {
    /// At most 120 characters.
    title: String,
    /// The whole text, in Markdown.
    text: String,
}

#[async_trait]
impl Tool for CreateDocument {
    const NAME: &'static str = "create_document";
    const LABEL: &'static str = "Create a document";
    const DESCRIPTION: &'static str = "Writes a new document into the project. Returns its id and revision.";
    const KIND: Kind = Kind::Writes;
    type Arguments = Arguments;

    async fn describe(&self, _: &Answering<'_>, arguments: &Arguments) -> Result<String, Error> {
        let new = new(arguments)?;
        Ok(format!("Create the document “{}”", new.title))
    }

    async fn run(&self, of: &Answering<'_>, arguments: Arguments) -> Result<Output, Error> {
        let document = of.session.create_written(of.project, new(&arguments)?).await?;
        let summary = format!("Created “{}”.", document.name);
        let text = format!("{summary} Its id is {}, its revision 1.", document.id);
        Ok(Output { summary, content: Content::Created { document: document.id, text } })
    }
}

fn new(Arguments { title, text }: &Arguments) -> Result<NewWritten, Error> {
    Ok(NewWritten { title: Name::parse("title", title)?, text: Markdown::parse("text", text)?, folder_id: None })
}
