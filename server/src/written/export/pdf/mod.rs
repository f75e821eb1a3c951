//! PDF: A4, in the product's reading face, with the faces in it. What is drawn is gathered page by page ([`page`]) and
//! then written.

mod fonts;
mod lines;
mod page;

use crate::fault::Fault;
use app::markdown::{Align, Block, Inline, Table};
use fonts::{Faces, Style};
use lines::{Breaker, Line};
use page::{Ink, Pages};

/// In points, as everything here.
const BODY: f32 = 11.0;
const CODE: f32 = 9.0;
const CELL: f32 = 9.5;
/// Of a line, in sizes.
const LEADING: f32 = 1.45;
/// Below a paragraph.
const GAP: f32 = 8.0;
/// What lists and quotes move to the right by.
const INDENT: f32 = 18.0;
/// At the sides of a table's cell.
const PADDING: f32 = 5.0;
/// A column is not narrower, however deep the text stands.
const NARROWEST: f32 = 60.0;

/// # Errors
/// When a face cannot be read or written, which is a fault of ours.
pub(super) fn write(title: &str, blocks: &[Block]) -> Result<Vec<u8>, Fault> {
    let faces = Faces::load().ok_or_else(|| Fault::while_doing("write a PDF")("a face cannot be read"))?;
    let mut layout = Layout { breaker: Breaker::new(&faces), pages: Pages::default(), place: Place::default() };
    layout.blocks(blocks);
    page::write(layout.pages, &faces, title)
}

/// Where a block stands.
#[derive(Clone, Default)]
struct Place {
    /// From the left margin.
    left: f32,
    quoted: bool,
    /// Where the lines at the left of quotes stand.
    rules: Vec<f32>,
    /// The sign of the item that begins with the next line.
    sign: Option<String>,
    /// In an item, paragraphs stand close.
    in_list: bool,
}

struct Layout<'f> {
    breaker: Breaker<'f>,
    pages: Pages,
    place: Place,
}

impl Layout<'_> {
    fn width(&self) -> f32 {
        (page::WIDTH - self.place.left).max(NARROWEST)
    }

    fn ink(&self) -> Ink {
        if self.place.quoted { Ink::Second } else { Ink::First }
    }

    fn blocks(&mut self, blocks: &[Block]) {
        for block in blocks {
            self.block(block);
        }
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Paragraph(content) => self.paragraph(content, GAP),
            Block::Plain(content) => self.paragraph(content, 2.0),
            Block::Heading(level, content) => self.heading(*level, content),
            Block::Quote(blocks) => self.quote(blocks),
            Block::List(start, items) => self.list(*start, items),
            Block::Code { text, .. } => self.code(text),
            Block::Table(table) => self.table(table),
            Block::Cut => self.paragraph(&super::cut(), GAP),
            Block::Rule => {
                self.pages.keep_together(GAP * 3.0);
                self.pages.space(GAP);
                self.pages.rule(self.place.left, self.width());
                self.pages.space(GAP * 1.5);
            }
        }
    }

    fn paragraph(&mut self, content: &[Inline], gap: f32) {
        let width = self.width();
        let lines = self.breaker.lines(content, Style::default(), BODY, width);
        if lines.len() > 1 {
            // No single line is left at the foot of a page.
            self.pages.keep_together(BODY * LEADING * 2.0);
        }
        for line in &lines {
            self.line(line, BODY);
        }
        self.pages.space(if self.place.in_list { gap.min(4.0) } else { gap });
    }

    fn heading(&mut self, level: u8, content: &[Inline]) {
        let size = match level {
            1 => 22.0,
            2 => 16.0,
            3 => 13.0,
            _ => 11.5,
        };
        let width = self.width();
        let lines = self.breaker.lines(content, Style { strong: true, ..Style::default() }, size, width);
        self.pages.space(size * 0.9);
        // With two lines of what it is the heading of.
        #[allow(clippy::cast_precision_loss)] // a heading has few lines
        let height = lines.len() as f32 * size * 1.25;
        self.pages.keep_together(height + GAP + BODY * LEADING * 2.0);
        for line in &lines {
            self.line_of_height(line, size, size * 1.25);
        }
        self.pages.space(size * 0.4);
    }

    fn quote(&mut self, blocks: &[Block]) {
        let outside = self.place.clone();
        self.place.rules.push(self.place.left + 2.0);
        self.place.left += INDENT;
        self.place.quoted = true;
        self.blocks(blocks);
        self.place = Place { sign: self.place.sign.take(), ..outside };
    }

    fn list(&mut self, start: Option<u64>, items: &[Vec<Block>]) {
        let outside = self.place.clone();
        // An item that begins with a list shows its own sign on a line of its own.
        if self.place.sign.is_some() {
            self.line(&Line::default(), BODY);
        }
        self.place.left += INDENT;
        self.place.in_list = true;
        for (number, item) in (0..).zip(items) {
            self.place.sign =
                Some(start.map_or_else(|| "•".to_owned(), |start| format!("{}.", start.saturating_add(number))));
            self.blocks(item);
            if self.place.sign.is_some() {
                self.line(&Line::default(), BODY);
            }
        }
        let is_outermost = !outside.in_list;
        self.place = Place { sign: None, ..outside };
        if is_outermost {
            self.pages.space(GAP / 2.0);
        }
    }

    fn code(&mut self, text: &str) {
        let style = Style { code: true, ..Style::default() };
        let inner = self.width() - 2.0 * PADDING;
        let height = CODE * LEADING;
        for source in text.trim_end_matches('\n').split('\n') {
            // Every space of code means something: they hold its words together, and a line is cut where it is full.
            let source = source.replace('\t', "    ").replace(' ', "\u{a0}");
            let mut lines = self.breaker.lines(&[Inline::Text(source)], style, CODE, inner);
            if lines.is_empty() {
                lines.push(Line::default());
            }
            for line in &lines {
                self.pages.need(height);
                self.pages.fill(self.place.left, self.width(), height);
                self.margin(CODE, height);
                self.pages.text(self.place.left + PADDING, baseline(CODE, height), line, CODE, Ink::First);
                self.pages.advance(height);
            }
        }
        self.pages.space(GAP);
    }

    fn line(&mut self, line: &Line, size: f32) {
        self.line_of_height(line, size, size * LEADING);
    }

    fn line_of_height(&mut self, line: &Line, size: f32, height: f32) {
        self.pages.need(height);
        self.margin(size, height);
        self.pages.text(self.place.left, baseline(size, height), line, size, self.ink());
        self.pages.advance(height);
    }

    /// What stands at the left of a line: the sign of its item, and the lines of quotes.
    fn margin(&mut self, size: f32, height: f32) {
        for rule in &self.place.rules {
            self.pages.bar(*rule, height);
        }
        if let Some(sign) = self.place.sign.take() {
            let sign = self.breaker.lines(&[Inline::Text(sign)], Style::default(), BODY, f32::MAX);
            for line in &sign {
                // It ends where the text begins, and a long number reaches out to the left.
                let x = self.place.left - line.width - 6.0;
                self.pages.text(x, baseline(size, height), line, BODY, Ink::Second);
            }
        }
    }

    fn table(&mut self, table: &Table) {
        let widths = self.column_widths(table);
        let strong = Style { strong: true, ..Style::default() };
        self.pages.space(2.0);
        self.row(table, &table.head, &widths, strong);
        for row in &table.rows {
            self.row(table, row, &widths, Style::default());
        }
        self.pages.space(GAP * 1.5);
    }

    fn row(&mut self, table: &Table, cells: &[Vec<Inline>], widths: &[f32], style: Style) {
        let height = CELL * LEADING;
        let columns: Vec<Vec<Line>> = widths
            .iter()
            .enumerate()
            .map(|(column, width)| {
                let content = cells.get(column).map_or(&[][..], Vec::as_slice);
                self.breaker.lines(content, style, CELL, (width - 2.0 * PADDING).max(1.0))
            })
            .collect();
        let count = columns.iter().map(Vec::len).max().unwrap_or_default().max(1);
        // A row of a few lines is not torn apart.
        #[allow(clippy::cast_precision_loss)]
        self.pages.keep_together(count.min(8) as f32 * height + 6.0);
        self.pages.space(3.0);
        for number in 0..count {
            self.pages.need(height);
            self.margin(CELL, height);
            let mut x = self.place.left;
            for (column, width) in widths.iter().enumerate() {
                if let Some(line) = columns[column].get(number) {
                    let free = width - 2.0 * PADDING - line.width;
                    let shift = match table.columns.get(column) {
                        Some(Align::Center) => free / 2.0,
                        Some(Align::End) => free,
                        _ => 0.0,
                    };
                    let x = x + PADDING + shift.max(0.0);
                    self.pages.text(x, baseline(CELL, height), line, CELL, self.ink());
                }
                x += width;
            }
            self.pages.advance(height);
        }
        self.pages.space(3.0);
        self.pages.rule(self.place.left, widths.iter().sum());
    }

    /// What each column would like, cut to what there is: nobody gets less than its widest word as long as that can be.
    fn column_widths(&mut self, table: &Table) -> Vec<f32> {
        let count = table.columns.len().max(1);
        let mut extents = vec![(0.0_f32, 0.0_f32); count];
        let strong = Style { strong: true, ..Style::default() };
        let rows = std::iter::once((&table.head, strong)).chain(table.rows.iter().map(|row| (row, Style::default())));
        for (row, style) in rows {
            for (cell, extent) in row.iter().zip(&mut extents) {
                let (widest, all) = self.breaker.extent(cell, style, CELL);
                *extent = (extent.0.max(widest), extent.1.max(all));
            }
        }
        let extents: Vec<(f32, f32)> = extents
            .into_iter()
            .map(|(widest, all)| (widest + 2.0 * PADDING + 1.0, all + 2.0 * PADDING + 1.0))
            .collect();
        let there_is = self.width();
        let (least, most) =
            extents.iter().fold((0.0, 0.0), |(least, most), extent| (least + extent.0, most + extent.1));
        if most <= there_is {
            return extents.into_iter().map(|(_, all)| all).collect();
        }
        if least >= there_is {
            return extents.into_iter().map(|(widest, _)| widest * there_is / least).collect();
        }
        let share = (there_is - least) / (most - least);
        extents.into_iter().map(|(widest, all)| widest + (all - widest) * share).collect()
    }
}

/// From the top of a line to where its letters stand.
fn baseline(size: f32, height: f32) -> f32 {
    (height - size) / 2.0 + size * 0.8
}
