//! Where the text goes that a reader finds: page by page, counted, so that no file gives more than its share.

use super::{ExtractError, Limits, normalise};
use std::time::Instant;

/// Raw text that is gathered before it is made clean and cut.
const PIECE: usize = 128 * 1024;

/// Text without any line break is cut when it has come to this.
const LONGEST_LINE: usize = 4 * PIECE;

/// Takes pages.
pub(super) struct Sink<'a> {
    deliver: &'a mut dyn FnMut(String) -> Result<(), ExtractError>,
    deadline: Instant,
    pages: usize,
    bytes: usize,
    has_text: bool,
}

impl<'a> Sink<'a> {
    pub fn new(deliver: &'a mut dyn FnMut(String) -> Result<(), ExtractError>) -> Self {
        Self { deliver, deadline: Instant::now() + Limits::TIME, pages: 0, bytes: 0, has_text: false }
    }

    pub fn check_time(&self) -> Result<(), ExtractError> {
        if Instant::now() < self.deadline { Ok(()) } else { Err(ExtractError::TooSlow) }
    }

    pub fn has_text(&self) -> bool {
        self.has_text
    }

    /// A page that is clean already.
    pub fn page(&mut self, text: String) -> Result<(), ExtractError> {
        self.check_time()?;
        self.pages += 1;
        self.bytes += text.len();
        self.has_text |= !text.trim().is_empty();
        if self.pages > Limits::MAX_PAGES {
            return Err(ExtractError::TooManyPages);
        }
        if self.bytes > Limits::MAX_TEXT_BYTES || text.len() > Limits::LONGEST_PAGE_BYTES {
            return Err(ExtractError::TooMuchText);
        }
        (self.deliver)(text)
    }

    /// Begins a text of any length.
    pub fn flow(&mut self) -> Flow<'_, 'a> {
        Flow { sink: self, raw: String::new(), clean: String::new(), separator: "", pages: 0 }
    }
}

/// A text that comes in pieces and goes as pages: one, or several where one would be too long to show.
pub(super) struct Flow<'s, 'a> {
    sink: &'s mut Sink<'a>,
    raw: String,
    clean: String,
    /// What stood between the text in `clean` and that in `raw`.
    separator: &'static str,
    pages: usize,
}

impl Flow<'_, '_> {
    pub fn push(&mut self, text: &str) -> Result<(), ExtractError> {
        let mut rest = text;
        while !rest.is_empty() {
            // In steps, so that a piece of any length is bounded here.
            let (step, after) = rest.split_at(rest.floor_char_boundary(PIECE));
            self.raw.push_str(step);
            rest = after;
            if self.raw.len() >= PIECE {
                self.clean_up()?;
            }
        }
        Ok(())
    }

    /// What is gathered, without its last paragraph, which may go on.
    fn clean_up(&mut self) -> Result<(), ExtractError> {
        let cut = ["\n\n", "\n"].iter().find_map(|separator| {
            self.raw.rfind(separator).map(|at| (at + separator.len(), *separator)).filter(|(end, _)| *end > PIECE / 2)
        });
        let (end, separator) = match cut {
            Some(cut) => cut,
            None if self.raw.len() < LONGEST_LINE => return Ok(()),
            None => match self.raw.rfind(' ') {
                Some(at) => (at + 1, " "),
                None => (self.raw.len(), ""),
            },
        };
        let rest = self.raw.split_off(end);
        self.append();
        self.raw = rest;
        self.separator = separator;
        while self.clean.len() > Limits::PAGE_BYTES {
            self.cut_page()?;
        }
        Ok(())
    }

    fn append(&mut self) {
        let text = normalise::running_text(&self.raw);
        self.raw.clear();
        if text.is_empty() {
            return;
        }
        if !self.clean.is_empty() {
            self.clean.push_str(self.separator);
        }
        self.clean.push_str(&text);
    }

    fn cut_page(&mut self) -> Result<(), ExtractError> {
        let limit = self.clean.floor_char_boundary(Limits::PAGE_BYTES);
        let window = &self.clean[..limit];
        // The end of a paragraph, of a line, of a word, or wherever the limit falls.
        let end = ["\n\n", "\n", " "]
            .iter()
            .filter_map(|separator| window.rfind(separator).map(|at| at + separator.len()))
            .find(|&end| end > limit / 2)
            .unwrap_or(limit);
        let page = self.clean[..end].trim_end().to_owned();
        self.clean.drain(..end);
        self.pages += 1;
        self.sink.page(page)
    }

    /// The rest. A unit that has a number of its own (a slide, a sheet) gives a page even when it is empty.
    pub fn finish(mut self, numbered: bool) -> Result<(), ExtractError> {
        self.append();
        while self.clean.len() > Limits::PAGE_BYTES {
            self.cut_page()?;
        }
        let page = self.clean.trim_end().to_owned();
        if page.is_empty() && (self.pages > 0 || !numbered) {
            return Ok(());
        }
        self.sink.page(page)
    }
}
