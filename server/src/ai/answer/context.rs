//! How much a model is told. Its window holds the instructions, the brief, earlier turns, passages, the question and the
//! answer; what is earlier gives way first. Tokens are counted as a quarter of the characters: every model cuts text in its
//! own way, English comes to a little more than four characters a token with all of them, and what other languages need
//! beyond that is what the answer's share leaves.

use super::{Turn, prompt};
use domain::projects::Brief;

const CHARS_A_TOKEN: usize = 4;
/// Characters of earlier turns, however much the model takes: about 3,000 tokens, the newest turns first.
const HISTORY: usize = 12_000;
/// Characters kept of one earlier answer.
pub const ANSWER: usize = 2_500;
/// Characters of passages: about 8,000 tokens.
const PASSAGES: usize = 32_000;
/// Characters of attached files that are told whole: about 12,000 tokens, and not more than half of what a window leaves.
const ATTACHED: usize = 48_000;
/// Tokens that are left for the answer, or a quarter of a small window.
const REPLY: usize = 4_096;

/// Characters that there is room for in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    pub history: usize,
    pub passages: usize,
}

impl Room {
    /// Beside `fixed` characters of instructions, brief and question, in a window of so many tokens.
    pub fn in_window(window_tokens: u32, fixed: usize) -> Self {
        let usable = usable(window_tokens, fixed);
        let passages = PASSAGES.min(usable / 3 * 2);
        Self { passages, history: HISTORY.min(usable - passages) }
    }
}

/// Characters that attached files may take which are told whole, beside `fixed` characters. What they do take is fixed then.
pub fn room_for_attached(window_tokens: u32, fixed: usize) -> usize {
    ATTACHED.min(usable(window_tokens, fixed) / 2)
}

/// Characters that a window leaves beside `fixed` characters and the answer.
fn usable(window_tokens: u32, fixed: usize) -> usize {
    let window = usize::try_from(window_tokens).unwrap_or(usize::MAX / CHARS_A_TOKEN);
    window.saturating_sub(REPLY.min(window / 4)).saturating_mul(CHARS_A_TOKEN).saturating_sub(fixed)
}

/// The turns that are told, the oldest first, without the numerals of their citations: those meant other passages.
#[derive(Clone, Debug, Default)]
pub struct Fitted {
    pub turns: Vec<Turn>,
    /// How many older ones are not.
    pub left_out: u32,
}

/// The newest turns that there is room for.
pub fn fit(history: Vec<Turn>, room: Room) -> Fitted {
    let mut turns: Vec<Turn> = history.into_iter().rev().filter_map(shortened).collect();
    let mut left = room.history;
    let told = turns.iter().map(chars).take_while(|length| left.checked_sub(*length).map(|rest| left = rest).is_some());
    let told = told.count();
    let left_out = u32::try_from(turns.len() - told).unwrap_or(u32::MAX);
    turns.truncate(told);
    turns.reverse();
    Fitted { turns, left_out }
}

fn shortened(turn: Turn) -> Option<Turn> {
    let answer: String = prompt::without_citations(&turn.answer).chars().take(ANSWER).collect();
    (!answer.trim().is_empty()).then_some(Turn { answer, ..turn })
}

fn chars(turn: &Turn) -> usize {
    turn.question.chars().count() + turn.answer.chars().count()
}

/// Characters that are told in any case, with this question.
pub fn fixed(brief: &Brief, question: &str) -> usize {
    prompt::system_chars(brief) + question.chars().count()
}

/// What the next question would take, in tokens: with `attached` characters of files that are told whole, the turns that
/// would be told, and as many passages as there is room for.
pub fn estimate(brief: &Brief, history: Vec<Turn>, attached: usize, window_tokens: u32) -> u32 {
    let fixed = fixed(brief, "") + attached;
    let room = Room::in_window(window_tokens, fixed);
    let told: usize = fit(history, room).turns.iter().map(chars).sum();
    u32::try_from((fixed + told + room.passages).div_ceil(CHARS_A_TOKEN)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(count: usize, answer: &str) -> Vec<Turn> {
        (0..count).map(|index| Turn { question: format!("q{index}"), answer: answer.to_owned() }).collect()
    }

    #[test]
    fn the_newest_turns_are_told_and_the_others_counted() {
        let answer = format!("{} [1], see [a] [12].", "x".repeat(1_500));
        let fitted = fit(turns(20, &answer), Room::in_window(128_000, 0));
        assert_eq!((fitted.turns.len(), fitted.left_out), (7, 13));
        let newest = fitted.turns.last().cloned().unwrap_or(Turn { question: String::new(), answer: String::new() });
        assert_eq!((newest.question.as_str(), &newest.answer[1_500..]), ("q19", ", see [a]."));
        assert_eq!(fitted.turns[0].question, "q13");
    }

    #[test]
    fn an_answer_without_words_is_no_turn() {
        let mut history = turns(3, "Yes.");
        history[1].answer = " [1] [2]".to_owned();
        let fitted = fit(history, Room::in_window(128_000, 0));
        assert_eq!((fitted.turns.len(), fitted.left_out), (2, 0));
    }

    #[test]
    fn a_small_window_is_never_exceeded() {
        for window in [1_000, 2_000, 4_096, 8_192, 16_000, 32_000, 128_000, u32::MAX] {
            for fixed in [0, 1_500, 20_000] {
                let room = Room::in_window(window, fixed);
                let fitted = fit(turns(50, &"word ".repeat(300)), room);
                let told: usize = fitted.turns.iter().map(chars).sum();
                let used = fixed + told + room.passages;
                let window = window as usize;
                let limit = (window - REPLY.min(window / 4)) * CHARS_A_TOKEN;
                assert!(used <= limit.max(fixed), "{window} {fixed}: {used}");
            }
        }
        assert_eq!(Room::in_window(128_000, 10_000), Room { history: HISTORY, passages: PASSAGES });
    }

    #[test]
    fn attached_files_leave_room_for_the_rest() {
        assert_eq!(room_for_attached(128_000, 10_000), ATTACHED);
        for window in [1_000, 4_096, 8_192] {
            let attached = room_for_attached(window, 1_500);
            let room = Room::in_window(window, 1_500 + attached);
            assert!(attached > 0 && room.passages > 0 && room.history > 0, "{window}: {attached} {room:?}");
        }
        assert_eq!(room_for_attached(1_000, 20_000), 0);
    }

    #[test]
    fn the_estimate_grows_with_what_is_told() {
        let brief = Brief::default();
        let empty = estimate(&brief, Vec::new(), 0, 8_000);
        let full = estimate(&brief, turns(20, &"word ".repeat(300)), 0, 8_000);
        assert!(empty > 3_000 && full > empty && full <= 8_000, "{empty} {full}");
        let alone = estimate(&brief, Vec::new(), 0, 128_000);
        assert!(alone < 10_000);
        assert_eq!(estimate(&brief, Vec::new(), 4_000, 128_000), alone + 1_000, "what is attached counts");
    }
}
