//! What the toolbar does to a text, as one replacement, so that it can be undone in one step.

/// A mark of Markdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Bold,
    Italic,
    Heading,
    List,
    Link,
    Quote,
    Code,
}

/// Replaces `from..to` and selects `select`, all in UTF-16 units, as the browser counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    pub from: u32,
    pub to: u32,
    pub insert: String,
    pub select: (u32, u32),
}

/// Sets the mark at the selection `start..end` (in UTF-16 units), or takes it away where it is set.
pub(super) fn edit(mark: Mark, text: &str, start: u32, end: u32) -> Edit {
    let (start, end) = (byte(text, start.min(end)), byte(text, start.max(end)));
    let replaced = match mark {
        Mark::Bold => around(text, start, end, "**"),
        Mark::Italic => around(text, start, end, "*"),
        Mark::Code if text[start..end].contains('\n') => fence(text, start, end),
        Mark::Code => around(text, start, end, "`"),
        Mark::Link => link(text, start, end),
        Mark::Heading => lines(text, start, end, heading),
        Mark::List => lines(text, start, end, |lines| prefix(lines, "- ")),
        Mark::Quote => lines(text, start, end, |lines| prefix(lines, "> ")),
    };
    let Replaced { from, to, insert, select } = replaced;
    let begin = units(&text[..from]);
    Edit {
        from: begin,
        to: begin + units(&text[from..to]),
        select: (begin + units(&insert[..select.0]), begin + units(&insert[..select.1])),
        insert,
    }
}

/// In bytes; `select` counts from the beginning of `insert`.
struct Replaced {
    from: usize,
    to: usize,
    insert: String,
    select: (usize, usize),
}

/// A text of a megabyte has fewer.
#[allow(clippy::cast_possible_truncation)]
fn units(text: &str) -> u32 {
    text.encode_utf16().count() as u32
}

fn byte(text: &str, unit: u32) -> usize {
    let mut passed = 0;
    for (at, c) in text.char_indices() {
        if passed >= unit as usize {
            return at;
        }
        passed += c.len_utf16();
    }
    text.len()
}

fn around(text: &str, start: usize, end: usize, sign: &str) -> Replaced {
    let chosen = &text[start..end];
    // `*` is a part of `**`, and not the same.
    let alone = |before: &str, after: &str| {
        sign != "*"
            || before.ends_with("***")
            || after.starts_with("***")
            || !(before.ends_with("**") || after.starts_with("**"))
    };
    let (before, after) = (&text[..start], &text[end..]);
    if before.ends_with(sign) && after.starts_with(sign) && alone(before, after) {
        let insert = chosen.to_owned();
        let select = (0, insert.len());
        return Replaced { from: start - sign.len(), to: end + sign.len(), insert, select };
    }
    let inner = chosen
        .strip_prefix(sign)
        .and_then(|rest| rest.strip_suffix(sign))
        .filter(|inner| !inner.is_empty() && (sign != "*" || !(inner.starts_with('*') || inner.ends_with('*'))));
    if let Some(inner) = inner {
        return Replaced { from: start, to: end, insert: inner.to_owned(), select: (0, inner.len()) };
    }
    // Marks beside a space are none.
    let words = chosen.trim();
    let lead = chosen.len() - chosen.trim_start().len();
    let (lead, trail) = if words.is_empty() { ("", chosen) } else { (&chosen[..lead], &chosen[lead + words.len()..]) };
    let insert = format!("{lead}{sign}{words}{sign}{trail}");
    let from = lead.len() + sign.len();
    Replaced { from: start, to: end, insert, select: (from, from + words.len()) }
}

fn fence(text: &str, start: usize, end: usize) -> Replaced {
    lines(text, start, end, |lines| {
        let mut fenced = vec!["```".to_owned()];
        fenced.extend(lines.iter().map(|line| (*line).to_owned()));
        fenced.push("```".to_owned());
        fenced
    })
}

fn link(text: &str, start: usize, end: usize) -> Replaced {
    let chosen = &text[start..end];
    let is_address = ["http://", "https://", "mailto:"].iter().any(|scheme| chosen.starts_with(scheme));
    if is_address {
        let insert = format!("[]({chosen})");
        return Replaced { from: start, to: end, insert, select: (1, 1) };
    }
    let insert = format!("[{chosen}](https://)");
    let from = chosen.len() + 3;
    // With words, their address comes next; without, the words do.
    let select = if chosen.is_empty() { (1, 1) } else { (from, from + "https://".len()) };
    Replaced { from: start, to: end, insert, select }
}

/// Changes the whole lines that the selection touches.
fn lines(text: &str, start: usize, end: usize, change: impl Fn(&[&str]) -> Vec<String>) -> Replaced {
    let from = text[..start].rfind('\n').map_or(0, |at| at + 1);
    // A selection that ends at the beginning of a line does not touch it.
    let last = if end > start && text[..end].ends_with('\n') { end - 1 } else { end };
    let to = text[last..].find('\n').map_or(text.len(), |at| last + at);
    let before: Vec<&str> = text[from..to].split('\n').collect();
    let insert = change(&before).join("\n");
    // A caret stays behind the same words; a selection becomes the lines.
    let select = if start == end {
        let caret = (start - from + insert.len()).saturating_sub(to - from).min(insert.len());
        let caret = insert.ceil_char_boundary(caret);
        (caret, caret)
    } else {
        (0, insert.len())
    };
    Replaced { from, to, insert, select }
}

fn prefix(lines: &[&str], sign: &str) -> Vec<String> {
    let filled: Vec<&&str> = lines.iter().filter(|line| !line.trim().is_empty()).collect();
    if !filled.is_empty() && filled.iter().all(|line| line.starts_with(sign)) {
        return lines.iter().map(|line| line.strip_prefix(sign).unwrap_or(line).to_owned()).collect();
    }
    let alone = lines.len() == 1;
    lines
        .iter()
        .map(|line| if line.trim().is_empty() && !alone { (*line).to_owned() } else { format!("{sign}{line}") })
        .collect()
}

/// No heading, of the second level, of the third, and none again.
fn heading(lines: &[&str]) -> Vec<String> {
    let next = |line: &str| {
        let words = line.trim_start_matches('#');
        let level = line.len() - words.len();
        let words = words.trim_start();
        match level {
            0 | 1 => format!("## {words}"),
            2 => format!("### {words}"),
            _ => words.to_owned(),
        }
    };
    lines.iter().map(|line| next(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with its selection in brackets, before and after.
    fn done(mark: Mark, marked: &str) -> String {
        let start = marked.find('⟨').unwrap_or_default();
        let end = marked.find('⟩').unwrap_or_default() - '⟨'.len_utf8();
        let text = marked.replace(['⟨', '⟩'], "");
        let edit = edit(mark, &text, units(&text[..start]), units(&text[..end]));
        let (from, to) = (byte(&text, edit.from), byte(&text, edit.to));
        let mut after = format!("{}{}{}", &text[..from], edit.insert, &text[to..]);
        let (start, end) = (byte(&after, edit.select.0), byte(&after, edit.select.1));
        after.insert(end, '⟩');
        after.insert(start, '⟨');
        after
    }

    #[test]
    fn a_mark_is_set_and_taken_away() {
        for (mark, before, after) in [
            (Mark::Bold, "a ⟨bold⟩ word", "a **⟨bold⟩** word"),
            (Mark::Bold, "a **⟨bold⟩** word", "a ⟨bold⟩ word"),
            (Mark::Bold, "a ⟨**bold**⟩ word", "a ⟨bold⟩ word"),
            (Mark::Bold, "a ⟨bold ⟩word", "a **⟨bold⟩** word"),
            (Mark::Bold, "über 🙂 ⟨für⟩", "über 🙂 **⟨für⟩**"),
            (Mark::Bold, "⟨⟩", "**⟨⟩**"),
            (Mark::Italic, "⟨word⟩", "*⟨word⟩*"),
            (Mark::Italic, "**⟨word⟩**", "***⟨word⟩***"),
            (Mark::Italic, "***⟨word⟩***", "**⟨word⟩**"),
            (Mark::Code, "⟨let a⟩", "`⟨let a⟩`"),
            (Mark::Code, "⟨a\nb⟩", "⟨```\na\nb\n```⟩"),
            (Mark::Link, "see ⟨this⟩", "see [this](⟨https://⟩)"),
            (Mark::Link, "see ⟨⟩", "see [⟨⟩](https://)"),
            (Mark::Link, "⟨https://a.example⟩", "[⟨⟩](https://a.example)"),
            (Mark::Heading, "a\nTit⟨⟩le\nb", "a\n## Tit⟨⟩le\nb"),
            (Mark::Heading, "## Title⟨⟩", "### Title⟨⟩"),
            (Mark::Heading, "### Title⟨⟩", "Title⟨⟩"),
            (Mark::List, "⟨one\n\ntwo⟩", "⟨- one\n\n- two⟩"),
            (Mark::List, "⟨- one\n- two\n⟩three", "⟨one\ntwo⟩\nthree"),
            (Mark::List, "⟨⟩", "- ⟨⟩"),
            (Mark::Quote, "so ⟨⟩", "> so ⟨⟩"),
        ] {
            assert_eq!(done(mark, before), after, "{mark:?}: {before}");
        }
    }
}
