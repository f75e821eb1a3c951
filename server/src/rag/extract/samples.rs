//! Small good files of each format, and what becomes of them in bad hands. For tests.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::media_types;
use std::{
    fmt::Write as _,
    io::{Cursor, Write},
};
use zip::{ZipWriter, write::SimpleFileOptions};

pub(crate) const GUIDE_PDF: &[u8] = include_bytes!("fixtures/guide.pdf");

const OFFICE: &str = "http://schemas.openxmlformats.org";

/// An archive of these parts.
pub(crate) fn archive<'a>(parts: impl IntoIterator<Item = (&'a str, Vec<u8>)>) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        archive.start_file(name, SimpleFileOptions::default()).unwrap();
        archive.write_all(&bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

pub(crate) fn docx(body: &str) -> Vec<u8> {
    let document = format!(
        "<?xml version=\"1.0\"?><w:document xmlns:w=\"{OFFICE}/wordprocessingml/2006/main\"><w:body>{body}</w:body></w:document>"
    );
    archive([("[Content_Types].xml", b"<Types/>".to_vec()), ("word/document.xml", document.into_bytes())])
}

pub(crate) fn pptx(slides: &[&str]) -> Vec<u8> {
    let (mut list, mut relations) = (String::new(), String::new());
    let mut parts = vec![("[Content_Types].xml".to_owned(), b"<Types/>".to_vec())];
    // The order of the list counts, not that of the names.
    for (place, text) in slides.iter().enumerate() {
        let number = slides.len() - place;
        write!(list, "<p:sldId id=\"{}\" r:id=\"rId{number}\"/>", 256 + place).unwrap();
        write!(
            relations,
            "<Relationship Id=\"rId{number}\" Type=\"{OFFICE}/officeDocument/2006/relationships/slide\" Target=\"slides/slide{number}.xml\"/>"
        )
        .unwrap();
        let slide = format!(
            "<p:sld xmlns:p=\"p\" xmlns:a=\"a\"><p:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sld>"
        );
        parts.push((format!("ppt/slides/slide{number}.xml"), slide.into_bytes()));
    }
    let presentation =
        format!("<p:presentation xmlns:p=\"p\" xmlns:r=\"r\"><p:sldIdLst>{list}</p:sldIdLst></p:presentation>");
    parts.push(("ppt/presentation.xml".to_owned(), presentation.into_bytes()));
    parts.push((
        "ppt/_rels/presentation.xml.rels".to_owned(),
        format!("<Relationships>{relations}</Relationships>").into_bytes(),
    ));
    archive(parts.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())))
}

/// A workbook of one sheet with these rows inside `<sheetData>`.
pub(crate) fn xlsx(rows: &str) -> Vec<u8> {
    let main = format!("{OFFICE}/spreadsheetml/2006/main");
    let relation = |kind: &str, target: &str| {
        format!(
            "<Relationships xmlns=\"{OFFICE}/package/2006/relationships\"><Relationship Id=\"rId1\" Type=\"{OFFICE}/officeDocument/2006/relationships/{kind}\" Target=\"{target}\"/></Relationships>"
        )
    };
    let workbook = format!(
        "<workbook xmlns=\"{main}\" xmlns:r=\"{OFFICE}/officeDocument/2006/relationships\"><sheets><sheet name=\"Budget\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
    );
    let sheet = format!("<worksheet xmlns=\"{main}\"><sheetData>{rows}</sheetData></worksheet>");
    archive([
        ("[Content_Types].xml", b"<Types/>".to_vec()),
        ("_rels/.rels", relation("officeDocument", "xl/workbook.xml").into_bytes()),
        ("xl/workbook.xml", workbook.into_bytes()),
        ("xl/_rels/workbook.xml.rels", relation("worksheet", "worksheets/sheet1.xml").into_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.into_bytes()),
    ])
}

pub(crate) fn epub(chapters: &[&str]) -> Vec<u8> {
    let (mut items, mut spine) = (String::new(), String::new());
    let mut parts = vec![
        ("mimetype".to_owned(), media_types::EPUB.as_bytes().to_vec()),
        (
            "META-INF/container.xml".to_owned(),
            b"<container><rootfiles><rootfile full-path=\"OEBPS/book.opf\"/></rootfiles></container>".to_vec(),
        ),
    ];
    for (number, text) in chapters.iter().enumerate() {
        write!(items, "<item id=\"c{number}\" href=\"chapter%20{number}.xhtml\"/>").unwrap();
        write!(spine, "<itemref idref=\"c{number}\"/>").unwrap();
        let chapter = format!("<html xmlns='http://www.w3.org/1999/xhtml'><body>{text}</body></html>");
        parts.push((format!("OEBPS/chapter {number}.xhtml"), chapter.into_bytes()));
    }
    let book = format!("<package><manifest>{items}</manifest><spine>{spine}</spine></package>");
    parts.push(("OEBPS/book.opf".to_owned(), book.into_bytes()));
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        archive.start_file(name, stored).unwrap();
        archive.write_all(&bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

const TEXT: &str = "# Autumn roast\n\nIt goes on sale on the ninth of October. The launch budget is 42,500 kroner.\n";

/// One good file of each format: its name and its bytes.
pub(crate) fn good() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("guide.pdf", GUIDE_PDF.to_vec()),
        ("brief.docx", docx("<w:p><w:r><w:t>The launch budget is 42,500 kroner.</w:t></w:r></w:p>")),
        ("deck.pptx", pptx(&["Autumn roast", "On sale on the ninth of October"])),
        (
            "budget.xlsx",
            xlsx(
                "<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>Tasting</t></is></c><c r=\"B1\"><v>21250</v></c></row>",
            ),
        ),
        ("book.epub", epub(&["<h1>One</h1><p>In the boathouse.</p>", "<p>Chapter two.</p>"])),
        ("prices.csv", b"Cup,Price\nEspresso,38\nFilter,42\n".to_vec()),
        ("notes.md", TEXT.as_bytes().to_vec()),
        ("page.html", format!("<!doctype html><title>Roast</title><p>{TEXT}</p>").into_bytes()),
        ("plain.txt", TEXT.as_bytes().to_vec()),
    ]
}

/// Numbers that are the same at every run (SplitMix64).
pub(crate) struct Numbers(pub u64);

impl Numbers {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % limit.max(1) as u64).unwrap()
    }
}

/// More than 200 files that are broken or mean harm, over all formats.
pub(crate) fn malformed() -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for (name, bytes) in good() {
        let mut numbers = Numbers(bytes.len() as u64);
        for round in 0..7 {
            let cut = bytes[..1 + numbers.below(bytes.len() - 1)].to_vec();
            files.push((format!("cut-{round}-{name}"), cut));
            let mut flipped = bytes.clone();
            for _ in 0..=round * 3 {
                let at = numbers.below(flipped.len());
                flipped[at] ^= 1 << numbers.below(8);
            }
            files.push((format!("flipped-{round}-{name}"), flipped));
        }
        let mut zeros = bytes.clone();
        let middle = zeros.len() / 2;
        zeros[middle..].iter_mut().take(64).for_each(|byte| *byte = 0);
        files.push((format!("zeros-{name}"), zeros));
        files.push((format!("twice-{name}"), [bytes.as_slice(), &bytes].concat()));
        let noise = (0..2000).map(|_| numbers.below(256) as u8).collect::<Vec<_>>();
        files.push((format!("head-and-noise-{name}"), [&bytes[..bytes.len().min(300)], &noise].concat()));
        files.push((format!("wrong-{name}"), GUIDE_PDF[..200].iter().rev().copied().collect()));
    }
    files.extend(hostile().into_iter().map(|(name, bytes)| (name.to_owned(), bytes)));
    files
}

/// What somebody has thought about.
fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let lol = "<!DOCTYPE w [<!ENTITY a \"lolollol\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">]>";
    let word = |prolog: &str, body: &str| {
        let xml = format!(
            "<?xml version=\"1.0\"?>{prolog}<w:document xmlns:w=\"w\"><w:body><w:p><w:r><w:t>{body}</w:t></w:r></w:p></w:body></w:document>"
        );
        archive([("[Content_Types].xml", b"<Types/>".to_vec()), ("word/document.xml", xml.into_bytes())])
    };
    let nested = |open: &str, middle: &str, close: &str, times: usize| {
        (open.repeat(times) + middle + &close.repeat(times)).into_bytes()
    };
    let bomb = || vec![b'a'; 32 * 1024 * 1024];
    let sheet_text = |text: &[u8]| [b"<x><sheetData>".as_slice(), text, b"</sheetData></x>"].concat();
    let zips = |inner: Vec<u8>| archive([("word/embeddings/a.zip", inner.clone()), ("word/b.zip", inner)]);
    vec![
        ("entities.docx", word(lol, "&c;&c;&c;&c; and words")),
        ("xxe.docx", word("<!DOCTYPE w [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>", "&x; and words")),
        ("parameter.docx", word("<!DOCTYPE w [<!ENTITY % x SYSTEM \"http://127.0.0.1:1/\"> %x;]>", "words")),
        ("deep.docx", docx(&String::from_utf8(nested("<w:p>", "deep", "</w:p>", 100_000)).unwrap())),
        ("bomb.docx", archive([("word/document.xml", [b"<d><p><t>".as_slice(), &bomb(), b"</t></p></d>"].concat())])),
        ("attribute.docx", archive([("word/document.xml", [b"<d a=\"".as_slice(), &bomb(), b"\"/>"].concat())])),
        ("unclosed.docx", archive([("word/document.xml", b"<a><b><c>".to_vec())])),
        (
            "absolute.docx",
            archive([
                ("/etc/passwd", b"x".to_vec()),
                ("../../up", b"x".to_vec()),
                ("word/document.xml", b"<p/>".to_vec()),
            ]),
        ),
        ("recursive.docx", zips(zips(zips(docx("<p/>"))))),
        ("no-parts.docx", archive([("word/other.xml", b"<p/>".to_vec())])),
        ("many-parts.docx", {
            let names: Vec<String> = (0..60_000).map(|number| format!("word/{number}")).collect();
            archive(names.iter().map(|name| (name.as_str(), Vec::new())))
        }),
        ("nul.docx", docx("<w:p><w:r><w:t>a\0b</w:t></w:r></w:p>")),
        ("charref.docx", docx("<w:p><w:r><w:t>a&#0;&#x110000;&#xD800;b</w:t></w:r></w:p>")),
        ("no-slides.pptx", pptx(&[])),
        ("bomb.pptx", archive([("ppt/presentation.xml", bomb())])),
        (
            "loop.pptx",
            archive([
                ("ppt/presentation.xml", b"<p><sldId r:id=\"a\"/><sldId r:id=\"a\"/></p>".to_vec()),
                (
                    "ppt/_rels/presentation.xml.rels",
                    b"<r><Relationship Id=\"a\" Type=\"x/slide\" Target=\"presentation.xml\"/></r>".to_vec(),
                ),
            ]),
        ),
        (
            "huge.xlsx",
            xlsx(
                "<row r=\"1048576\"><c r=\"XFD1048576\"><v>1</v></c></row><row r=\"1\"><c r=\"A1\"><v>2</v></c></row>",
            ),
        ),
        ("wrong-cell.xlsx", xlsx("<row r=\"99999999999\"><c r=\"ZZZZZZZ99999999999\" t=\"s\"><v>-7</v></c></row>")),
        (
            "dimension.xlsx",
            archive([
                ("xl/workbook.xml", b"<workbook/>".to_vec()),
                ("xl/worksheets/sheet1.xml", b"<dimension ref=\"A1:XFD1048576\"/>".to_vec()),
            ]),
        ),
        (
            "bomb.xlsx",
            archive([("xl/workbook.xml", b"<workbook/>".to_vec()), ("xl/sharedStrings.xml", sheet_text(&bomb()))]),
        ),
        ("no-chapters.epub", epub(&[])),
        ("deep.epub", epub(&[&String::from_utf8(nested("<div>", "deep", "</div>", 200_000)).unwrap()])),
        ("deep.html", nested("<div>", "deep", "</div>", 200_000)),
        ("deep-bold.html", nested("<b><i>", "deep", "", 50_000)),
        ("deep-table.html", nested("<table><tr><td>", "deep", "", 20_000)),
        ("attributes.html", [b"<p ".as_slice(), "a=b ".repeat(200_000).as_bytes(), b">words"].concat()),
        ("long.html", [b"<html><p>".as_slice(), "word &amp; <b>word</b> ".repeat(200_000).as_bytes()].concat()),
        ("unclosed.html", b"<html><script><!-- <p>".to_vec()),
        ("utf16.html", [b"\xff\xfe<\0h\0t\0m\0l\0>\0".as_slice(), &[0xD8; 99]].concat()),
        ("deep.md", nested("> ", "deep", "", 100_000)),
        (
            "deep-list.md",
            (0..2_000).map(|depth| format!("{}- item\n", "  ".repeat(depth))).collect::<String>().into_bytes(),
        ),
        ("brackets.md", nested("[", "deep", "](x)", 50_000)),
        ("stars.md", "*a **b ".repeat(50_000).into_bytes()),
        ("links.md", "[a](<b".repeat(50_000).into_bytes()),
        ("columns.csv", [vec![b','; 1_000_000], b"words".to_vec()].concat()),
        ("quote.csv", [b"a,\"".as_slice(), &vec![b'x'; 3_000_000]].concat()),
        ("quotes.csv", b"\"\"\"".repeat(300_000)),
        ("latin.csv", b"caf\xe9;1\nna\xefve;2\n".to_vec()),
        ("line.txt", vec![b'x'; 3_000_000]),
        ("spaces.txt", vec![b' '; 2_000_000]),
        ("marks.txt", "e\u{301}\u{301}".repeat(300_000).into_bytes()),
        ("circle.pdf", pdf(&["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2>>"])),
        (
            "parents.pdf",
            pdf(&[
                "<</Type/Catalog/Pages 2 0 R>>",
                "<</Type/Pages/Kids[3 0 R]/Count 1>>",
                "<</Type/Page/Parent 3 0 R/Contents 4 0 R>>",
                "4 0 R",
            ]),
        ),
        ("count.pdf", pdf(&["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[]/Count 2147483647>>"])),
        (
            "deep.pdf",
            pdf(&[&String::from_utf8(nested("[", "1", "]", 200_000)).unwrap(), "<</Type/Catalog/Pages 1 0 R>>"]),
        ),
        (
            "dictionaries.pdf",
            pdf(&["<</Type/Catalog/Pages 2 0 R>>", &String::from_utf8(nested("<</A", " 1", ">>", 100_000)).unwrap()]),
        ),
        (
            "length.pdf",
            pdf(&["<</Type/Catalog/Pages 2 0 R>>", "<</Length 99999999999>>stream\nBT (x) Tj ET\nendstream"]),
        ),
        (
            "filters.pdf",
            pdf(&[
                "<</Type/Catalog/Pages 2 0 R>>",
                &format!("<</Length 4/Filter[{}]>>stream\nabcd\nendstream", "/FlateDecode ".repeat(10_000)),
            ]),
        ),
        ("image.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xff\xff\xff\xff\xff\xff\xff".to_vec()),
        ("image.jpg", b"\xff\xd8\xff\xe0 and nothing".to_vec()),
    ]
}

/// A PDF of these objects, numbered from 1; the first is its root.
fn pdf(objects: &[&str]) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n".to_vec();
    let mut places = Vec::new();
    for (number, object) in (1..).zip(objects) {
        places.push(out.len());
        out.extend_from_slice(format!("{number} 0 obj\n{object}\nendobj\n").as_bytes());
    }
    let table = out.len();
    out.extend_from_slice(format!("xref\n0 {}\n0000000000 65535 f \n", places.len() + 1).as_bytes());
    for place in places {
        out.extend_from_slice(format!("{place:010} 00000 n \n").as_bytes());
    }
    out.extend_from_slice(
        format!("trailer\n<</Size {}/Root 1 0 R>>\nstartxref\n{table}\n%%EOF\n", objects.len() + 1).as_bytes(),
    );
    out
}
