//! How much a model is told. Its window holds the instructions, the brief, earlier turns, passages, the question, what
//! tools returned and the answer; what is earlier gives way first. Tokens are counted as a quarter of the characters:
//! every model cuts text in its own way, English comes to a little more than four characters a token with all of them, and
//! what other languages need beyond that is what the answer's share leaves.

use super::{Called, Round, ToolOffer, Turn, Wanted, prompt};
use domain::{documents::Passage, projects::Brief};

const CHARS_A_TOKEN: usize = 4;
/// Characters of earlier turns, however much the model takes: about 3,000 tokens, the newest turns first.
const HISTORY: usize = 12_000;
/// Characters kept of one earlier answer.
pub const ANSWER: usize = 2_500;
/// Characters of passages: about 8,000 tokens.
const PASSAGES: usize = 32_000;
/// Characters kept free for what tools return, or a fifth of a small window; what else is free is theirs too.
const ROUNDS: usize = 24_000;
/// Characters kept of what a tool returned, however little room there is.
const RESULT: usize = 200;
/// Characters that a call takes besides its parts.
const FRAME: usize = 80;
const SHORTENED: &str = "\n\n(Shortened: there was no more room. Call again for what is missing.)";
/// In the place of arguments, which must be JSON.
const NO_ARGUMENTS: &str = r#"{"left_out":"there was no more room"}"#;
/// In the place of an answer that had no words, and for which tools did something.
const WORDLESS: &str = "(No words.)";
/// Characters of attached files that are told whole: about 12,000 tokens, and not more than half of what a window leaves.
const ATTACHED: usize = 48_000;
/// Tokens that are left for the answer, or a quarter of a small window.
const REPLY: usize = 4_096;

/// Characters that there is room for in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    usable: usize,
    pub history: usize,
    pub passages: usize,
}

impl Room {
    /// Beside `fixed` characters of instructions, brief and question, in a window of so many tokens.
    pub fn in_window(window_tokens: u32, fixed: usize) -> Self {
        let usable = usable(window_tokens, fixed);
        let beside_rounds = usable - ROUNDS.min(usable / 5);
        let passages = PASSAGES.min(beside_rounds / 3 * 2);
        Self { usable, passages, history: HISTORY.min(beside_rounds - passages) }
    }

    /// Characters that are left for calls of tools and what they return.
    pub fn for_rounds(&self, told: &[Turn], passages: &[Passage]) -> usize {
        let told: usize = told.iter().map(chars).sum();
        let passages = prompt::numbered(passages, 1, self.passages) + &prompt::ids(passages);
        self.usable.saturating_sub(told + passages.chars().count())
    }
}

/// Shortens what tools returned, the oldest first, and then what they were called with, until the turns fit into so many
/// characters; false when they do not all the same.
pub fn fit_rounds(rounds: &mut [Round], room: usize) -> bool {
    let said: usize = rounds.iter().map(|round| round.said.chars().count()).sum();
    let mut calls: Vec<&mut Called> = rounds.iter_mut().flat_map(|round| &mut round.calls).collect();
    let mut over = (said + calls.iter().map(|call| call_chars(call)).sum::<usize>()).saturating_sub(room);
    for call in &mut calls {
        let before = call_chars(call);
        shorten(&mut call.result, over);
        over = over.saturating_sub(before - call_chars(call));
    }
    for call in &mut calls {
        let arguments = call.wanted.arguments.chars().count();
        if over > 0 && arguments > NO_ARGUMENTS.len() {
            NO_ARGUMENTS.clone_into(&mut call.wanted.arguments);
            over = over.saturating_sub(arguments - NO_ARGUMENTS.len());
        }
    }
    over == 0
}

/// By so many characters, if it has them.
fn shorten(result: &mut String, by: usize) {
    let (length, note) = (result.chars().count(), SHORTENED.chars().count());
    let kept = length.saturating_sub(by + note).max(RESULT);
    if by > 0 && kept + note < length {
        let text = result.strip_suffix(SHORTENED).unwrap_or(result.as_str());
        *result = text.chars().take(kept).collect::<String>() + SHORTENED;
    }
}

fn call_chars(Called { wanted: Wanted { id, tool, arguments }, result }: &Called) -> usize {
    2 * id.len() + tool.len() + arguments.chars().count() + result.chars().count() + FRAME
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
    match answer.trim().is_empty() {
        true if turn.done.is_empty() => None,
        // Providers refuse a message without text.
        true => Some(Turn { answer: WORDLESS.to_owned(), ..turn }),
        false => Some(Turn { answer, ..turn }),
    }
}

fn chars(turn: &Turn) -> usize {
    [&turn.question, &turn.answer, &prompt::done(turn)].iter().map(|text| text.chars().count()).sum()
}

/// Characters that are told in any case, with this question and these tools.
pub fn fixed(brief: &Brief, question: &str, tools: &[ToolOffer]) -> usize {
    let offer = |tool: &ToolOffer| tool.name.len() + tool.description.len() + tool.parameters.to_string().len() + FRAME;
    prompt::system_chars(brief) + question.chars().count() + tools.iter().map(offer).sum::<usize>()
}

/// What the next question would take, in tokens: beside `fixed` characters, with `attached` characters of files that are
/// told whole, the turns that would be told, and as many passages as there is room for.
pub fn estimate(fixed: usize, history: Vec<Turn>, attached: usize, window_tokens: u32) -> u32 {
    let fixed = fixed + attached;
    let room = Room::in_window(window_tokens, fixed);
    let told: usize = fit(history, room).turns.iter().map(chars).sum();
    u32::try_from((fixed + told + room.passages).div_ceil(CHARS_A_TOKEN)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(count: usize, answer: &str) -> Vec<Turn> {
        let turn = |index| Turn { question: format!("q{index}"), answer: answer.to_owned(), done: Vec::new() };
        (0..count).map(turn).collect()
    }

    #[test]
    fn the_newest_turns_are_told_and_the_others_counted() {
        let answer = format!("{} [1], see [a] [12].", "x".repeat(1_500));
        let fitted = fit(turns(20, &answer), Room::in_window(128_000, 0));
        assert_eq!((fitted.turns.len(), fitted.left_out), (7, 13));
        let newest = fitted.turns.last().cloned().unwrap_or_default();
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
    fn what_tools_did_is_told_of_a_wordless_answer_and_takes_its_room() {
        let mut history = turns(2, " ");
        history[1].done = vec!["create_document “Plan” (id 1): done".to_owned()];
        let fitted = fit(history.clone(), Room::in_window(128_000, 0));
        assert_eq!((fitted.turns.len(), fitted.turns[0].answer.as_str()), (1, WORDLESS));
        history[1].done = vec!["x".repeat(HISTORY)];
        assert_eq!(fit(history, Room::in_window(128_000, 0)).left_out, 1);
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
        let room = Room::in_window(128_000, 10_000);
        assert_eq!((room.history, room.passages), (HISTORY, PASSAGES));
    }

    fn round(results: &[&str]) -> Round {
        let call = |result: &&str| Called {
            wanted: Wanted { id: "c".to_owned(), tool: "read".to_owned(), arguments: "{}".to_owned() },
            result: (*result).to_owned(),
        };
        Round { said: "So.".to_owned(), calls: results.iter().map(call).collect() }
    }

    fn lengths(rounds: &[Round]) -> Vec<usize> {
        rounds.iter().flat_map(|round| &round.calls).map(|call| call.result.chars().count()).collect()
    }

    #[test]
    fn the_oldest_results_are_shortened_first_and_say_so() {
        let (long, note) = ("ø".repeat(5_000), SHORTENED.chars().count());
        let mut rounds = vec![round(&[&long, "short"]), round(&[&long])];
        assert!(fit_rounds(&mut rounds, 20_000));
        assert_eq!(lengths(&rounds), [5_000, 5, 5_000]);
        assert!(fit_rounds(&mut rounds, 8_000));
        let [first, 5, 5_000] = lengths(&rounds)[..] else { panic!("{:?}", lengths(&rounds)) };
        assert!(first < 3_000 && rounds[0].calls[0].result.ends_with(SHORTENED));
        // Again, as the next turn does it: there is one note.
        assert!(fit_rounds(&mut rounds, 4_000));
        let [first, 5, second] = lengths(&rounds)[..] else { panic!("{:?}", lengths(&rounds)) };
        assert_eq!((first, rounds[0].calls[0].result.matches("Shortened").count()), (RESULT + note, 1));
        assert!(second > 3_000 && rounds[1].calls[0].result.ends_with(SHORTENED));
        assert!(!fit_rounds(&mut rounds, 500), "no more is taken away");
        assert_eq!(lengths(&rounds), [RESULT + note, 5, RESULT + note]);
    }

    #[test]
    fn arguments_give_way_after_results_and_stay_json() {
        let mut rounds = vec![round(&["short"])];
        rounds[0].calls[0].wanted.arguments = format!(r#"{{"text":"{}"}}"#, "x".repeat(9_000));
        assert!(fit_rounds(&mut rounds, 1_000));
        let arguments = &rounds[0].calls[0].wanted.arguments;
        assert!(serde_json::from_str::<serde_json::Value>(arguments).is_ok_and(|value| value.is_object()));
        assert_eq!(rounds[0].calls[0].result, "short");
    }

    #[test]
    fn tools_have_room_in_a_small_window_whatever_came_before() {
        for window in [2_000, 4_096, 8_192, 128_000] {
            let room = Room::in_window(window, 1_000);
            assert!(room.usable - room.history - room.passages >= (room.usable / 5).min(ROUNDS), "{window}");
        }
        let room = Room::in_window(8_192, 1_000);
        assert_eq!(room.for_rounds(&[], &[]), room.usable);
        assert_eq!(room.for_rounds(&turns(1, "word"), &[]), room.usable - 6);
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
        let tool = ToolOffer { name: "read", description: "Reads.", parameters: serde_json::json!({}) };
        let without = fixed(&Brief::default(), "", &[]);
        assert_eq!(fixed(&Brief::default(), "", &[tool]), without + 4 + 6 + 2 + FRAME);
        let empty = estimate(without, Vec::new(), 0, 8_000);
        let full = estimate(without, turns(20, &"word ".repeat(300)), 0, 8_000);
        assert!(empty > 3_000 && full > empty && full <= 8_000, "{empty} {full}");
        let alone = estimate(without, Vec::new(), 0, 128_000);
        assert!(alone < 10_000);
        assert_eq!(estimate(without, Vec::new(), 4_000, 128_000), alone + 1_000, "what is attached counts");
    }
}
