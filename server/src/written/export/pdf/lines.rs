//! Running text as lines of a given width.

use super::fonts::{Faces, Run, Style};
use app::markdown::Inline;
use std::{collections::HashMap, rc::Rc};

/// What a piece of text carries besides its style.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Setting {
    pub style: Style,
    pub struck: bool,
    pub link: Option<Rc<str>>,
}

/// Some text in one setting, without a place to break.
#[derive(Clone, Debug)]
struct Piece {
    text: String,
    setting: Setting,
}

/// What is not broken.
#[derive(Debug, Default)]
struct Word {
    pieces: Vec<Piece>,
    /// A line ends before it in any case.
    begins_line: bool,
}

/// A piece of a line, ready to be drawn.
pub(super) struct Fragment {
    /// From the line's beginning, in points.
    pub x: f32,
    pub width: f32,
    pub runs: Vec<Run>,
    pub setting: Setting,
}

#[derive(Default)]
pub(super) struct Line {
    pub fragments: Vec<Fragment>,
    /// In points.
    pub width: f32,
}

/// Measures and breaks; what it has measured it knows.
pub(super) struct Breaker<'f> {
    faces: &'f Faces,
    widths: HashMap<(Style, String), f32>,
}

/// Words that are remembered; a text that has more begins anew.
const MOST_KNOWN: usize = 50_000;

impl<'f> Breaker<'f> {
    pub fn new(faces: &'f Faces) -> Self {
        Self { faces, widths: HashMap::new() }
    }

    /// The lines that a text takes at a width in points. An empty text takes none.
    pub fn lines(&mut self, content: &[Inline], base: Style, size: f32, width: f32) -> Vec<Line> {
        let mut words = Words::default();
        words.inlines(content, &Setting { style: base, ..Setting::default() });
        words.end();
        let mut lines: Vec<Vec<Word>> = Vec::new();
        let mut used = 0.0;
        for word in words.all {
            for part in self.fit(word, size, width) {
                let own = self.width_of(&part) * size;
                let space = part.pieces.first().map_or(0.0, |piece| self.width(" ", piece.setting.style) * size);
                match lines.last_mut() {
                    Some(line) if !part.begins_line && used + space + own <= width => {
                        line.push(part);
                        used += space + own;
                    }
                    _ => {
                        lines.push(vec![part]);
                        used = own;
                    }
                }
            }
        }
        lines.into_iter().map(|line| self.line(&line, size)).collect()
    }

    /// The widths of the widest word and of the whole text on one line, in points.
    pub fn extent(&mut self, content: &[Inline], base: Style, size: f32) -> (f32, f32) {
        let mut words = Words::default();
        words.inlines(content, &Setting { style: base, ..Setting::default() });
        words.end();
        let space = self.width(" ", base) * size;
        let (mut widest, mut all): (f32, f32) = (0.0, 0.0);
        for word in &words.all {
            let own = self.width_of(word) * size;
            widest = widest.max(own);
            all += own + space;
        }
        (widest, all)
    }

    fn width(&mut self, text: &str, style: Style) -> f32 {
        let key = (style, text.to_owned());
        if let Some(width) = self.widths.get(&key) {
            return *width;
        }
        let width = self.faces.width(text, style);
        if self.widths.len() >= MOST_KNOWN {
            self.widths.clear();
        }
        self.widths.insert(key, width);
        width
    }

    fn width_of(&mut self, word: &Word) -> f32 {
        word.pieces.iter().map(|piece| self.width(&piece.text, piece.setting.style)).sum()
    }

    /// A word that is wider than a line is cut where it must be.
    fn fit(&mut self, word: Word, size: f32, width: f32) -> Vec<Word> {
        if self.width_of(&word) * size <= width {
            return vec![word];
        }
        let mut parts = vec![Word { pieces: Vec::new(), begins_line: word.begins_line }];
        let mut used = 0.0;
        for Piece { text, setting } in word.pieces {
            for c in text.chars() {
                let mut character = [0; 4];
                let own = self.width(c.encode_utf8(&mut character), setting.style) * size;
                if used + own > width && used > 0.0 {
                    parts.push(Word { pieces: Vec::new(), begins_line: true });
                    used = 0.0;
                }
                used += own;
                if let Some(part) = parts.last_mut() {
                    part.push(c, &setting);
                }
            }
        }
        parts
    }

    /// Words of one setting become one fragment, so that the spaces between them are there when the text is copied.
    fn line(&self, words: &[Word], size: f32) -> Line {
        let mut joined: Vec<Piece> = Vec::new();
        for (number, word) in words.iter().enumerate() {
            for (place, piece) in word.pieces.iter().enumerate() {
                let space = if number > 0 && place == 0 { " " } else { "" };
                match joined.last_mut() {
                    Some(last) if last.setting == piece.setting => {
                        last.text.push_str(space);
                        last.text.push_str(&piece.text);
                    }
                    last => {
                        // The space stands outside of the link or the code that follows.
                        if let Some(last) = last {
                            last.text.push_str(space);
                        }
                        joined.push(piece.clone());
                    }
                }
            }
        }
        let mut line = Line::default();
        for Piece { mut text, setting } in joined {
            if setting.style.code {
                // What held the words of code together is a space to whoever copies them.
                text = text.replace('\u{a0}', " ");
            }
            let runs = self.faces.shape(&text, setting.style);
            let width = runs.iter().map(|run| run.width).sum::<f32>() * size;
            line.fragments.push(Fragment { x: line.width, width, runs, setting });
            line.width += width;
        }
        line
    }
}

impl Word {
    fn push(&mut self, c: char, setting: &Setting) {
        match self.pieces.last_mut() {
            Some(last) if last.setting == *setting => last.text.push(c),
            _ => self.pieces.push(Piece { text: c.to_string(), setting: setting.clone() }),
        }
    }
}

#[derive(Default)]
struct Words {
    all: Vec<Word>,
    word: Word,
}

impl Words {
    fn inlines(&mut self, content: &[Inline], setting: &Setting) {
        let with = |style: Style| Setting { style, ..setting.clone() };
        for inline in content {
            match inline {
                Inline::Text(text) => self.text(text, setting),
                Inline::Code(text) => self.text(text, &with(Style { code: true, ..setting.style })),
                Inline::Emphasis(inner) => self.inlines(inner, &with(Style { emphasis: true, ..setting.style })),
                Inline::Strong(inner) => self.inlines(inner, &with(Style { strong: true, ..setting.style })),
                Inline::Strikethrough(inner) => self.inlines(inner, &Setting { struck: true, ..setting.clone() }),
                Inline::Link { href, content } => {
                    self.inlines(content, &Setting { link: Some(href.as_str().into()), ..setting.clone() });
                }
                Inline::Break => {
                    self.end();
                    self.word.begins_line = true;
                }
                Inline::Citation { number, .. } => self.text(&format!("[{number}]"), setting),
            }
        }
    }

    fn text(&mut self, text: &str, setting: &Setting) {
        for c in text.chars() {
            // Spaces that hold words together are no place to break.
            if c.is_whitespace() && !matches!(c, '\u{a0}' | '\u{202f}') {
                self.end();
            } else {
                self.word.push(c, setting);
            }
        }
    }

    fn end(&mut self) {
        if !self.word.pieces.is_empty() {
            self.all.push(std::mem::take(&mut self.word));
        }
    }
}
