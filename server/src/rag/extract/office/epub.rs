//! EPUB (EPUB 3.3, 4.2 and 5.7): the chapters in reading order, each beginning a page.

use super::{
    Package,
    relations::resolve,
    xml::{self, Node},
};
use crate::rag::extract::{ExtractError, html, plain, sink::Sink};
use std::{collections::HashMap, fs::File};

const CONTAINER: &str = "META-INF/container.xml";

/// A longer chapter is read without a tree, as a long page is.
const MAX_CHAPTER: u64 = 64 * 1024 * 1024;

/// # Errors
/// What is wrong with the file, or as [`Sink::page`].
pub fn read(file: File, sink: &mut Sink<'_>) -> Result<(), ExtractError> {
    let mut package = Package::open(file)?;
    let chapters = chapters(&mut package)?;
    if chapters.is_empty() {
        return Err(ExtractError::Damaged);
    }
    for chapter in chapters {
        let Some(bytes) = package.bytes(&chapter, MAX_CHAPTER)? else { continue };
        let long = bytes.len() as u64 > html::MAX_TREE_BYTES;
        let page = plain::decode_html(&bytes);
        drop(bytes);
        let text = if long { html::Tags::default().without(&page) } else { html::convert(&page)? };
        let mut flow = sink.flow();
        flow.push(&text)?;
        flow.finish(false)?;
    }
    Ok(())
}

fn chapters(package: &mut Package) -> Result<Vec<String>, ExtractError> {
    let Some(container) = package.part(CONTAINER)? else { return Err(ExtractError::Damaged) };
    let mut root = None;
    xml::read(container, |node| {
        if let Node::Start("rootfile", start) = node
            && root.is_none()
        {
            root = xml::attribute(start, "full-path");
        }
        Ok(())
    })?;
    let root = root.ok_or(ExtractError::Damaged)?;
    let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    if package.has("META-INF/encryption.xml") && package.has("META-INF/rights.xml") {
        return Err(ExtractError::Protected);
    }
    let Some(contents) = package.part(&root)? else { return Err(ExtractError::Damaged) };
    let mut items = HashMap::new();
    let mut spine = Vec::new();
    xml::read(contents, |node| {
        match node {
            Node::Start("item", start) => {
                if let (Some(id), Some(target)) = (xml::attribute(start, "id"), xml::attribute(start, "href")) {
                    items.insert(id, resolve(&folder, &unescape(&target)));
                }
            }
            Node::Start("itemref", start) => spine.extend(xml::attribute(start, "idref")),
            _ => {}
        }
        Ok(())
    })?;
    let mut chapters: Vec<String> = spine.iter().filter_map(|id| items.get(id).cloned()).collect();
    // A chapter that is named twice is read once: it could be named a million times.
    let mut seen = std::collections::HashSet::new();
    chapters.retain(|chapter| seen.insert(chapter.clone()));
    Ok(chapters)
}

/// `%20` and its like, as addresses have them.
fn unescape(address: &str) -> String {
    let path = address.split('#').next().unwrap_or_default();
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, after @ ..] = rest {
        let code = (*first == b'%')
            .then(|| after.get(..2))
            .flatten()
            .and_then(|code| std::str::from_utf8(code).ok())
            .and_then(|code| u8::from_str_radix(code, 16).ok());
        match code {
            Some(code) => {
                bytes.push(code);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
