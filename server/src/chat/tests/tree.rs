//! Editing, answering again, and going from branch to branch.

use super::*;
use domain::chat::{Branch, Siblings};

fn said(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.content.as_str()).collect()
}

fn place(message: &Message) -> (u32, u32) {
    (message.siblings.position, message.siblings.count)
}

fn replies(texts: &[&str]) -> Vec<Reply> {
    texts.iter().map(|text| Reply::answer(&[text])).collect()
}

#[tokio::test]
async fn an_edited_question_is_a_branch_and_the_other_is_still_there() {
    let desk = Desk::scripted(replies(&["One [1].", "Two [1].", "Three [1].", "Four [1]."])).await;
    let conversation = desk.conversation().await;
    let (first, _) = desk.ask_with(conversation, json!({ "text": "First?" })).await;
    let (second, _) = desk.ask_with(conversation, json!({ "text": "Second?" })).await;
    assert_eq!(second.parent_id, Some(desk.branch(conversation).await[1].id));
    let (edited, _) = desk.ask_with(conversation, json!({ "text": "Second, better?", "instead_of": second.id })).await;
    assert_eq!((edited.parent_id, place(&edited)), (second.parent_id, (2, 2)));
    assert_eq!(edited.siblings.previous, Some(second.id));

    let branch = desk.branch(conversation).await;
    assert_eq!(said(&branch), ["First?", "One [1].", "Second, better?", "Three [1]."]);
    assert_eq!(place(&branch[0]), (1, 1));
    // The model is told what is of this branch, and nothing of the other.
    let prompt = desk.script().requests()[2].body["messages"].to_string();
    assert!(prompt.contains("First?") && prompt.contains("Second, better?") && !prompt.contains("Two"), "{prompt}");

    let selected: Page<Message> =
        desk.ada.post(&format!("/api/v1/messages/{}/select", second.id), &json!({})).await.json(200);
    assert_eq!(said(&selected.items), ["First?", "One [1].", "Second?", "Two [1]."]);
    assert_eq!(desk.branch(conversation).await, selected.items, "the conversation remembers it");
    assert_eq!(selected.items[2].siblings, Siblings { position: 1, count: 2, previous: None, next: Some(edited.id) });

    // The first question has siblings too.
    let (other_first, _) = desk.ask_with(conversation, json!({ "text": "Other?", "instead_of": first.id })).await;
    assert_eq!((other_first.parent_id, place(&other_first)), (None, (2, 2)));
    assert_eq!(said(&desk.branch(conversation).await), ["Other?", "Four [1]."]);
    desk.ada.post(&format!("/api/v1/messages/{}/select", first.id), &json!({})).await.expect(200);
    let back = desk.branch(conversation).await;
    assert_eq!(said(&back)[2..], ["Second, better?", "Three [1]."], "at a fork the newest goes on");
    let renamed: Conversation = desk.ada.get(&format!("/api/v1/conversations/{conversation}")).await.json(200);
    assert_eq!(renamed.title, "First?", "an edit is no new conversation");
}

#[tokio::test]
async fn an_answer_again_is_a_sibling_and_no_second_question() {
    let desk = Desk::scripted(replies(&["One [1].", "Two [1].", "Three [1].", "Four [1]."])).await;
    let conversation = desk.conversation().await;
    let (question, one) = desk.ask_with(conversation, json!({ "text": "What does postage cost?" })).await;
    desk.ask_with(conversation, json!({ "text": "And then?" })).await;
    let again = desk.again(one.id).await;
    assert_eq!((again.content.as_str(), again.parent_id, place(&again)), ("Three [1].", Some(question.id), (2, 2)));
    assert_eq!(said(&desk.branch(conversation).await), ["What does postage cost?", "Three [1]."]);
    let prompt = desk.script().requests()[2].body["messages"].to_string();
    assert!(!prompt.contains("And then?") && !prompt.contains("One"), "what came after is not before it: {prompt}");

    // By the question as well, and a key answers once.
    let path = format!("/api/v1/messages/{}/regenerate", question.id);
    let with_key = || desk.ada.request(reqwest::Method::POST, &path).header("Idempotency-Key", "again-1");
    let (first, second) = tokio::join!(desk.ada.send(with_key()), desk.ada.send(with_key()));
    let (first, second): (Asked, Asked) = (first.json(202), second.json(202));
    assert_eq!((first.question.id, first.answer.id), (question.id, second.answer.id));
    follow(&desk.ada, first.answer.id, None).await;
    let third: Asked = desk.ada.send(with_key()).await.json(202);
    assert_eq!((third.answer.id, place(&third.answer)), (first.answer.id, (3, 3)));
    assert_eq!(desk.script().requests().len(), 4);
    let long = desk.ada.request(reqwest::Method::POST, &path).header("Idempotency-Key", "k".repeat(65));
    desk.ada.send(long).await.problem(422);
}

#[tokio::test]
async fn two_windows_do_not_mix_branches() {
    let desk = Desk::scripted(replies(&["One [1].", "Two [1].", "Three [1].", "Four [1]."])).await;
    let conversation = desk.conversation().await;
    let (_, one) = desk.ask_with(conversation, json!({ "text": "First?" })).await;
    let two = desk.again(one.id).await;
    // Another window still shows the first answer, and asks there.
    let (question, _) = desk.ask_with(conversation, json!({ "text": "Then?", "after": one.id })).await;
    assert_eq!(question.parent_id, Some(one.id));
    assert_eq!(said(&desk.branch(conversation).await), ["First?", "One [1].", "Then?", "Three [1]."]);
    let prompt = desk.script().requests()[2].body["messages"].to_string();
    assert!(prompt.contains("One") && !prompt.contains("Two"), "{prompt}");
    // And this one goes on where it is.
    desk.ask_with(conversation, json!({ "text": "Then?", "after": two.id })).await;
    assert_eq!(said(&desk.branch(conversation).await), ["First?", "Two [1].", "Then?", "Four [1]."]);
}

#[tokio::test]
async fn one_answer_at_a_time_on_any_branch() {
    let desk = Desk::scripted(vec![Reply::answer(&["One [1]."]), Reply::answer(&["Half "]).stalled_after(1)]).await;
    let conversation = desk.conversation().await;
    let (question, one) = desk.ask_with(conversation, json!({ "text": "First?" })).await;
    let path = format!("/api/v1/conversations/{conversation}/messages");
    let running: Asked = desk.ada.post(&path, &json!({ "text": "Second?" })).await.json(202);
    desk.until_written(running.answer.id, "Half").await;
    for (path, body) in [
        (path.clone(), json!({ "text": "Third?" })),
        (path.clone(), json!({ "text": "Third?", "after": one.id })),
        (path.clone(), json!({ "text": "Third?", "instead_of": question.id })),
        (format!("/api/v1/messages/{}/regenerate", one.id), json!({})),
    ] {
        let problem = desk.ada.post(&path, &body).await.problem(409);
        assert!(problem["detail"].as_str().unwrap().contains("An answer is being written"));
    }
    desk.ada.post(&format!("/api/v1/messages/{}/stop", running.answer.id), &json!({})).await.expect(200);
    let mut sql = desk.app.sql().await;
    let stored: i64 = sqlx::query_scalar("select count(*) from messages").fetch_one(&mut sql).await.unwrap();
    assert_eq!(stored, 4, "what was refused left nothing behind");
}

#[tokio::test]
async fn what_a_question_follows_is_of_its_conversation() {
    let desk = Desk::scripted(replies(&["One [1].", "Two [1]."])).await;
    let (conversation, other) = (desk.conversation().await, desk.conversation().await);
    let (question, answer) = desk.ask_with(conversation, json!({ "text": "First?" })).await;
    let (of_other, answer_of_other) = desk.ask_with(other, json!({ "text": "Other?" })).await;
    let path = format!("/api/v1/conversations/{conversation}/messages");
    for id in [answer_of_other.id.to_string(), of_other.id.to_string(), Uuid::now_v7().to_string()] {
        for field in ["after", "instead_of"] {
            desk.ada.post(&path, &json!({ "text": "x", (field): id })).await.problem(404);
        }
    }
    for (body, field) in [
        (json!({ "text": "x", "after": question.id }), "after"),
        (json!({ "text": "x", "instead_of": answer.id }), "instead_of"),
        (json!({ "text": "x", "after": answer.id, "instead_of": question.id }), "instead_of"),
    ] {
        let problem = desk.ada.post(&path, &body).await.problem(422);
        assert_eq!(problem["errors"][0]["field"], field);
    }
    assert_eq!(desk.branch(conversation).await.len(), 2);
}

/// A chain of so many questions with answers, by SQL; the ids, oldest first.
async fn chain(desk: &Desk, conversation: Uuid, turns: usize) -> Vec<Uuid> {
    let mut sql = desk.app.sql().await;
    let mut ids: Vec<Uuid> = Vec::new();
    for turn in 0..turns {
        for author in ["user", "assistant"] {
            let id = Uuid::now_v7();
            sqlx::query(
                "insert into messages (id, workspace_id, conversation_id, parent_id, author, state, content)
                 select $1, workspace_id, id, $3, $4, 'complete', $5 from conversations where id = $2",
            )
            .bind(id)
            .bind(conversation)
            .bind(ids.last())
            .bind(author)
            .bind(format!("{author} {turn}"))
            .execute(&mut sql)
            .await
            .unwrap();
            ids.push(id);
        }
    }
    ids
}

#[tokio::test]
async fn a_branch_comes_in_pages_and_opens_at_any_message() {
    let desk = Desk::extractive().await;
    let conversation = desk.conversation().await;
    // As the release before stored it: no branch was ever chosen.
    let ids = chain(&desk, conversation, 60).await;
    let path = format!("/api/v1/conversations/{conversation}/messages");
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page: Page<Message> = desk.ada.get(&format!("{path}?limit=50{cursor}")).await.json(200);
        seen.splice(0..0, page.items.iter().map(|message| Uuid::from(message.id)));
        let Some(next) = page.next else { break };
        cursor = format!("&cursor={}", next.0);
    }
    assert_eq!(seen, ids);

    let middle: Branch = desk.ada.get(&format!("/api/v1/messages/{}/branch", ids[40])).await.json(200);
    let shown: Vec<Uuid> = middle.messages.items.iter().map(|message| message.id.into()).collect();
    assert_eq!((shown, middle.end.map(Uuid::from)), (ids[21..=70].to_vec(), Some(ids[119])));
    let earlier: Page<Message> =
        desk.ada.get(&format!("{path}?cursor={}", middle.messages.next.unwrap().0)).await.json(200);
    assert_eq!(Uuid::from(earlier.items.last().unwrap().id), ids[20]);
    let end: Branch = desk.ada.get(&format!("/api/v1/messages/{}/branch", ids[118])).await.json(200);
    assert_eq!((end.messages.items.len(), end.end), (50, None));
    // Looking changed nothing.
    assert_eq!(Uuid::from(desk.branch(conversation).await.last().unwrap().id), ids[119]);
}

#[tokio::test]
async fn what_the_release_before_adds_is_in_view() {
    let desk = Desk::scripted(replies(&["One [1]."])).await;
    let conversation = desk.conversation().await;
    let (_, answer) = desk.ask_with(conversation, json!({ "text": "First?" })).await;
    // It stores no branch in view, and follows the newest message.
    sqlx::query(
        "insert into messages (id, workspace_id, conversation_id, parent_id, author, state, content)
         select $1, workspace_id, conversation_id, id, 'user', 'complete', 'Of before?' from messages where id = $2",
    )
    .bind(Uuid::now_v7())
    .bind(Uuid::from(answer.id))
    .execute(&mut desk.app.sql().await)
    .await
    .unwrap();
    assert_eq!(said(&desk.branch(conversation).await), ["First?", "One [1].", "Of before?"]);
}
