//! Which part of a package means which (ECMA-376, part 2, 6.5).

use super::{
    Package,
    xml::{self, Node},
};
use crate::rag::extract::ExtractError;

/// A relation of one part to another.
#[derive(Debug)]
pub struct Relation {
    pub id: String,
    /// The last part of its type's address, such as `notesSlide`.
    pub kind: String,
    /// A part's name.
    pub target: String,
}

/// The relations of `part`; those that lead out of the package are left out.
pub fn of(package: &mut Package, part: &str) -> Result<Vec<Relation>, ExtractError> {
    let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
    let mut relations = Vec::new();
    let Some(reader) = package.part(&format!("{folder}/_rels/{name}.rels"))? else { return Ok(relations) };
    xml::read(reader, |node| {
        if let Node::Start("Relationship", start) = node
            && xml::attribute(start, "TargetMode").as_deref() != Some("External")
            && let (Some(id), Some(kind), Some(target)) =
                (xml::attribute(start, "Id"), xml::attribute(start, "Type"), xml::attribute(start, "Target"))
        {
            let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
            relations.push(Relation { id, kind, target: resolve(folder, &target) });
        }
        Ok(())
    })?;
    Ok(relations)
}

/// A target as a part's name: relative to `folder`, or from the root when it begins with `/`.
pub fn resolve(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = if target.starts_with('/') { Vec::new() } else { folder.split('/').collect() };
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts.join("/")
}
