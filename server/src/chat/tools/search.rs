use super::{Answering, Content, Kind, Output, Tool};
use crate::{chat::scope, fault::Fault, rag::search};
use async_trait::async_trait;
use domain::{Error, documents::Passage, workspaces::Role};
use serde::Deserialize;
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// Passages that one search finds.
const PASSAGES: u32 = 8;
/// A marker with a higher number is text; see [`super::super::markers`].
const HIGHEST_NUMBER: usize = 99;

/// Looks in the documents that the question was asked of.
pub struct SearchDocuments;

#[derive(Deserialize, ToSchema)]
pub struct Arguments {
    /// What to look for: a few words, or a whole question.
    query: String,
}

#[async_trait]
impl Tool for SearchDocuments {
    const NAME: &'static str = "search_documents";
    const LABEL: &'static str = "Search the documents";
    const DESCRIPTION: &'static str = "Searches the team's documents by meaning and by words. Returns numbered passages \
        to cite, with the ids of their documents.";
    const KIND: Kind = Kind::Reads;
    type Arguments = Arguments;

    async fn run(&self, of: &Answering<'_>, Arguments { query }: Arguments) -> Result<Output, Error> {
        let room = HIGHEST_NUMBER.saturating_sub(of.numbered);
        if room == 0 {
            return Err(Error::conflict(
                "No more passages can be numbered in this answer. Answer from those that there are.",
            ));
        }
        let mut passages = find(of, &query).await?;
        passages.truncate(room);
        Ok(Output { summary: summary(&passages), content: Content::Passages(passages) })
    }
}

async fn find(of: &Answering<'_>, query: &str) -> Result<Vec<Passage>, Fault> {
    let mut session = of.session.scope().await?;
    let conversation = session.conversation(of.conversation, Role::Viewer).await?;
    let place = scope::place_of_question(session.conn(), &conversation, of.question).await?;
    let ready = search::prepare(session.conn(), place).await?;
    // No connection is held while the model works.
    drop(session);
    search::in_place(of.session, ready, query, PASSAGES).await
}

fn summary(passages: &[Passage]) -> String {
    let names: BTreeSet<&str> = passages.iter().map(|passage| passage.document_name.as_str()).collect();
    let names = names.into_iter().collect::<Vec<_>>().join(", ");
    match passages.len() {
        0 => "No passage matches.".to_owned(),
        1 => format!("1 passage in {names}."),
        count => format!("{count} passages in {names}."),
    }
}
