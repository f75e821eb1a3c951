//! Pages: what is drawn where, and its way into the file.

use super::{
    fonts::{Faces, Run},
    lines::Line,
};
use crate::fault::Fault;
use krilla::{
    Document,
    action::LinkAction,
    annotation::{LinkAnnotation, Target},
    color::rgb,
    geom::{PathBuilder, Point, Rect},
    metadata::Metadata,
    num::NormalizedF32,
    page::{Page as PdfPage, PageSettings},
    paint::{Fill, FillRule},
    surface::Surface,
};
use std::rc::Rc;
use url::Url;

/// A4, in points.
const PAPER: (f32, f32) = (595.28, 841.89);
const LEFT: f32 = 85.0;
const TOP: f32 = 76.0;
const BOTTOM: f32 = 841.89 - 84.0;
const FOOT: f32 = 841.89 - 46.0;

/// Of the text.
pub(super) const WIDTH: f32 = 595.28 - 2.0 * LEFT;

/// A letter of most faces reaches this far below its line and above it, in sizes.
const DESCENT: f32 = 0.25;
const ASCENT: f32 = 0.8;

#[derive(Clone, Copy)]
pub(super) enum Ink {
    First,
    Second,
    Link,
    Hairline,
    Ground,
}

impl Ink {
    fn fill(self) -> Fill {
        let (red, green, blue) = match self {
            Self::First => (33, 29, 25),
            Self::Second => (90, 84, 76),
            Self::Link => (165, 52, 26),
            Self::Hairline => (184, 178, 168),
            Self::Ground => (243, 240, 234),
        };
        let paint = rgb::Color::new(red, green, blue).into();
        Fill { paint, opacity: NormalizedF32::ONE, rule: FillRule::default() }
    }
}

struct Text {
    x: f32,
    y: f32,
    size: f32,
    run: Run,
    ink: Ink,
}

struct Area {
    x: f32,
    y: f32,
    width: f32,
    height: f32,
    ink: Ink,
}

struct Link {
    area: Area,
    href: Rc<str>,
}

#[derive(Default)]
struct Page {
    texts: Vec<Text>,
    boxes: Vec<Area>,
    links: Vec<Link>,
}

/// Pages that grow from the top to the bottom.
pub(super) struct Pages {
    pages: Vec<Page>,
    /// Where the next line begins, from the top of the paper.
    y: f32,
}

impl Default for Pages {
    fn default() -> Self {
        Self { pages: vec![Page::default()], y: TOP }
    }
}

impl Pages {
    fn page(&mut self) -> &mut Page {
        if self.pages.is_empty() {
            self.pages.push(Page::default());
        }
        let last = self.pages.len() - 1;
        &mut self.pages[last]
    }

    /// Begins a page unless there is room for something of this height. Nothing is higher than a page.
    pub fn need(&mut self, height: f32) {
        if self.y + height > BOTTOM && self.y > TOP {
            self.pages.push(Page::default());
            self.y = TOP;
        }
    }

    /// As [`Self::need`], for what may be torn apart if it would not fit on a page of its own.
    pub fn keep_together(&mut self, height: f32) {
        if height < BOTTOM - TOP {
            self.need(height);
        }
    }

    pub fn advance(&mut self, height: f32) {
        self.y += height;
    }

    /// Room that is not needed at the head of a page.
    pub fn space(&mut self, height: f32) {
        if self.y > TOP {
            self.y += height;
        }
    }

    /// Draws a line of text whose letters stand `down` below here.
    pub fn text(&mut self, x: f32, down: f32, line: &Line, size: f32, ink: Ink) {
        let y = self.y + down;
        let page = self.page();
        for fragment in &line.fragments {
            let left = LEFT + x + fragment.x;
            let ink = if fragment.setting.link.is_some() { Ink::Link } else { ink };
            let mut at = left;
            for run in &fragment.runs {
                page.texts.push(Text { x: at, y, size, run: run.clone(), ink });
                at += run.width * size;
            }
            if fragment.setting.struck {
                let height = size * 0.06;
                page.boxes.push(Area { x: left, y: y - size * 0.26, width: fragment.width, height, ink });
            }
            if let Some(href) = &fragment.setting.link {
                let height = size * (ASCENT + DESCENT);
                let area = Area { x: left, y: y - size * ASCENT, width: fragment.width, height, ink };
                page.links.push(Link { area, href: href.clone() });
            }
        }
    }

    /// A hairline across.
    pub fn rule(&mut self, x: f32, width: f32) {
        let y = self.y;
        self.page().boxes.push(Area { x: LEFT + x, y, width, height: 0.6, ink: Ink::Hairline });
    }

    /// The line at the left of a quote.
    pub fn bar(&mut self, x: f32, height: f32) {
        let y = self.y;
        self.page().boxes.push(Area { x: LEFT + x, y, width: 1.5, height, ink: Ink::Hairline });
    }

    /// The ground of a line of code.
    pub fn fill(&mut self, x: f32, width: f32, height: f32) {
        let y = self.y;
        // A little more, so that no light shines through between two lines.
        self.page().boxes.push(Area { x: LEFT + x, y, width, height: height + 0.3, ink: Ink::Ground });
    }
}

/// # Errors
/// When a face cannot be embedded, which is a fault of ours.
pub(super) fn write(pages: Pages, faces: &Faces, title: &str) -> Result<Vec<u8>, Fault> {
    let mut document = Document::new();
    document.set_metadata(Metadata::new().title(title.to_owned()).creator("Atelier".to_owned()));
    let settings = PageSettings::from_wh(PAPER.0, PAPER.1)
        .ok_or_else(|| Fault::while_doing("write a PDF")("the paper has no size"))?;
    let count = pages.pages.len();
    for (number, page) in (1..).zip(&pages.pages) {
        let mut pdf = document.start_page_with(settings.clone());
        let mut surface = pdf.surface();
        for one in &page.boxes {
            draw_box(&mut surface, one);
        }
        for text in &page.texts {
            draw_text(&mut surface, faces, text);
        }
        if count > 1 {
            draw_number(&mut surface, faces, &format!("{number} / {count}"));
        }
        surface.finish();
        for link in &page.links {
            add_link(&mut pdf, link);
        }
        pdf.finish();
    }
    document.finish().map_err(|error| Fault::while_doing("write a PDF")(format!("{error:?}")))
}

fn draw_box(surface: &mut Surface<'_>, one: &Area) {
    let mut path = PathBuilder::new();
    if let Some(rect) = Rect::from_xywh(one.x, one.y, one.width, one.height) {
        path.push_rect(rect);
    }
    if let Some(path) = path.finish() {
        surface.set_fill(Some(one.ink.fill()));
        surface.draw_path(&path);
    }
}

fn draw_text(surface: &mut Surface<'_>, faces: &Faces, text: &Text) {
    surface.set_fill(Some(text.ink.fill()));
    let start = Point::from_xy(text.x, text.y);
    surface.draw_glyphs(start, &text.run.glyphs, faces.font(text.run.face), &text.run.text, text.size, false);
}

fn draw_number(surface: &mut Surface<'_>, faces: &Faces, number: &str) {
    const SIZE: f32 = 8.5;
    let runs = faces.shape(number, super::Style::default());
    let width = runs.iter().map(|run| run.width).sum::<f32>() * SIZE;
    let mut x = (PAPER.0 - width) / 2.0;
    for run in runs {
        let advance = run.width * SIZE;
        draw_text(surface, faces, &Text { x, y: FOOT, size: SIZE, run, ink: Ink::Second });
        x += advance;
    }
}

fn add_link(page: &mut PdfPage<'_>, link: &Link) {
    let area = &link.area;
    if let Some(rect) = Rect::from_xywh(area.x, area.y, area.width, area.height) {
        // A PDF's addresses are ASCII (PDF 1.7, 12.6.4.7).
        let address = Url::parse(&link.href).map_or_else(|_| link.href.to_string(), String::from);
        let target = Target::Action(LinkAction::new(address).into());
        page.add_annotation(LinkAnnotation::new(rect, target).into());
    }
}
