//! What a model may call while it answers: one file a tool. A tool works through the ports of [`domain::Session`], so it
//! may do what the person may do in whose session the answer is written, and no more. To add one, write its file and put
//! it into [`Tools::from_config`].

mod create;
mod edit;
pub(super) mod read;
mod search;
mod trash;
mod web;

use crate::{ai::answer::ToolOffer, config, fault::Fault, session::UserSession};
use async_trait::async_trait;
use domain::{
    ConversationId, DocumentId, Error, MessageId, ProjectId,
    documents::{Document, Documents, Passage},
    workspaces::Role,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{fmt, sync::Arc};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

/// What a tool touches, and so whether a person is asked before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only what everybody in the workspace reads; nobody is asked.
    Reads,
    /// The project's documents.
    Writes,
    /// What it is given leaves the house.
    GoesOut,
}

impl Kind {
    pub const fn needs_approval(self) -> bool {
        !matches!(self, Self::Reads)
    }

    /// The role without which it is not offered, since its port would refuse it.
    const fn needs(self) -> Role {
        match self {
            Self::Reads | Self::GoesOut => Role::Viewer,
            Self::Writes => Role::Member,
        }
    }
}

/// The answer that a tool is called for, and with whose rights.
pub struct Answering<'a> {
    pub session: &'a UserSession,
    pub project: ProjectId,
    pub conversation: ConversationId,
    pub question: MessageId,
    /// Passages that have a number already.
    pub numbered: usize,
}

impl Answering<'_> {
    /// A document of the conversation's project.
    ///
    /// # Errors
    /// `NotFound` for any other, and for one in the trash.
    async fn document(&self, id: Uuid) -> Result<Document, Error> {
        let document = self.session.document(id.into()).await?;
        let is_here = document.project.id == self.project && document.trashed_at.is_none();
        if is_here { Ok(document) } else { Err(Error::NotFound) }
    }
}

/// What came of a call.
pub struct Output {
    /// For people, in a line.
    pub summary: String,
    pub content: Content,
}

/// What a model is told.
pub enum Content {
    Text(String),
    /// A new document, and what is said of it.
    Created {
        document: DocumentId,
        text: String,
    },
    /// They get numbers, so that the answer can cite them.
    Passages(Vec<Passage>),
    Pages(Pages),
}

/// Pages of a document; of one that is written here, all of it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Pages {
    pub document: DocumentId,
    /// From 1.
    pub from: u32,
    pub to: u32,
}

/// What a model was told, as it is stored while the answer goes on: by its place, where it is a document's text, so that
/// nothing of one that is deleted lives on here.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Given {
    Text(String),
    Passages {
        /// The number of the first.
        first: usize,
        count: usize,
    },
    Pages(Pages),
}

/// A tool.
#[async_trait]
pub trait Tool: Send + Sync + 'static {
    const NAME: &'static str;
    /// In words, for people.
    const LABEL: &'static str;
    /// For models: when to call it, and what comes back.
    const DESCRIPTION: &'static str;
    const KIND: Kind;
    /// Their documentation is what models read of them. No other schemas in them: a reference would lead nowhere.
    type Arguments: DeserializeOwned + ToSchema + Send + Sync;

    /// What the call would do, in words for whoever decides about it.
    ///
    /// # Errors
    /// When it cannot be done in any case, so that nobody need be asked.
    async fn describe(&self, _of: &Answering<'_>, _arguments: &Self::Arguments) -> Result<String, Error> {
        Ok(Self::LABEL.to_owned())
    }

    /// # Errors
    /// What the model, and the reader, are told instead of a result.
    async fn run(&self, of: &Answering<'_>, arguments: Self::Arguments) -> Result<Output, Error>;
}

/// Any [`Tool`], with arguments that are still to be read.
#[async_trait]
pub trait AnyTool: Send + Sync {
    fn offer(&self) -> ToolOffer;
    fn kind(&self) -> Kind;
    fn label(&self) -> &'static str;
    async fn describe(&self, of: &Answering<'_>, arguments: &Value) -> Result<String, Error>;
    async fn run(&self, of: &Answering<'_>, arguments: Value) -> Result<Output, Error>;
}

#[async_trait]
impl<T: Tool> AnyTool for T {
    fn offer(&self) -> ToolOffer {
        // A schema always has a JSON form.
        let parameters = serde_json::to_value(T::Arguments::schema()).unwrap_or_default();
        ToolOffer { name: T::NAME, description: T::DESCRIPTION, parameters }
    }

    fn kind(&self) -> Kind {
        T::KIND
    }

    fn label(&self) -> &'static str {
        T::LABEL
    }

    async fn describe(&self, of: &Answering<'_>, arguments: &Value) -> Result<String, Error> {
        let arguments: T::Arguments = arguments_of(arguments.clone())?;
        Tool::describe(self, of, &arguments).await
    }

    async fn run(&self, of: &Answering<'_>, arguments: Value) -> Result<Output, Error> {
        let arguments: T::Arguments = arguments_of(arguments)?;
        Tool::run(self, of, arguments).await
    }
}

fn arguments_of<T: DeserializeOwned>(arguments: Value) -> Result<T, Error> {
    serde_json::from_value(arguments)
        .map_err(|error| Error::invalid("arguments", format!("The arguments do not fit the tool: {error}.")))
}

/// All tools of this server. Cheap to clone.
#[derive(Clone)]
pub struct Tools {
    all: Arc<[Box<dyn AnyTool>]>,
    /// Turns of one answer that may call them.
    pub max_iterations: usize,
}

impl fmt::Debug for Tools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all.iter().map(|tool| tool.offer().name)).finish()
    }
}

impl Tools {
    /// # Errors
    /// [`Fault::Other`] when the client for web searches cannot be made.
    pub fn from_config(config: &config::tools::Tools) -> Result<Self, Fault> {
        let mut all: Vec<Box<dyn AnyTool>> = vec![
            Box::new(search::SearchDocuments),
            Box::new(read::ReadDocument),
            Box::new(create::CreateDocument),
            Box::new(edit::EditDocument),
            Box::new(trash::TrashDocument),
        ];
        if let Some(config) = &config.web_search {
            all.push(Box::new(web::WebSearch::new(config)?));
        }
        Ok(Self { all: all.into(), max_iterations: config.max_iterations })
    }

    /// What somebody with this role can have done.
    pub fn offers(&self, role: Role) -> Vec<ToolOffer> {
        self.all.iter().filter(|tool| role >= tool.kind().needs()).map(|tool| tool.offer()).collect()
    }

    pub fn find(&self, name: &str) -> Option<&dyn AnyTool> {
        self.all.iter().find(|tool| tool.offer().name == name).map(AsRef::as_ref)
    }

    /// Whether the tool of that name changes documents.
    pub fn writes(&self, name: &str) -> bool {
        self.find(name).is_some_and(|tool| tool.kind() == Kind::Writes)
    }
}

#[cfg(test)]
mod tests;
