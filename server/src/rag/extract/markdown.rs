//! Markdown as the text that a reader sees, with its structure still readable.

use super::{ExtractError, plain::Utf8, sink::Sink};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use std::fs::File;

/// Longer texts are read in parts that end at an empty line outside of code: the parser wants all of a text, and keeps
/// its events' places. Only a link's address that is defined in another part is not found, and addresses are not shown.
const PART: usize = 256 * 1024;

/// A part without an empty line ends wherever it is.
const LONGEST_PART: usize = 4 * PART;

/// # Errors
/// As [`Sink::page`]; `Io`.
pub fn read(file: File, sink: &mut Sink<'_>) -> Result<(), ExtractError> {
    let mut text = Utf8::of(file)?;
    let mut flow = sink.flow();
    let mut part = String::new();
    while let Some(piece) = text.next()? {
        part.push_str(piece);
        if part.len() >= PART
            && let Some(end) = end_of_part(&part)
        {
            let rest = part.split_off(end);
            flow.push(&to_text(&part))?;
            flow.push("\n\n")?;
            part = rest;
        }
    }
    flow.push(&to_text(&part))?;
    flow.finish(false)
}

/// Where the last paragraph begins that stands in no block of code.
fn end_of_part(text: &str) -> Option<usize> {
    let mut fenced = false;
    let mut was_empty = false;
    let mut end = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let words = line.trim();
        // An indented line belongs to a list's item or to code.
        if was_empty && !fenced && !words.is_empty() && !line.starts_with([' ', '\t']) {
            end = Some(at);
        }
        if words.starts_with("```") || words.starts_with("~~~") {
            fenced = !fenced;
        }
        was_empty = words.is_empty();
        at += line.len();
    }
    end.filter(|end| *end > 0).or_else(|| (text.len() >= LONGEST_PART).then(|| text.floor_char_boundary(LONGEST_PART)))
}

pub fn to_text(markdown: &str) -> String {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_GFM;
    let mut writer = Writer::default();
    for event in Parser::new_ext(markdown, options) {
        writer.event(event);
    }
    writer.out
}

#[derive(Default)]
struct Writer {
    out: String,
    /// The next number of each open list; none for bullets.
    lists: Vec<Option<u64>>,
    in_code: bool,
    cell: usize,
}

impl Writer {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.out.push_str(&text)
            }
            // Its tags are not for reading; the text between inline tags comes as Text.
            Event::Html(html) => self.out.push_str(&without_tags(&html)),
            Event::InlineHtml(tag) if tag.starts_with("<br") => self.out.push('\n'),
            Event::InlineHtml(_) => {}
            Event::FootnoteReference(name) => self.out.push_str(&format!("[{name}]")),
            Event::SoftBreak if self.in_code => self.out.push('\n'),
            Event::SoftBreak => self.out.push(' '),
            Event::HardBreak => self.out.push('\n'),
            Event::Rule => self.block(),
            Event::TaskListMarker(done) => self.out.push_str(if done { "[x] " } else { "[ ] " }),
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            // In a list item the text goes on behind the bullet.
            Tag::Paragraph if self.lists.is_empty() || !self.out.ends_with([' ']) => self.block(),
            Tag::Heading { .. } | Tag::BlockQuote(_) | Tag::HtmlBlock | Tag::Table(_) => self.block(),
            Tag::CodeBlock(kind) => {
                self.block();
                self.in_code = true;
                if let CodeBlockKind::Fenced(language) = kind
                    && language.as_ref() == "mermaid"
                {
                    self.out.push_str("Diagram:\n");
                }
            }
            Tag::List(first) => {
                if self.lists.is_empty() {
                    self.block();
                }
                self.lists.push(*first);
            }
            Tag::Item => self.item(),
            Tag::TableHead | Tag::TableRow => {
                self.line();
                self.cell = 0;
            }
            Tag::TableCell => {
                if self.cell > 0 {
                    self.out.push_str(" | ");
                }
                self.cell += 1;
            }
            Tag::FootnoteDefinition(name) => {
                self.block();
                self.out.push_str(&format!("[{name}] "));
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) | TagEnd::Paragraph if self.lists.is_empty() => self.block(),
            TagEnd::CodeBlock => {
                self.in_code = false;
                self.block();
            }
            TagEnd::List(_) => {
                self.lists.pop();
                if self.lists.is_empty() {
                    self.block();
                }
            }
            TagEnd::BlockQuote(_) | TagEnd::HtmlBlock | TagEnd::Table | TagEnd::FootnoteDefinition => self.block(),
            _ => {}
        }
    }

    fn item(&mut self) {
        self.line();
        let indent = "  ".repeat(self.lists.len().saturating_sub(1));
        self.out.push_str(&indent);
        match self.lists.last_mut() {
            Some(Some(number)) => {
                self.out.push_str(&format!("{number}. "));
                *number += 1;
            }
            _ => self.out.push_str("• "),
        }
    }

    /// A new line, unless there is one.
    fn line(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }

    /// An empty line, unless there is one.
    fn block(&mut self) {
        self.line();
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }
}

fn without_tags(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        out.push_str(before);
        rest = tag.split_once('>').map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    out
}
