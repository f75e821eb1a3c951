//! Clean text: what cannot be stored or read goes, spaces and empty lines are reduced, the words stay.

/// For text whose lines were set by its author.
pub fn running_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty_lines = 0;
    for line in clean(text).lines() {
        let indent: String = line.chars().take_while(|c| *c == ' ').take(8).collect();
        let words = collapse(line);
        if words.is_empty() {
            empty_lines += 1;
            continue;
        }
        if !out.is_empty() {
            out.push_str(if empty_lines > 0 { "\n\n" } else { "\n" });
        }
        empty_lines = 0;
        if !out.is_empty() {
            out.push_str(&indent);
        }
        out.push_str(&words);
    }
    out
}

/// For text whose lines were set by a typesetter: lines of a paragraph are joined, and words that were divided at the
/// end of a line are made whole.
pub fn typeset_text(text: &str) -> String {
    let clean = clean(text);
    let mut paragraphs: Vec<String> = Vec::new();
    for block in clean.split("\n\n") {
        let lines: Vec<String> = block.lines().map(collapse).filter(|line| !line.is_empty()).collect();
        let widest = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
        let mut paragraph = String::new();
        let mut previous: Option<&str> = None;
        for line in &lines {
            if let Some(previous) = previous {
                if let Some(stem) = divided(&paragraph, line) {
                    paragraph.truncate(stem);
                } else if flows_on(previous, line, widest) {
                    paragraph.push(' ');
                } else {
                    paragraph.push('\n');
                }
            }
            paragraph.push_str(line);
            previous = Some(line);
        }
        if !paragraph.is_empty() {
            paragraphs.push(paragraph);
        }
    }
    paragraphs.join("\n\n")
}

/// The length of `text` without the hyphen at its end, if the hyphen divides a word that goes on with `next`. A letter
/// in lower case on both sides is needed, and the part before must have no other hyphen: "state-of-the-\nart" and
/// "Anglo-\nAmerican" keep theirs.
fn divided(text: &str, next: &str) -> Option<usize> {
    let stem = text.strip_suffix(['-', '\u{2010}'])?;
    let word = stem.rsplit(char::is_whitespace).next().unwrap_or(stem);
    let word = word.trim_start_matches(|c: char| !c.is_alphanumeric());
    let divided = word.chars().count() >= 2
        && word.chars().all(char::is_alphabetic)
        && word.chars().next_back().is_some_and(char::is_lowercase)
        && next.chars().next().is_some_and(char::is_lowercase);
    divided.then_some(stem.len())
}

/// Whether a line break is the typesetter's: the line is about as long as its neighbours, and what follows is no new item.
fn flows_on(line: &str, next: &str, widest: usize) -> bool {
    let length = line.chars().count();
    let full = widest >= 40 && length * 10 >= widest * 7;
    let list_item = next.starts_with(['•', '▪', '◦', '–', '●', '■', '*', '-', '·'])
        || next.split_once(['.', ')']).is_some_and(|(number, rest)| {
            number.len() <= 3
                && number.chars().all(|c| c.is_ascii_digit())
                && !number.is_empty()
                && rest.starts_with(' ')
        });
    full && !list_item && !line.ends_with(':')
}

/// Without control and zero-width characters; ligatures as letters; line ends as `\n`; every other space as ' '.
fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                if chars.peek() != Some(&'\n') {
                    out.push('\n');
                }
            }
            '\n' => out.push('\n'),
            '\u{0b}' | '\u{85}' | '\u{2028}' => out.push('\n'),
            '\u{0c}' | '\u{2029}' => out.push_str("\n\n"),
            '\t' => out.push_str("    "),
            // Soft hyphen, zero-width space, word joiner, byte order mark. The zero-width joiners mean something in
            // Arabic, Indic scripts and emoji.
            '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}' => {}
            'ﬀ' => out.push_str("ff"),
            'ﬁ' => out.push_str("fi"),
            'ﬂ' => out.push_str("fl"),
            'ﬃ' => out.push_str("ffi"),
            'ﬄ' => out.push_str("ffl"),
            'ﬅ' | 'ﬆ' => out.push_str("st"),
            c if c.is_control() => {}
            c if c.is_whitespace() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// The words of a line with one space between them.
fn collapse(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for word in line.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}
