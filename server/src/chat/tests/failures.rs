//! What models and the lines to them do wrong. After each the conversation is whole, trying again does not double the
//! question, and it goes on.

use super::*;

/// What the model does, the state and text that are kept, and what the reader is told.
struct Failure {
    name: &'static str,
    reply: Reply,
    kept: &'static str,
    told: &'static str,
}

fn failures() -> Vec<Failure> {
    let failure = |name, reply, kept, told| Failure { name, reply, kept, told };
    vec![
        failure("a slow first token", Reply::silence(), "", "stopped answering"),
        failure("an idle stall", Reply::answer(&["Half ", "x"]).stalled_after(1), "Half", "stopped answering"),
        failure("a cut connection", Reply::answer(&["Half ", "x"]).cut_after(1), "Half", "broke off"),
        failure("too many requests", Reply::status(429, "{}").header("Retry-After", "7"), "", "in 7 seconds"),
        failure("a fault", Reply::status(500, "<html>oops</html>"), "", "status 500"),
        failure("a malformed chunk", Reply::stream(&["data: {\"choices\": [{]}\n\n"]), "", "no answer"),
        failure(
            "a malformed chunk in the middle",
            Reply::stream(&["data: {\"choices\":[{\"delta\":{\"content\":\"Half\"}}]}\n\n", "data: nonsense\n\n"]),
            "Half",
            "no answer",
        ),
        failure("no text at all", Reply::answer(&[]), "", "empty answer"),
    ]
}

/// Each message follows the one before, and questions and answers take turns.
#[track_caller]
pub(super) fn assert_whole(branch: &[Message]) {
    for (place, message) in branch.iter().enumerate() {
        assert_eq!(message.parent_id, place.checked_sub(1).map(|before| branch[before].id));
        assert_eq!(message.author, if place % 2 == 0 { Author::User } else { Author::Assistant });
        assert_ne!(message.state, MessageState::Streaming);
    }
}

#[tokio::test]
async fn after_each_failure_the_conversation_is_whole_and_goes_on() {
    let limits = [("LLM_FIRST_TOKEN_SECONDS", "1"), ("LLM_IDLE_SECONDS", "1")];
    let desk = Desk::scripted_with(Vec::new(), &limits).await;
    let conversation = desk.conversation().await;
    let mut length = 0;
    for Failure { name, reply, kept, told } in failures() {
        desk.script().add(reply);
        let (question, failed) = desk.ask_with(conversation, json!({ "text": "What do gold members pay?" })).await;
        assert_eq!((failed.state, failed.content.as_str()), (MessageState::Failed, kept), "{name}");
        let sentence = failed.failure.clone().unwrap_or_default();
        assert!(sentence.contains(told), "{name}: {sentence:?}");
        assert_whole(&desk.branch(conversation).await);

        desk.script().add(Reply::answer(&["Nothing [1]."]));
        let again = desk.again(failed.id).await;
        assert_eq!((again.state, again.parent_id), (MessageState::Complete, Some(question.id)), "{name}");
        length += 2;
        let branch = desk.branch(conversation).await;
        assert_eq!(branch.len(), length, "{name}: the question is not doubled");
        assert_whole(&branch);
        let history = desk.script().requests().last().unwrap().body["messages"].to_string();
        assert!(!history.contains("Half"), "{name}: what broke off is on another branch");
    }
    let mut sql = desk.app.sql().await;
    let events: i64 = sqlx::query_scalar("select count(*) from message_events").fetch_one(&mut sql).await.unwrap();
    let answers: i64 = sqlx::query_scalar("select count(*) from messages where author = 'assistant'")
        .fetch_one(&mut sql)
        .await
        .unwrap();
    assert_eq!(events, answers, "of each answer only its end is left");
}

#[tokio::test]
async fn an_answer_of_two_hundred_thousand_tokens_is_kept_whole() {
    // Ten tokens a piece.
    let piece = "the quick brown fox jumps over a very lazy dog ";
    let pieces = vec![piece; 20_000];
    let desk = Desk::scripted(vec![Reply::answer(&pieces), Reply::answer(&["And on [1]."])]).await;
    let conversation = desk.conversation().await;
    let asked = desk.ask(conversation, "Tell me everything about zebras").await;
    let events = timeout(Duration::from_secs(120), open(&desk.ada, asked.answer.id, None).await.collect::<Vec<_>>());
    let events = events.await.expect("the answer ends");
    let answer = finished(&events);
    assert_eq!(answer.state, MessageState::Complete);
    assert!(answer.content.starts_with(&piece.repeat(20_000)) && answer.content == text_of(&events).trim_end());
    assert_eq!(seqs(&events), (1..=i32::try_from(events.len()).unwrap()).collect::<Vec<_>>());
    let (_, next) = desk.ask_with(conversation, json!({ "text": "And then?" })).await;
    assert_eq!(next.state, MessageState::Complete);
    assert_whole(&desk.branch(conversation).await);
    // A tsvector could not hold every word of it; its beginning is found.
    let found: Value = desk.ada.get(&format!("/api/v1/projects/{}/messages?q=lazy+fox", desk.project)).await.json(200);
    assert_eq!(found["items"][0]["message"]["id"], json!(answer.id));
}

#[tokio::test]
async fn an_answer_without_end_is_cut_and_hostile_text_is_kept_as_it_is() {
    let nested: String = (0..1_000).map(|level| format!("{}- x\n", "  ".repeat(level))).collect();
    let hostile = "<script>alert(1)</script> ![](https://evil.example/x) [a](javascript:b) \u{202e}[1]";
    let desk = Desk::scripted(vec![
        Reply::answer(&[nested.as_str(); 5]),
        Reply::answer(&["[".repeat(1_000_000).as_str()]),
        Reply::answer(&[hostile]),
    ])
    .await;
    let conversation = desk.conversation().await;
    for (state, bytes) in [(MessageState::Failed, 4_000_000), (MessageState::Complete, 1_000_000)] {
        let asked = desk.ask(conversation, "What do gold members pay?").await;
        let events = open(&desk.ada, asked.answer.id, None).await.collect::<Vec<_>>();
        let answer = finished(&timeout(Duration::from_secs(120), events).await.expect("the answer ends"));
        assert_eq!(answer.state, state);
        assert!(answer.content.len() >= bytes / 2 && answer.content.len() <= 5_000_000, "{}", answer.content.len());
        // The page with it comes in time, whatever is in it.
        let page = desk.app.anonymous().request(reqwest::Method::GET, &format!("/chat/{conversation}"));
        let page = timeout(
            Duration::from_secs(60),
            page.header("cookie", desk.ada.cookie()).header("accept", "text/html").send(),
        );
        assert_eq!(page.await.expect("the page is rendered").unwrap().status(), 200);
    }
    let (_, answer) = desk.ask_with(conversation, json!({ "text": "What do gold members pay?" })).await;
    assert!(
        answer.content.starts_with("<script>alert(1)</script> ![](https://evil.example/x) [a](javascript:b) \u{202e}")
    );
    assert_whole(&desk.branch(conversation).await);
}
