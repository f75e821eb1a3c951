//! Which saves are one version (docs/adr/0010-versions.md).

use domain::UserId;
use time::{Duration, OffsetDateTime};

/// From the beginning of a version: a save after it begins another.
const LONGEST: Duration = Duration::minutes(10);

/// A version that has lost more than this in saves, about a paragraph, is left as it is.
const MOST_REMOVED: usize = 400;

/// The newest version, as far as it matters to the next save.
#[derive(Clone, Debug)]
pub(super) struct Newest {
    pub author: Option<UserId>,
    pub begun_at: OffsetDateTime,
    /// Somebody has vouched for it, or it was put back.
    pub is_settled: bool,
    /// Bytes that saves have taken away from it.
    pub removed: usize,
}

impl Newest {
    /// Whether a save of `author` that takes `removed` bytes away goes on with this version.
    pub fn goes_on(&self, author: UserId, removed: usize, now: OffsetDateTime) -> bool {
        !self.is_settled
            && self.author == Some(author)
            && now - self.begun_at < LONGEST
            && self.removed + removed <= MOST_REMOVED
    }
}

/// Bytes of `old` that `new` has not: what lies between the beginning and the end that both share.
pub(super) fn removed(old: &str, new: &str) -> usize {
    let (old, new) = (old.as_bytes(), new.as_bytes());
    let before = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[before..], &new[before..]);
    let after = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    old.len() - after
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn what_is_gone_is_counted_and_what_is_new_is_not() {
        for (old, new, bytes) in [
            ("", "", 0),
            ("a b", "a b c", 0),
            ("a c", "a b c", 0),
            ("a b c", "a c", 2),
            ("aa", "a", 1),
            ("one two", "one 2", 3),
            ("gone", "", 4),
            ("über", "uber", 2),
        ] {
            assert_eq!(removed(old, new), bytes, "{old:?} to {new:?}");
        }
    }

    #[test]
    fn one_author_goes_on_for_a_while_and_takes_little_away() {
        let author = UserId::from(Uuid::now_v7());
        let begun_at = OffsetDateTime::UNIX_EPOCH;
        let newest = Newest { author: Some(author), begun_at, is_settled: false, removed: 100 };
        let soon = begun_at + Duration::minutes(9);
        assert!(newest.goes_on(author, 300, soon));
        assert!(!newest.goes_on(author, 301, soon), "a paragraph would be gone");
        assert!(!newest.goes_on(author, 0, begun_at + LONGEST), "it is too long ago");
        assert!(!newest.goes_on(UserId::from(Uuid::now_v7()), 0, soon), "it is another's");
        assert!(!Newest { author: None, ..newest.clone() }.goes_on(author, 0, soon), "its author is gone");
        assert!(!Newest { is_settled: true, ..newest }.goes_on(author, 0, soon), "it is settled");
    }
}
