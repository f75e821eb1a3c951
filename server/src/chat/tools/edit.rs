use super::{Answering, Content, Kind, Output, Tool};
use async_trait::async_trait;
use domain::{
    Error,
    written::{Markdown, Save, Written, WrittenText},
};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Makes a new version of a document that is written here.
pub struct EditDocument;

#[derive(Deserialize, ToSchema)]
pub struct Arguments {
    /// The document's id.
    id: Uuid,
    /// The revision that was read: if the document has changed since, nothing is written.
    revision: u64,
    /// What to replace: some text of the document that stands in it once, letter by letter. When absent, all of it is
    /// replaced.
    find: Option<String>,
    /// What to put there, in Markdown.
    text: String,
}

#[async_trait]
impl Tool for EditDocument {
    const NAME: &'static str = "edit_document";
    const LABEL: &'static str = "Edit a document";
    const DESCRIPTION: &'static str = "Changes a document that is written here, as a new version. Read it first. For a \
        small change name what to replace in `find`. Files that were uploaded cannot be changed.";
    const KIND: Kind = Kind::Writes;
    type Arguments = Arguments;

    async fn describe(&self, of: &Answering<'_>, arguments: &Arguments) -> Result<String, Error> {
        let document = of.document(arguments.id).await?;
        changed(of, arguments).await?;
        Ok(format!("Edit “{}”", document.name))
    }

    async fn run(&self, of: &Answering<'_>, arguments: Arguments) -> Result<Output, Error> {
        let document = of.document(arguments.id).await?;
        let text = changed(of, &arguments).await?;
        let save = Save { revision: arguments.revision, title: None, text, new_version: true };
        let saved = of.session.save_text(document.id, save).await?;
        let summary = format!("Changed “{}”: version {}.", document.name, saved.version);
        let content = Content::Text(format!("{summary} Its revision is {} now.", saved.revision));
        Ok(Output { summary, content })
    }
}

/// The document's text with the change in it.
async fn changed(of: &Answering<'_>, arguments: &Arguments) -> Result<Markdown, Error> {
    let Arguments { id, revision, find, text } = arguments;
    let WrittenText { text: present, revision: now, .. } = of.session.written_text((*id).into()).await?;
    if *revision != now {
        return Err(Error::conflict(format!(
            "The document is at revision {now} now. Read it again before you edit it."
        )));
    }
    let Some(find) = find.as_deref().filter(|find| !find.is_empty()) else { return Ok(Markdown::parse("text", text)?) };
    match present.as_str().matches(find).count() {
        1 => Ok(Markdown::parse("text", &present.as_str().replacen(find, text, 1))?),
        0 => Err(Error::invalid("find", "What is to be replaced does not stand in the document.")),
        count => Err(Error::invalid("find", format!("What is to be replaced stands in the document {count} times."))),
    }
}
