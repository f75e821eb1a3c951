//! Which documents a question is asked of.

use super::*;
use domain::chat::{AskedScope, ChatScope, ScopeKind};

const RATES: &str = "# Rates\n\nExpress postage costs 19 euros. Express takes one day.\n";

async fn choose(desk: &Desk, conversation: Uuid, documents: &[Uuid]) -> ChatScope {
    let path = format!("/api/v1/conversations/{conversation}/scope");
    let body = json!({ "documents": documents });
    desk.ada.send(desk.ada.request(reqwest::Method::PUT, &path).json(&body)).await.json(200)
}

async fn use_in_chat(desk: &Desk, document: Uuid, in_chat: bool) {
    let path = format!("/api/v1/documents/{document}/in-chat");
    let answer: Value = desk
        .ada
        .send(desk.ada.request(reqwest::Method::PUT, &path).json(&json!({ "in_chat": in_chat })))
        .await
        .json(200);
    assert_eq!(answer["in_chat"], in_chat);
}

/// The documents that an answer cites.
fn cited(message: &Message) -> BTreeSet<&str> {
    message.citations.iter().map(|citation| citation.document_name.as_str()).collect()
}

#[tokio::test]
async fn a_question_is_asked_of_the_chosen_documents_and_says_so() {
    let desk = Desk::extractive().await;
    let rates = desk.add_document("Rates.md", RATES).await;
    let conversation = desk.conversation().await;
    let scope: ChatScope = desk.ada.get(&format!("/api/v1/conversations/{conversation}/scope")).await.json(200);
    assert_eq!((scope.kind, scope.in_project, scope.left_out), (ScopeKind::Project, 2, 0));
    let question = || json!({ "text": "What does express postage cost?" });
    let (asked, answer) = desk.ask_with(conversation, question()).await;
    assert_eq!(asked.scope, Some(AskedScope { kind: ScopeKind::Project, documents: 0 }));
    assert!(cited(&answer).contains("Rates.md"), "{answer:?}");

    let scope = choose(&desk, conversation, &[desk.document, desk.document]).await;
    assert_eq!(
        (scope.kind, scope.documents.len(), scope.documents[0].name.as_str()),
        (ScopeKind::Chosen, 1, "Terms.md")
    );
    let (asked, answer) = desk.ask_with(conversation, question()).await;
    assert_eq!(asked.scope, Some(AskedScope { kind: ScopeKind::Chosen, documents: 1 }));
    assert!(!cited(&answer).contains("Rates.md"), "{answer:?}");

    // What it was asked of stays, also for another answer to it.
    choose(&desk, conversation, &[rates]).await;
    assert!(!cited(&desk.again(answer.id).await).contains("Rates.md"));
    let (_, answer) = desk.ask_with(conversation, question()).await;
    assert_eq!(cited(&answer), BTreeSet::from(["Rates.md"]));

    // A chosen document that is deleted does not widen the scope.
    desk.ada.delete(&format!("/api/v1/documents/{rates}")).await.expect(204);
    let scope: ChatScope = desk.ada.get(&format!("/api/v1/conversations/{conversation}/scope")).await.json(200);
    assert_eq!((scope.kind, scope.documents.len()), (ScopeKind::Chosen, 0));
    let (_, answer) = desk.ask_with(conversation, question()).await;
    assert!(answer.citations.is_empty(), "{answer:?}");
    assert_eq!(choose(&desk, conversation, &[]).await.kind, ScopeKind::Project);
    let (_, answer) = desk.ask_with(conversation, question()).await;
    assert_eq!(cited(&answer), BTreeSet::from(["Terms.md"]));
}

#[tokio::test]
async fn a_document_is_left_out_by_default_and_can_be_chosen_all_the_same() {
    let desk = Desk::extractive().await;
    let rates = desk.add_document("Rates.md", RATES).await;
    use_in_chat(&desk, rates, false).await;
    let scope: ChatScope = desk.ada.get(&format!("/api/v1/projects/{}/chat-scope", desk.project)).await.json(200);
    assert_eq!((scope.kind, scope.in_project, scope.left_out), (ScopeKind::Project, 1, 1));
    let conversation = desk.conversation().await;
    let question = || json!({ "text": "What does express postage cost?" });
    let (asked, answer) = desk.ask_with(conversation, question()).await;
    assert_eq!(asked.scope, Some(AskedScope { kind: ScopeKind::Project, documents: 1 }));
    assert!(!cited(&answer).contains("Rates.md"), "{answer:?}");
    // The search page still finds it.
    let found: Value = desk.ada.get(&format!("/api/v1/projects/{}/search?q=express", desk.project)).await.json(200);
    assert!(found.to_string().contains("Rates.md"));
    choose(&desk, conversation, &[rates]).await;
    let (_, answer) = desk.ask_with(conversation, question()).await;
    assert_eq!(cited(&answer), BTreeSet::from(["Rates.md"]));

    use_in_chat(&desk, rates, true).await;
    let listed: Value =
        desk.ada.get(&format!("/api/v1/projects/{}/chat-documents?name=RATE", desk.project)).await.json(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert_eq!((&listed["items"][0]["name"], &listed["items"][0]["in_chat"]), (&json!("Rates.md"), &json!(true)));
    let first: Value =
        desk.ada.get(&format!("/api/v1/projects/{}/chat-documents?limit=1", desk.project)).await.json(200);
    let second =
        format!("/api/v1/projects/{}/chat-documents?limit=1&cursor={}", desk.project, first["next"].as_str().unwrap());
    let second: Value = desk.ada.get(&second).await.json(200);
    assert_eq!((&first["items"][0]["name"], &second["items"][0]["name"]), (&json!("Rates.md"), &json!("Terms.md")));
    // No character of a name is a wildcard.
    for name in ["%25", "_", "\\"] {
        let listed: Value =
            desk.ada.get(&format!("/api/v1/projects/{}/chat-documents?name={name}", desk.project)).await.json(200);
        assert_eq!(listed["items"], json!([]), "{name}");
    }
}

#[tokio::test]
async fn only_documents_of_the_project_can_be_chosen() {
    let desk = Desk::extractive().await;
    let eve = desk.app.user("eve").await;
    let workspace = eve.new_workspace("Elsewhere").await;
    let foreign = eve.new_document(eve.new_project(workspace, "Hers").await, "Secret.md", RATES).await;
    let conversation = desk.conversation().await;
    choose(&desk, conversation, &[desk.document]).await;
    let path = format!("/api/v1/conversations/{conversation}/scope");
    let mut refusals = Vec::new();
    for documents in [json!([foreign]), json!([Uuid::now_v7()]), json!([desk.document, foreign])] {
        let request = desk.ada.request(reqwest::Method::PUT, &path).json(&json!({ "documents": documents }));
        let mut problem = desk.ada.send(request).await.problem(422);
        assert_eq!(problem["errors"][0]["field"], "documents");
        problem["instance"].take();
        refusals.push(problem);
    }
    assert!(refusals.iter().all(|refusal| *refusal == refusals[0]), "a foreign document reads like none at all");
    let many: Vec<Uuid> = (0..=MAX_CHOSEN).map(|_| Uuid::now_v7()).collect();
    let request = desk.ada.request(reqwest::Method::PUT, &path).json(&json!({ "documents": many }));
    assert!(desk.ada.send(request).await.problem(422)["detail"].as_str().unwrap().contains("at most 100"));
    let scope: ChatScope = desk.ada.get(&path).await.json(200);
    assert_eq!((scope.kind, scope.documents.len()), (ScopeKind::Chosen, 1), "what was refused changed nothing");

    // A viewer asks in another's conversation, and chooses in their own.
    let project: Value = desk.ada.get(&format!("/api/v1/projects/{}", desk.project)).await.json(200);
    let workspace: Uuid = project["workspace"]["id"].as_str().unwrap().parse().unwrap();
    desk.ada.add_member(workspace, &eve, "eve", "viewer").await;
    let body = json!({ "documents": [] });
    eve.send(eve.request(reqwest::Method::PUT, &path).json(&body)).await.problem(403);
    let own = eve.post(&format!("/api/v1/projects/{}/conversations", desk.project), &json!({})).await.id();
    let path = format!("/api/v1/conversations/{own}/scope");
    eve.send(eve.request(reqwest::Method::PUT, &path).json(&body)).await.expect(200);
    let left_out = eve.request(reqwest::Method::PUT, &format!("/api/v1/documents/{}/in-chat", desk.document));
    eve.send(left_out.json(&json!({ "in_chat": false }))).await.problem(403);
}
