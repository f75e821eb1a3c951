//! Chunks out of text: the units that are embedded and found.

/// Longest chunk in `char`s. At about 4.5 characters a token of English it just fits the 256 tokens that
/// all-MiniLM-L6-v2 reads.
const MOST: usize = 1100;

/// A chunk ends at the largest boundary behind this many `char`s: of a paragraph, else of a line, of a sentence, of a
/// word. A paragraph is worth a shorter chunk than a word.
const LEAST: [usize; 4] = [550, 700, 700, 800];

/// A piece of one page: `text` is the page's text at `start..end` in `char`s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// From 1.
    pub page: u32,
    pub start: u32,
    pub end: u32,
    pub text: String,
}

/// Cuts pages as [`of_page`] does. Blocks.
pub fn chunks(pages: &[String]) -> Vec<Chunk> {
    (1..).zip(pages).flat_map(|(number, text)| of_page(number, text)).collect()
}

/// Cuts a page at the largest boundaries that fit. One pass, which looks at every character twice at most.
pub fn of_page(page: u32, text: &str) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    let mut rest = text;
    // In `char`s; positions fit, because a page holds at most a megabyte.
    let mut start = 0_u32;
    loop {
        let words = rest.trim_start();
        start += count(&rest[..rest.len() - words.len()]);
        rest = words;
        if rest.is_empty() {
            return chunks;
        }
        let (piece, after) = rest.split_at(end(rest));
        let text = piece.trim_end();
        let length = count(text);
        chunks.push(Chunk { page, start, end: start + length, text: text.to_owned() });
        start += length + count(&piece[text.len()..]);
        rest = after;
    }
}

/// A page's part is far below 2^32 characters.
#[allow(clippy::cast_possible_truncation)]
fn count(text: &str) -> u32 {
    text.chars().count() as u32
}

/// Where the first chunk of a text ends, in bytes.
fn end(text: &str) -> usize {
    // Behind the best boundary so far of each kind.
    let mut best = [None; 4];
    let mut previous = ' ';
    let mut before = ' ';
    for (place, (at, c)) in text.char_indices().enumerate() {
        if place == MOST - 1 {
            return best.into_iter().flatten().next().unwrap_or_else(|| within_word(text, at));
        }
        let kind = match (before, previous, c) {
            (_, '\n', '\n') => Some(0),
            (_, _, '\n') => Some(1),
            ('.' | '!' | '?' | '\u{2026}', '"' | '\'' | ')' | '\u{201d}' | '\u{2019}', ' ') => Some(2),
            (_, '.' | '!' | '?' | '\u{2026}', ' ') | (_, _, '\u{3002}' | '\u{ff01}' | '\u{ff1f}') => Some(2),
            (_, _, ' ') => Some(3),
            _ => None,
        };
        if let Some(kind) = kind
            && place >= LEAST[kind]
        {
            best[kind] = Some(at + c.len_utf8());
        }
        (before, previous) = (previous, c);
    }
    text.len()
}

/// A word that is longer than a chunk is cut, but not between a letter and its marks or within an emoji.
fn within_word(text: &str, limit: usize) -> usize {
    let joins =
        |c: char| matches!(c, '\u{300}'..='\u{36f}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}');
    let mut ends = text[..limit].char_indices().rev().take(16);
    let mut next = text[limit..].chars().next();
    let mut end = limit;
    while next.is_some_and(joins) || text[..end].ends_with('\u{200d}') {
        let Some((at, c)) = ends.next() else { return limit };
        (end, next) = (at, Some(c));
    }
    if end == 0 { limit } else { end }
}

/// A first line longer than this is no title.
const MAX_TITLE_CHARS: usize = 200;

/// What a document is about in a few words: the first line where it stands alone, else the file's name.
pub fn title(name: &str, first_page: &str) -> String {
    let mut lines = first_page.trim_start().lines();
    let first = lines.next().unwrap_or_default().trim();
    let alone =
        lines.next().is_none_or(|next| next.trim().is_empty() || first.chars().count() * 2 < next.chars().count());
    if alone && first.chars().any(char::is_alphabetic) && first.chars().count() <= MAX_TITLE_CHARS {
        return first.to_owned();
    }
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    stem.split(['-', '_', ' ']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The text by which a chunk is found: it begins with its document's title, because a passage rarely repeats what all of
/// it is about. Measured in docs/adr/0001-fusion.md.
pub fn searchable(title: &str, chunk: &str) -> String {
    if title.is_empty() || chunk.starts_with(title) { chunk.to_owned() } else { format!("{title}\n{chunk}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_span<'a>(pages: &'a [String], chunk: &Chunk) -> String {
        let page: &'a str = &pages[chunk.page as usize - 1];
        page.chars().skip(chunk.start as usize).take((chunk.end - chunk.start) as usize).collect()
    }

    #[test]
    fn every_chunk_stands_at_its_span() {
        let paragraph = "Größe und Straße; smørrebrød på Nørrebro 🙂. 東京は日本の首都です。 Привет, мир! ";
        let pages = vec![
            paragraph.repeat(60),
            String::new(),
            format!("  \n\nHeading\n\n{}\n\n{}", paragraph.repeat(3), "x".repeat(5000)),
            "👩‍👩‍👧 e\u{301}".repeat(700),
            "short".to_owned(),
        ];
        let chunks = chunks(&pages);
        assert!(chunks.len() > 10);
        for chunk in &chunks {
            assert_eq!(at_span(&pages, chunk), chunk.text);
            assert!(chunk.text.chars().count() < 1100);
        }
        assert!(chunks.iter().all(|chunk| chunk.page != 2));
        assert_eq!(chunks.last().map(|chunk| chunk.text.as_str()), Some("short"));
    }

    #[test]
    fn a_title_is_a_line_of_its_own_or_the_name() {
        assert_eq!(title("guide.pdf", "Nordlys brand guide\n\nVoice\nWarm."), "Nordlys brand guide");
        assert_eq!(
            title(
                "brand-guide_2026.final.pdf",
                "Nordlys speaks like a good neighbour:\nwarm, plain and never breathless."
            ),
            "brand guide 2026.final"
        );
        assert_eq!(title("notes.txt", ""), "notes");
        assert_eq!(title("notes.txt", &"long ".repeat(100)), "notes");
        assert_eq!(searchable("Guide", "Guide\n\nVoice"), "Guide\n\nVoice");
        assert_eq!(searchable("Guide", "Voice"), "Guide\nVoice");
        assert_eq!(searchable("", "Voice"), "Voice");
    }

    #[test]
    fn nothing_that_can_be_read_is_lost() {
        let pages = vec![(0..2000).map(|i| format!("word{i} ")).collect::<String>()];
        let chunks = chunks(&pages);
        let words: Vec<&str> = chunks.iter().flat_map(|chunk| chunk.text.split_whitespace()).collect();
        assert_eq!(words, pages[0].split_whitespace().collect::<Vec<_>>());
    }
}
