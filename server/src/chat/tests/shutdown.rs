//! What a stop of the server does to answers that are being written.

use super::*;

#[tokio::test]
async fn a_stop_of_the_server_stores_the_partial_answer() {
    let (desk, answer, follower) = Desk::half_written().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    timeout(Duration::from_secs(3), desk.app.state.answers.stop()).await.expect("it stops soon");
    let stored = desk.message(answer).await;
    assert_eq!((stored.state, stored.content.as_str()), (MessageState::Failed, "Half"));
    assert!(stored.failure.as_deref().unwrap().contains("restarted"));
    assert_eq!(finished(&follower.await.unwrap()), stored);
}

#[tokio::test]
async fn a_stop_of_the_server_lets_an_answer_come_to_its_end() {
    let reply = Reply::answer(&["Gold members ", "pay no ", "postage [1]."]).paced(Duration::from_millis(300));
    let desk = Desk::scripted(vec![reply]).await;
    let asked = desk.ask(desk.conversation().await, "What do gold members pay?").await;
    desk.until_written(asked.answer.id, "Gold").await;
    desk.app.state.answers.finish(Duration::from_secs(20)).await;
    let answer = desk.message(asked.answer.id).await;
    assert_eq!((answer.state, answer.content.as_str()), (MessageState::Complete, "Gold members pay no postage [1]."));
}
