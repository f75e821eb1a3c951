#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;

const GUIDE: &[u8] = include_bytes!("fixtures/guide.pdf");

async fn of(bytes: &[u8], media_type: &str) -> Result<Pages, ExtractError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, bytes).unwrap();
    extract(path, media_type).await
}

async fn pdf(bytes: &[u8]) -> Result<Pages, ExtractError> {
    of(bytes, "application/pdf").await
}

#[tokio::test]
async fn a_pdf_is_read_page_by_page() {
    let pages = pdf(GUIDE).await.unwrap();
    assert_eq!(pages.len(), 3);
    let paragraph = "Nordlys speaks like a good neighbour: warm, plain and never breathless. Write for people who read on the way to work. \
                     Prefer a short word to a long one, and a fact to an adjective. The tagline is “Light for the long dark”, and it never changes.";
    assert!(pages[0].starts_with("Nordlys brand guide\nVoice\n"), "{}", pages[0]);
    assert!(pages[0].contains(paragraph), "lines of a paragraph are joined: {}", pages[0]);
    assert!(pages[0].ends_with("Grøn strøm til Ærø, Öland and Åland; naïve façades cost 1.250 kr."), "{}", pages[0]);
    assert!(pages[1].contains("Amber #FFB400 calls to action\n"), "rows of a table stay rows: {}", pages[1]);
    assert_eq!(pages[2], "The guide was approved on 3 May 2026 by the board of Nordlys.");
}

#[tokio::test]
async fn a_pdf_that_only_its_owner_may_change_can_be_read() {
    assert_eq!(pdf(include_bytes!("fixtures/owner-locked.pdf")).await, pdf(GUIDE).await);
}

#[tokio::test]
async fn a_pdf_that_cannot_be_read_says_why() {
    assert_eq!(pdf(include_bytes!("fixtures/locked.pdf")).await, Err(ExtractError::Encrypted));
    assert_eq!(pdf(include_bytes!("fixtures/scanned.pdf")).await, Err(ExtractError::ScannedPdf));
    for length in [0, 10, GUIDE.len() / 2, GUIDE.len() - 20] {
        let cut_off = pdf(&GUIDE[..length]).await;
        assert!(matches!(cut_off, Err(ExtractError::DamagedPdf { .. })), "{length} bytes: {cut_off:?}");
    }
    let no_pdf = pdf(b"%PDF-1.7\nthis is no PDF\n%%EOF").await;
    assert!(matches!(no_pdf, Err(ExtractError::DamagedPdf { .. })), "{no_pdf:?}");
}

#[tokio::test]
async fn damage_never_ends_the_process() {
    for seed in 0..40_usize {
        let mut bytes = GUIDE.to_vec();
        for step in 0..20 {
            let at = (seed * 7919 + step * 104_729) % (bytes.len() - 6);
            bytes[at] = (seed * 31 + step * 17) as u8;
        }
        // Read in part or refused: either is an answer.
        let _ = pdf(&bytes).await;
    }
}

#[tokio::test]
async fn markdown_reads_like_its_page() {
    let source = "# Brand *voice*\n\nWarm, **plain** and\nnever `breathless`. See [the guide](https://example.com).\n\n## Do\n\n- short words\n- facts\n  - dated\n\n\
                  3. third\n4. fourth\n\n| Name | Hex |\n|---|---|\n| Fjord | #0B3C5D |\n\n```css\na {\n    b: c;\n}\n```\n\n<b>bold</b> & done<br>new\n\n<div>in a <i>div</i></div>\n";
    let expected = "Brand voice\n\nWarm, plain and never breathless. See the guide.\n\nDo\n\n• short words\n• facts\n  • dated\n\n\
                    3. third\n4. fourth\n\nName | Hex\nFjord | #0B3C5D\n\na {\n    b: c;\n}\n\nbold & done\nnew\n\nin a div";
    assert_eq!(of(source.as_bytes(), "text/markdown").await, Ok(vec![expected.to_owned()]));
}

#[tokio::test]
async fn html_gives_its_article_without_the_frame_around() {
    let paragraph =
        "Nordlys speaks like a good neighbour, and it has done so since the first lamp was lit on the quay in Aarhus. "
            .repeat(6);
    let page = format!(
        "<!doctype html><html><head><title>Voice | Nordlys</title><style>p {{ color: red }}</style></head><body>\
         <nav><a href=/>Home</a><a href=/shop>Shop</a></nav><script>alert('x')</script>\
         <article><h1>Voice</h1><p>{paragraph}</p><h2>Tagline</h2><p>{paragraph}</p><ul><li>Warm</li><li>Plain</li></ul></article>\
         </body></html>"
    );
    let text = of(page.as_bytes(), "text/html; charset=utf-8").await.unwrap().concat();
    assert!(text.contains("Voice") && text.contains("Tagline") && text.contains("• Warm\n• Plain"), "{text}");
    assert!(!text.contains("alert") && !text.contains("color: red") && !text.contains("Shop"), "{text}");

    let short = of(b"<p>Only a line &amp; no article.", "text/html").await.unwrap();
    assert_eq!(short, ["Only a line & no article."]);
}

#[tokio::test]
async fn text_in_older_encodings_is_read() {
    let text = async |bytes: &[u8], media_type| of(bytes, media_type).await.unwrap().concat();
    assert_eq!(text(b"Stra\xdfe", "text/plain").await, "Straße");
    assert_eq!(text("\u{feff}Straße".as_bytes(), "text/plain").await, "Straße");
    assert_eq!(text(b"\xff\xfeS\0t\0", "text/plain").await, "St");
    assert_eq!(text(b"<meta charset='iso-8859-2'><p>\xb1", "text/html").await, "ą");
}

#[tokio::test]
async fn what_postgres_cannot_store_is_removed() {
    assert_eq!(
        of(b"a\0b\x01c \t d\r\n\r\n\r\n\r\ne  \x0c f", "text/plain").await,
        Ok(vec!["abc d\n\ne\n\n f".to_owned()])
    );
}

#[tokio::test]
async fn a_file_without_text_or_of_another_kind_is_refused() {
    assert_eq!(of(b"", "text/plain").await, Err(ExtractError::NoText));
    assert_eq!(of(b" \n\t\n", "text/markdown").await, Err(ExtractError::NoText));
    assert_eq!(of(b"<script>1</script>", "text/html").await, Err(ExtractError::NoText));
    assert_eq!(of(b"PK", "application/zip").await, Err(ExtractError::Unsupported("application/zip".to_owned())));
}

#[tokio::test]
async fn long_text_is_cut_into_pages_at_paragraphs() {
    let paragraph = "smørrebrød ".repeat(50);
    let text = format!("{paragraph}\n\n").repeat(1000);
    let pages = of(text.as_bytes(), "text/plain").await.unwrap();
    assert!(pages.len() > 1 && pages.iter().all(|page| page.len() <= Limits::PAGE_BYTES));
    assert!(pages.iter().all(|page| page.ends_with("smørrebrød") && page.starts_with("smørrebrød")));
    assert_eq!(pages.iter().map(|page| page.split_whitespace().count()).sum::<usize>(), 50_000);
}

#[test]
fn words_divided_at_the_end_of_a_line_are_made_whole() {
    let typeset = "The committee dis-\ncussed the state-of-the-\nart and the Anglo-\nAmerican plan in full detail today, then\nwent home.\n\nNext:\n• one\n• two";
    assert_eq!(
        normalise::typeset_text(typeset),
        "The committee discussed the state-of-the-\nart and the Anglo-\nAmerican plan in full detail today, then went home.\n\nNext:\n• one\n• two"
    );
    assert_eq!(normalise::typeset_text("of\u{ad}fice e\u{fb03}cient\u{a0}work"), "office efficient work");
}
