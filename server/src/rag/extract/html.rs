//! HTML: the article of a page where there is one, else everything that can be read.

use super::{ExtractError, markdown, plain, sink::Sink};
use dom_smoothie::{Config, Readability};
use std::{fs::File, io::Read};

/// Pages with more elements are no articles; the limit bounds the time.
const MAX_ELEMENTS: usize = 50_000;

/// An article that keeps less than this part of the page's text has missed something, as on a page of many sections.
const LEAST_SHARE: usize = 3;

/// A tree takes twenty times the memory of its page and more, so larger pages are read without one.
pub const MAX_TREE_BYTES: u64 = 2 * 1024 * 1024;

/// # Errors
/// As [`Sink::page`]; `Io`; `Crashed` when the page cannot be turned into text.
pub fn read(mut file: File, sink: &mut Sink<'_>) -> Result<(), ExtractError> {
    if file.metadata()?.len() > MAX_TREE_BYTES {
        let mut text = plain::Utf8::of_html(file)?;
        let mut flow = sink.flow();
        let mut tags = Tags::default();
        while let Some(piece) = text.next()? {
            flow.push(&tags.without(piece))?;
        }
        return flow.finish(false);
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = article(&plain::decode_html(&bytes), sink)?;
    let mut flow = sink.flow();
    flow.push(&text)?;
    flow.finish(false)
}

fn article(html: &str, sink: &Sink<'_>) -> Result<String, ExtractError> {
    let whole = convert(html)?;
    sink.check_time()?;
    let config = Config { max_elements_to_parse: MAX_ELEMENTS, ..Config::default() };
    let article = Readability::new(html, None, Some(config)).and_then(|mut readability| readability.parse());
    let Ok(article) = article else { return Ok(whole) };
    sink.check_time()?;
    let text = convert(&article.content)?;
    if text.len() * LEAST_SHARE < whole.len() {
        return Ok(whole);
    }
    let title = article.title.trim();
    Ok(if title.is_empty() || text.trim_start().starts_with(title) { text } else { format!("{title}\n\n{text}") })
}

/// By way of Markdown, whose structure is kept readable.
///
/// # Errors
/// `Crashed` when the page cannot be turned into text.
pub fn convert(html: &str) -> Result<String, ExtractError> {
    let converter = htmd::HtmlToMarkdown::builder()
        .skip_tags(vec![
            "script", "style", "noscript", "template", "svg", "iframe", "head", "nav", "form", "button", "select",
        ])
        .build();
    let text = converter.convert(html).map_err(|_| ExtractError::Crashed)?;
    Ok(markdown::to_text(&text))
}

/// What is within these is not for reading.
const SKIPPED: [&str; 7] = ["script", "style", "noscript", "template", "svg", "head", "nav"];

/// Longer tags lose their end: only their name matters.
const TAG_BYTES: usize = 64;

/// Text without tags, of a page of any length: no tree, no nesting, as much memory as a piece.
#[derive(Debug, Default)]
pub struct Tags {
    /// The tag that has begun, without its `<`; `None` in text.
    tag: Option<String>,
    /// The element whose end is awaited.
    skipped: Option<&'static str>,
    /// A character reference that has begun, without its `&`.
    reference: Option<String>,
}

impl Tags {
    pub fn without(&mut self, html: &str) -> String {
        let mut out = String::with_capacity(html.len());
        for c in html.chars() {
            if let Some(tag) = &mut self.tag {
                match c {
                    '>' => self.end_tag(&mut out),
                    c if tag.len() < TAG_BYTES => tag.push(c),
                    _ => {}
                }
                continue;
            }
            if let Some(reference) = &mut self.reference {
                if c == ';' || reference.len() > 8 || !(c.is_alphanumeric() || c == '#') {
                    let name = self.reference.take().unwrap_or_default();
                    self.text(&resolve(&name), &mut out);
                    if c == ';' {
                        continue;
                    }
                } else {
                    reference.push(c);
                    continue;
                }
            }
            match c {
                '<' => self.tag = Some(String::new()),
                '&' => self.reference = Some(String::new()),
                c if self.skipped.is_none() => out.push(c),
                _ => {}
            }
        }
        out
    }

    fn text(&self, text: &str, out: &mut String) {
        if self.skipped.is_none() {
            out.push_str(text);
        }
    }

    fn end_tag(&mut self, out: &mut String) {
        let tag = self.tag.take().unwrap_or_default();
        let closing = tag.starts_with('/');
        let name: String = tag
            .trim_start_matches('/')
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_ascii_lowercase();
        match self.skipped {
            Some(awaited) if closing && awaited == name => self.skipped = None,
            Some(_) => {}
            None if !closing && !tag.ends_with('/') => {
                self.skipped = SKIPPED.iter().copied().find(|skipped| *skipped == name);
            }
            None => {}
        }
        if self.skipped.is_none() {
            match name.as_str() {
                "p" | "div" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ul" | "ol" | "table" | "section"
                | "article" | "blockquote" | "pre" => out.push_str("\n\n"),
                "br" | "tr" => out.push('\n'),
                "li" if !closing => out.push_str("\n• "),
                "td" | "th" if closing => out.push_str(" | "),
                _ => {}
            }
        }
    }
}

/// The references that pages really have; another one stays as it is.
fn resolve(name: &str) -> String {
    let number = name.strip_prefix('#').and_then(|number| match number.strip_prefix(['x', 'X']) {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok(),
        None => number.parse().ok(),
    });
    let known = match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        _ => number.and_then(char::from_u32),
    };
    known.map_or_else(|| format!("&{name}"), String::from)
}
