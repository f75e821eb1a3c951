//! A page's text as paragraphs to read, with the cited passage marked.
//!
//! Extraction has made one kind of text of every format: paragraphs with an empty line between them, lines that mean
//! something, `•` or `1.` before the items of lists, two spaces for each level.

use std::ops::Range;

/// Longer lines are no headings.
const HEADING_CHARS: usize = 80;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// A short line that stands alone and ends no sentence.
    Heading,
    /// Of a list; how deep it is nested, from 0.
    Item(u8),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Paragraph {
    pub kind: Kind,
    pub parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    /// Of the cited passage; the first one has its id.
    Mark {
        first: bool,
        text: String,
    },
}

/// Lays out the text of one page. The span counts `char`s of the text, `start..end`; what of it lies outside the text is
/// left out.
pub(super) fn paragraphs(text: &str, span: Option<(u32, u32)>) -> Vec<Paragraph> {
    let marked = span.map_or(0..0, |(start, end)| bytes(text, start, end));
    let mut begun = false;
    ranges(text)
        .into_iter()
        .map(|(kind, range)| Paragraph { kind, parts: cut(&text[range.clone()], range.start, &marked, &mut begun) })
        .collect()
}

/// The bytes of the `char`s `start..end`.
fn bytes(text: &str, start: u32, end: u32) -> Range<usize> {
    let at = |place: u32| text.char_indices().nth(place as usize).map_or(text.len(), |(byte, _)| byte);
    at(start)..at(end.max(start))
}

/// The bytes of each paragraph and of each item of a list, without the line breaks around it.
fn ranges(text: &str) -> Vec<(Kind, Range<usize>)> {
    let mut ranges: Vec<(Kind, Range<usize>)> = Vec::new();
    let mut goes_on = false;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let words = line.trim_end();
        let range = start..start + words.len();
        start += line.len();
        if words.trim_start().is_empty() {
            goes_on = false;
            continue;
        }
        let item = item(words);
        match ranges.last_mut() {
            Some((_, last)) if goes_on && item.is_none() => last.end = range.end,
            _ => ranges.push((item.unwrap_or(Kind::Text), range)),
        }
        goes_on = true;
    }
    for (kind, range) in &mut ranges {
        if *kind == Kind::Text && is_heading(&text[range.clone()]) {
            *kind = Kind::Heading;
        }
    }
    ranges
}

fn item(line: &str) -> Option<Kind> {
    let words = line.trim_start();
    let (sign, _) = words.split_once(' ')?;
    let number = sign.strip_suffix(['.', ')']);
    let is_item =
        sign == "•" || number.is_some_and(|number| number.len() <= 3 && number.bytes().all(|b| b.is_ascii_digit()));
    let depth = u8::try_from((line.len() - words.len()) / 2).unwrap_or(u8::MAX);
    is_item.then_some(Kind::Item(depth.min(4)))
}

fn is_heading(text: &str) -> bool {
    let begins = text.starts_with(|c: char| c.is_uppercase() || c.is_numeric());
    let ends_sentence = text.ends_with(['.', '?', '!', ';', ',', '”', '"', ')']);
    begins && !ends_sentence && !text.contains(['\n', '|']) && text.chars().count() <= HEADING_CHARS
}

/// Text that begins at byte `start` of its page, cut where the marked range begins and ends. `begun` says whether an
/// earlier paragraph had a mark.
fn cut(text: &str, start: usize, marked: &Range<usize>, begun: &mut bool) -> Vec<Part> {
    let at = |byte: usize| text.floor_char_boundary(byte.saturating_sub(start).min(text.len()));
    let (from, to) = (at(marked.start), at(marked.end));
    if from >= to {
        return vec![Part::Text(text.to_owned())];
    }
    let mut parts = Vec::with_capacity(3);
    if from > 0 {
        parts.push(Part::Text(text[..from].to_owned()));
    }
    parts.push(Part::Mark { first: !*begun, text: text[from..to].to_owned() });
    *begun = true;
    if to < text.len() {
        parts.push(Part::Text(text[to..].to_owned()));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Part {
        Part::Text(text.to_owned())
    }

    fn mark(first: bool, text: &str) -> Part {
        Part::Mark { first, text: text.to_owned() }
    }

    fn parts(page: &str, span: (u32, u32)) -> Vec<Vec<Part>> {
        paragraphs(page, Some(span)).into_iter().map(|paragraph| paragraph.parts).collect()
    }

    #[test]
    fn spans_count_characters() {
        assert_eq!(
            parts("Blåbær\n\nÅl og øl", (8, 10)),
            vec![vec![text("Blåbær")], vec![mark(true, "Ål"), text(" og øl")]]
        );
        assert_eq!(
            parts("ab\n\ncd", (1, 5)),
            vec![vec![text("a"), mark(true, "b")], vec![mark(false, "c"), text("d")]]
        );
        assert_eq!(parts("a\nb", (0, 3)), vec![vec![mark(true, "a\nb")]]);
    }

    #[test]
    fn a_span_outside_the_text_is_clamped() {
        for span in [(0, 0), (2, 1), (3, 9), (70, 80), (u32::MAX, u32::MAX)] {
            assert_eq!(parts("øre", span), vec![vec![text("øre")]], "{span:?}");
        }
        assert_eq!(parts("øre", (1, u32::MAX)), vec![vec![text("ø"), mark(true, "re")]]);
        assert_eq!(parts("", (0, 4)), Vec::<Vec<Part>>::new());
    }

    #[test]
    fn headings_and_lists_are_seen() {
        let page = "Our promise\n\nWe roast in small batches.\nAnd we say so:\n• first thing\n  • within\n  goes on\n12. twelfth\n\na | b\nc | d";
        let kinds: Vec<Kind> = paragraphs(page, None).into_iter().map(|paragraph| paragraph.kind).collect();
        assert_eq!(kinds, vec![Kind::Heading, Kind::Text, Kind::Item(0), Kind::Item(1), Kind::Item(0), Kind::Text]);
    }

    #[test]
    fn no_character_is_lost_whatever_is_marked() {
        let page = "  One\r\n\r\n two.\nThree\n\n\n• four\n    • five \u{e9}six\n1. seven";
        let kept = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        for start in 0..60 {
            let shown: String = paragraphs(page, Some((start, start + 7)))
                .into_iter()
                .flat_map(|paragraph| paragraph.parts)
                .map(|part| match part {
                    Part::Text(text) | Part::Mark { text, .. } => text,
                })
                .collect();
            assert_eq!(kept(&shown), kept(page), "{start}");
        }
    }
}
