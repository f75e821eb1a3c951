//! What differs between two texts: by lines, and by words within lines that have a counterpart.

use domain::written::{DiffLine, DiffPart, Difference};
use similar::{ChangeTag, DiffTag, InlineChange, TextDiff};
use std::time::{Duration, Instant};

/// Equal lines that are shown around what differs.
const CONTEXT: usize = 3;

/// What one page shows.
const MOST_LINES: usize = 2_000;
const MOST_BYTES: usize = 512 * 1024;

/// After it the rest is compared more coarsely.
const PATIENCE: Duration = Duration::from_millis(800);

/// Blocks for at most about a second.
pub(super) fn between(old: &str, new: &str) -> Difference {
    let deadline = Instant::now() + PATIENCE;
    let lines = TextDiff::configure().deadline(deadline).diff_lines(old, new);
    let mut shown = Shown::default();
    let mut next = 0;
    for group in lines.grouped_ops(CONTEXT) {
        let first = group.first().map_or(next, |op| op.old_range().start);
        shown.skip(first - next);
        for op in &group {
            next = op.old_range().end;
            if op.tag() == DiffTag::Equal {
                lines.iter_changes(op).for_each(|change| shown.same(change.value()));
            } else {
                let changes = lines.iter_inline_changes_deadline(op, Some(deadline));
                changes.for_each(|change| shown.changed(&change));
            }
        }
    }
    if !shown.difference.lines.is_empty() {
        shown.skip(lines.old_len() - next);
    }
    shown.difference
}

#[derive(Default)]
struct Shown {
    difference: Difference,
    bytes: usize,
}

impl Shown {
    fn skip(&mut self, lines: usize) {
        if lines > 0 {
            // A text has at most a million lines.
            self.push(DiffLine::Skipped { lines: u32::try_from(lines).unwrap_or(u32::MAX) }, 0);
        }
    }

    fn same(&mut self, line: &str) {
        self.push(DiffLine::Same { text: without_end(line).to_owned() }, line.len());
    }

    fn changed(&mut self, change: &InlineChange<'_, str>) {
        let all = change.values();
        let parts = all.iter().map(|(is_changed, text)| DiffPart { text: (*text).to_owned(), is_changed: *is_changed });
        let mut parts: Vec<DiffPart> = parts.collect();
        if let Some(last) = parts.last_mut() {
            last.text.truncate(without_end(&last.text).len());
        }
        parts.retain(|part| !part.text.is_empty());
        let bytes = parts.iter().map(|part| part.text.len()).sum();
        let line = match change.tag() {
            ChangeTag::Delete => {
                self.difference.removed += 1;
                DiffLine::Removed { parts }
            }
            ChangeTag::Insert => {
                self.difference.added += 1;
                DiffLine::Added { parts }
            }
            ChangeTag::Equal => DiffLine::Same { text: parts.into_iter().map(|part| part.text).collect() },
        };
        self.push(line, bytes);
    }

    fn push(&mut self, line: DiffLine, bytes: usize) {
        self.bytes += bytes;
        if self.difference.lines.len() < MOST_LINES && self.bytes <= MOST_BYTES {
            self.difference.lines.push(line);
        } else {
            self.difference.is_cut = true;
        }
    }
}

fn without_end(line: &str) -> &str {
    line.strip_suffix('\n').unwrap_or(line)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn told(line: &DiffLine) -> String {
        let marked = |parts: &[DiffPart]| -> String {
            parts
                .iter()
                .map(|part| if part.is_changed { format!("[{}]", part.text) } else { part.text.clone() })
                .collect()
        };
        match line {
            DiffLine::Same { text } => format!("  {text}"),
            DiffLine::Removed { parts } => format!("- {}", marked(parts)),
            DiffLine::Added { parts } => format!("+ {}", marked(parts)),
            DiffLine::Skipped { lines } => format!("… {lines}"),
        }
    }

    fn lines(old: &str, new: &str) -> Vec<String> {
        between(old, new).lines.iter().map(told).collect()
    }

    #[test]
    fn a_changed_word_is_marked_in_its_line() {
        let old = "# List\n\nThe price is forty kroner today.\nEnd.\n";
        let new = "# List\n\nThe price is fifty kroner today.\nEnd.\n";
        assert_eq!(
            lines(old, new),
            [
                "  # List",
                "  ",
                "- The price is [forty] kroner today.",
                "+ The price is [fifty] kroner today.",
                "  End."
            ]
        );
    }

    #[test]
    fn what_is_far_from_a_change_is_counted_only() {
        let old: String = (1..=40).map(|number| format!("{number}\n")).collect();
        let new = old.replace("20\n", "");
        assert_eq!(lines(&old, &new), ["… 16", "  17", "  18", "  19", "- 20", "  21", "  22", "  23", "… 17"]);
        let difference = between(&old, &new);
        assert_eq!((difference.added, difference.removed, difference.is_cut), (0, 1, false));
    }

    #[test]
    fn equal_texts_have_no_difference_and_empty_ones_are_texts_too() {
        assert_eq!(between("a\nb", "a\nb"), Difference::default());
        assert_eq!(between("", ""), Difference::default());
        assert_eq!(lines("", "über\n"), ["+ über"]);
        assert_eq!(lines("a", "a\n").len(), 2, "a last line without an end is another");
    }

    #[test]
    fn a_megabyte_that_is_all_different_is_cut_and_does_not_take_long() {
        let old: String = (0..60_000).map(|number| format!("old line {number}\n")).collect();
        let new: String = (0..60_000).map(|number| format!("new line {}\n", number * 7)).collect();
        let started = Instant::now();
        let difference = between(&old, &new);
        assert!(difference.is_cut && difference.lines.len() == MOST_LINES);
        assert!(difference.added > 50_000 && difference.removed > 50_000);
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    }
}
