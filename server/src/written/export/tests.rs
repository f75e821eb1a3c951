//! What is made is opened again by the reader of uploads.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::{Format, make};
use crate::rag::extract::Reading;
use std::io::{Seek, Write};

const TEXT: &str = "\
Größe & „Maß“ für Ærø – naïve façades cost 1.250 kr.

## Do

Say **what is**, *plainly*, with `code` and ~~without~~ a [guide](https://example.com/ä?a=1&b=2).

- short words
- facts
  - dated ones

3. third
4. fourth

> Light for the long dark.

| Name | Hex |
|---|--:|
| Fjord | #0B3C5D |
| Ąžuolas | #FFB400 |

```css
a < b {
    c: d;
}
```

---

Ещё немного; Ωμέγα. The end.
";

async fn pages(title: &str, text: &str, format: Format) -> Vec<String> {
    let file = make(title.to_owned(), text.to_owned(), format).await.unwrap();
    let mut stored = tempfile::tempfile().unwrap();
    stored.write_all(&file).unwrap();
    stored.rewind().unwrap();
    let mut reading = Reading::start(stored, format.media_type()).unwrap();
    let mut pages = Vec::new();
    while let Some(page) = reading.next().await.unwrap() {
        pages.push(page);
    }
    pages
}

/// The words stand in the text in this order.
#[track_caller]
fn assert_in_order(text: &str, words: &[&str]) {
    let mut rest = text;
    for word in words {
        let at = rest.find(word).unwrap_or_else(|| panic!("{word:?} is not where it should be: {text}"));
        rest = &rest[at + word.len()..];
    }
}

const IN_ORDER: &[&str] = &[
    "Leitfaden für Ærø",
    "Größe & „Maß“ für Ærø – naïve façades cost 1.250 kr.",
    "Do",
    "Say what is, plainly, with code and without a guide.",
    "short words",
    "facts",
    "dated ones",
    "third",
    "fourth",
    "Light for the long dark.",
    "Name",
    "Hex",
    "Fjord",
    "#0B3C5D",
    "Ąžuolas",
    "#FFB400",
    "a < b {",
    "c: d;",
    "Ещё немного; Ωμέγα. The end.",
];

#[tokio::test]
async fn markdown_is_as_it_was_typed() {
    assert_eq!(make("Title".to_owned(), TEXT.to_owned(), Format::Md).await.unwrap(), TEXT.as_bytes());
}

#[tokio::test]
async fn a_word_document_says_all_of_it_in_order() {
    let pages = pages("Leitfaden für Ærø", TEXT, Format::Docx).await;
    let text = pages.join("\n");
    assert_in_order(&text, IN_ORDER);
    assert!(text.contains("• short words\n") && text.contains("Fjord | #0B3C5D"), "{text}");
    let file =
        make("A & <B>".to_owned(), "\u{1}c\u{fffe} [d](https://e.example/?a=1&b=\"2\")".to_owned(), Format::Docx);
    let file = file.await.unwrap();
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(file)).unwrap();
    for name in [
        "[Content_Types].xml",
        "_rels/.rels",
        "docProps/core.xml",
        "word/document.xml",
        "word/_rels/document.xml.rels",
        "word/styles.xml",
        "word/numbering.xml",
    ] {
        let part = std::io::read_to_string(archive.by_name(name).unwrap()).unwrap();
        let mut reader = quick_xml::Reader::from_str(&part);
        reader.config_mut().check_end_names = true;
        let mut next = || reader.read_event().unwrap_or_else(|error| panic!("{name}: {error}: {part}"));
        while next() != quick_xml::events::Event::Eof {}
        assert!(!part.contains('\u{1}'), "{name} holds what XML cannot");
    }
}

#[tokio::test]
async fn a_pdf_says_all_of_it_in_order() {
    let pages = pages("Leitfaden für Ærø", TEXT, Format::Pdf).await;
    assert_eq!(pages.len(), 1);
    assert_in_order(&pages[0], IN_ORDER);
}

#[tokio::test]
async fn a_long_text_takes_several_pages_and_loses_nothing() {
    let text: String =
        (1..=120).map(|number| format!("Absatz {number}: {}\n\n", "Wörter über Größe und Maß. ".repeat(8))).collect();
    let pages = pages("Long", &text, Format::Pdf).await;
    assert!(pages.len() > 5, "{}", pages.len());
    let expected: Vec<String> = (1..=120).map(|number| format!("Absatz {number}:")).collect();
    assert_in_order(&pages.join("\n"), &expected.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(pages[1].ends_with(&format!("2 / {}", pages.len())), "{}", pages[1]);
    let last = &pages[pages.len() - 1];
    assert!(last.contains("Absatz 120:"), "{last}");
}

#[tokio::test]
async fn what_is_hard_to_set_is_set_somehow() {
    for text in [
        String::new(),
        "#".to_owned(),
        "漢字 👍🏽 \u{202e}x".to_owned(),
        format!("a {} b", "ü".repeat(3_000)),
        format!("{}deep", "> ".repeat(40)),
        (0..40).map(|level| format!("{}- item\n", "  ".repeat(level))).collect(),
        format!("|{}\n|{}\n|{}", "a|".repeat(60), "-|".repeat(60), "words in a cell|".repeat(60)),
        format!("| a |\n|---|\n| {} |", "one row for several pages ".repeat(2_000)),
        format!("```\n{}\n```", "x".repeat(5_000)),
        "1. \n2. - a\n\n18446744073709551615. b".to_owned(),
    ] {
        for format in [Format::Pdf, Format::Docx] {
            let made = make("Hard".to_owned(), text.clone(), format).await.unwrap();
            assert!(made.len() > 500, "{format:?} of {text:.40}");
            assert!(pages("Hard", &text, format).await.iter().any(|page| page.contains("Hard")));
        }
    }
}
