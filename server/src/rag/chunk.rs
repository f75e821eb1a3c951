//! Chunks out of text: the units that are embedded and found.

use text_splitter::{ChunkConfig, TextSplitter};

/// In `char`s. At about 4.5 characters a token of English, the longest chunk just fits the 256 tokens that
/// all-MiniLM-L6-v2 reads.
const TARGET: std::ops::Range<usize> = 800..1100;

/// A piece of one page: `text` is the page's text at `start..end` in `char`s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// From 1.
    pub page: u32,
    pub start: u32,
    pub end: u32,
    pub text: String,
}

/// Cuts pages at the largest boundary that fits: paragraphs, lines, sentences, words. No chunk crosses pages. Blocks;
/// about a second for 10 MB.
pub fn chunks(pages: &[String]) -> Vec<Chunk> {
    let splitter = TextSplitter::new(ChunkConfig::new(TARGET));
    let mut chunks = Vec::new();
    for (page, text) in (1..).zip(pages) {
        for piece in splitter.chunk_char_indices(text) {
            // Positions fit: a file holds at most 50 million characters.
            let start = piece.char_offset as u32;
            let end = start + piece.chunk.chars().count() as u32;
            if end > start {
                chunks.push(Chunk { page, start, end, text: piece.chunk.to_owned() });
            }
        }
    }
    chunks
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
