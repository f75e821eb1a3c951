//! One ranking out of two. Which fusion is used was measured: docs/adr/0001-fusion.md.

use std::{cmp::Ordering, collections::HashMap};
use uuid::Uuid;

/// How the two rankings become one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fusion {
    /// Sum of 1 / (60 + rank): knows places only (Cormack, Clarke and Büttcher 2009).
    ReciprocalRank,
    /// Sum of each leg's scores, scaled so that its best candidate has 1 and its last 0.
    MinMax,
    /// Sum of each leg's scores in standard deviations from the mean of its candidates.
    StandardScore,
    /// As [`Self::MinMax`], with this part of the weight on the vectors and the rest on the words: a convex combination
    /// (Bruch, Gai and Ingber 2023).
    Convex(f32),
    /// The better of the two scaled scores.
    Best,
}

impl Fusion {
    pub const CHOSEN: Self = Self::MinMax;

    /// Of the vectors and of the words.
    fn weights(self) -> (f32, f32) {
        match self {
            Self::Convex(meaning) => (meaning, 1.0 - meaning),
            _ => (1.0, 1.0),
        }
    }
}

/// The usual constant of reciprocal rank fusion.
const RRF_K: f32 = 60.0;

/// A chunk in the fused ranking.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    pub chunk: Uuid,
    pub score: f32,
    pub similarity: Option<f32>,
    pub bm25: Option<f32>,
    /// What each leg has added to the score.
    pub by_meaning: f32,
    pub by_words: f32,
}

/// The best first. What only one leg has found gets from the other what its last candidate gets.
pub fn fuse(by_meaning: &[(Uuid, f32)], by_words: &[(Uuid, f32)], fusion: Fusion) -> Vec<Ranked> {
    let (meaning_weight, words_weight) = fusion.weights();
    let mut ranked: HashMap<Uuid, Ranked> = HashMap::new();
    let mut add = |leg: &[(Uuid, f32)], set: &dyn Fn(&mut Ranked, f32, f32)| {
        let share = Share::of(leg, fusion);
        for (place, &(chunk, score)) in leg.iter().enumerate() {
            let nothing = Ranked { chunk, score: 0.0, similarity: None, bm25: None, by_meaning: 0.0, by_words: 0.0 };
            set(ranked.entry(chunk).or_insert(nothing), score, share.at(place, score));
        }
    };
    add(by_meaning, &|ranked, score, share| {
        (ranked.similarity, ranked.by_meaning) = (Some(score), meaning_weight * share);
    });
    add(by_words, &|ranked, score, share| (ranked.bm25, ranked.by_words) = (Some(score), words_weight * share));
    let mut ranked: Vec<Ranked> = ranked.into_values().collect();
    for one in &mut ranked {
        one.score = match fusion {
            Fusion::Best => one.by_meaning.max(one.by_words),
            _ => one.by_meaning + one.by_words,
        };
    }
    ranked.sort_by(|a, b| b.score.partial_cmp(&a.score).unwrap_or(Ordering::Equal).then(a.chunk.cmp(&b.chunk)));
    ranked
}

/// What a leg adds to a candidate's score. Shifted so that its last candidate adds 0, as absence does.
enum Share {
    Rank,
    Linear { zero: f32, scale: f32 },
}

impl Share {
    fn of(leg: &[(Uuid, f32)], fusion: Fusion) -> Self {
        let scores = || leg.iter().map(|(_, score)| *score);
        let least = scores().fold(f32::INFINITY, f32::min);
        let spread = match fusion {
            Fusion::ReciprocalRank => return Self::Rank,
            Fusion::MinMax | Fusion::Convex(_) | Fusion::Best => scores().fold(f32::NEG_INFINITY, f32::max) - least,
            Fusion::StandardScore => {
                let count = leg.len().max(1) as f32;
                let mean = scores().sum::<f32>() / count;
                (scores().map(|score| (score - mean).powi(2)).sum::<f32>() / count).sqrt()
            }
        };
        // Where all are equal, each is the best.
        if spread > f32::EPSILON {
            Self::Linear { zero: least, scale: 1.0 / spread }
        } else {
            Self::Linear { zero: least - 1.0, scale: 1.0 }
        }
    }

    fn at(&self, place: usize, score: f32) -> f32 {
        match self {
            Self::Rank => 1.0 / (RRF_K + place as f32 + 1.0),
            Self::Linear { zero, scale } => (score - zero) * scale,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FUSIONS: [Fusion; 4] = [Fusion::ReciprocalRank, Fusion::MinMax, Fusion::StandardScore, Fusion::Convex(0.5)];

    fn leg(scores: &[(u128, f32)]) -> Vec<(Uuid, f32)> {
        scores.iter().map(|&(id, score)| (Uuid::from_u128(id), score)).collect()
    }

    fn order(ranked: &[Ranked]) -> Vec<u128> {
        ranked.iter().map(|ranked| ranked.chunk.as_u128()).collect()
    }

    #[test]
    fn what_both_found_comes_first() {
        for fusion in FUSIONS {
            let ranked = fuse(&leg(&[(1, 0.9), (2, 0.85), (3, 0.1)]), &leg(&[(4, 12.0), (2, 11.5), (5, 1.0)]), fusion);
            assert_eq!(order(&ranked)[0], 2, "{fusion:?}");
            assert_eq!((ranked[0].similarity, ranked[0].bm25), (Some(0.85), Some(11.5)));
            assert_eq!(ranked.len(), 5);
        }
    }

    #[test]
    fn what_each_leg_adds_is_told() {
        let ranked = fuse(&leg(&[(1, 0.9), (2, 0.5), (3, 0.1)]), &leg(&[(2, 12.0), (4, 2.0)]), Fusion::MinMax);
        let of = |id| ranked.iter().find(|ranked| ranked.chunk.as_u128() == id).copied();
        assert!(of(1).is_some_and(|one| (one.by_meaning, one.by_words, one.score) == (1.0, 0.0, 1.0)));
        assert!(of(2).is_some_and(|two| (two.by_meaning - 0.5).abs() < 1e-6 && two.by_words == 1.0));
        assert!(of(4).is_some_and(|four| (four.similarity, four.by_words) == (None, 0.0)));
    }

    #[test]
    fn one_leg_alone_keeps_its_order() {
        for fusion in FUSIONS {
            let only = leg(&[(3, 0.9), (1, 0.8), (2, 0.2)]);
            assert_eq!(order(&fuse(&only, &[], fusion)), [3, 1, 2], "{fusion:?}");
            assert_eq!(order(&fuse(&[], &only, fusion)), [3, 1, 2], "{fusion:?}");
        }
    }

    #[test]
    fn equal_scores_and_nothing_at_all_are_no_division_by_zero() {
        for fusion in FUSIONS {
            assert!(fuse(&[], &[], fusion).is_empty());
            let ranked = fuse(&leg(&[(1, 0.5)]), &leg(&[(1, 2.0), (2, 2.0)]), fusion);
            assert_eq!(order(&ranked), [1, 2], "{fusion:?}");
            assert!(ranked.iter().all(|ranked| ranked.score.is_finite()));
        }
    }
}
