//! Citations against pages that are held in memory; `super::super::tests` has them against the stored ones.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::ai::embed::away::Away;
use uuid::Uuid;

/// Page 1 of every document.
struct Page(String);

#[async_trait]
impl Pages for Page {
    async fn locate(&self, _: DocumentId, _: u32, start: u32, quote: &str) -> Result<Option<u32>, Fault> {
        let chars: Vec<char> = self.0.chars().collect();
        let wanted: Vec<char> = quote.chars().collect();
        let stands =
            |at: usize| !wanted.is_empty() && chars.get(at..at + wanted.len()).is_some_and(|found| found == wanted);
        let place = if stands(start as usize) { Some(start as usize) } else { (0..chars.len()).find(|&at| stands(at)) };
        Ok(place.map(|place| u32::try_from(place).unwrap()))
    }
}

const PAGE: &str = "Returns\n\nCustomers may return goods within 30 days. Refunds are paid within a week.\nGold members pay no postage – “ever.” Shops close at six.";

/// Passages of [`PAGE`], by where they begin and end.
fn passage(start: u32, end: u32) -> Passage {
    let text = PAGE.chars().skip(start as usize).take((end - start) as usize).collect();
    Passage::unranked(Uuid::from_u128(7).into(), "Terms.pdf".to_owned(), Span { page: 1, start, end }, text)
}

fn citer(passages: Vec<Passage>) -> Citer<Page> {
    Citer::new(passages, Page(PAGE.to_owned()), Arc::new(Away))
}

/// The text as it is read at the end, whatever the pieces.
async fn read(citer: &mut Citer<Page>, answer: &str) -> String {
    let mut text = String::new();
    let mut cited = 0;
    let pieces: Vec<String> =
        answer.chars().collect::<Vec<_>>().chunks(3).map(|piece| piece.iter().collect()).collect();
    let mut all = Vec::new();
    for piece in pieces {
        all.extend(citer.push(&piece).await.unwrap());
    }
    all.extend(citer.finish().await.unwrap());
    for piece in all {
        match piece {
            Piece::Text(more) => text.push_str(&more),
            Piece::Cited(citation) => {
                cited += 1;
                assert_eq!(citation.number, cited, "a citation comes once, in order");
                assert!(!text.contains(&format!("[{cited}]")), "before its numeral");
            }
        }
    }
    text
}

fn length() -> u32 {
    u32::try_from(PAGE.chars().count()).unwrap()
}

#[tokio::test]
async fn a_marker_becomes_the_sentence_that_supports_the_claim() {
    let mut citer = citer(vec![passage(0, length())]);
    let text = read(&mut citer, "Goods can be returned for 30 days [1]. Refunds take a week to be paid [1].").await;
    assert_eq!(text, "Goods can be returned for 30 days [1]. Refunds take a week to be paid [2].");
    let quotes: Vec<&str> = citer.citations().iter().map(|citation| citation.quote.as_str()).collect();
    assert_eq!(quotes, ["Customers may return goods within 30 days.", "Refunds are paid within a week."]);
    for citation in citer.citations() {
        let span: String = PAGE
            .chars()
            .skip(citation.span.start as usize)
            .take((citation.span.end - citation.span.start) as usize)
            .collect();
        assert_eq!(span, citation.quote);
    }
}

#[tokio::test]
async fn numbers_follow_the_first_appearance_and_the_same_place_keeps_its_number() {
    let mut citer = citer(vec![passage(0, 51), passage(84, length())]);
    let text = read(
        &mut citer,
        "No postage for gold members.[2] Returns within 30 days.[1][2] Gold members pay no postage.[2]",
    )
    .await;
    assert!(text.starts_with("No postage for gold members.[1] Returns within 30 days.[2]"), "{text}");
    assert!(text.ends_with("Gold members pay no postage.[1]"), "{text}");
    assert_eq!(citer.citations()[0].quote, "Gold members pay no postage – “ever.”");
}

#[tokio::test]
async fn markers_without_a_passage_disappear_with_their_space() {
    let mut citer = citer(vec![passage(0, length())]);
    assert_eq!(read(&mut citer, "Nothing [0] here [7], nor there [2][3].").await, "Nothing here, nor there.");
    assert!(citer.citations().is_empty());
}

#[tokio::test]
async fn a_quote_that_is_not_on_the_page_is_no_citation() {
    let mut forged = passage(0, length());
    forged.text = "Customers may return goods within 90 days.".to_owned();
    let mut citer = citer(vec![forged]);
    assert_eq!(read(&mut citer, "You have 90 days [1].").await, "You have 90 days.");
    assert!(citer.citations().is_empty());
}

#[tokio::test]
async fn a_quote_that_moved_is_found_again() {
    let mut moved = passage(9, 51);
    moved.span.start = 40;
    let mut citer = citer(vec![moved]);
    read(&mut citer, "30 days [1].").await;
    assert_eq!(citer.citations()[0].span, Span { page: 1, start: 9, end: 51 });
}

#[tokio::test]
async fn an_exact_place_wins_over_the_best_guess() {
    let mut citer = citer(vec![passage(0, length())]);
    citer.support(0, 52, 83);
    let pieces = citer.push("Customers return goods [1]").await.unwrap();
    assert_eq!(pieces.len(), 3);
    assert_eq!(citer.citations()[0].quote, "Refunds are paid within a week.");
}

#[test]
fn what_drops_out_takes_its_numeral_along_and_the_rest_moves_up() {
    let citation = |number| Citation {
        number,
        document_id: Uuid::from_u128(7).into(),
        document_name: "Terms.pdf".to_owned(),
        span: Span { page: 1, start: 0, end: 1 },
        quote: number.to_string(),
    };
    let (text, left) =
        keep("A [1]. B [2][3]. C [2]. `x[2]`", vec![citation(1), citation(2), citation(3)], &HashSet::from([1, 3]));
    assert_eq!(text, "A [1]. B[2]. C. `x[2]`");
    assert_eq!(
        left.iter().map(|citation| (citation.number, citation.quote.as_str())).collect::<Vec<_>>(),
        [(1, "1"), (2, "3")]
    );
}
