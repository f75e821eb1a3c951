//! Files that come with questions.

use super::*;
use domain::{
    attachments::{Attachment, AttachmentState, MAX_ATTACHMENTS},
    chat::ScopeKind,
    models::ConversationModel,
};

const MINUTES: &str = "# Minutes\n\nThe launch of the autumn roast is on the third of May. Ida brings the cups.\n";
const RATES: &str = "# Rates\n\nExpress postage costs 19 euros. Express takes one day.\n";

/// The last message of the request that the model got as number `index`.
fn told(desk: &Desk, index: usize) -> String {
    let request = desk.script().requests()[index].body.clone();
    request["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap().to_owned()
}

fn states(message: &Message) -> Vec<(&str, AttachmentState)> {
    message.attachments.iter().map(|one| (one.name.as_str(), one.state)).collect()
}

impl Desk {
    async fn choose_terms(&self, conversation: Uuid) {
        let path = format!("/api/v1/conversations/{conversation}/scope");
        self.ada.put(&path, &json!({ "documents": [self.document] })).await.expect(200);
    }

    /// As one that is left out of chat.
    async fn add_left_out(&self, name: &str, text: &str) -> Uuid {
        let document = self.add_document(name, text).await;
        self.ada.put(&format!("/api/v1/documents/{document}/in-chat"), &json!({ "in_chat": false })).await.expect(200);
        document
    }

    /// As a worker leaves it.
    async fn set_state(&self, document: Uuid, state: &str) {
        let query =
            "update documents set state = $2, leased_until = now() + interval '1 hour', failure = 'It is locked.'
                     where id = $1";
        sqlx::query(query).bind(document).bind(state).execute(&mut self.app.sql().await).await.unwrap();
    }
}

#[tokio::test]
async fn what_came_after_a_question_and_is_not_for_chat_is_not_told_when_it_is_answered_again() {
    let desk = Desk::scripted(vec![Reply::answer(&["Not yet."]), Reply::answer(&["Still not."])]).await;
    let asked = desk.ask(desk.conversation().await, "When is the launch of the autumn roast?").await;
    follow(&desk.ada, asked.answer.id, None).await;
    desk.add_left_out("Minutes.md", MINUTES).await;
    desk.again(asked.answer.id).await;
    assert!(!told(&desk, 1).contains("third of May"), "{}", told(&desk, 1));
}

#[tokio::test]
async fn what_is_attached_reaches_the_model_whole_whatever_the_scope_and_is_cited_by_its_place() {
    let answers = ["The launch is on the third of May [1].", "Ida brings the cups [1].", "Nothing [9]."];
    let desk = Desk::scripted(answers.iter().map(|text| Reply::answer(&[text])).collect()).await;
    let minutes = desk.add_left_out("Minutes.md", MINUTES).await;
    desk.add_left_out("Rates.md", RATES).await;
    let conversation = desk.conversation().await;
    desk.choose_terms(conversation).await;

    let question = json!({ "text": "When is it?", "attachments": [minutes, minutes] });
    let (asked, answer) = desk.ask_with(conversation, question).await;
    assert_eq!(asked.scope.map(|scope| (scope.kind, scope.documents)), Some((ScopeKind::Chosen, 1)));
    let shown = Attachment {
        document_id: Some(minutes.into()),
        name: "Minutes.md".to_owned(),
        media_type: Some("text/markdown".to_owned()),
        state: AttachmentState::Ready,
        failure: None,
    };
    assert_eq!(asked.attachments, [shown]);
    let prompt = told(&desk, 0);
    assert!(prompt.contains("[1] \"Minutes.md\", page 1:") && prompt.contains("Ida brings the cups."), "{prompt}");
    assert!(prompt.contains("Attached to this question: \"Minutes.md\"."), "{prompt}");
    assert!(!prompt.contains("Express"), "the scope holds for all else: {prompt}");
    assert_eq!(answer.content, "The launch is on the third of May [1].");
    assert_eq!(answer.citations[0].quote, "The launch of the autumn roast is on the third of May.");
    assert_eq!(Uuid::from(answer.citations[0].document_id), minutes);
    assert_eq!(desk.text_at(&answer.citations[0]).await, answer.citations[0].quote);

    // A later question of the branch knows it still, one of another branch and one of another conversation do not.
    let (_, later) = desk.ask_with(conversation, json!({ "text": "Who brings something?" })).await;
    assert_eq!(later.citations[0].quote, "Ida brings the cups.");
    assert!(told(&desk, 1).contains("Attached to earlier questions: \"Minutes.md\"."));
    let other = json!({ "text": "Who brings something?", "instead_of": asked.id, "attachments": [] });
    let (other, _) = desk.ask_with(conversation, other).await;
    assert!(other.attachments.is_empty());
    let prompt = told(&desk, 2);
    assert!(!prompt.contains("Ida") && !prompt.contains("Attached"), "{prompt}");
}

#[tokio::test]
async fn another_version_and_another_answer_keep_what_came_with_the_question() {
    let replies = (0..4).map(|_| Reply::answer(&["The third of May [1]."])).collect();
    let desk = Desk::scripted(replies).await;
    let minutes = desk.add_left_out("Minutes.md", MINUTES).await;
    let rates = desk.add_left_out("Rates.md", RATES).await;
    let conversation = desk.conversation().await;
    let question = json!({ "text": "When is it?", "attachments": [rates, minutes] });
    let (asked, answer) = desk.ask_with(conversation, question).await;
    let both = [("Rates.md", AttachmentState::Ready), ("Minutes.md", AttachmentState::Ready)];
    assert_eq!(states(&asked), both);
    desk.again(answer.id).await;
    assert!(told(&desk, 1).contains("Attached to this question: \"Rates.md\", \"Minutes.md\"."));
    let (edited, _) = desk.ask_with(conversation, json!({ "text": "When?", "instead_of": asked.id })).await;
    assert_eq!(states(&edited), both);
    let prompt = told(&desk, 2);
    assert!(prompt.contains("Express takes one day.") && prompt.contains("Ida brings the cups."), "{prompt}");

    // What is put away, or deleted, says so, and answers do without it.
    desk.ada.delete(&format!("/api/v1/documents/{rates}")).await.expect(204);
    desk.ada.delete(&format!("/api/v1/documents/{minutes}?forever=true")).await.expect(204);
    let gone = [("Rates.md", AttachmentState::Trashed), ("Minutes.md", AttachmentState::Deleted)];
    assert_eq!(states(&desk.message(edited.id).await), gone);
    let (again, answer) = desk.ask_with(conversation, json!({ "text": "And when?", "instead_of": edited.id })).await;
    assert_eq!(states(&again), gone);
    assert!(answer.citations.iter().all(|citation| citation.document_name == "Terms.md"));
    let prompt = told(&desk, 3);
    assert!(!prompt.contains("Express") && !prompt.contains("Ida") && !prompt.contains("Attached"), "{prompt}");
    let export = desk.ada.get(&format!("/api/v1/conversations/{conversation}/export")).await.text();
    assert!(export.contains("> And when?\n>\n> Attached: Rates.md, Minutes.md\n"), "{export}");
}

#[tokio::test]
async fn only_what_is_in_the_project_can_be_attached_and_only_by_who_may_add_it() {
    let desk = Desk::extractive().await;
    let workspace: Value = desk.ada.get(&format!("/api/v1/projects/{}", desk.project)).await.json(200);
    let workspace: Uuid = workspace["workspace"]["id"].as_str().unwrap().parse().unwrap();
    let eve = desk.app.user("eve").await;
    let foreign = eve.new_document(eve.new_project(eve.new_workspace("Hers").await, "Hers").await, "S.md", RATES).await;
    let neighbour = desk.ada.new_project(workspace, "Other").await;
    let neighbour = desk.ada.new_document(neighbour, "Rates.md", RATES).await;
    let conversation = desk.conversation().await;
    let path = format!("/api/v1/conversations/{conversation}/messages");
    let ask = |attachments: Value| json!({ "text": "When?", "attachments": attachments });
    let mut refusals = Vec::new();
    for attachments in [json!([foreign]), json!([neighbour]), json!([Uuid::now_v7()]), json!([desk.document, foreign])]
    {
        let mut problem = desk.ada.post(&path, &ask(attachments)).await.problem(422);
        assert_eq!(problem["errors"][0]["field"], "attachments");
        problem["instance"].take();
        refusals.push(problem);
    }
    assert!(refusals.iter().all(|refusal| *refusal == refusals[0]), "a foreign document reads like none at all");
    let many: Vec<Uuid> = (0..=MAX_ATTACHMENTS).map(|_| Uuid::now_v7()).collect();
    let problem = desk.ada.post(&path, &ask(json!(many))).await.problem(422);
    assert!(problem["detail"].as_str().unwrap().contains("at most 10 files"), "{problem}");
    let put_away = desk.add_document("Rates.md", RATES).await;
    desk.ada.delete(&format!("/api/v1/documents/{put_away}")).await.expect(204);
    let problem = desk.ada.post(&path, &ask(json!([put_away]))).await.problem(422);
    assert!(problem["detail"].as_str().unwrap().contains("“Rates.md” is in the trash"), "{problem}");

    desk.ada.add_member(workspace, &eve, "eve", "viewer").await;
    eve.post(&path, &ask(json!([desk.document]))).await.problem(403);
    assert!(desk.branch(conversation).await.is_empty(), "what was refused left nothing behind");
    eve.post(&path, &ask(json!([]))).await.expect(202);
}

#[tokio::test]
async fn an_answer_waits_until_what_came_with_its_question_is_read() {
    let desk = Desk::scripted(vec![Reply::answer(&["On the third of May [1]."]), Reply::answer(&["No [9]."])]).await;
    let minutes = desk.add_left_out("Minutes.md", MINUTES).await;
    // As a worker has it that is still at work.
    desk.set_state(minutes, "extracting").await;
    let conversation = desk.conversation().await;
    let path = format!("/api/v1/conversations/{conversation}/messages");
    let question = json!({ "text": "When is the launch?", "attachments": [minutes] });
    let asked: Asked = desk.ada.post(&path, &question).await.json(202);
    assert_eq!(states(&asked.question), [("Minutes.md", AttachmentState::Reading)]);
    let first: Vec<Event> = open(&desk.ada, asked.answer.id, None).await.take(1).collect().await;
    assert_eq!(first[0].1, AnswerEvent::Status { text: "Reading Minutes.md".to_owned() });
    assert_eq!(desk.script().requests().len(), 0, "the model is asked when all is there");
    desk.set_state(minutes, "ready").await;
    let answer = finished(&follow(&desk.ada, asked.answer.id, None).await);
    assert_eq!(answer.citations[0].document_name, "Minutes.md");

    // One that cannot be read is named, and the answer does without it.
    desk.set_state(minutes, "failed").await;
    let (asked, _) = desk.ask_with(conversation, question).await;
    assert_eq!(states(&asked), [("Minutes.md", AttachmentState::Failed)]);
    assert_eq!(asked.attachments[0].failure.as_deref(), Some("It is locked."));
    assert!(told(&desk, 1).contains("without a text that could be read: \"Minutes.md\"."));
}

#[tokio::test]
async fn in_a_file_that_is_too_long_for_the_model_is_searched() {
    let desk = Desk::scripted(vec![Reply::answer(&["The colour of the autumn cup is purple [1]."])]).await;
    desk.script().lists(&[json!({ "id": "test/model", "context_length": 4_000 })]);
    // As the page of a conversation does: what is not listed yet has a large window.
    desk.ada.get("/api/v1/models").await.expect(200);
    let filler =
        |topic: &str| format!("The report speaks about {topic} and says nothing that anybody asks for. ").repeat(14);
    let text = ["rivers", "mountains", "lakes", "islands", "valleys", "forests"].map(filler).join("\n\n");
    let text = format!("{text}\n\nThe colour of the autumn cup is purple.\n\n{}", filler("deserts"));
    let report = desk.add_left_out("Report.md", &text).await;
    let conversation = desk.conversation().await;
    desk.choose_terms(conversation).await;
    let question = json!({ "text": "Which colour has the autumn cup?", "attachments": [report] });
    let (_, answer) = desk.ask_with(conversation, question).await;
    let prompt = told(&desk, 0);
    assert_eq!(answer.citations[0].quote, "The colour of the autumn cup is purple.", "{prompt}");
    assert!(prompt.contains("The colour of the autumn cup is purple."), "{prompt}");
    // Of a window of 4,000 tokens a quarter is the answer's.
    let request: usize = desk.script().requests()[0].body["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["content"].as_str().unwrap().chars().count())
        .sum();
    assert!(text.len() > 6_000 && request < 3_000 * 4 + 1_000, "{request}");
}

#[tokio::test]
async fn the_context_meter_counts_what_is_attached() {
    let desk = Desk::scripted(vec![Reply::answer(&["Soon [1]."]), Reply::answer(&["Soon [1]."])]).await;
    let text = "The launch of the autumn roast is on the third of May. ".repeat(80);
    let minutes = desk.add_left_out("Minutes.md", &text).await;
    let mut used = Vec::new();
    for attachments in [json!([]), json!([minutes])] {
        let conversation = desk.conversation().await;
        desk.ask_with(conversation, json!({ "text": "When?", "attachments": attachments })).await;
        let model: ConversationModel =
            desk.ada.get(&format!("/api/v1/conversations/{conversation}/model")).await.json(200);
        used.push(model.context.unwrap().used_tokens);
    }
    let more = used[1] - used[0];
    assert!((1_000..1_200).contains(&more), "4,400 characters are about 1,100 tokens: {used:?}");
}
