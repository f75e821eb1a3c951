#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;

const GUIDE: &[u8] = include_bytes!("fixtures/guide.pdf");

type Pages = Vec<String>;

/// Through the child process, as everything is read.
async fn of(bytes: &[u8], media_type: &str) -> Result<Pages, ExtractError> {
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, bytes).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    let mut reading = Reading::start(file, media_type)?;
    let mut pages = Vec::new();
    while let Some(page) = reading.next().await? {
        pages.push(page);
    }
    Ok(pages)
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

#[tokio::test]
async fn office_formats_read_like_their_pages() {
    let body = "<w:p><w:r><w:t>Brief</w:t></w:r></w:p><w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>one &amp; two</w:t></w:r></w:p>\
                <w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>\
                <w:tbl><w:tr><w:tc><w:p><w:r><w:t>Cup</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>38</w:t></w:r></w:p></w:tc></w:tr></w:tbl>";
    assert_eq!(
        of(&samples::docx(body), media_types::DOCX).await,
        Ok(vec!["Brief\n\n• one & two\n\nCup | 38".to_owned()])
    );
    let deck = samples::pptx(&["First", "Second", ""]);
    assert_eq!(of(&deck, media_types::PPTX).await, Ok(["First", "Second", ""].map(str::to_owned).to_vec()));
    let rows = "<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>Tasting</t></is></c><c r=\"C1\"><v>21250.5</v></c></row>\
                <row r=\"9\"><c r=\"A9\" t=\"b\"><v>1</v></c></row>";
    assert_eq!(
        of(&samples::xlsx(rows), media_types::XLSX).await,
        Ok(vec!["Budget\n\nTasting | 21250.5\nTRUE".to_owned()])
    );
    let book = samples::epub(&["<h1>One</h1><p>In the boathouse.</p>", "<p>Two.</p>"]);
    assert_eq!(
        of(&book, media_types::EPUB).await,
        Ok(["One\n\nIn the boathouse.", "Two."].map(str::to_owned).to_vec())
    );
    assert_eq!(
        of("\u{feff}Cup;Price;\n\"Espresso\ndoppio\";38;\n\n".as_bytes(), media_types::CSV).await,
        Ok(vec!["Cup | Price\nEspresso doppio | 38".to_owned()])
    );
    assert_eq!(of(b"caf\xe9,1", media_types::CSV).await, Ok(vec!["café | 1".to_owned()]));
}

#[tokio::test]
async fn a_large_page_is_read_without_a_tree() {
    let page =
        format!("<html><head><title>x</title></head><script>no</script>{}", "<p>Fish &amp; chips</p>".repeat(150_000));
    assert!(page.len() as u64 > html::MAX_TREE_BYTES);
    let pages = of(page.as_bytes(), media_types::HTML).await.unwrap();
    assert!(pages[0].starts_with("Fish & chips\n\nFish & chips"), "{}", &pages[0][..60]);
    assert_eq!(pages.iter().map(|page| page.matches("Fish & chips").count()).sum::<usize>(), 150_000);
}

/// What a bomb does to a process, it does to a child.
#[tokio::test]
async fn a_reader_that_takes_too_much_ends_alone() {
    let bomb = samples::archive([(
        "word/document.xml",
        [b"<d><t a=\"".as_slice(), &vec![b'a'; 300 << 20], b"\">x</t></d>"].concat(),
    )]);
    assert_eq!(of(&bomb, media_types::DOCX).await, Err(ExtractError::TooMuchMemory));
    assert_eq!(of(GUIDE, "application/pdf").await.map(|pages| pages.len()), Ok(3));
}
