//! Search for people: the port and its routes. How it ranks is in [`crate::rag::search`].

pub mod routes;
#[cfg(test)]
pub(crate) mod tests;

use crate::{
    rag::{index, search},
    session::UserSession,
};
use async_trait::async_trait;
use domain::{
    Error, ProjectId,
    documents::Passage,
    search::{IndexBuild, MAX_QUERY, Search, SearchIndex, Searches},
    text::Prose,
    workspaces::Role,
};
use uuid::Uuid;

#[async_trait]
impl Searches for UserSession {
    async fn search(&self, mut search: Search) -> Result<Vec<Passage>, Error> {
        search.query = Prose::<MAX_QUERY>::parse("q", &search.query)?.as_str().to_owned();
        if search.query.is_empty() {
            return Err(Error::invalid("q", "Type what to look for."));
        }
        Ok(search::search(self, &search).await?)
    }

    async fn search_index(&self, project: ProjectId) -> Result<SearchIndex, Error> {
        let mut scope = self.reading().await?;
        let access = scope.project(project, Role::Viewer).await?;
        let mut found = SearchIndex { model: String::new(), building: None };
        for (index, state) in index::in_use(scope.conn()).await? {
            match state {
                index::State::Active => found.model = index.model,
                index::State::Building if found.building.is_none() => {
                    let project = Uuid::from(access.id());
                    let (done, total) = index::progress_in(scope.conn(), project, index.id).await?;
                    found.building = Some(IndexBuild { model: index.model, done, total });
                }
                index::State::Building => {}
            }
        }
        Ok(found)
    }
}
