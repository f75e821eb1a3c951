//! Who answers, what it costs, and what a model is told of a long conversation.

use super::*;
use domain::models::{ContextUse, ConversationModel, MicroDollars, ModelName, Models, Spent};

fn name(name: &str) -> ModelName {
    ModelName::parse("model", name).unwrap()
}

/// A desk whose provider lists `test/model` and `test/other`, with what `other` costs and takes.
async fn desk(replies: Vec<Reply>, variables: &[(&str, &str)]) -> Desk {
    let desk = Desk::scripted_with(replies, variables).await;
    desk.script().lists(&[
        json!({ "id": "test/model" }),
        json!({ "id": "test/other", "context_length": 4_000, "pricing": { "prompt": "0.001", "completion": "0.01" } }),
    ]);
    desk
}

impl Desk {
    async fn model(&self, conversation: Uuid) -> ConversationModel {
        self.ada.get(&format!("/api/v1/conversations/{conversation}/model")).await.json(200)
    }

    async fn choose(&self, conversation: Uuid, model: Option<&str>) -> crate::testing::Answer {
        self.ada.put(&format!("/api/v1/conversations/{conversation}/model"), &json!({ "model": model })).await
    }
}

#[tokio::test]
async fn a_conversation_remembers_who_answers_and_what_it_cost() {
    let replies = vec![Reply::answer(&["None [1]."]), Reply::answer(&["None", " [1]."]), Reply::answer(&["None [1]."])];
    let desk = desk(replies, &[]).await;
    let list: Models = desk.ada.get("/api/v1/models").await.json(200);
    assert_eq!(list.default, Some(name("test/model")));
    let listed: Vec<&str> = list.models.iter().map(|model| model.name.as_str()).collect();
    assert_eq!(listed, ["test/model", "test/other"]);

    let conversation = desk.conversation().await;
    let question = json!({ "text": "What do gold members pay?" });
    let (_, answer) = desk.ask_with(conversation, question.clone()).await;
    assert_eq!((answer.model.as_deref(), answer.cost), (Some("test/model"), None), "its price is not known");

    let chosen: ConversationModel = desk.choose(conversation, Some("test/other")).await.json(200);
    assert_eq!(chosen.chosen, Some(name("test/other")));
    assert_eq!(chosen.context.map(|context| context.window_tokens), Some(4_000));
    let again = desk.again(answer.id).await;
    // 12 tokens for 0.001 dollars each, and 2 for 0.01.
    assert_eq!((again.model.as_deref(), again.cost), (Some("test/other"), Some(MicroDollars(32_000))));
    assert_eq!(desk.script().requests().last().unwrap().body["model"], "test/other");
    let spent = Spent { tokens: 13 + 14, cost: Some(MicroDollars(32_000)) };
    assert_eq!(desk.model(conversation).await.spent, spent);

    let back: ConversationModel = desk.choose(conversation, None).await.json(200);
    assert_eq!((back.chosen, back.spent), (None, spent));
    let (_, answer) = desk.ask_with(conversation, question).await;
    assert_eq!(answer.model.as_deref(), Some("test/model"));
}

#[tokio::test]
async fn prices_of_the_configuration_win() {
    let prices = [("CHAT_PRICES", "test/model=1000/20000, test/other=1/1"), ("CHAT_CONTEXT", "9000")];
    let desk = desk(vec![Reply::answer(&["None [1]."])], &prices).await;
    let list: Models = desk.ada.get("/api/v1/models").await.json(200);
    let other = list.find(&name("test/other")).and_then(|model| model.prices).unwrap();
    assert_eq!((other.prompt, other.completion), (1_000_000, 1_000_000));
    let conversation = desk.conversation().await;
    let (_, answer) = desk.ask_with(conversation, json!({ "text": "What do gold members pay?" })).await;
    assert_eq!(answer.cost, Some(MicroDollars(12_000 + 20_000)));
    assert_eq!(desk.model(conversation).await.context.map(|context| context.window_tokens), Some(9_000));
}

#[tokio::test]
async fn a_model_that_is_gone_says_so_and_nothing_is_sent() {
    let desk = desk(vec![Reply::answer(&["None [1]."])], &[]).await;
    let conversation = desk.conversation().await;
    let refused = desk.choose(conversation, Some("test/unheard")).await;
    assert_eq!(refused.problem(422)["errors"][0]["field"], "model");
    for malformed in ["", "two words", "\u{202e}x"] {
        assert_eq!(desk.choose(conversation, Some(malformed)).await.status, 422, "{malformed:?}");
    }
    // Chosen while the provider still had it.
    let mut sql = desk.app.sql().await;
    sqlx::query("update conversations set model = 'test/gone' where id = $1")
        .bind(conversation)
        .execute(&mut sql)
        .await
        .unwrap();
    let (_, answer) = desk.ask_with(conversation, json!({ "text": "What do gold members pay?" })).await;
    assert_eq!((answer.state, answer.model.as_deref()), (MessageState::Failed, Some("test/gone")));
    let sentence = answer.failure.clone().unwrap_or_default();
    assert!(sentence.contains("test/gone") && sentence.contains("Choose another one"), "{sentence}");
    assert!(desk.script().requests().is_empty());
    assert_eq!(desk.choose(conversation, None).await.status, 200);
    assert_eq!(desk.again(answer.id).await.state, MessageState::Complete);
}

#[tokio::test]
async fn the_oldest_turns_give_way_in_a_small_window_and_the_answer_says_so() {
    let long = "word ".repeat(400);
    let replies = (0..8).map(|_| Reply::answer(&[long.as_str(), "[1]"])).collect();
    let desk = desk(replies, &[]).await;
    let conversation = desk.conversation().await;
    desk.choose(conversation, Some("test/other")).await;
    let before = desk.model(conversation).await.context.unwrap();
    let mut left_out = Vec::new();
    for number in 0..8 {
        let (_, answer) =
            desk.ask_with(conversation, json!({ "text": format!("Question {number} on postage?") })).await;
        left_out.push(answer.turns_left_out.unwrap_or(0));
        let sent = desk.script().requests().pop().unwrap().body["messages"].to_string();
        assert!(sent.chars().count() / 4 < 4_000, "{number}: {} characters", sent.chars().count());
        assert!(number == 0 || sent.contains(&format!("Question {} on", number - 1)), "the newest turn is told");
    }
    assert_eq!(left_out[..2], [0, 0]);
    assert!(left_out.is_sorted() && left_out[7] >= 4, "{left_out:?}");
    let ContextUse { used_tokens, window_tokens } = desk.model(conversation).await.context.unwrap();
    assert!(before.used_tokens < used_tokens && used_tokens < window_tokens, "{before:?}, then {used_tokens}");
}

#[tokio::test]
async fn the_built_in_answerer_has_no_models() {
    let desk = Desk::extractive().await;
    assert_eq!(desk.ada.get("/api/v1/models").await.json::<Models>(200), Models::default());
    let conversation = desk.conversation().await;
    let nothing = ConversationModel { chosen: None, spent: Spent::default(), context: None };
    assert_eq!(desk.model(conversation).await, nothing);
    assert_eq!(desk.choose(conversation, Some("test/model")).await.status, 422);
}
