//! The part of a text that a result shows: where most of the query's words stand, with those words marked.

use domain::documents::Mark;

/// `char`s of a passage that are shown.
const SHOWN: u32 = 420;
/// `char`s before the first marked word.
const BEFORE: u32 = 60;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Text(String),
    Mark(String),
}

pub(crate) fn excerpt(text: &str, matches: &[Mark]) -> Vec<Part> {
    let chars: Vec<char> = text.chars().collect();
    let length = u32::try_from(chars.len()).unwrap_or(u32::MAX);
    let (from, to) = window(&chars, length, matches);
    let text = |start: u32, end: u32| chars[start as usize..end as usize].iter().collect::<String>();
    let mut parts = Vec::new();
    let mut at = from;
    for mark in matches.iter().filter(|mark| mark.start >= from && mark.end <= to) {
        if mark.start > at {
            parts.push(Part::Text(text(at, mark.start)));
        }
        if mark.start >= at && mark.end > mark.start {
            parts.push(Part::Mark(text(mark.start, mark.end)));
            at = mark.end;
        }
    }
    if at < to {
        parts.push(Part::Text(text(at, to)));
    }
    if from > 0 {
        parts.insert(0, Part::Text("\u{2026} ".to_owned()));
    }
    if to < length {
        parts.push(Part::Text(" \u{2026}".to_owned()));
    }
    parts
}

/// The window with the most marks; it begins and ends between words.
fn window(chars: &[char], length: u32, marks: &[Mark]) -> (u32, u32) {
    if length <= SHOWN {
        return (0, length);
    }
    let marked_from = |start: u32| marks.iter().filter(|m| m.start >= start && m.end <= start + SHOWN - BEFORE).count();
    let best = marks.iter().map(|mark| mark.start).max_by_key(|&start| (marked_from(start), std::cmp::Reverse(start)));
    let from = best.unwrap_or(0).saturating_sub(BEFORE).min(length - SHOWN);
    let is_gap = |place: u32| chars.get(place as usize).is_none_or(|c| c.is_whitespace());
    let from =
        if from == 0 { 0 } else { (from..from + BEFORE).find(|&place| is_gap(place)).map_or(from, |gap| gap + 1) };
    let to = (from + SHOWN).min(length);
    let to = if to == length { to } else { (to - BEFORE..to).rev().find(|&place| is_gap(place)).unwrap_or(to) };
    (from, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_passage_is_shown_whole() {
        let parts = excerpt("Blåbær og øl", &[Mark { start: 10, end: 12 }]);
        assert_eq!(parts, [Part::Text("Blåbær og ".to_owned()), Part::Mark("øl".to_owned())]);
        assert_eq!(excerpt("", &[]), []);
    }

    #[test]
    fn a_long_one_is_shown_where_its_words_are() {
        let text = format!("{}amber and amber{}", "word ".repeat(200), " more".repeat(200));
        let marks = [Mark { start: 0, end: 4 }, Mark { start: 1000, end: 1005 }, Mark { start: 1010, end: 1015 }];
        let parts = excerpt(&text, &marks);
        let marked: Vec<_> = parts.iter().filter(|part| matches!(part, Part::Mark(_))).collect();
        assert_eq!(marked.len(), 2);
        assert_eq!(parts.first(), Some(&Part::Text("\u{2026} ".to_owned())));
        assert_eq!(parts.last(), Some(&Part::Text(" \u{2026}".to_owned())));
        let shown: usize = parts
            .iter()
            .map(|part| match part {
                Part::Text(text) | Part::Mark(text) => text.chars().count(),
            })
            .sum();
        assert!(shown <= SHOWN as usize + 4, "{shown}");
    }

    #[test]
    fn marks_outside_the_text_do_no_harm() {
        let parts = excerpt("abc", &[Mark { start: 2, end: 9 }, Mark { start: 5, end: 5 }]);
        assert_eq!(parts, [Part::Text("abc".to_owned())]);
    }
}
