//! What a model does in an answer besides writing: the tools that it calls, and whether a person is asked before.

use crate::{MessageId, ToolCallId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Whether the models of a conversation ask before they write, or go out to the web.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ToolsMode {
    #[default]
    Ask,
    /// They do whatever those who ask may do themselves.
    Autonomous,
}

impl ToolsMode {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Autonomous => "autonomous",
        }
    }

    pub fn parse(text: &str) -> Self {
        if text == Self::Autonomous.as_str() { Self::Autonomous } else { Self::Ask }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ToolCallState {
    /// A person is to decide.
    Waiting,
    /// Nobody needs to be asked, or somebody said yes; it is about to run.
    Approved,
    /// Somebody said no, or the answer ended before anybody decided.
    Refused,
    Running,
    Done,
    /// The result says why.
    Failed,
}

impl ToolCallState {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Waiting, Self::Approved, Self::Refused, Self::Running, Self::Done, Self::Failed]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

/// Something that a model does, or wants to do, for an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ToolCall {
    pub id: ToolCallId,
    pub message_id: MessageId,
    /// The tool's, as models know it: `create_document`.
    pub name: String,
    /// What it does, in words: "Create a document".
    pub label: String,
    pub arguments: Vec<ToolArgument>,
    pub state: ToolCallState,
    /// What came of it, in a line or two.
    #[serde(default)]
    pub result: Option<String>,
    /// Who approved or refused it; absent where nobody was asked.
    #[serde(default)]
    pub decided_by: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

/// One argument of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ToolArgument {
    pub name: String,
    /// At most [`MAX_ARGUMENT`] characters of it.
    pub value: String,
}

/// Characters of an argument that are shown.
pub const MAX_ARGUMENT: usize = 4_000;
