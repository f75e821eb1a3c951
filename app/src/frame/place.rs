use domain::navigation::Place;

/// The place that a path is about; what names no place is home.
pub(super) fn of_path(path: &str) -> Place {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let (kind, id) = (segments.next(), segments.next().unwrap_or_default());
    let place = match kind {
        Some("workspaces") => id.parse().map(Place::Workspace),
        Some("projects") => id.parse().map(Place::Project),
        Some("documents") => id.parse().map(Place::Document),
        Some("chat") => id.parse().map(Place::Conversation),
        _ => return Place::Home,
    };
    place.unwrap_or(Place::Home)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_its_place() {
        let id = uuid::Uuid::nil();
        for (path, place) in [
            ("/".to_owned(), Place::Home),
            ("/workspaces/new".to_owned(), Place::Home),
            (format!("/workspaces/{id}"), Place::Workspace(id.into())),
            (format!("/projects/{id}/documents"), Place::Project(id.into())),
            (format!("/documents/{id}"), Place::Document(id.into())),
            (format!("/chat/{id}"), Place::Conversation(id.into())),
        ] {
            assert_eq!(of_path(&path), place, "{path}");
        }
    }
}
