//! SQL of the model that a conversation has chosen, and of what its answers have cost.

use crate::{access::ConversationAccess, fault::Fault};
use domain::models::{MicroDollars, ModelName, Spent};
use sqlx::PgConnection;
use uuid::Uuid;

/// None: the default.
pub async fn chosen(conn: &mut PgConnection, conversation: &ConversationAccess) -> Result<Option<ModelName>, Fault> {
    let model = sqlx::query_scalar!("select model from conversations where id = $1", Uuid::from(conversation.id()))
        .fetch_one(conn)
        .await?;
    Ok(model.and_then(|model| ModelName::parse("model", &model).ok()))
}

pub async fn choose(
    conn: &mut PgConnection,
    conversation: &ConversationAccess,
    model: Option<&ModelName>,
) -> Result<(), Fault> {
    sqlx::query!(
        "update conversations set model = $2 where id = $1",
        Uuid::from(conversation.id()),
        model.map(ModelName::as_str)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What is chosen, and what all answers of the conversation have taken.
pub async fn chosen_and_spent(
    conn: &mut PgConnection,
    conversation: &ConversationAccess,
) -> Result<(Option<ModelName>, Spent), Fault> {
    let row = sqlx::query!(
        r#"select c.model, s.tokens as "tokens!", s.cost
           from conversations c
           cross join lateral (
               select coalesce(sum(coalesce(prompt_tokens, 0)::bigint + coalesce(completion_tokens, 0)), 0)::bigint as tokens,
                   sum(cost_micros)::bigint as cost
               from messages where conversation_id = c.id
           ) s
           where c.id = $1"#,
        Uuid::from(conversation.id())
    )
    .fetch_one(conn)
    .await?;
    let number = |number: i64| u64::try_from(number).unwrap_or_default();
    let spent = Spent { tokens: number(row.tokens), cost: row.cost.map(number).map(MicroDollars) };
    Ok((row.model.and_then(|model| ModelName::parse("model", &model).ok()), spent))
}
