//! Markdown, of an answer or a document, as a tree that can only hold what is safe to show. Neither words are trusted: raw HTML
//! stays text, an image becomes its description, a link leads to the web or to a mail program and nowhere else.

mod highlight;
mod view;

pub use view::{CitationView, MarkdownView};

use highlight::Mark;
use pulldown_cmark::{Alignment, CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag};

/// Containers nested deeper than this are flattened into the one that holds them. The views are built by recursion.
const MAX_DEPTH: usize = 12;
/// Bytes that are read: more than twice the longest answer that models give.
const MAX_BYTES: usize = 2_000_000;
/// Elements that are made. A page of a few of the longest answers is well below; far above, a browser stands still.
const MAX_NODES: usize = 50_000;
/// Pieces of code that are coloured; what would be more stays plain.
const MAX_MARKS: usize = 20_000;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Block {
    /// Level 1 to 6, as written.
    Heading(u8, Vec<Inline>),
    Paragraph(Vec<Inline>),
    /// A line of a tight list, which has no paragraph around it.
    Plain(Vec<Inline>),
    /// With the first number if it is an ordered list.
    List(Option<u64>, Vec<Vec<Block>>),
    Quote(Vec<Block>),
    Code {
        language: Option<String>,
        text: String,
        /// What of the text is coloured.
        marks: Vec<Mark>,
    },
    Table(Table),
    Rule,
    /// The rest is too much to be shown.
    Cut,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Table {
    pub columns: Vec<Align>,
    pub head: Vec<Vec<Inline>>,
    pub rows: Vec<Vec<Vec<Inline>>>,
}

/// How a column of a table is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Align {
    #[default]
    Start,
    Center,
    End,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Inline {
    Text(String),
    Code(String),
    Emphasis(Vec<Inline>),
    Strong(Vec<Inline>),
    Strikethrough(Vec<Inline>),
    Link {
        href: String,
        content: Vec<Inline>,
    },
    Break,
    /// `[1]` in an answer. The occurrence counts all numerals of the answer, from 0, so that each has an id of its own.
    Citation {
        number: u32,
        occurrence: u32,
    },
}

/// Reads an answer: CommonMark with tables, strikethrough and citations. Of what is too long or has too many elements, the
/// beginning.
pub fn parse(markdown: &str) -> Vec<Block> {
    parse_with(markdown, true)
}

/// Reads what people write: the same without citations.
pub fn parse_document(markdown: &str) -> Vec<Block> {
    parse_with(markdown, false)
}

fn parse_with(markdown: &str, cites: bool) -> Vec<Block> {
    let read = &markdown[..markdown.floor_char_boundary(MAX_BYTES)];
    let mut is_cut = read.len() < markdown.len();
    let mut builder =
        Builder { stack: vec![Frame::new(Kind::Root)], opened: Vec::new(), cites, citations: 0, nodes: 0, marks: 0 };
    for event in Parser::new_ext(read, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        if builder.nodes >= MAX_NODES {
            is_cut = true;
            break;
        }
        builder.event(event);
    }
    let mut blocks = builder.finish();
    if is_cut {
        blocks.push(Block::Cut);
    }
    blocks
}

/// The address if a link may lead there: the web or mail. An address without a scheme is refused too: it would be one
/// of ours, and following it could do something.
fn safe_href(address: &str) -> Option<String> {
    let address: String = address.chars().filter(|c| !c.is_control() && !is_bidi_control(*c)).collect();
    let address = address.trim();
    let scheme = address.split_once(':')?.0.to_ascii_lowercase();
    matches!(scheme.as_str(), "http" | "https" | "mailto").then(|| address.to_owned())
}

/// Characters that turn the direction of what follows, and so can make text read as something that it is not.
const fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn visible(text: &str) -> String {
    text.chars().filter(|c| !is_bidi_control(*c)).collect()
}

enum Kind {
    Root,
    Paragraph,
    Heading(u8),
    Quote,
    List(Option<u64>),
    Item,
    Code(Option<String>),
    Html,
    Table(Vec<Align>),
    TableHead,
    TableRow,
    TableCell,
    Emphasis,
    Strong,
    Strikethrough,
    Link(Option<String>),
    Image,
}

/// A container that is still open, with what it holds so far.
struct Frame {
    kind: Kind,
    blocks: Vec<Block>,
    inlines: Vec<Inline>,
    items: Vec<Vec<Block>>,
    cells: Vec<Vec<Inline>>,
    rows: Vec<Vec<Vec<Inline>>>,
}

impl Frame {
    const fn new(kind: Kind) -> Self {
        Self { kind, blocks: Vec::new(), inlines: Vec::new(), items: Vec::new(), cells: Vec::new(), rows: Vec::new() }
    }

    /// Joins text to text: `[`, `1` and `]` come as three events, and only joined do they show a citation.
    fn push(&mut self, inline: Inline) {
        match (self.inlines.last_mut(), inline) {
            (Some(Inline::Text(last)), Inline::Text(text)) => last.push_str(&text),
            (_, inline) => self.inlines.push(inline),
        }
    }
}

struct Builder {
    stack: Vec<Frame>,
    /// For each open tag, whether it has a frame.
    opened: Vec<bool>,
    /// Whether `[1]` is a citation.
    cites: bool,
    citations: u32,
    /// Elements so far.
    nodes: usize,
    /// Pieces of code that are coloured so far.
    marks: usize,
}

impl Builder {
    fn top(&mut self) -> &mut Frame {
        if self.stack.is_empty() {
            self.stack.push(Frame::new(Kind::Root));
        }
        let last = self.stack.len() - 1;
        &mut self.stack[last]
    }

    fn event(&mut self, event: Event<'_>) {
        if matches!(event, Event::Code(_) | Event::HardBreak | Event::Rule) {
            self.nodes += 1;
        }
        match event {
            Event::Start(tag) => self.open(tag),
            Event::End(_) => self.close(),
            Event::Text(text)
            | Event::Html(text)
            | Event::InlineHtml(text)
            | Event::InlineMath(text)
            | Event::DisplayMath(text) => self.text(&text),
            Event::FootnoteReference(label) => self.text(&format!("[^{label}]")),
            Event::TaskListMarker(done) => self.text(if done { "[x] " } else { "[ ] " }),
            Event::Code(code) => self.top().push(Inline::Code(visible(&code))),
            Event::SoftBreak => self.text(" "),
            Event::HardBreak => self.top().push(Inline::Break),
            Event::Rule => self.block(Block::Rule),
        }
    }

    fn text(&mut self, text: &str) {
        let text = visible(text);
        self.top().push(Inline::Text(text));
    }

    fn open(&mut self, tag: Tag<'_>) {
        let kind = match tag {
            Tag::Paragraph => Kind::Paragraph,
            Tag::Heading { level, .. } => Kind::Heading(heading_level(level)),
            Tag::BlockQuote(_) => Kind::Quote,
            Tag::List(start) => Kind::List(start),
            Tag::Item => Kind::Item,
            Tag::CodeBlock(CodeBlockKind::Fenced(info)) => {
                Kind::Code(info.split_whitespace().next().map(visible).filter(|language| !language.is_empty()))
            }
            Tag::CodeBlock(CodeBlockKind::Indented) => Kind::Code(None),
            Tag::HtmlBlock => Kind::Html,
            Tag::Table(columns) => Kind::Table(columns.into_iter().map(align).collect()),
            Tag::TableHead => Kind::TableHead,
            Tag::TableRow => Kind::TableRow,
            Tag::TableCell => Kind::TableCell,
            Tag::Emphasis => Kind::Emphasis,
            Tag::Strong => Kind::Strong,
            Tag::Strikethrough => Kind::Strikethrough,
            Tag::Link { dest_url, .. } => Kind::Link(safe_href(&dest_url)),
            Tag::Image { .. } => Kind::Image,
            // Of extensions that are not switched on.
            _ => {
                self.opened.push(false);
                return;
            }
        };
        let deep = self.stack.len() > MAX_DEPTH;
        self.opened.push(!deep);
        if deep {
            // The flattened text of two containers must not run together.
            self.top().push(Inline::Text(" ".to_owned()));
        } else {
            self.nodes += 1;
            self.stack.push(Frame::new(kind));
        }
    }

    fn close(&mut self) {
        if self.opened.pop() != Some(true) || self.stack.len() < 2 {
            return;
        }
        if let Some(frame) = self.stack.pop() {
            self.attach(frame);
        }
    }

    /// Puts a finished container into the one around it.
    fn attach(&mut self, mut frame: Frame) {
        match frame.kind {
            Kind::Emphasis => self.top().push(Inline::Emphasis(frame.inlines)),
            Kind::Strong => self.top().push(Inline::Strong(frame.inlines)),
            Kind::Strikethrough => self.top().push(Inline::Strikethrough(frame.inlines)),
            Kind::Link(Some(href)) => self.top().push(Inline::Link { href, content: frame.inlines }),
            // An image's description can hold all that text can.
            Kind::Link(None) | Kind::Image => {
                for inline in frame.inlines {
                    self.top().push(inline);
                }
            }
            Kind::Paragraph | Kind::Html => {
                let inlines = self.cited(frame.inlines);
                self.block(Block::Paragraph(inlines));
            }
            Kind::Heading(level) => {
                let inlines = self.cited(frame.inlines);
                self.block(Block::Heading(level, inlines));
            }
            Kind::Code(language) => {
                let code = self.code(language, plain_text(frame.inlines));
                self.block(code);
            }
            Kind::TableCell => {
                let inlines = self.cited(frame.inlines);
                self.top().cells.push(inlines);
            }
            Kind::TableHead | Kind::TableRow => self.top().rows.push(frame.cells),
            Kind::Table(columns) => {
                let mut rows = frame.rows.into_iter();
                let head = rows.next().unwrap_or_default();
                self.block(Block::Table(Table { columns, head, rows: rows.collect() }));
            }
            Kind::Root | Kind::Quote | Kind::Item | Kind::List(_) => {
                self.flush(&mut frame);
                match frame.kind {
                    Kind::Quote => self.block(Block::Quote(frame.blocks)),
                    Kind::Item => self.top().items.push(frame.blocks),
                    Kind::List(start) => {
                        // The text of items that were too deep for a frame of their own.
                        if !frame.blocks.is_empty() {
                            frame.items.push(frame.blocks);
                        }
                        self.block(Block::List(start, frame.items));
                    }
                    _ => self.top().blocks.append(&mut frame.blocks),
                }
            }
        }
    }

    fn code(&mut self, language: Option<String>, text: String) -> Block {
        let most = MAX_MARKS - self.marks;
        let marks = language.as_deref().map(|language| highlight::marks(language, &text, most)).unwrap_or_default();
        self.marks += marks.len();
        Block::Code { language, text, marks }
    }

    /// Adds a block, after the loose text before it.
    fn block(&mut self, block: Block) {
        if let Some(mut frame) = self.stack.pop() {
            self.flush(&mut frame);
            frame.blocks.push(block);
            self.stack.push(frame);
        }
    }

    fn flush(&mut self, frame: &mut Frame) {
        if !frame.inlines.is_empty() {
            let inlines = self.cited(std::mem::take(&mut frame.inlines));
            frame.blocks.push(Block::Plain(inlines));
        }
    }

    /// Finds the numerals in running text: not in code, and not in a link, which cannot hold another.
    fn cited(&mut self, inlines: Vec<Inline>) -> Vec<Inline> {
        if !self.cites {
            return inlines;
        }
        let mut out = Vec::with_capacity(inlines.len());
        for inline in inlines {
            match inline {
                Inline::Text(text) => self.split(&text, &mut out),
                Inline::Emphasis(content) => out.push(Inline::Emphasis(self.cited(content))),
                Inline::Strong(content) => out.push(Inline::Strong(self.cited(content))),
                Inline::Strikethrough(content) => out.push(Inline::Strikethrough(self.cited(content))),
                other => out.push(other),
            }
        }
        out
    }

    fn split(&mut self, text: &str, out: &mut Vec<Inline>) {
        let mut rest = text;
        let mut from = 0;
        while self.nodes < MAX_NODES
            && let Some(open) = rest[from..].find('[').map(|at| from + at)
        {
            let Some((number, end)) = numeral(&rest[open..]) else {
                from = open + 1;
                continue;
            };
            // The numeral stands close to the word that it belongs to, and is not left alone on the next line.
            let before = rest[..open].trim_end();
            if !before.is_empty() {
                out.push(Inline::Text(before.to_owned()));
            }
            out.push(Inline::Citation { number, occurrence: self.citations });
            self.citations += 1;
            self.nodes += 1;
            rest = &rest[open + end..];
            from = 0;
        }
        if !rest.is_empty() {
            out.push(Inline::Text(rest.to_owned()));
        }
    }

    fn finish(mut self) -> Vec<Block> {
        while self.stack.len() > 1 {
            if let Some(frame) = self.stack.pop() {
                self.attach(frame);
            }
        }
        let Some(mut root) = self.stack.pop() else { return Vec::new() };
        self.flush(&mut root);
        root.blocks
    }
}

/// `[12]` at the beginning of the text: its number, and where it ends in bytes.
fn numeral(text: &str) -> Option<(u32, usize)> {
    let digits = text.strip_prefix('[')?;
    // Three digits: no answer has a thousand sources, and a year in brackets is none. Nothing further is looked at.
    let end = digits.bytes().take(4).position(|byte| byte == b']')?;
    let digits = &digits[..end];
    let number = (!digits.is_empty() && digits.len() <= 3 && digits.bytes().all(|b| b.is_ascii_digit()))
        .then(|| digits.parse().ok())
        .flatten()
        .filter(|number| *number > 0)?;
    Some((number, end + 2))
}

/// What a code block holds: text alone.
fn plain_text(inlines: Vec<Inline>) -> String {
    inlines.into_iter().filter_map(|inline| if let Inline::Text(text) = inline { Some(text) } else { None }).collect()
}

const fn heading_level(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

const fn align(alignment: Alignment) -> Align {
    match alignment {
        Alignment::None | Alignment::Left => Align::Start,
        Alignment::Center => Align::Center,
        Alignment::Right => Align::End,
    }
}

#[cfg(all(test, feature = "ssr"))]
mod hostile_tests;
#[cfg(test)]
mod tests;
