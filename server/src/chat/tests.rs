//! The whole way: a real database, real retrieval, the real protocol on both sides of the server.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod attachments;
mod failures;
mod find;
mod list;
mod models;
mod scope;
mod shutdown;
mod tools;
mod tree;

use super::*;
use crate::{
    ai::answer::scripted::{Reply, Script},
    testing::{Client, TestApp},
};
use domain::chat::{AnswerEvent, Author, Citation};
use futures::StreamExt;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use tokio::task::JoinHandle;

const TERMS: &str = "# Returns\n\nCustomers may return goods within 30 days of delivery. The goods must be unused.\n\n# Postage\n\nStandard postage costs 4.90 euros. Gold members pay no postage.\n";

/// Ada with a project that holds one document, ready to be asked.
struct Desk {
    app: TestApp,
    ada: Client,
    project: Uuid,
    document: Uuid,
    script: Option<Script>,
}

impl Desk {
    async fn extractive() -> Self {
        Self::set_up(None, &[]).await
    }

    async fn scripted(replies: Vec<Reply>) -> Self {
        Self::scripted_with(replies, &[]).await
    }

    /// With environment variables of its own.
    async fn scripted_with(replies: Vec<Reply>, variables: &[(&str, &str)]) -> Self {
        Self::set_up(Some(Script::start(replies).await), variables).await
    }

    async fn set_up(script: Option<Script>, more: &[(&str, &str)]) -> Self {
        let url = script.as_ref().map(|script| script.url().to_string());
        let mut variables: Vec<(&str, &str)> = match &url {
            Some(url) => vec![("LLM_BASE_URL", url), ("LLM_API_KEY", "sk-test"), ("LLM_MODEL", "test/model")],
            None => Vec::new(),
        };
        variables.extend(more);
        let app = TestApp::start_with(&variables).await;
        app.start_worker().await;
        let ada = app.user("ada").await;
        let workspace = ada.new_workspace("Nord").await;
        let project = ada.new_project(workspace, "Shop").await;
        let document = ada.new_document(project, "Terms.md", TERMS).await;
        let desk = Self { app, ada, project, document, script };
        desk.until_ready(document).await;
        desk
    }

    async fn until_ready(&self, document: Uuid) {
        for _ in 0..600 {
            let now: Value = self.ada.get(&format!("/api/v1/documents/{document}")).await.json(200);
            match now["state"].as_str() {
                Some("ready") => return,
                Some("failed") => panic!("{now}"),
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
        panic!("the document was not ingested within 30 seconds");
    }

    /// Another document of the project, ready.
    async fn add_document(&self, name: &str, text: &str) -> Uuid {
        let document = self.ada.new_document(self.project, name, text).await;
        self.until_ready(document).await;
        document
    }

    /// Asks with this body in a conversation and waits for the end; the question and its answer.
    async fn ask_with(&self, conversation: Uuid, body: Value) -> (Message, Message) {
        let path = format!("/api/v1/conversations/{conversation}/messages");
        let asked: Asked = self.ada.post(&path, &body).await.json(202);
        let answer = finished(&follow(&self.ada, asked.answer.id, None).await);
        (asked.question, answer)
    }

    /// Answers again and waits for the end.
    async fn again(&self, message: MessageId) -> Message {
        let asked: Asked = self.ada.post(&format!("/api/v1/messages/{message}/regenerate"), &json!({})).await.json(202);
        finished(&follow(&self.ada, asked.answer.id, None).await)
    }

    /// The branch in view, oldest first.
    async fn branch(&self, conversation: Uuid) -> Vec<Message> {
        let path = format!("/api/v1/conversations/{conversation}/messages?limit=100");
        let page: Page<Message> = self.ada.get(&path).await.json(200);
        page.items
    }

    fn script(&self) -> &Script {
        self.script.as_ref().expect("a scripted desk")
    }

    async fn conversation(&self) -> Uuid {
        self.ada.post(&format!("/api/v1/projects/{}/conversations", self.project), &json!({})).await.id()
    }

    async fn ask(&self, conversation: Uuid, text: &str) -> Asked {
        self.ada
            .post(&format!("/api/v1/conversations/{conversation}/messages"), &json!({ "text": text }))
            .await
            .json(202)
    }

    /// Asks in a new conversation and follows the answer from its beginning. Nothing of it is stored before somebody follows:
    /// whoever comes after the end is told of the end alone.
    async fn ask_and_follow(&self, text: &str) -> (Asked, Vec<Event>) {
        let conversation = self.conversation().await;
        let mut sql = self.app.sql().await;
        let mut held = sql.begin().await.unwrap();
        sqlx::query("lock table message_events in share mode").execute(&mut *held).await.unwrap();
        let asked = self.ask(conversation, text).await;
        let stream = open(&self.ada, asked.answer.id, None).await;
        held.rollback().await.unwrap();
        (asked, to_the_end(stream).await)
    }

    async fn message(&self, id: MessageId) -> Message {
        self.ada.get(&format!("/api/v1/messages/{id}")).await.json(200)
    }

    /// Asks in a new conversation and waits for the end.
    async fn answer(&self, text: &str) -> Message {
        let asked = self.ask(self.conversation().await, text).await;
        finished(&follow(&self.ada, asked.answer.id, None).await)
    }

    /// Waits until the answer's text so far holds `text`.
    async fn until_written(&self, id: MessageId, text: &str) {
        for _ in 0..200 {
            if self.message(id).await.content.contains(text) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{text:?} was not written within four seconds");
    }

    /// One at which an answer stalls after its first word, with somebody who follows it.
    async fn half_written() -> (Self, MessageId, JoinHandle<Vec<Event>>) {
        let desk = Self::scripted(vec![Reply::answer(&["Half "]).stalled_after(1)]).await;
        let answer = desk.ask(desk.conversation().await, "What does postage cost?").await.answer.id;
        desk.until_written(answer, "Half").await;
        let ada = desk.ada.clone();
        let follower = tokio::spawn(async move { follow(&ada, answer, None).await });
        (desk, answer, follower)
    }

    /// The text that the stored page holds at a citation's span.
    async fn text_at(&self, citation: &Citation) -> String {
        let path = format!("/api/v1/documents/{}/pages?from={}&limit=1", citation.document_id, citation.span.page);
        let pages: Value = self.ada.get(&path).await.json(200);
        let page = pages.get("items").unwrap_or(&pages)[0]["text"].as_str().expect("a page").to_owned();
        let (start, end) = (citation.span.start as usize, citation.span.end as usize);
        page.chars().skip(start).take(end - start).collect()
    }
}

/// An event with its number.
type Event = (i32, AnswerEvent);

/// Opens the stream and reads its events as they come.
async fn open(client: &Client, message: MessageId, after: Option<i32>) -> impl futures::Stream<Item = Event> + use<> {
    let mut request = client.request(reqwest::Method::GET, &format!("/api/v1/messages/{message}/events"));
    if let Some(after) = after {
        request = request.header("Last-Event-ID", after.to_string());
    }
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream"));
    let mut bytes = response.bytes_stream();
    async_stream::stream! {
        let mut text = String::new();
        while let Some(Ok(piece)) = bytes.next().await {
            text.push_str(std::str::from_utf8(&piece).expect("events are not cut within a character"));
            while let Some((event, rest)) = text.split_once("\n\n") {
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned());
                if let (Some(id), Some(data)) = (field("id:"), field("data:")) {
                    assert_eq!(field("event:").as_deref(), Some("answer"));
                    let numbered = (id.parse().unwrap(), serde_json::from_str(&data).unwrap());
                    yield numbered;
                }
                text = rest.to_owned();
            }
        }
    }
}

/// The events up to the first one of a kind.
async fn events_until(
    stream: &mut (impl futures::Stream<Item = Event> + Unpin),
    is_last: impl Fn(&AnswerEvent) -> bool,
) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    let read = async {
        while events.last().is_none_or(|(_, event)| !is_last(event)) {
            events.push(stream.next().await.expect("the stream goes on"));
        }
    };
    timeout(Duration::from_secs(20), read).await.expect("the event comes");
    events
}

async fn to_the_end(stream: impl futures::Stream<Item = Event>) -> Vec<Event> {
    timeout(Duration::from_secs(20), stream.collect()).await.expect("the answer ends")
}

async fn follow(client: &Client, message: MessageId, after: Option<i32>) -> Vec<Event> {
    to_the_end(open(client, message, after).await).await
}

fn finished(events: &[Event]) -> Message {
    match events.last() {
        Some((_, AnswerEvent::Finished { message })) => message.clone(),
        other => panic!("the last event is {other:?}"),
    }
}

fn text_of(events: &[Event]) -> String {
    events
        .iter()
        .filter_map(|(_, event)| if let AnswerEvent::Delta { text } = event { Some(text.as_str()) } else { None })
        .collect()
}

fn seqs(events: &[Event]) -> Vec<i32> {
    events.iter().map(|(seq, _)| *seq).collect()
}

async fn count(sql: &mut PgConnection, table: &str, message: MessageId) -> i64 {
    let query = format!("select count(*) from {table} where message_id = $1");
    sqlx::query_scalar(sqlx::AssertSqlSafe(query)).bind(Uuid::from(message)).fetch_one(sql).await.unwrap()
}

#[tokio::test]
async fn a_question_is_answered_from_the_document_with_citations_that_stand_in_it() {
    let desk = Desk::extractive().await;
    let (asked, events) = desk.ask_and_follow("How long do customers have to return goods?").await;
    assert_eq!((asked.question.author, asked.answer.author), (Author::User, Author::Assistant));
    assert_eq!(asked.answer.state, MessageState::Streaming);
    assert_eq!(seqs(&events), (1..=i32::try_from(events.len()).unwrap()).collect::<Vec<_>>());
    assert!(
        events.iter().any(|(_, event)| matches!(event, AnswerEvent::Status { text } if text == "Reading Terms.md"))
    );
    let answer = finished(&events);
    assert_eq!(answer.state, MessageState::Complete, "{answer:?}");
    assert_eq!(answer.content, text_of(&events).trim_end(), "what streamed is what is stored");
    assert_eq!(answer.model.as_deref(), Some("extractive"));
    assert_eq!(answer.citations[0].quote, "Customers may return goods within 30 days of delivery.");
    assert!(answer.content.contains("[1]"));
    for citation in &answer.citations {
        assert_eq!(desk.text_at(citation).await, citation.quote);
    }
    let stored: Vec<&Citation> = events
        .iter()
        .filter_map(|(_, event)| if let AnswerEvent::Cited { citation } = event { Some(citation) } else { None })
        .collect();
    assert_eq!(stored, answer.citations.iter().collect::<Vec<_>>());
    assert_eq!(desk.message(answer.id).await, answer);

    let path = format!("/api/v1/conversations/{}", answer.conversation_id);
    let conversation: Conversation = desk.ada.get(&path).await.json(200);
    assert_eq!(conversation.title, "How long do customers have to return goods?");
    let unrelated = desk.answer("Who won the football world cup in 1998?").await;
    assert!(unrelated.content.starts_with("Your documents do not say"), "{}", unrelated.content);
    assert!(unrelated.citations.is_empty());
}

#[tokio::test]
async fn a_models_markers_become_verified_citations_in_order() {
    let pieces = ["Gold members pay no ", "postage [", "1]. Standard costs 4.90 euros [1][9]. ", "Nonsense [17]."];
    let desk = Desk::scripted(vec![Reply::answer(&pieces)]).await;
    let answer = desk.answer("What does postage cost?").await;
    assert_eq!(answer.content, "Gold members pay no postage [1]. Standard costs 4.90 euros [2]. Nonsense.");
    let quotes: Vec<&str> = answer.citations.iter().map(|citation| citation.quote.as_str()).collect();
    assert_eq!(quotes, ["Gold members pay no postage.", "Standard postage costs 4.90 euros."]);
    assert_eq!(
        (answer.model.as_deref(), answer.prompt_tokens, answer.completion_tokens),
        (Some("test/model"), Some(12), Some(4))
    );
    let prompt = desk.script().requests()[0].body["messages"].to_string();
    assert!(prompt.contains("Standard postage costs 4.90 euros.") && prompt.contains("What does postage cost?"));
}

#[tokio::test]
async fn an_answer_without_support_says_so() {
    let desk = Desk::scripted(vec![Reply::answer(&["Probably twelve [4]."])]).await;
    let answer = desk.answer("How many posters are there?").await;
    assert_eq!(
        answer.content,
        format!("Probably twelve.\n\n{}", "*No passage of your documents supports this answer.*")
    );
    assert!(answer.citations.is_empty());
}

#[tokio::test]
async fn a_quote_that_the_stored_page_does_not_hold_is_never_stored() {
    let desk = Desk::scripted(vec![
        Reply::answer(&["They have 30 days [1]."]),
        Reply::answer(&["Postage is 4.90 [1]."]).paced(Duration::from_millis(250)),
    ])
    .await;
    let mut sql = desk.app.sql().await;
    sqlx::query("update document_pages set text = replace(text, '30 days', '90 days')")
        .execute(&mut sql)
        .await
        .unwrap();
    let answer = desk.answer("How long may goods be returned?").await;
    assert!(answer.content.starts_with("They have 30 days."), "{}", answer.content);
    assert!(answer.citations.is_empty());
    assert_eq!(count(&mut sql, "citations", answer.id).await, 0);

    // Gone between the citation and the end of the answer.
    let asked = desk.ask(desk.conversation().await, "What does postage cost?").await;
    desk.until_written(asked.answer.id, "[1]").await;
    desk.ada.delete(&format!("/api/v1/documents/{}?forever=true", desk.document)).await.expect(204);
    let answer = finished(&follow(&desk.ada, asked.answer.id, None).await);
    assert_eq!((answer.content.as_str(), answer.citations.len()), ("Postage is 4.90.", 0));
}

#[tokio::test]
async fn a_follower_goes_on_where_it_left_off_and_two_see_the_same() {
    let pieces: Vec<String> = (0..30).map(|index| format!("word{index} ")).collect();
    let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
    let desk = Desk::scripted(vec![Reply::answer(&pieces).paced(Duration::from_millis(30))]).await;
    let asked = desk.ask(desk.conversation().await, "What does postage cost?").await;
    let message = asked.answer.id;

    // One that leaves in mid-answer and comes back, beside one that stays.
    let stays = tokio::spawn({
        let ada = desk.ada.clone();
        async move { follow(&ada, message, None).await }
    });
    let first: Vec<Event> = open(&desk.ada, message, None).await.take(6).collect().await;
    let so_far = desk.message(message).await;
    assert_eq!(so_far.state, MessageState::Streaming);
    assert!(!so_far.content.is_empty(), "a page without scripts shows what there is");
    let rest = follow(&desk.ada, message, Some(6)).await;
    let stayed = stays.await.unwrap();
    assert_eq!([first, rest].concat(), stayed);
    let answer = finished(&stayed);
    assert_eq!(text_of(&stayed).trim_end(), answer.content);

    // Afterwards only the end is left; whoever has seen it need not come back.
    let (last, _) = stayed.last().unwrap().clone();
    assert_eq!(follow(&desk.ada, message, None).await, [stayed.last().unwrap().clone()]);
    let done = desk
        .ada
        .request(reqwest::Method::GET, &format!("/api/v1/messages/{message}/events"))
        .header("Last-Event-ID", last);
    desk.ada.send(done).await.expect(204);
    assert_eq!(count(&mut desk.app.sql().await, "message_events", message).await, 1);
}

#[tokio::test]
async fn one_answer_at_a_time_and_a_key_asks_once() {
    let desk = Desk::scripted(vec![Reply::answer(&["Half "]).stalled_after(1), Reply::answer(&["Whole [1]."])]).await;
    let conversation = desk.conversation().await;
    let path = format!("/api/v1/conversations/{conversation}/messages");
    let question = json!({ "text": "What does postage cost?" });
    let with_key = || desk.ada.request(reqwest::Method::POST, &path).header("Idempotency-Key", "k-1").json(&question);
    let (first, second) = tokio::join!(desk.ada.send(with_key()), desk.ada.send(with_key()));
    let (first, second): (Asked, Asked) = (first.json(202), second.json(202));
    assert_eq!((first.question.id, first.answer.id), (second.question.id, second.answer.id));

    let problem = desk.ada.post(&path, &question).await.problem(409);
    assert!(problem["detail"].as_str().unwrap().contains("An answer is being written"));
    let messages: Page<Message> = desk.ada.get(&path).await.json(200);
    assert_eq!(messages.items.len(), 2, "the refused question left nothing behind");

    desk.until_written(first.answer.id, "Half").await;
    desk.ada.post(&format!("/api/v1/messages/{}/stop", first.answer.id), &json!({})).await.expect(200);
    let again: Asked = desk.ada.send(with_key()).await.json(202);
    assert_eq!((again.answer.id, again.answer.state), (first.answer.id, MessageState::Stopped));
    assert_eq!(desk.script().requests().len(), 1, "the model was asked once");
    let next = desk.ask(conversation, "And for gold members?").await;
    assert_eq!(finished(&follow(&desk.ada, next.answer.id, None).await).state, MessageState::Complete);

    for (body, field) in [
        (json!({ "text": " " }), "text"),
        (json!({ "text": "x".repeat(8_001) }), "text"),
        (json!({}), "text"),
        (json!({ "text": "x", "idempotency_key": "k".repeat(65) }), "idempotency_key"),
    ] {
        let problem = desk.ada.post(&path, &body).await.problem(422);
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
}

#[tokio::test]
async fn stop_ends_the_answer_and_the_work_upstream_within_two_seconds() {
    let desk = Desk::scripted(vec![Reply::answer(&["Half "]).stalled_after(1)]).await;
    let asked = desk.ask(desk.conversation().await, "What does postage cost?").await;
    desk.until_written(asked.answer.id, "Half").await;
    let began = Instant::now();
    let stopped: Message =
        desk.ada.post(&format!("/api/v1/messages/{}/stop", asked.answer.id), &json!({})).await.json(200);
    assert_eq!(
        (stopped.state, stopped.content.as_str(), stopped.failure.as_deref()),
        (MessageState::Stopped, "Half", None)
    );
    timeout(Duration::from_secs(2), desk.script().hung_up()).await.expect("the connection to the model is closed");
    assert!(began.elapsed() < Duration::from_secs(2));
    assert_eq!(finished(&follow(&desk.ada, asked.answer.id, None).await), stopped);
    let again: Message =
        desk.ada.post(&format!("/api/v1/messages/{}/stop", asked.answer.id), &json!({})).await.json(200);
    assert_eq!(again, stopped, "stopping twice is no error");
}

#[tokio::test]
async fn whoever_is_removed_or_signed_out_stops_seeing_the_answer() {
    let desk = Desk::scripted(vec![Reply::answer(&["Half "]).stalled_after(1)]).await;
    let workspace: Value = desk.ada.get(&format!("/api/v1/projects/{}", desk.project)).await.json(200);
    let workspace: Uuid = workspace["workspace"]["id"].as_str().unwrap().parse().unwrap();
    let (eve, mia) = (desk.app.user("eve").await, desk.app.user("mia").await);
    let removed = desk.ada.add_member(workspace, &eve, "eve", "viewer").await;
    desk.ada.add_member(workspace, &mia, "mia", "viewer").await;
    let asked = desk.ask(desk.conversation().await, "What does postage cost?").await;
    desk.until_written(asked.answer.id, "Half").await;
    // Open before anybody goes: whoever opens one later is refused at once.
    let mut followers = Vec::new();
    for client in [&eve, &mia, &desk.ada] {
        let events = open(client, asked.answer.id, None).await;
        followers.push(tokio::spawn(async move { events.collect::<Vec<Event>>().await }));
    }
    let of_ada = followers.pop().unwrap();
    desk.ada.delete(&format!("/api/v1/members/{removed}")).await.expect(204);
    sqlx::query("delete from auth.sessions where user_id = $1")
        .bind(mia.user_id())
        .execute(&mut desk.app.sql().await)
        .await
        .unwrap();
    for stream in followers {
        let seen = timeout(Duration::from_secs(8), stream).await.expect("the stream goes on").unwrap();
        assert!(!seen.iter().any(|(_, event)| matches!(event, AnswerEvent::Finished { .. })));
    }
    assert!(!of_ada.is_finished(), "the other's ended too");
    of_ada.abort();
}

#[tokio::test]
async fn an_answer_that_another_process_stops_ends_here_too() {
    let (desk, answer, follower) = Desk::half_written().await;
    let mut other = desk.app.state.db.system().await.unwrap();
    events::finish_from_events(other.conn(), answer, MessageState::Stopped, None).await.unwrap().unwrap();
    other.commit().await.unwrap();
    timeout(Duration::from_secs(2), desk.script().hung_up()).await.expect("the connection to the model is closed");
    let stopped = finished(&follower.await.unwrap());
    assert_eq!((stopped.state, stopped.content.as_str()), (MessageState::Stopped, "Half"));
    assert_eq!(desk.message(answer).await, stopped);
}

#[tokio::test]
async fn a_failing_model_keeps_the_partial_answer_and_the_conversation_goes_on() {
    let replies = vec![
        Reply::answer(&["Gold members pay no postage [1]. ", "And"]).cut_after(2),
        Reply::status(429, "{}").header("Retry-After", "7"),
        Reply::stream(&["data: nonsense\n\n"]),
        Reply::answer(&["Now it works [1]."]),
    ];
    let desk = Desk::scripted(replies).await;
    let conversation = desk.conversation().await;
    for (content, failure) in
        [("Gold members pay no postage [1]. And", "broke off"), ("", "in 7 seconds"), ("", "no answer")]
    {
        let asked = desk.ask(conversation, "What do gold members pay?").await;
        let answer = finished(&follow(&desk.ada, asked.answer.id, None).await);
        assert_eq!((answer.state, answer.content.as_str()), (MessageState::Failed, content));
        assert!(answer.failure.unwrap().contains(failure));
        assert_eq!(answer.citations.len(), content.matches("[1]").count());
    }
    let asked = desk.ask(conversation, "What do gold members pay?").await;
    assert_eq!(finished(&follow(&desk.ada, asked.answer.id, None).await).state, MessageState::Complete);
}

#[tokio::test]
async fn an_answer_whose_process_died_is_marked_and_keeps_its_text() {
    let desk = Desk::scripted(vec![Reply::answer(&["Gold members pay no postage [1]. ", "x"]).stalled_after(2)]).await;
    let conversation = desk.conversation().await;
    let asked = desk.ask(conversation, "What do gold members pay?").await;
    desk.until_written(asked.answer.id, "[1]. x").await;
    // As a process that was killed leaves it: nobody renews the lease any more, and the epoch is not ours.
    let mut sql = desk.app.sql().await;
    sqlx::query("update messages set leased_until = now() - interval '1 second', lease_epoch = 9 where id = $1")
        .bind(Uuid::from(asked.answer.id))
        .execute(&mut sql)
        .await
        .unwrap();
    sweep(&desk.app.state.db).await.unwrap();
    let answer = desk.message(asked.answer.id).await;
    assert_eq!((answer.state, answer.content.as_str()), (MessageState::Failed, "Gold members pay no postage [1]. x"));
    assert!(answer.failure.unwrap().contains("ask again"));
    assert_eq!(answer.citations[0].quote, "Gold members pay no postage.");
    timeout(Duration::from_secs(3), desk.script().hung_up()).await.expect("the task of the lost answer ends");
    desk.script().add(Reply::answer(&["Fine [1]."]));
    let asked = desk.ask(conversation, "What do gold members pay?").await;
    assert_eq!(finished(&follow(&desk.ada, asked.answer.id, None).await).state, MessageState::Complete);
}

#[tokio::test]
async fn another_users_conversation_is_not_there() {
    let desk = Desk::extractive().await;
    let conversation = desk.conversation().await;
    let asked = desk.ask(conversation, "What does postage cost?").await;
    follow(&desk.ada, asked.answer.id, None).await;
    let eve = desk.app.user("eve").await;
    let (project, message) = (desk.project, asked.answer.id);
    for path in [
        format!("/api/v1/projects/{project}/conversations"),
        format!("/api/v1/conversations/{conversation}"),
        format!("/api/v1/conversations/{conversation}/messages"),
        format!("/api/v1/messages/{message}"),
        format!("/api/v1/messages/{message}/events"),
    ] {
        eve.get(&path).await.problem(404);
        desk.app.anonymous().get(&path).await.problem(401);
    }
    eve.post(&format!("/api/v1/projects/{project}/conversations"), &json!({})).await.problem(404);
    eve.post(&format!("/api/v1/conversations/{conversation}/messages"), &json!({ "text": "x" })).await.problem(404);
    eve.patch(&format!("/api/v1/conversations/{conversation}"), &json!({ "title": "x" })).await.problem(404);
    eve.delete(&format!("/api/v1/conversations/{conversation}")).await.problem(404);
    eve.post(&format!("/api/v1/messages/{message}/stop"), &json!({})).await.problem(404);
    eve.get("/api/v1/messages/not-an-id/events").await.problem(404);

    // A viewer reads and asks, and changes what is theirs alone.
    let mut sql = desk.app.sql().await;
    sqlx::query("insert into members (workspace_id, user_id, role) select workspace_id, $1, 'viewer' from projects where id = $2")
        .bind(eve.user_id())
        .bind(project)
        .execute(&mut sql)
        .await
        .unwrap();
    eve.get(&format!("/api/v1/messages/{message}")).await.expect(200);
    eve.delete(&format!("/api/v1/conversations/{conversation}")).await.problem(403);
    let own = eve.post(&format!("/api/v1/projects/{project}/conversations"), &json!({})).await.id();
    eve.delete(&format!("/api/v1/conversations/{own}")).await.expect(204);
    // Who loses access loses the stream.
    sqlx::query("delete from members where user_id = $1").bind(eve.user_id()).execute(&mut sql).await.unwrap();
    eve.get(&format!("/api/v1/messages/{message}/events")).await.problem(404);
}

#[test]
fn a_title_is_shortened_at_a_word() {
    assert_eq!(title("What\n now?"), "What now?");
    let long = "What should the spring campaign say about our new postage, given the terms of last year?";
    assert_eq!(title(long), "What should the spring campaign say about our new postage…");
    assert_eq!(title(&"x".repeat(100)), format!("{}…", "x".repeat(60)));
}
