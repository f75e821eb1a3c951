//! Splitting a passage into sentences, each with its place. Passages come out of PDFs, Markdown and HTML, so lines may
//! be wrapped in mid-sentence, headings carry no full stop, and list items stand alone.

/// A sentence of a text: `start..end` in `char`s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sentence {
    pub start: u32,
    pub end: u32,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Prose,
    /// A title of what follows; it says nothing by itself.
    Heading,
    /// An item of a list or a row of a table.
    Item,
}

impl Sentence {
    /// The sentence's words, out of the text that was split.
    pub fn of(self, text: &str) -> String {
        let (start, end) = (self.start as usize, self.end as usize);
        text.chars().skip(start).take(end.saturating_sub(start)).collect()
    }
}

/// A sentence longer than this is cut where a reader would pause, so that a table without a full stop does not become
/// one quote of a page.
const MAX_CHARS: usize = 480;

/// Abbreviations after which a full stop ends no sentence, in lower case and without their last stop.
const ABBREVIATIONS: &[&str] = &[
    "approx", "art", "asst", "ave", "bzw", "ca", "cf", "ch", "co", "corp", "dept", "dr", "ed", "eds", "e.g", "eg",
    "eq", "esp", "est", "etc", "fig", "figs", "gen", "gmbh", "hon", "i.e", "ie", "inc", "jr", "llc", "ltd", "max",
    "min", "mme", "mr", "mrs", "ms", "mt", "no", "nos", "nr", "p", "para", "pp", "prof", "ref", "rev", "sec", "sr",
    "st", "u.a", "u.k", "u.s", "usw", "vol", "vs", "z.b", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep",
    "sept", "oct", "nov", "dec",
];

/// The sentences of a text, in order. What is between them is white space or list markers.
pub fn split(text: &str) -> Vec<Sentence> {
    let chars: Vec<char> = text.chars().collect();
    let mut sentences = Vec::new();
    for block in blocks(&chars) {
        if block.whole {
            push(&chars, block.start, block.end, block.kind, &mut sentences);
        } else {
            split_block(&chars, block.start, block.end, block.kind, &mut sentences);
        }
    }
    sentences
}

/// Lines that belong together.
struct Block {
    start: usize,
    end: usize,
    kind: Kind,
    /// A full stop inside ends nothing: a heading, a row of a table.
    whole: bool,
}

struct Line {
    start: usize,
    end: usize,
    /// Where the words begin, after a list marker or the `#` of a heading.
    words: usize,
    kind: Kind,
}

fn blocks(chars: &[char]) -> Vec<Block> {
    let lines = lines(chars);
    let widest = lines.iter().map(|line| line.end - line.start).max().unwrap_or(0);
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for (index, line) in lines.iter().enumerate() {
        if line.words >= line.end {
            open = false;
            continue;
        }
        // Where no blank line parts them, a heading can only follow a sentence that has ended.
        let ended = blocks.last().is_none_or(|last| matches!(chars[last.end - 1], '.' | '!' | '?'));
        let heading = line.kind == Kind::Heading
            || (line.kind == Kind::Prose
                && (!open || ended)
                && reads_as_heading(chars, line, lines.get(index + 1), widest));
        let row = is_row(&chars[line.start..line.end]);
        if heading {
            blocks.push(Block { start: line.words, end: line.end, kind: Kind::Heading, whole: true });
            open = false;
        } else if line.kind == Kind::Item {
            blocks.push(Block { start: line.words, end: line.end, kind: Kind::Item, whole: row });
            // A table's row never goes on in the next line, a list's item may.
            open = !row;
        } else if let (true, Some(last)) = (open, blocks.last_mut()) {
            last.end = line.end;
        } else {
            blocks.push(Block { start: line.words, end: line.end, kind: Kind::Prose, whole: false });
            open = true;
        }
    }
    blocks
}

fn lines(chars: &[char]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut start = 0;
    for end in (0..=chars.len()).filter(|&index| index == chars.len() || chars[index] == '\n') {
        let (mut first, mut last) = (start, end);
        while first < last && chars[first].is_whitespace() {
            first += 1;
        }
        while last > first && chars[last - 1].is_whitespace() {
            last -= 1;
        }
        let (words, kind) = marker(chars, first, last);
        lines.push(Line { start: first, end: last, words, kind });
        start = end + 1;
    }
    lines
}

/// Where a line's words begin, and what its marker makes of it.
fn marker(chars: &[char], start: usize, end: usize) -> (usize, Kind) {
    let line = &chars[start..end];
    let skip = |count: usize| {
        let spaces = line[count..].iter().take_while(|c| c.is_whitespace()).count();
        start + count + spaces
    };
    let hashes = line.iter().take_while(|&&c| c == '#').count();
    if (1..=6).contains(&hashes) && line.get(hashes).is_some_and(|c| c.is_whitespace()) {
        return (skip(hashes), Kind::Heading);
    }
    if let [bullet, space, ..] = line
        && matches!(bullet, '-' | '*' | '+' | '•' | '◦' | '▪' | '‣' | '–' | '·' | '●')
        && space.is_whitespace()
    {
        return (skip(1), Kind::Item);
    }
    let digits = line.iter().take_while(|c| c.is_ascii_digit()).count();
    if (1..=3).contains(&digits)
        && line.get(digits).is_some_and(|c| matches!(c, '.' | ')'))
        && line.get(digits + 1).is_some_and(|c| c.is_whitespace())
    {
        return (skip(digits + 1), Kind::Item);
    }
    if is_row(line) {
        return (start, Kind::Item);
    }
    (start, Kind::Prose)
}

fn is_row(line: &[char]) -> bool {
    let bars = line.iter().filter(|&&c| c == '|').count();
    line.contains(&'\t') || bars >= 2 || line.windows(3).any(|cells| cells == [' ', '|', ' '])
}

/// A short line without a stop, before a line that begins anew: how a heading looks once a file is text. A line with
/// figures is more likely a fact.
fn reads_as_heading(chars: &[char], line: &Line, next: Option<&Line>, widest: usize) -> bool {
    let text = &chars[line.start..line.end];
    let stops = text.last().is_some_and(|c| matches!(c, '.' | '!' | '?' | ':' | ';' | ',' | '…' | '"' | '”' | ')'));
    let words = text.split(|c| c.is_whitespace()).filter(|word| !word.is_empty()).count();
    if stops || words > 8 || text.iter().any(char::is_ascii_digit) {
        return false;
    }
    match next {
        // At the end of a passage stands the heading of the next one; a passage of one line is a fact.
        None => line.start > 0 && words <= 5,
        Some(next) if next.words >= next.end => true,
        Some(next) => chars[next.words].is_uppercase() && (line.end - line.start) * 10 <= widest * 6,
    }
}

fn split_block(chars: &[char], start: usize, end: usize, kind: Kind, sentences: &mut Vec<Sentence>) {
    let mut from = start;
    let mut at = start;
    while at < end {
        if let Some(after) = sentence_end(chars, from, at, end) {
            push(chars, from, after, kind, sentences);
            from = after;
            at = after;
        } else {
            at += 1;
        }
    }
    push(chars, from, end, kind, sentences);
}

/// Where the sentence that has its stop at `at` ends, if that is a stop which ends one.
fn sentence_end(chars: &[char], from: usize, at: usize, end: usize) -> Option<usize> {
    let stop = chars[at];
    if matches!(stop, '。' | '！' | '？') {
        return Some(at + 1);
    }
    if !matches!(stop, '.' | '!' | '?' | '…') {
        return None;
    }
    let mut after = at + 1;
    while after < end && matches!(chars[after], '.' | '!' | '?' | '…' | '"' | '\'' | '”' | '’' | '»' | ')' | ']')
    {
        after += 1;
    }
    if after < end && !chars[after].is_whitespace() {
        return None;
    }
    if stop == '.' && after == at + 1 && ends_abbreviation(chars, from, at) {
        return None;
    }
    let next = chars[after..end].iter().find(|c| !c.is_whitespace());
    next.is_none_or(|c| !c.is_lowercase()).then_some(after)
}

fn ends_abbreviation(chars: &[char], from: usize, stop: usize) -> bool {
    let begin = (from..stop)
        .rev()
        .find(|&index| !(chars[index].is_alphanumeric() || chars[index] == '.'))
        .map_or(from, |index| index + 1);
    let word: String = chars[begin..stop].iter().flat_map(|c| c.to_lowercase()).collect();
    let initial = stop - begin == 1 && chars[begin].is_uppercase();
    initial || ABBREVIATIONS.contains(&word.as_str())
}

fn push(chars: &[char], start: usize, end: usize, kind: Kind, sentences: &mut Vec<Sentence>) {
    let (mut start, mut end) = (start, end);
    while start < end && chars[start].is_whitespace() {
        start += 1;
    }
    while end > start && chars[end - 1].is_whitespace() {
        end -= 1;
    }
    while end - start > MAX_CHARS {
        let cut = pause_before(chars, start, start + MAX_CHARS);
        push(chars, start, cut, kind, sentences);
        start = cut;
        while start < end && chars[start].is_whitespace() {
            start += 1;
        }
    }
    // Rules, bare page numbers and the like hold no words.
    if chars[start..end].iter().any(|c| c.is_alphanumeric()) {
        sentences.push(Sentence { start: index(start), end: index(end), kind });
    }
}

/// The last place before `limit` where a reader pauses: after a semicolon or line, else between words.
fn pause_before(chars: &[char], start: usize, limit: usize) -> usize {
    let half = start + (limit - start) / 2;
    let last =
        |pauses: fn(char) -> bool| (half..limit).rev().find(|&index| pauses(chars[index])).map(|index| index + 1);
    last(|c| matches!(c, ';' | '\n')).or_else(|| last(char::is_whitespace)).unwrap_or(limit)
}

/// A passage is far shorter than four billion characters.
fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        split(text).into_iter().map(|sentence| sentence.of(text)).collect()
    }

    #[test]
    fn abbreviations_initials_and_decimals_end_no_sentence() {
        let text = "Dr. J. Smith of Acme Inc. paid 3.5 million, e.g. for paper. It rose by 2.4 % vs. last year! Why? See Fig. 3.";
        assert_eq!(
            texts(text),
            [
                "Dr. J. Smith of Acme Inc. paid 3.5 million, e.g. for paper.",
                "It rose by 2.4 % vs. last year!",
                "Why?",
                "See Fig. 3."
            ]
        );
    }

    #[test]
    fn wrapped_lines_are_one_sentence_and_headings_and_items_stand_alone() {
        let text = "# Refunds\n\nCustomers may return goods\nwithin 30 days. Later returns\nneed a manager.\n\n- Keep the receipt\n- Call us first\n1. Then wait";
        let sentences = split(text);
        let kinds: Vec<_> = sentences.iter().map(|s| (s.of(text), s.kind)).collect();
        assert_eq!(
            kinds,
            [
                ("Refunds".to_owned(), Kind::Heading),
                ("Customers may return goods\nwithin 30 days.".to_owned(), Kind::Prose),
                ("Later returns\nneed a manager.".to_owned(), Kind::Prose),
                ("Keep the receipt".to_owned(), Kind::Item),
                ("Call us first".to_owned(), Kind::Item),
                ("Then wait".to_owned(), Kind::Item),
            ]
        );
    }

    #[test]
    fn a_short_line_of_a_pdf_before_a_paragraph_is_a_heading() {
        let text = "Opening hours\nThe studio is open from nine to five on weekdays and closed on every public holiday\nin the country. On Saturdays it opens at ten.";
        assert_eq!(split(text)[0].kind, Kind::Heading);
        assert_eq!(texts(text)[0], "Opening hours");
        assert_eq!(texts(text).len(), 3);
    }

    #[test]
    fn a_heading_between_paragraphs_without_blank_lines_is_one() {
        let text = "Goods may be returned within thirty days of their delivery if they are unused.\nPostage\nStandard postage is four euros and gold members pay none of it at all, wherever\nthey live. Ask the\nBerlin office.";
        let kinds: Vec<_> = split(text).iter().map(|sentence| sentence.kind).collect();
        assert_eq!(kinds, [Kind::Prose, Kind::Heading, Kind::Prose, Kind::Prose]);
    }

    #[test]
    fn a_tables_rows_stay_whole_and_a_last_short_line_is_a_heading() {
        let text = "Prices\n\nname | price\nPostage | 4.90 euros. In all countries. |\n\nFree above 50\n\nOther terms";
        let sentences: Vec<_> = split(text).into_iter().map(|sentence| (sentence.of(text), sentence.kind)).collect();
        assert_eq!(
            sentences,
            [
                ("Prices".to_owned(), Kind::Heading),
                ("name | price".to_owned(), Kind::Item),
                ("Postage | 4.90 euros. In all countries. |".to_owned(), Kind::Item),
                ("Free above 50".to_owned(), Kind::Prose),
                ("Other terms".to_owned(), Kind::Heading),
            ]
        );
    }

    #[test]
    fn places_count_characters_not_bytes() {
        let text = "Größe zählt – “wirklich.” Ça va très bien.";
        let sentences = split(text);
        assert_eq!(sentences.len(), 2);
        assert_eq!(sentences[1].of(text), "Ça va très bien.");
        assert_eq!(sentences[1].start, 26);
    }

    #[test]
    fn an_endless_sentence_is_cut_at_a_pause() {
        let text = format!("{}end", "word ".repeat(400));
        let sentences = split(&text);
        assert!(sentences.len() > 3);
        assert!(sentences.iter().all(|s| (s.end - s.start) as usize <= MAX_CHARS));
    }

    #[test]
    fn nothing_and_rules_give_no_sentence() {
        assert!(split("").is_empty());
        assert!(split("\n \n---\n***\n").is_empty());
    }
}
