//! Word (ECMA-376, part 1, 17). A document has no pages before it is laid out, so it is cut by length.

use super::{
    Package,
    xml::{self, Node},
};
use crate::rag::extract::{
    ExtractError,
    sink::{Flow, Sink},
};
use std::fs::File;

/// # Errors
/// What is wrong with the file, or as [`Sink::page`].
pub fn read(file: File, sink: &mut Sink<'_>) -> Result<(), ExtractError> {
    let mut package = Package::open(file)?;
    let mut flow = sink.flow();
    let mut found = false;
    for part in ["word/document.xml", "word/footnotes.xml", "word/endnotes.xml"] {
        if let Some(reader) = package.part(part)? {
            found |= part == "word/document.xml";
            let mut writer = Writer { flow: &mut flow, line: String::new(), state: State::default() };
            xml::read(reader, |node| writer.hear(node))?;
            writer.flow.push("\n\n")?;
        }
    }
    if !found {
        return Err(ExtractError::Damaged);
    }
    flow.finish(false)
}

#[derive(Default)]
struct State {
    /// Within an element of text.
    in_text: bool,
    /// Elements within what an older Word would show instead: the same text again.
    fallback: usize,
    is_item: bool,
    tables: usize,
    cells: usize,
}

struct Writer<'f, 's, 'a> {
    flow: &'f mut Flow<'s, 'a>,
    line: String,
    state: State,
}

impl Writer<'_, '_, '_> {
    fn hear(&mut self, node: Node<'_>) -> Result<(), ExtractError> {
        if self.state.fallback > 0 {
            match node {
                Node::Start(..) => self.state.fallback += 1,
                Node::End(_) => self.state.fallback -= 1,
                Node::Text(_) => {}
            }
            return Ok(());
        }
        match node {
            Node::Start("Fallback", _) => self.state.fallback = 1,
            // `delText`, what a reviewer has deleted, is another element.
            Node::Start("t", _) => self.state.in_text = true,
            Node::End("t") => self.state.in_text = false,
            Node::Text(text) if self.state.in_text => self.line.push_str(text),
            Node::Start("tab", _) => self.line.push(' '),
            Node::Start("br" | "cr", _) => self.line.push('\n'),
            Node::Start("noBreakHyphen", _) => self.line.push('-'),
            Node::Start("numPr", _) => self.state.is_item = true,
            Node::Start("tbl", _) => self.state.tables += 1,
            Node::Start("tr", _) => self.state.cells = 0,
            Node::Start("tc", _) => {
                if self.state.cells > 0 {
                    self.line.push_str(" | ");
                }
                self.state.cells += 1;
            }
            Node::End("p") if self.state.tables > 0 => self.line.push(' '),
            Node::End("p") => self.paragraph()?,
            Node::End("tr") if self.state.tables == 1 => self.end_line("\n")?,
            Node::End("tbl") => {
                self.state.tables = self.state.tables.saturating_sub(1);
                if self.state.tables == 0 {
                    self.end_line("\n\n")?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn paragraph(&mut self) -> Result<(), ExtractError> {
        if std::mem::take(&mut self.state.is_item) {
            self.flow.push("• ")?;
            return self.end_line("\n");
        }
        self.end_line("\n\n")
    }

    fn end_line(&mut self, separator: &str) -> Result<(), ExtractError> {
        self.line.push_str(separator);
        self.flow.push(&self.line)?;
        self.line.clear();
        Ok(())
    }
}
