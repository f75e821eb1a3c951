//! Finding `[n]` in Markdown that arrives in pieces. A piece may end anywhere, so what might become a marker is held back
//! until it is one or cannot be one.

/// A part of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    Text(String),
    /// `[1]`, `[1, 2]` or `[1-3]`, with the white space before it.
    Marker {
        space: String,
        numbers: Vec<u32>,
    },
}

/// Longest marker, in bytes; what goes on beyond is text.
const LONGEST: usize = 48;

/// Whether the text stands in code, where brackets are just brackets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Code {
    #[default]
    No,
    /// Opened by so many backticks, closed by as many.
    Inline(usize),
    /// Opened by so many backticks at the beginning of a line, closed by at least as many.
    Fence(usize),
}

/// See the module.
#[derive(Debug, Default)]
pub struct Scanner {
    /// White space and the beginning of a marker.
    held: String,
    code: Code,
    ticks: usize,
    /// Nothing but white space and backticks since the line began.
    line_start: bool,
    fence_line: bool,
    escaped: bool,
    begun: bool,
}

impl Scanner {
    pub fn push(&mut self, text: &str) -> Vec<Segment> {
        if !self.begun {
            self.begun = true;
            self.line_start = true;
        }
        let mut segments = Vec::new();
        for c in text.chars() {
            self.step(c, &mut segments);
        }
        segments
    }

    /// What is still held back; no marker comes any more.
    pub fn finish(&mut self) -> Vec<Segment> {
        let held = std::mem::take(&mut self.held);
        if held.is_empty() { Vec::new() } else { vec![Segment::Text(held)] }
    }

    fn step(&mut self, c: char, segments: &mut Vec<Segment>) {
        self.follow_code(c);
        if self.code != Code::No || self.escaped {
            self.escaped = false;
            self.release(segments);
            append(segments, c);
            return;
        }
        match (self.held.contains('['), c) {
            (true, ']') => {
                self.held.push(c);
                match marker(&self.held) {
                    Some(marker) => {
                        self.held.clear();
                        segments.push(marker);
                    }
                    None => self.release(segments),
                }
            }
            (true, '0'..='9' | ',' | ';' | ' ' | '-' | '–' | '^') if self.held.len() < LONGEST => self.held.push(c),
            (true, _) => {
                self.release(segments);
                self.begin(c, segments);
            }
            (false, _) => self.begin(c, segments),
        }
    }

    /// A character outside of any marker.
    fn begin(&mut self, c: char, segments: &mut Vec<Segment>) {
        match c {
            ' ' | '\u{a0}' | '[' => self.held.push(c),
            _ => {
                self.escaped = c == '\\';
                self.release(segments);
                append(segments, c);
            }
        }
        // Indented code and alignment may be long runs of spaces: no marker follows those.
        if self.held.len() > LONGEST {
            self.release(segments);
        }
    }

    fn release(&mut self, segments: &mut Vec<Segment>) {
        for c in std::mem::take(&mut self.held).chars() {
            append(segments, c);
        }
    }

    fn follow_code(&mut self, c: char) {
        if c == '`' && !self.escaped {
            if self.ticks == 0 {
                self.fence_line = self.line_start;
            }
            self.ticks += 1;
            return;
        }
        let run = std::mem::take(&mut self.ticks);
        if run > 0 {
            self.code = match self.code {
                Code::No if run >= 3 && self.fence_line => Code::Fence(run),
                Code::No => Code::Inline(run),
                Code::Inline(open) if run == open => Code::No,
                Code::Fence(open) if run >= open && self.fence_line && c.is_whitespace() => Code::No,
                other => other,
            };
        }
        if c == '\n' {
            self.line_start = true;
            // A backtick that nothing closes is a backtick; it must not hide every citation after it.
            if matches!(self.code, Code::Inline(_)) {
                self.code = Code::No;
            }
        } else if !c.is_whitespace() {
            self.line_start = false;
        }
    }
}

fn append(segments: &mut Vec<Segment>, c: char) {
    match segments.last_mut() {
        Some(Segment::Text(text)) => text.push(c),
        _ => segments.push(Segment::Text(c.to_string())),
    }
}

/// Reads ` [1, 3-4]`; `None` when it holds no number.
fn marker(held: &str) -> Option<Segment> {
    let open = held.find('[')?;
    let (space, inside) = held.split_at(open);
    let inside = inside.strip_prefix('[')?.strip_suffix(']')?;
    let inside = inside.strip_prefix('^').unwrap_or(inside);
    let mut numbers = Vec::new();
    for part in inside.split([',', ';']).map(str::trim) {
        match part.split_once(['-', '–']) {
            Some((first, last)) => {
                let (first, last) = (first.trim().parse::<u32>().ok()?, last.trim().parse::<u32>().ok()?);
                // `[2019-2023]` is a range of years, not of passages.
                if first > last || last - first > 9 {
                    return None;
                }
                numbers.extend(first..=last);
            }
            None => numbers.push(part.parse().ok()?),
        }
    }
    // Years and counts in brackets are text: no search returns a hundred passages.
    if numbers.iter().any(|&number| number > 99) {
        return None;
    }
    Some(Segment::Marker { space: space.to_owned(), numbers })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parts of `text`, whatever way it is cut into pieces.
    fn scan(text: &str) -> Vec<Segment> {
        let all: Vec<char> = text.chars().collect();
        let mut results = Vec::new();
        for size in [1, 2, 3, 7, all.len().max(1)] {
            let mut scanner = Scanner::default();
            let mut segments: Vec<Segment> = Vec::new();
            let pieces = all.chunks(size).map(|piece| piece.iter().collect::<String>());
            let mut found: Vec<Segment> = pieces.flat_map(|piece| scanner.push(&piece)).collect();
            found.extend(scanner.finish());
            for segment in found {
                match (segments.last_mut(), segment) {
                    (Some(Segment::Text(text)), Segment::Text(more)) => text.push_str(&more),
                    (_, segment) => segments.push(segment),
                }
            }
            results.push(segments);
        }
        assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "{text:?} depends on its pieces: {results:?}");
        results.swap_remove(0)
    }

    fn text(text: &str) -> Segment {
        Segment::Text(text.to_owned())
    }

    fn mark(space: &str, numbers: &[u32]) -> Segment {
        Segment::Marker { space: space.to_owned(), numbers: numbers.to_vec() }
    }

    #[test]
    fn markers_are_found_with_the_space_before_them() {
        assert_eq!(scan("A [1] b.[2][3]"), [text("A"), mark(" ", &[1]), text(" b."), mark("", &[2]), mark("", &[3])]);
        assert_eq!(scan("A [1, 3-4; 7]."), [text("A"), mark(" ", &[1, 3, 4, 7]), text(".")]);
        assert_eq!(scan("A[^2]"), [text("A"), mark("", &[2])]);
    }

    #[test]
    fn other_brackets_are_text() {
        for same in [
            "[a]",
            "[]",
            "[1",
            "[[x]]",
            "[ ]",
            "[2019]",
            "[1-50]",
            "[link](x)",
            r"\[1\]",
            "a [ b ] c",
            "[-]",
            "  ",
            "x   ",
        ] {
            assert_eq!(scan(same), [text(same)], "{same:?}");
        }
        assert_eq!(scan("[[1]]"), [text("["), mark("", &[1]), text("]")]);
    }

    #[test]
    fn code_is_left_alone() {
        assert_eq!(scan("`a[1]` [1]"), [text("`a[1]`"), mark(" ", &[1])]);
        assert_eq!(scan("``a`[1]`` [2]"), [text("``a`[1]``"), mark(" ", &[2])]);
        assert_eq!(scan("x\n```rust\na[1]\n```\nb [1]"), [text("x\n```rust\na[1]\n```\nb"), mark(" ", &[1])]);
        assert_eq!(scan("a ` b\nc [1]"), [text("a ` b\nc"), mark(" ", &[1])]);
    }
}
