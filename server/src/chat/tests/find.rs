//! Finding what was said, archiving it, and keeping it elsewhere.

use super::*;
use domain::chat::Found;

async fn find(desk: &Desk, query: &str) -> Page<Found> {
    let path = format!("/api/v1/projects/{}/messages", desk.project);
    desk.ada.send(desk.ada.request(reqwest::Method::GET, &path).query(&[("q", query)])).await.json(200)
}

/// The words that are marked in a snippet.
fn marked(found: &Found) -> Vec<String> {
    let message = found.message.as_ref().expect("a message");
    let chars: Vec<char> = message.snippet.chars().collect();
    message.matches.iter().map(|mark| chars[mark.start as usize..mark.end as usize].iter().collect()).collect()
}

#[tokio::test]
async fn old_messages_are_found_by_their_words_and_titles_by_theirs() {
    let desk = Desk::scripted(vec![
        Reply::answer(&["Gold members pay no postage [1]. Blåbærsyltetøy is extra."]),
        Reply::answer(&["Nothing to add."]),
    ])
    .await;
    let conversation = desk.conversation().await;
    let (question, answer) = desk.ask_with(conversation, json!({ "text": "What do gold members pay?" })).await;
    let other = desk.conversation().await;
    desk.ask_with(other, json!({ "text": "What else?" })).await;
    let renamed = json!({ "title": "Winter warehouse" });
    desk.ada.patch(&format!("/api/v1/conversations/{other}"), &renamed).await.expect(200);

    // In another form of the word, the newest first.
    let found = find(&desk, "member paying").await;
    let ids: Vec<MessageId> = found.items.iter().filter_map(|found| Some(found.message.as_ref()?.id)).collect();
    assert_eq!(ids, [answer.id, question.id]);
    assert_eq!(marked(&found.items[0]), ["members", "pay"]);
    // As it is written, where English would change it; and a title.
    assert_eq!(marked(&find(&desk, "blåbærsyltetøy").await.items[0]), ["Blåbærsyltetøy"]);
    let title = find(&desk, "warehouses").await;
    assert_eq!((Uuid::from(title.items[0].conversation_id), &title.items[0].message), (other, &None));
    assert_eq!(find(&desk, "\"postage members\"").await.items.len(), 0);
    assert_eq!(find(&desk, "\"no postage\" -warehouse").await.items.len(), 1);
    assert_eq!(find(&desk, "gold -postage").await.items.len(), 1);
    for nothing in ["nowhere", "the", "'", "\\", ":* & | !", "\u{1F642}"] {
        assert!(find(&desk, nothing).await.items.iter().all(|found| found.message.is_some()), "{nothing:?}");
    }

    let path = format!("/api/v1/projects/{}/messages", desk.project);
    let first: Page<Found> = desk.ada.get(&format!("{path}?q=gold&limit=1")).await.json(200);
    let cursor = first.next.unwrap().0;
    let second: Page<Found> = desk.ada.get(&format!("{path}?q=gold&limit=1&cursor={cursor}")).await.json(200);
    assert_eq!(
        (first.items[0].message.as_ref().unwrap().id, second.items[0].message.as_ref().unwrap().id),
        (answer.id, question.id)
    );
    assert_eq!(second.next, None);
    for query in ["", " ", &"x".repeat(201)] {
        let request = desk.ada.request(reqwest::Method::GET, &path).query(&[("q", query)]);
        assert_eq!(desk.ada.send(request).await.problem(422)["errors"][0]["field"], "q");
    }
    let eve = desk.app.user("eve").await;
    eve.get(&format!("{path}?q=gold")).await.problem(404);
}

#[tokio::test]
async fn another_projects_messages_are_not_found() {
    let desk = Desk::scripted(vec![Reply::answer(&["Gold [1]."])]).await;
    desk.ask_with(desk.conversation().await, json!({ "text": "Gold?" })).await;
    let eve = desk.app.user("eve").await;
    let workspace = eve.new_workspace("Elsewhere").await;
    let project = eve.new_project(workspace, "Hers").await;
    let found: Page<Found> = eve.get(&format!("/api/v1/projects/{project}/messages?q=gold")).await.json(200);
    assert_eq!(found.items, []);
}

#[tokio::test]
async fn a_snippet_reads_like_the_answer() {
    let said =
        "## Postage\n\n**Gold** members pay _no_ postage [1]. <script>x</script> See [terms](https://x.example).";
    let desk = Desk::scripted(vec![Reply::answer(&[said])]).await;
    desk.ask_with(desk.conversation().await, json!({ "text": "And *else*?" })).await;
    let found = find(&desk, "gold").await.items.remove(0);
    assert_eq!(marked(&found), ["Gold"]);
    let snippet = &found.message.unwrap().snippet;
    assert!(snippet.starts_with("Postage Gold members pay no postage."), "{snippet}");
    for mark in ["*", "#", "[", "_", "<", "https:"] {
        assert!(!snippet.contains(mark), "{mark}: {snippet}");
    }
    assert_eq!(find(&desk, "else").await.items[0].message.as_ref().unwrap().snippet, "And *else*?");
}

/// So many messages, each with the word, in a project of somebody else.
async fn say_elsewhere(sql: &mut PgConnection, messages: i32) {
    for statement in [
        "insert into workspaces (id, name) values (gen_random_uuid(), 'Elsewhere')",
        "insert into projects (id, workspace_id, name) select gen_random_uuid(), id, 'Theirs' from workspaces where name = 'Elsewhere'",
        "insert into conversations (id, workspace_id, project_id, title)
         select gen_random_uuid(), workspace_id, id, 'Postage' from projects where name = 'Theirs'",
    ] {
        sqlx::query(statement).execute(&mut *sql).await.unwrap();
    }
    sqlx::query(
        "insert into messages (id, workspace_id, conversation_id, author, state, content)
         select gen_random_uuid(), workspace_id, id, 'user', 'complete', 'Gold postage ' || number
         from conversations, generate_series(1, $1) number where title = 'Postage'",
    )
    .bind(messages)
    .execute(&mut *sql)
    .await
    .unwrap();
    sqlx::query("analyze message_search").execute(sql).await.unwrap();
}

#[tokio::test]
async fn only_the_projects_own_words_are_read() {
    let desk = Desk::scripted(vec![Reply::answer(&["Gold [1]."])]).await;
    desk.ask_with(desk.conversation().await, json!({ "text": "Gold?" })).await;
    let mut sql = desk.app.sql().await;
    say_elsewhere(&mut sql, 2_000).await;
    // A table that is nearly empty is read whole, whatever its indexes.
    for setting in ["set enable_seqscan = off", "set enable_indexscan = off", "set enable_indexonlyscan = off"] {
        sqlx::query(setting).execute(&mut sql).await.unwrap();
    }
    let plan: Vec<String> = sqlx::query_scalar(
        "explain (analyze, timing off, summary off)
         with wanted as materialized (select project_query($1, 'gold') as query)
         select message_id from wanted, message_search s where s.words @@ wanted.query and s.project_id = $1",
    )
    .bind(desk.project)
    .fetch_all(&mut sql)
    .await
    .unwrap();
    let scan = plan.iter().find(|line| line.contains("Bitmap Index Scan on message_search_words"));
    let scan = scan.unwrap_or_else(|| panic!("the index is not used: {plan:#?}"));
    let (_, read) = scan.split_once("actual rows=").expect("it was run");
    assert!(read.starts_with("2.") || read.starts_with("2 "), "the scan reads more than the project: {plan:#?}");
    let titles: Vec<String> = sqlx::query_scalar(
        "explain with wanted as materialized (select project_query($1, 'gold') as query)
         select id from wanted, conversations c where project_words(c.project_id, c.title) @@ wanted.query",
    )
    .bind(desk.project)
    .fetch_all(&mut sql)
    .await
    .unwrap();
    assert!(titles.join("\n").contains("conversations_project_words"), "{titles:#?}");
    assert_eq!(find(&desk, "gold").await.items.len(), 2);
}

#[tokio::test]
async fn what_the_release_before_stores_is_found_and_what_is_deleted_is_not() {
    let desk = Desk::extractive().await;
    let conversation = desk.conversation().await;
    let mut sql = desk.app.sql().await;
    let id = Uuid::now_v7();
    sqlx::query(
        "insert into messages (id, workspace_id, conversation_id, author, state)
         select $1, workspace_id, id, 'assistant', 'streaming' from conversations where id = $2",
    )
    .bind(id)
    .bind(conversation)
    .execute(&mut sql)
    .await
    .unwrap();
    assert_eq!(find(&desk, "quince").await.items, []);
    let end = "update messages set state = 'complete', content = 'Quince jelly' where id = $1";
    sqlx::query(end).bind(id).execute(&mut sql).await.unwrap();
    assert_eq!(find(&desk, "quinces").await.items.len(), 1);
    desk.ada.delete(&format!("/api/v1/conversations/{conversation}")).await.expect(204);
    assert_eq!(find(&desk, "quince").await.items, []);
    let left: i64 = sqlx::query_scalar("select count(*) from message_search").fetch_one(&mut sql).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn an_archived_conversation_leaves_the_list_and_comes_back() {
    let desk = Desk::scripted(vec![Reply::answer(&["Gold [1]."]), Reply::answer(&["Silver [1]."])]).await;
    let conversation = desk.conversation().await;
    desk.ask_with(conversation, json!({ "text": "Gold?" })).await;
    let path = format!("/api/v1/conversations/{conversation}");
    let list = format!("/api/v1/projects/{}/conversations", desk.project);
    let listed = async |query: &str| -> usize {
        let page: Page<Conversation> = desk.ada.get(&format!("{list}{query}")).await.json(200);
        page.items.len()
    };
    let before: Conversation = desk.ada.get(&path).await.json(200);
    let archived: Conversation = desk.ada.patch(&path, &json!({ "archived": true })).await.json(200);
    assert!(archived.archived_at.is_some());
    assert_eq!(archived.updated_at, before.updated_at, "it is as recent as it was");
    assert_eq!((listed("").await, listed("?archived=true").await), (0, 1));
    assert!(find(&desk, "gold").await.items[0].is_archived);
    let twice: Conversation = desk.ada.patch(&path, &json!({ "archived": true })).await.json(200);
    assert_eq!(twice.archived_at, archived.archived_at);
    let back: Conversation = desk.ada.patch(&path, &json!({ "archived": false, "title": "Prices" })).await.json(200);
    assert_eq!((back.archived_at, back.title.as_str()), (None, "Prices"));
    // Asking brings it back by itself.
    desk.ada.patch(&path, &json!({ "archived": true })).await.expect(200);
    desk.ask_with(conversation, json!({ "text": "Silver?" })).await;
    assert_eq!((listed("").await, listed("?archived=true").await), (1, 0));
}

#[tokio::test]
async fn a_conversation_is_exported_as_it_is_read_and_as_it_is() {
    let desk = Desk::scripted(vec![
        Reply::answer(&["Gold members pay no postage [1]. Standard costs 4.90 euros [1], says [x] and `a[9]`."]),
        Reply::answer(&["Another [1]."]),
        Reply::answer(&["Half "]).cut_after(1),
    ])
    .await;
    let conversation = desk.conversation().await;
    let (question, first) = desk.ask_with(conversation, json!({ "text": "What does\npostage cost?" })).await;
    desk.again(first.id).await;
    desk.ada.post(&format!("/api/v1/messages/{}/select", first.id), &json!({})).await.expect(200);
    desk.ask_with(conversation, json!({ "text": "And then?" })).await;
    let renamed = json!({ "title": "Prices \"æ\"" });
    desk.ada.patch(&format!("/api/v1/conversations/{conversation}"), &renamed).await.expect(200);

    let file = desk.ada.get(&format!("/api/v1/conversations/{conversation}/export")).await;
    assert_eq!(file.header("content-type"), "text/markdown; charset=utf-8");
    assert_eq!(file.header("x-content-type-options"), "nosniff");
    let disposition = file.header("content-disposition");
    assert!(
        disposition.starts_with("attachment;") && disposition.contains("Prices%20%22%C3%A6%22.md"),
        "{disposition}"
    );
    let text = file.expect(200).text();
    assert!(
        text.starts_with(
            "# Prices \"æ\"\n\n*Shop*\n\n> What does\n> postage cost?\n\nGold members pay no postage[^1]. Standard costs 4.90 euros[^2], says [x] and `a[9]`.\n\n> And then?\n\nHalf\n\n*"
        ),
        "{text}"
    );
    assert!(
        text.contains("\n[^1]: Terms.md, page 1: “Gold members pay no postage.”\n[^2]: Terms.md, page 1: “"),
        "{text}"
    );
    assert!(!text.contains("Another"), "the other branch is not in view: {text}");

    let file = desk.ada.get(&format!("/api/v1/conversations/{conversation}/export?format=json")).await;
    assert!(file.header("content-disposition").contains(".json"));
    let whole: Value = file.json(200);
    let messages: Vec<Message> = serde_json::from_value(whole["messages"].clone()).unwrap();
    assert_eq!(messages.len(), 5);
    assert_eq!(messages.iter().filter(|message| message.parent_id == Some(question.id)).count(), 2);
    assert_eq!(whole["end_in_view"], json!(messages[4].id));
    assert_eq!(messages[1].citations.len(), 2);
    desk.ada.get(&format!("/api/v1/conversations/{conversation}/export?format=exe")).await.problem(422);
    desk.app.user("eve").await.get(&format!("/api/v1/conversations/{conversation}/export")).await.problem(404);
}
