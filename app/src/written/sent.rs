//! What was sent to the server and not answered yet. The page may be closed, or the line break, after a save has arrived
//! and before that is known: who finds on the server what they have sent has been overtaken by nobody.

use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
};

/// Saves without an answer that are remembered, the newest.
const MOST: usize = 8;

/// Digests of titles and texts, the oldest first. Another build of Atelier may come to other digests: then somebody
/// decides between two texts of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sent(Vec<u64>);

impl Sent {
    /// As it was written by `Display`.
    pub fn parse(text: &str) -> Self {
        Self(text.split(' ').filter_map(|digest| u64::from_str_radix(digest, 16).ok()).collect())
    }

    pub fn add(&mut self, title: &str, text: &str) {
        self.0.push(digest(title, text));
        drop(self.0.drain(..self.0.len().saturating_sub(MOST)));
    }

    pub fn has(&self, title: &str, text: &str) -> bool {
        self.0.contains(&digest(title, text))
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digests: Vec<String> = self.0.iter().map(|digest| format!("{digest:x}")).collect();
        f.write_str(&digests.join(" "))
    }
}

fn digest(title: &str, text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    // The server trims titles.
    (title.trim(), text).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_known_again_from_what_was_kept() {
        let mut sent = Sent::default();
        assert_eq!(sent.to_string(), "");
        sent.add("Plan ", "One.");
        sent.add("Plan", "Two.");
        let kept = Sent::parse(&sent.to_string());
        assert_eq!(kept, sent);
        assert!(kept.has("Plan", "One.") && kept.has("Plan", "Two."));
        assert!(!kept.has("Plan", "Three.") && !kept.has("Other", "One.") && !Sent::parse("").has("", ""));
        for number in 0..MOST {
            sent.add("Plan", &number.to_string());
        }
        assert!(!sent.has("Plan", "Two.") && sent.has("Plan", "0"));
    }
}
