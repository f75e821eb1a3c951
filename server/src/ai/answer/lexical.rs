//! Words in common: what a text is about, by the stems of its words.

use std::collections::{HashMap, HashSet};

/// Words that say nothing about the subject.
const STOP_WORDS: &[&str] = &[
    "a", "about", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be", "been", "being", "but", "by",
    "can", "could", "did", "do", "does", "doing", "for", "from", "get", "give", "had", "has", "have", "he", "her",
    "his", "how", "i", "if", "in", "into", "is", "it", "its", "just", "know", "let", "like", "many", "may", "me",
    "much", "must", "my", "no", "not", "of", "on", "or", "our", "out", "please", "say", "says", "she", "should", "so",
    "some", "tell", "than", "that", "the", "their", "them", "then", "there", "these", "they", "this", "those", "to",
    "up", "us", "use", "very", "was", "we", "were", "what", "when", "where", "which", "who", "whom", "whose", "why",
    "will", "with", "would", "you", "your",
];

/// The stems of a text's words in order, stop words left out.
pub fn stems(text: &str) -> Vec<String> {
    words(text).filter(|word| !STOP_WORDS.contains(&word.as_str())).map(|word| stem(&word)).collect()
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '’'))
        .map(|word| word.trim_matches(['\'', '’']).to_lowercase())
        .map(|word| word.strip_suffix("'s").or_else(|| word.strip_suffix("’s")).map_or(word.clone(), str::to_owned))
        .filter(|word| !word.is_empty())
}

/// A light English stemmer: inflections and the commonest derivations. Words of other languages mostly pass unchanged,
/// so that equal words still meet.
fn stem(word: &str) -> String {
    if !word.is_ascii() || word.len() <= 3 || word.bytes().any(|b| b.is_ascii_digit()) {
        return word.to_owned();
    }
    let mut stem = word.to_owned();
    if let Some(base) = stem.strip_suffix("ies") {
        stem = format!("{base}y");
    } else if stem.ends_with("sses") || ["xes", "ches", "shes", "zes"].iter().any(|end| stem.ends_with(end)) {
        stem.truncate(stem.len() - 2);
    } else if stem.ends_with('s') && !["ss", "us", "is"].iter().any(|end| stem.ends_with(end)) {
        stem.truncate(stem.len() - 1);
    }
    for (suffix, replacement) in
        [("ization", "iz"), ("ation", "at"), ("ment", ""), ("ness", ""), ("ing", ""), ("ed", ""), ("ly", "")]
    {
        let Some(base) = stem.strip_suffix(suffix) else { continue };
        if base.len() >= 3 && base.bytes().any(|b| b"aeiouy".contains(&b)) {
            stem = format!("{base}{replacement}");
            let bytes = stem.as_bytes();
            if let [.., before, last] = bytes
                && before == last
                && !b"lsz".contains(last)
                && !b"aeiou".contains(last)
            {
                stem.truncate(stem.len() - 1);
            }
        }
        break;
    }
    if stem.len() > 3 && stem.ends_with('e') {
        stem.truncate(stem.len() - 1);
    }
    if stem.len() > 2 && stem.ends_with('y') {
        stem.truncate(stem.len() - 1);
        stem.push('i');
    }
    stem
}

/// How rare each stem is among some texts: a word that all of them hold tells them apart least.
#[derive(Debug)]
pub struct Rarity {
    texts: usize,
    holding: HashMap<String, usize>,
}

impl Rarity {
    pub fn among<'a>(texts: impl IntoIterator<Item = &'a [String]>) -> Self {
        let mut rarity = Self { texts: 0, holding: HashMap::new() };
        for text in texts {
            rarity.texts += 1;
            for stem in text.iter().collect::<HashSet<_>>() {
                *rarity.holding.entry(stem.clone()).or_default() += 1;
            }
        }
        rarity
    }

    fn of(&self, stem: &str) -> f32 {
        let holding = self.holding.get(stem).copied().unwrap_or(0);
        #[expect(clippy::cast_precision_loss, reason = "counts of sentences")]
        let ratio = (self.texts as f32 + 1.0) / (holding as f32 + 1.0);
        1.0 + ratio.ln()
    }

    /// The part of `wanted` that `text` holds, 0 to 1, rare stems counting more. 0 when nothing is wanted.
    pub fn coverage(&self, wanted: &[String], text: &[String]) -> f32 {
        let held: HashSet<&String> = text.iter().collect();
        let wanted: HashSet<&String> = wanted.iter().collect();
        let total: f32 = wanted.iter().map(|stem| self.of(stem)).sum();
        let found: f32 = wanted.iter().filter(|stem| held.contains(*stem)).map(|stem| self.of(stem)).sum();
        if total > 0.0 { found / total } else { 0.0 }
    }
}

/// What to search for: a question that is too short to stand alone ("And in 2024?") takes the one before it along.
pub fn standalone_question(question: &str, earlier: Option<&str>) -> String {
    match earlier {
        Some(earlier) if stems(question).len() <= 2 => format!("{earlier} {question}"),
        _ => question.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_share_a_stem() {
        for forms in [
            &["manage", "managed", "managing", "manages", "management"][..],
            &["policy", "policies"],
            &["automate", "automation", "automated"],
            &["box", "boxes"],
            &["stop", "stopped", "stopping"],
            &["quick", "quickly"],
        ] {
            let stems: HashSet<_> = forms.iter().map(|form| stem(form)).collect();
            assert_eq!(stems.len(), 1, "{forms:?} gave {stems:?}");
        }
    }

    #[test]
    fn stop_words_and_possessives_are_left_out() {
        assert_eq!(stems("What is the company’s refund policy?"), ["compani", "refund", "polici"]);
    }

    #[test]
    fn coverage_weighs_rare_words_more() {
        let texts: Vec<Vec<String>> =
            ["studio paper", "studio ink", "studio gold"].iter().map(|text| stems(text)).collect();
        let rarity = Rarity::among(texts.iter().map(Vec::as_slice));
        let wanted = stems("studio gold");
        assert!(rarity.coverage(&wanted, &stems("gold")) > rarity.coverage(&wanted, &stems("studio")));
        assert!((rarity.coverage(&wanted, &wanted) - 1.0).abs() < 1e-6);
        assert_eq!(rarity.coverage(&[], &wanted), 0.0);
    }

    #[test]
    fn a_short_follow_up_takes_the_earlier_question_along() {
        assert_eq!(
            standalone_question("And in 2024?", Some("What was the revenue?")),
            "What was the revenue? And in 2024?"
        );
        let whole = "Who prints the annual report of the museum?";
        assert_eq!(standalone_question(whole, Some("What was the revenue?")), whole);
        assert_eq!(standalone_question("Price?", None), "Price?");
    }
}
