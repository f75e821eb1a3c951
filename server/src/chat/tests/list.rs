//! The list of a project's conversations: what goes on in them, and which are counted.

use super::*;
use domain::{chat::Activity, projects::Project};

impl Desk {
    async fn listed(&self, query: &str) -> Vec<Conversation> {
        let path = format!("/api/v1/projects/{}/conversations{query}", self.project);
        self.ada.get(&path).await.json::<Page<Conversation>>(200).items
    }

    /// What goes on in the project's only conversation, by the list and by itself.
    async fn activity(&self) -> Option<Activity> {
        let listed = self.listed("").await.remove(0);
        let one: Conversation = self.ada.get(&format!("/api/v1/conversations/{}", listed.id)).await.json(200);
        assert_eq!(one.activity, listed.activity);
        one.activity
    }
}

#[tokio::test]
async fn a_conversation_says_what_goes_on_in_it() {
    let create = ("a", "create_document", r#"{"title":"Plan","text":"x"}"#);
    let desk = Desk::scripted(vec![Reply::calls("", &[create]), Reply::answer(&["Half "]).stalled_after(1)]).await;
    let asked = desk.ask(desk.conversation().await, "Write a plan").await;
    let waiting = desk.until_waiting(asked.answer.id).await;
    assert_eq!(desk.activity().await, Some(Activity::Waiting));
    let decision = format!("/api/v1/tool-calls/{}/decision", waiting.tool_calls[0].id);
    desk.ada.post(&decision, &json!({ "approve": false })).await.expect(200);
    desk.until_written(waiting.id, "Half").await;
    assert_eq!(desk.activity().await, Some(Activity::Answering));
    desk.ada.post(&format!("/api/v1/messages/{}/stop", waiting.id), &json!({})).await.expect(200);
    assert_eq!(desk.activity().await, None);
}

#[tokio::test]
async fn a_project_counts_the_conversations_of_its_list() {
    let desk = Desk::extractive().await;
    let (kept, away) = (desk.conversation().await, desk.conversation().await);
    let counted = async || -> u32 {
        let project: Project = desk.ada.get(&format!("/api/v1/projects/{}", desk.project)).await.json(200);
        let listed: Page<Project> =
            desk.ada.get(&format!("/api/v1/workspaces/{}/projects", project.workspace.id)).await.json(200);
        assert_eq!(listed.items[0].conversation_count, project.conversation_count);
        project.conversation_count
    };
    assert_eq!(counted().await, 2);
    desk.ada.patch(&format!("/api/v1/conversations/{away}"), &json!({ "archived": true })).await.expect(200);
    assert_eq!(counted().await, 1);
    assert_eq!(desk.listed("").await.iter().map(|one| one.id.into()).collect::<Vec<Uuid>>(), [kept]);
    assert_eq!(desk.listed("?archived=true").await.iter().map(|one| one.id.into()).collect::<Vec<Uuid>>(), [away]);
}

#[tokio::test]
async fn whoever_may_not_archive_does_not_bring_back() {
    let desk = Desk::scripted(["One [1].", "Two [1].", "Three [1]."].map(|text| Reply::answer(&[text])).into()).await;
    let conversation = desk.conversation().await;
    let (_, answer) = desk.ask_with(conversation, json!({ "text": "First?" })).await;
    let path = format!("/api/v1/conversations/{conversation}");
    desk.ada.patch(&path, &json!({ "archived": true })).await.expect(200);
    let vic = desk.app.user("vic").await;
    let project: Project = desk.ada.get(&format!("/api/v1/projects/{}", desk.project)).await.json(200);
    desk.ada.add_member(project.workspace.id.into(), &vic, "vic", "viewer").await;
    for (path, body) in [
        (format!("{path}/messages"), json!({ "text": "Second?" })),
        (format!("/api/v1/messages/{}/regenerate", answer.id), json!({})),
    ] {
        let problem = vic.post(&path, &body).await.problem(409);
        assert!(problem["detail"].as_str().unwrap().contains("is archived"), "{problem}");
    }
    assert_eq!((desk.branch(conversation).await.len(), desk.listed("").await.len()), (2, 0), "nothing is left of it");
    assert_eq!(desk.script().requests().len(), 1);

    // What is not archived a viewer asks in, and what they began themselves they bring back.
    desk.ada.patch(&path, &json!({ "archived": false })).await.expect(200);
    vic.post(&format!("{path}/messages"), &json!({ "text": "Second?" })).await.expect(202);
    let own = vic.post(&format!("/api/v1/projects/{}/conversations", desk.project), &json!({})).await.id();
    vic.patch(&format!("/api/v1/conversations/{own}"), &json!({ "archived": true })).await.expect(200);
    vic.post(&format!("/api/v1/conversations/{own}/messages"), &json!({ "text": "Third?" })).await.expect(202);
    assert_eq!(desk.listed("").await.len(), 2);
}

#[tokio::test]
async fn conversations_and_messages_come_in_pages() {
    let desk = Desk::extractive().await;
    let path = format!("/api/v1/projects/{}/conversations", desk.project);
    let mut made = Vec::new();
    for _ in 0..3 {
        made.insert(0, desk.conversation().await);
    }
    let first: Page<Conversation> = desk.ada.get(&format!("{path}?limit=2")).await.json(200);
    let second: Page<Conversation> =
        desk.ada.get(&format!("{path}?limit=2&cursor={}", first.next.clone().unwrap().0)).await.json(200);
    let ids: Vec<Uuid> = first.items.iter().chain(&second.items).map(|conversation| conversation.id.into()).collect();
    assert_eq!((ids, second.next), (made.clone(), None));

    let conversation = made[1];
    let renamed =
        desk.ada.patch(&format!("/api/v1/conversations/{conversation}"), &json!({ "title": "  Prices " })).await;
    assert_eq!(renamed.json::<Conversation>(200).title, "Prices");
    for question in ["Postage?", "Returns?"] {
        let asked = desk.ask(conversation, question).await;
        follow(&desk.ada, asked.answer.id, None).await;
    }
    let first: Page<Message> =
        desk.ada.get(&format!("/api/v1/conversations/{conversation}/messages?limit=3")).await.json(200);
    let texts = |page: &Page<Message>| {
        page.items.iter().map(|message| (message.author, message.content.clone())).collect::<Vec<_>>()
    };
    assert_eq!(first.items.len(), 3);
    assert_eq!(texts(&first)[1], (Author::User, "Returns?".to_owned()), "oldest first, the newest page first");
    let cursor = first.next.unwrap().0;
    let second: Page<Message> =
        desk.ada.get(&format!("/api/v1/conversations/{conversation}/messages?limit=3&cursor={cursor}")).await.json(200);
    assert_eq!(texts(&second), [(Author::User, "Postage?".to_owned())]);
    assert_eq!(second.next, None);
    let listed = desk.listed("").await;
    assert_eq!(
        (Uuid::from(listed[0].id), listed[0].title.as_str()),
        (conversation, "Prices"),
        "a name that was given stays"
    );

    desk.ada.delete(&format!("/api/v1/conversations/{conversation}")).await.expect(204);
    desk.ada.get(&format!("/api/v1/conversations/{conversation}")).await.problem(404);
}
