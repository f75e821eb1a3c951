//! PowerPoint (ECMA-376, part 1, 19): a page for each slide, with the speaker's notes below.

use super::{
    Package,
    relations::{self, Relation},
    xml::{self, Node},
};
use crate::rag::extract::{ExtractError, Limits, sink::Sink};
use std::fs::File;

const PRESENTATION: &str = "ppt/presentation.xml";

/// # Errors
/// What is wrong with the file, or as [`Sink::page`].
pub fn read(file: File, sink: &mut Sink<'_>) -> Result<(), ExtractError> {
    let mut package = Package::open(file)?;
    let slides = slides(&mut package)?;
    if slides.is_empty() {
        return Err(ExtractError::Damaged);
    }
    if slides.len() > Limits::MAX_PAGES {
        return Err(ExtractError::TooManyPages);
    }
    for slide in slides {
        let mut text = text(&mut package, &slide)?;
        let notes = relations::of(&mut package, &slide)?.into_iter().find(|relation| relation.kind == "notesSlide");
        if let Some(notes) = notes {
            let notes = self::text(&mut package, &notes.target)?;
            if !notes.trim().is_empty() {
                text.push_str("\n\nNotes:\n");
                text.push_str(&notes);
            }
        }
        let mut flow = sink.flow();
        flow.push(&text)?;
        flow.finish(true)?;
    }
    Ok(())
}

/// The slides' parts in the order in which they are shown.
fn slides(package: &mut Package) -> Result<Vec<String>, ExtractError> {
    let related = relations::of(package, PRESENTATION)?;
    let mut slides = Vec::new();
    let Some(reader) = package.part(PRESENTATION)? else { return Err(ExtractError::Damaged) };
    xml::read(reader, |node| {
        // Its own `id` is a number; the relation's name stands in `r:id`, which comes second.
        if let Node::Start("sldId", start) = node {
            let mut attributes = start.attributes().filter_map(Result::ok);
            let target = attributes.find_map(|attribute| of_slide(&related, &attribute.value));
            slides.extend(target.map(str::to_owned));
        }
        Ok(())
    })?;
    slides.retain(|slide| package.has(slide));
    Ok(slides)
}

fn of_slide<'a>(related: &'a [Relation], id: &str) -> Option<&'a str> {
    related
        .iter()
        .find(|relation| relation.kind == "slide" && relation.id == id)
        .map(|relation| relation.target.as_str())
}

/// The text of a slide or of its notes, without its number.
fn text(package: &mut Package, part: &str) -> Result<String, ExtractError> {
    let Some(reader) = package.part(part)? else { return Ok(String::new()) };
    let mut text = String::new();
    let (mut in_text, mut in_field, mut cells, mut fallback) = (false, false, None, 0_usize);
    xml::read(reader, |node| {
        if fallback > 0 {
            match node {
                Node::Start(..) => fallback += 1,
                Node::End(_) => fallback -= 1,
                Node::Text(_) => {}
            }
            return Ok(());
        }
        match node {
            Node::Start("Fallback", _) => fallback = 1,
            Node::Start("t", _) => in_text = true,
            Node::End("t") => in_text = false,
            Node::Start("fld", start) => {
                in_field = xml::attribute(start, "type").is_some_and(|kind| kind == "slidenum");
            }
            Node::End("fld") => in_field = false,
            Node::Text(words) if in_text && !in_field => text.push_str(words),
            Node::Start("br", _) => text.push('\n'),
            Node::Start("tr", _) => cells = Some(0),
            Node::Start("tc", _) => {
                if let Some(cells) = &mut cells {
                    if *cells > 0 {
                        text.push_str(" | ");
                    }
                    *cells += 1;
                }
            }
            Node::End("tr") => {
                cells = None;
                text.push('\n');
            }
            Node::End("p") => text.push(if cells.is_some() { ' ' } else { '\n' }),
            // A shape's end.
            Node::End("txBody" | "tbl") if cells.is_none() => text.push('\n'),
            _ => {}
        }
        if text.len() > Limits::LONGEST_PAGE_BYTES { Err(ExtractError::TooMuchText) } else { Ok(()) }
    })?;
    Ok(text)
}
