//! An answer for a screen reader: announced by the sentence while it is written, not by the word.

/// The sentences of `markdown` that are complete and begin at byte `from` or later, as they are to be spoken, and where
/// they end. The last one is complete only if whitespace follows it, or if the answer is `whole`.
pub(super) fn sentences(markdown: &str, from: usize, whole: bool) -> Option<(String, usize)> {
    let rest = markdown.get(from..)?;
    let end = if whole { rest.len() } else { last_end(rest)? };
    let text = plain(&rest[..end]);
    (!text.is_empty()).then_some((text, from + end))
}

/// Where the last complete sentence or line ends.
fn last_end(text: &str) -> Option<usize> {
    let mut end = None;
    let mut before = ' ';
    for (at, character) in text.char_indices() {
        let is_end = character == '\n' || (character.is_whitespace() && matches!(before, '.' | '!' | '?' | ':' | ']'));
        if is_end {
            end = Some(at);
        }
        before = character;
    }
    end
}

/// Without marks of emphasis, headings and numerals, which would be read out.
fn plain(markdown: &str) -> String {
    let mut text = String::with_capacity(markdown.len());
    let mut rest = markdown;
    while let Some(character) = rest.chars().next() {
        let numeral = rest.strip_prefix('[').and_then(|inner| {
            let digits = inner.bytes().take_while(u8::is_ascii_digit).count();
            inner[digits..].starts_with(']').then_some(digits + 2).filter(|_| digits > 0)
        });
        if let Some(length) = numeral {
            rest = &rest[length..];
            continue;
        }
        if !matches!(character, '*' | '#' | '`' | '>' | '|' | '_') {
            text.push(character);
        }
        rest = &rest[character.len_utf8()..];
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::sentences;

    #[test]
    fn an_answer_is_spoken_by_the_sentence() {
        let answer = "## Blue\n\nIt is **blue** [1]. And so";
        let (text, end) = sentences(answer, 0, false).unwrap_or_default();
        assert_eq!(text, "Blue It is blue .");
        assert_eq!(sentences(answer, end, false), None);
        assert_eq!(sentences(answer, end, true), Some(("And so".to_owned(), answer.len())));
        assert_eq!(sentences(answer, answer.len(), true), None);
        assert_eq!(sentences("Version 1.2 of", 0, false), None);
        assert_eq!(sentences("ø", 1, true), None);
    }
}
