//! What an answer is written from: passages of the documents that its question is asked of, and the files that came with
//! it. It waits until those are read.

use super::{Stop, Writer};
use crate::{
    access::ConversationAccess,
    ai::answer::AttachedFiles,
    chat::{
        attachments::{self, Attached, Share},
        scope,
    },
    db::Scope,
    fault::Fault,
    rag::search,
};
use domain::{
    attachments::AttachmentState,
    chat::AnswerEvent,
    documents::{Passage, Span},
    workspaces::Role,
};
use std::{collections::HashSet, time::Duration};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// Passages that are found for a question.
const PASSAGES: u32 = 10;
/// Passages that are found in attachments which are too long to be told whole, besides.
const ATTACHED_PASSAGES: u32 = 6;
/// How long an answer waits for its attachments to be read. A long scan takes minutes; where no worker runs, none is.
const READING: Duration = Duration::from_secs(600);
const LOOK_AGAIN: Duration = Duration::from_millis(500);

impl Writer {
    /// Until what came with the question is read, or cannot be.
    pub(super) async fn await_attachments(&mut self) -> Result<(), Stop> {
        let began = Instant::now();
        let mut told = String::new();
        loop {
            let reading = self.reading().await?;
            let status = match reading.as_slice() {
                [] => return Ok(()),
                [name] => format!("Reading {name}"),
                names => format!("Reading {} attached files", names.len()),
            };
            if began.elapsed() > READING {
                let names = reading.join(", ");
                return Err(Stop::Failed(format!("Still reading {names}. Try again when the document is ready.")));
            }
            if status != told {
                self.record(AnswerEvent::Status { text: status.clone() }).await?;
                told = status;
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// The names of those that a worker has or will have.
    async fn reading(&self) -> Result<Vec<String>, Fault> {
        let mut scope = self.session.reading().await?;
        let conversation = scope.conversation(self.assignment.conversation, Role::Viewer).await?;
        let attached = attachments::on_branch(scope.conn(), &conversation, self.assignment.question).await?;
        let reading = attached.into_iter().filter(|one| one.is_own && one.state == AttachmentState::Reading);
        Ok(reading.map(|one| one.name).collect())
    }

    /// First the attachments that are told whole, then what is found in the long ones, then what is found in all else.
    pub(super) async fn retrieve(
        &self,
        mut scope: Scope,
        conversation: &ConversationAccess,
        share: &Share,
        query: &str,
    ) -> Result<Vec<Passage>, Fault> {
        let mut passages = attachments::whole(scope.conn(), &conversation.project(), &share.whole).await?;
        let mut place = scope::place_of_question(scope.conn(), conversation, self.assignment.question).await?;
        // What is told already need not be found.
        place.documents = place.documents.without(&share.whole);
        let mut attached = place.clone();
        attached.documents = search::Documents::Only(share.searched.clone());
        let of_attached = search::prepare(scope.conn(), attached).await?;
        let of_all = search::prepare(scope.conn(), place).await?;
        // No connection is held while the model works.
        drop(scope);
        if !share.searched.is_empty() {
            passages.extend(search::in_place(&self.session, of_attached, query, ATTACHED_PASSAGES).await?);
        }
        let known: HashSet<(Uuid, Span)> = passages.iter().map(place_of).collect();
        let found = search::in_place(&self.session, of_all, query, PASSAGES).await?;
        passages.extend(found.into_iter().filter(|passage| !known.contains(&place_of(passage))));
        Ok(passages)
    }
}

fn place_of(passage: &Passage) -> (Uuid, Span) {
    (passage.document_id.into(), passage.span)
}

/// What the model is told of the files themselves.
pub(super) fn named(attached: Vec<Attached>) -> AttachedFiles {
    let mut files = AttachedFiles::default();
    for Attached { name, state, is_own, .. } in attached {
        if state != AttachmentState::Ready {
            files.unreadable.push(name.clone());
        }
        if is_own { files.own.push(name) } else { files.earlier.push(name) }
    }
    files
}
