//! Word (ECMA-376, part 1, 17). Written by hand: the parts that a text needs are few, and the zip and XML crates are here
//! already for reading them.

use crate::fault::Fault;
use app::markdown::{Align, Block, Inline, Table};
use quick_xml::escape::escape;
use std::{
    fmt::Write as _,
    io::{Cursor, Write as _},
};
use zip::{ZipWriter, result::ZipError, write::SimpleFileOptions};

const CONTENT_TYPES: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/><Override PartName="/word/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.styles+xml"/><Override PartName="/word/numbering.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.numbering+xml"/><Override PartName="/docProps/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/></Types>"#;

const RELATIONS: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties" Target="docProps/core.xml"/></Relationships>"#;

const STYLES: &str = include_str!("styles.xml");

const W: &str = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";

/// Twentieths of a point that each level of a list is indented by.
const INDENT: usize = 360;

/// Levels that Word's lists have.
const LEVELS: usize = 9;

/// The definitions that every list is an instance of.
const BULLETS: usize = 0;
const NUMBERS: usize = 1;

/// # Errors
/// When the archive cannot be written.
pub(super) fn write(title: &str, blocks: &[Block]) -> Result<Vec<u8>, Fault> {
    let mut body = Body::default();
    body.blocks(blocks, Place::default());
    archive(title, &body).map_err(Fault::while_doing("write a Word document"))
}

fn archive(title: &str, body: &Body) -> Result<Vec<u8>, ZipError> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, part) in [
        ("[Content_Types].xml", CONTENT_TYPES.to_owned()),
        ("_rels/.rels", RELATIONS.to_owned()),
        ("docProps/core.xml", properties(title)),
        ("word/document.xml", document(body)),
        ("word/_rels/document.xml.rels", relations(&body.links)),
        ("word/styles.xml", STYLES.to_owned()),
        ("word/numbering.xml", numbering(&body.lists)),
    ] {
        archive.start_file(name, SimpleFileOptions::default())?;
        archive.write_all(part.as_bytes())?;
    }
    Ok(archive.finish()?.into_inner())
}

fn properties(title: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{}</dc:title><dc:creator>Atelier</dc:creator></cp:coreProperties>"#,
        text(title)
    )
}

fn document(body: &Body) -> String {
    // A4 with margins of an inch.
    format!(
        r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<w:document xmlns:w="{W}" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><w:body>{}<w:sectPr><w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="1440" w:right="1440" w:bottom="1440" w:left="1440" w:header="708" w:footer="708" w:gutter="0"/></w:sectPr></w:body></w:document>"#,
        body.xml
    )
}

/// The links begin at `rId3`.
fn relations(links: &[String]) -> String {
    let kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let mut xml = format!(
        r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="{kind}/styles" Target="styles.xml"/><Relationship Id="rId2" Type="{kind}/numbering" Target="numbering.xml"/>"#
    );
    for (number, link) in links.iter().enumerate() {
        let _ = write!(
            xml,
            r#"<Relationship Id="{}" Type="{kind}/hyperlink" Target="{}" TargetMode="External"/>"#,
            link_id(number),
            text(link)
        );
    }
    xml + "</Relationships>"
}

fn link_id(number: usize) -> String {
    format!("rId{}", number + 3)
}

/// A list of the document: an instance of its own, so that it begins with its own number.
struct List {
    level: usize,
    /// None for bullets.
    start: Option<u64>,
}

fn numbering(lists: &[List]) -> String {
    let mut xml =
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<w:numbering xmlns:w=\"{W}\">");
    for definition in [BULLETS, NUMBERS] {
        let _ = write!(xml, r#"<w:abstractNum w:abstractNumId="{definition}"><w:multiLevelType w:val="multilevel"/>"#);
        for level in 0..LEVELS {
            let (format, sign) = match definition {
                BULLETS => ("bullet", ["•", "–", "·"][level % 3].to_owned()),
                _ => ("decimal", format!("%{}.", level + 1)),
            };
            let _ = write!(
                xml,
                r#"<w:lvl w:ilvl="{level}"><w:start w:val="1"/><w:numFmt w:val="{format}"/><w:lvlText w:val="{sign}"/><w:lvlJc w:val="left"/><w:pPr><w:ind w:left="{}" w:hanging="{INDENT}"/></w:pPr></w:lvl>"#,
                (level + 1) * INDENT
            );
        }
        xml.push_str("</w:abstractNum>");
    }
    for (number, List { level, start }) in (1..).zip(lists) {
        let definition = if start.is_some() { NUMBERS } else { BULLETS };
        let _ = write!(xml, r#"<w:num w:numId="{number}"><w:abstractNumId w:val="{definition}"/>"#);
        if let Some(start) = start {
            // More than Word counts to begins anew.
            let start = if *start <= 32_767 { *start } else { 1 };
            let _ =
                write!(xml, r#"<w:lvlOverride w:ilvl="{level}"><w:startOverride w:val="{start}"/></w:lvlOverride>"#);
        }
        xml.push_str("</w:num>");
    }
    xml + "</w:numbering>"
}

/// Where a block stands.
#[derive(Clone, Copy, Default)]
struct Place {
    /// Lists around it.
    depth: usize,
    /// The list whose item begins with it.
    item_of: Option<usize>,
    quoted: bool,
}

impl Place {
    const fn level(self) -> usize {
        let outermost = self.depth.saturating_sub(1);
        if outermost < LEVELS { outermost } else { LEVELS - 1 }
    }

    fn properties(self, style: Option<&str>) -> String {
        let style = style.or(self.quoted.then_some("Quote"));
        let mut xml = String::from("<w:pPr>");
        if let Some(style) = style {
            let _ = write!(xml, r#"<w:pStyle w:val="{style}"/>"#);
        }
        if let Some(list) = self.item_of {
            let _ = write!(xml, r#"<w:numPr><w:ilvl w:val="{}"/><w:numId w:val="{list}"/></w:numPr>"#, self.level());
        } else if self.depth > 0 {
            let _ = write!(xml, r#"<w:ind w:left="{}"/>"#, (self.level() + 1) * INDENT);
        }
        xml + "</w:pPr>"
    }
}

/// How a piece of text is set.
#[derive(Clone, Copy, Default)]
struct Setting {
    strong: bool,
    emphasis: bool,
    struck: bool,
    code: bool,
    link: bool,
}

impl Setting {
    fn properties(self) -> String {
        let mut xml = String::new();
        for (is_set, element) in [
            (self.code, r#"<w:rStyle w:val="CodeText"/>"#),
            (self.link && !self.code, r#"<w:rStyle w:val="Hyperlink"/>"#),
            (self.strong, "<w:b/>"),
            (self.emphasis, "<w:i/>"),
            (self.struck, "<w:strike/>"),
        ] {
            if is_set {
                xml.push_str(element);
            }
        }
        if xml.is_empty() { xml } else { format!("<w:rPr>{xml}</w:rPr>") }
    }
}

#[derive(Default)]
struct Body {
    xml: String,
    links: Vec<String>,
    lists: Vec<List>,
}

impl Body {
    fn blocks(&mut self, blocks: &[Block], place: Place) {
        for (number, block) in blocks.iter().enumerate() {
            // Only the first paragraph of an item carries its sign.
            let item_of = place.item_of.filter(|_| number == 0);
            self.block(block, Place { item_of, ..place });
        }
    }

    fn block(&mut self, block: &Block, place: Place) {
        match block {
            Block::Paragraph(content) | Block::Plain(content) => self.paragraph(place, None, content),
            Block::Heading(level, content) => self.paragraph(place, Some(&format!("Heading{level}")), content),
            Block::Quote(blocks) => self.blocks(blocks, Place { quoted: true, ..place }),
            Block::List(start, items) => self.list(*start, items, place),
            Block::Code { text: code, .. } => {
                let lines: Vec<Inline> = code
                    .trim_end_matches('\n')
                    .split('\n')
                    .flat_map(|line| [Inline::Text(line.to_owned()), Inline::Break])
                    .collect();
                self.paragraph(place, Some("Code"), &lines[..lines.len().saturating_sub(1)]);
            }
            Block::Table(table) => self.table(table),
            Block::Rule => self.paragraph(place, Some("Rule"), &[]),
            Block::Cut => self.paragraph(place, None, &super::cut()),
        }
    }

    fn list(&mut self, start: Option<u64>, items: &[Vec<Block>], place: Place) {
        // An item that begins with a list has no paragraph to carry its own sign.
        if place.item_of.is_some() {
            self.paragraph(place, None, &[]);
        }
        let inner = Place { depth: place.depth + 1, ..place };
        self.lists.push(List { level: inner.level(), start });
        let list = self.lists.len();
        for item in items {
            let place = Place { item_of: Some(list), ..inner };
            if item.is_empty() {
                self.paragraph(place, None, &[]);
            }
            self.blocks(item, place);
        }
    }

    fn paragraph(&mut self, place: Place, style: Option<&str>, content: &[Inline]) {
        let _ = write!(self.xml, "<w:p>{}", place.properties(style));
        self.inlines(content, Setting::default());
        self.xml.push_str("</w:p>");
    }

    fn inlines(&mut self, content: &[Inline], setting: Setting) {
        for inline in content {
            match inline {
                Inline::Text(words) => self.run(words, setting),
                Inline::Code(words) => self.run(words, Setting { code: true, ..setting }),
                Inline::Emphasis(inner) => self.inlines(inner, Setting { emphasis: true, ..setting }),
                Inline::Strong(inner) => self.inlines(inner, Setting { strong: true, ..setting }),
                Inline::Strikethrough(inner) => self.inlines(inner, Setting { struck: true, ..setting }),
                Inline::Link { href, content } => {
                    let _ = write!(self.xml, r#"<w:hyperlink r:id="{}">"#, link_id(self.links.len()));
                    self.links.push(href.clone());
                    self.inlines(content, Setting { link: true, ..setting });
                    self.xml.push_str("</w:hyperlink>");
                }
                Inline::Break => self.xml.push_str("<w:r><w:br/></w:r>"),
                Inline::Citation { number, .. } => self.run(&format!("[{number}]"), setting),
            }
        }
    }

    fn run(&mut self, words: &str, setting: Setting) {
        let _ =
            write!(self.xml, r#"<w:r>{}<w:t xml:space="preserve">{}</w:t></w:r>"#, setting.properties(), text(words));
    }

    fn table(&mut self, table: &Table) {
        let columns = table.columns.len().max(1);
        self.xml.push_str(
            r#"<w:tbl><w:tblPr><w:tblStyle w:val="Grid"/><w:tblW w:w="0" w:type="auto"/></w:tblPr><w:tblGrid>"#,
        );
        for _ in 0..columns {
            // The text's width, which Word fits to what is in the columns.
            let _ = write!(self.xml, r#"<w:gridCol w:w="{}"/>"#, 9026 / columns);
        }
        self.xml.push_str("</w:tblGrid>");
        self.row(&table.head, table, true);
        for row in &table.rows {
            self.row(row, table, false);
        }
        // Word joins tables that stand together.
        self.xml.push_str("</w:tbl><w:p/>");
    }

    fn row(&mut self, cells: &[Vec<Inline>], table: &Table, is_head: bool) {
        self.xml.push_str("<w:tr>");
        if is_head {
            self.xml.push_str("<w:trPr><w:tblHeader/></w:trPr>");
        }
        for column in 0..table.columns.len().max(1) {
            let alignment = match table.columns.get(column) {
                Some(Align::Center) => "center",
                Some(Align::End) => "right",
                _ => "left",
            };
            let _ = write!(
                self.xml,
                r#"<w:tc><w:tcPr/><w:p><w:pPr><w:pStyle w:val="Cell"/><w:jc w:val="{alignment}"/></w:pPr>"#
            );
            let content = cells.get(column).map_or(&[][..], Vec::as_slice);
            self.inlines(content, Setting { strong: is_head, ..Setting::default() });
            self.xml.push_str("</w:p></w:tc>");
        }
        self.xml.push_str("</w:tr>");
    }
}

/// Text as XML can hold it (XML 1.0, 2.2).
fn text(words: &str) -> String {
    let allowed =
        |c: &char| matches!(*c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    escape(words.chars().filter(allowed).collect::<String>()).into_owned()
}
