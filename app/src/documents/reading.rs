//! A page's text as paragraphs to read, with the cited passage marked.

use crate::markdown::{self, Block};
use std::ops::Range;

/// Lays out the text of one page of a document of this media type. The span counts `char`s of the text, `start..end`;
/// what of it lies outside the text is left out.
pub fn blocks(media_type: &str, text: &str, span: Option<(u32, u32)>) -> Vec<Block> {
    let marked = span.and_then(|(start, end)| bytes(text, start, end));
    match media_type {
        "text/markdown" | "text/html" => markdown::source(text, marked),
        "application/pdf" => paragraphs(text, marked, true),
        _ => paragraphs(text, marked, false),
    }
}

/// The bytes of the `char`s `start..end`, if there are any.
fn bytes(text: &str, start: u32, end: u32) -> Option<Range<usize>> {
    let at = |place: u32| text.char_indices().nth(place as usize).map_or(text.len(), |(byte, _)| byte);
    let range = at(start)..at(end.max(start));
    (!range.is_empty()).then_some(range)
}

/// Paragraphs of plain text. They end at a blank line and, where lines are `wrapped` to the page's width as in a PDF,
/// also after a line that ends a sentence well before that width.
fn paragraphs(text: &str, marked: Option<Range<usize>>, wrapped: bool) -> Vec<Block> {
    let marked = marked.unwrap_or(0..0);
    let mut begun = false;
    let mut blocks = Vec::new();
    let mut block = |range: Range<usize>| {
        let paragraph = &text[range.clone()];
        let start = range.start + (paragraph.len() - paragraph.trim_start().len());
        let paragraph = paragraph.trim();
        if !paragraph.is_empty() {
            blocks.push(Block::Paragraph(markdown::cut(paragraph, start, &marked, &mut begun)));
        }
    };

    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let width = lines.iter().map(|line| line.trim().chars().count()).max().unwrap_or(0);
    let mut start = 0;
    let mut at = 0;
    for (number, line) in lines.iter().enumerate() {
        at += line.len();
        let next = lines.get(number + 1).map_or("", |next| next.trim());
        let ends = line.trim().is_empty() || next.is_empty() || (wrapped && ends_paragraph(line.trim(), next, width));
        if ends {
            block(start..at);
            start = at;
        }
    }
    block(start..text.len());
    blocks
}

/// Whether a wrapped line ends its paragraph: it stops short, and its words or those of the next line look like it.
fn ends_paragraph(line: &str, next: &str, width: usize) -> bool {
    let is_item = |line: &str| {
        let mut words = line.split_whitespace();
        words.next().is_some_and(|word| matches!(word, "•" | "–" | "-" | "*" | "▪" | "◦" | "●"))
            && words.next().is_some()
    };
    if is_item(next) {
        return true;
    }
    let length = line.chars().count();
    let sentence_ends = line.ends_with(['.', '?', '!', ':', '”', '"']);
    let begins_anew = next.starts_with(|c: char| c.is_uppercase() || c.is_numeric());
    // A line of running text is filled until the next word does not fit: a shorter one was ended on purpose.
    let short = length * 5 < width * 4;
    let very_short = length * 5 < width * 3;
    begins_anew && ((short && sentence_ends) || very_short)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::markdown::Inline;

    fn text(text: &str) -> Inline {
        Inline::Text(text.to_owned())
    }

    fn mark(first: bool, marked: &str) -> Inline {
        Inline::Mark { first, content: vec![text(marked)] }
    }

    #[test]
    fn spans_count_characters() {
        assert_eq!(
            blocks("text/plain", "Blåbær\n\nÅl og øl", Some((8, 10))),
            vec![Block::Paragraph(vec![text("Blåbær")]), Block::Paragraph(vec![mark(true, "Ål"), text(" og øl")])]
        );
        assert_eq!(
            blocks("text/plain", "ab\n\ncd", Some((1, 5))),
            vec![
                Block::Paragraph(vec![text("a"), mark(true, "b")]),
                Block::Paragraph(vec![mark(false, "c"), text("d")])
            ]
        );
    }

    #[test]
    fn a_span_outside_the_text_is_clamped() {
        let plain = vec![Block::Paragraph(vec![text("øre")])];
        for span in [(0, 0), (2, 1), (3, 9), (70, 80), (u32::MAX, u32::MAX)] {
            assert_eq!(blocks("text/plain", "øre", Some(span)), plain, "{span:?}");
        }
        assert_eq!(
            blocks("text/plain", "øre", Some((1, u32::MAX))),
            vec![Block::Paragraph(vec![text("ø"), mark(true, "re")])]
        );
        assert_eq!(blocks("text/plain", "", Some((0, 4))), vec![]);
    }

    #[test]
    fn wrapped_lines_are_joined_and_short_ones_end_a_paragraph() {
        let page = "Our promise\nWe roast in small batches, and we say when the beans were\nroasted on every bag. That is all.\n\
                    The second paragraph begins here and goes on for a while\n• first thing\n• second thing\n";
        let shown = blocks("application/pdf", page, None);
        let words: Vec<String> = shown.iter().map(|block| format!("{block:?}")).collect();
        assert_eq!(shown.len(), 5, "{words:#?}");
        assert_eq!(shown[0], Block::Paragraph(vec![text("Our promise")]));
    }

    fn words(content: &[Inline]) -> String {
        content
            .iter()
            .map(|inline| match inline {
                Inline::Text(text) => text.clone(),
                Inline::Mark { content, .. } => words(content),
                _ => String::new(),
            })
            .collect()
    }

    #[test]
    fn no_character_is_lost_whatever_the_layout() {
        let page = "  One\r\n\r\n two.\nThree\n\n\n• four\nfive \u{e9}six";
        let kept = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        for media_type in ["application/pdf", "text/plain"] {
            for start in 0..30 {
                let shown: String = blocks(media_type, page, Some((start, start + 7)))
                    .iter()
                    .map(|block| if let Block::Paragraph(content) = block { words(content) } else { String::new() })
                    .collect();
                assert_eq!(kept(&shown), kept(page), "{media_type} {start}");
            }
        }
    }
}
