//! The files of the built site that a page names.

use crate::part::Part;
use std::fs;

/// What attaches the pages of a part.
#[derive(Clone, Debug)]
pub(crate) struct Module {
    /// The paths of its JavaScript and its WebAssembly.
    pub script: String,
    pub wasm: String,
}

/// The paths of the site's files, with the hashes of what is in them. Leptos's own components read these anew for each page.
#[derive(Clone, Debug)]
pub struct Site {
    pub style: String,
    pub(crate) entrance: Module,
    pub(crate) studio: Module,
}

impl Site {
    /// The files in the folder `package` that begin with `name`. cargo-leptos has written their hashes beside the program;
    /// a program without such files names them without.
    pub fn find(name: &str, package: &str) -> Self {
        let (studio, entrance) = (Hashes::read("hash.txt"), Hashes::read("entrance.txt"));
        Self {
            style: studio.path(&format!("/{package}"), name, "css"),
            entrance: entrance.module(&format!("/{package}/entrance"), name),
            studio: studio.module(&format!("/{package}"), name),
        }
    }

    pub(crate) fn module(&self, part: Part) -> &Module {
        match part {
            Part::Entrance => &self.entrance,
            Part::Studio => &self.studio,
        }
    }
}

/// Lines as `wasm: 2jV0…`.
#[derive(Debug, Default)]
struct Hashes(String);

impl Hashes {
    fn read(file: &str) -> Self {
        let read = std::env::current_exe().and_then(|program| fs::read_to_string(program.with_file_name(file)));
        Self(read.unwrap_or_default())
    }

    fn path(&self, folder: &str, name: &str, extension: &str) -> String {
        let hash = self.0.lines().find_map(|line| line.split_once(':').filter(|(of, _)| *of == extension));
        match hash {
            Some((_, hash)) => format!("{folder}/{name}.{}.{extension}", hash.trim()),
            None => format!("{folder}/{name}.{extension}"),
        }
    }

    fn module(&self, folder: &str, name: &str) -> Module {
        Module { script: self.path(folder, name, "js"), wasm: self.path(folder, name, "wasm") }
    }
}

#[cfg(test)]
mod tests {
    use super::Hashes;

    #[test]
    fn the_name_of_a_file_has_its_hash() {
        let hashes = Hashes("js: a-_1\nwasm: b2\ncss: c3\n".to_owned());
        assert_eq!(hashes.path("/pkg", "atelier", "css"), "/pkg/atelier.c3.css");
        let module = hashes.module("/pkg/entrance", "atelier");
        assert_eq!(module.script, "/pkg/entrance/atelier.a-_1.js");
        assert_eq!(module.wasm, "/pkg/entrance/atelier.b2.wasm");
        assert_eq!(Hashes::default().path("/pkg", "atelier", "css"), "/pkg/atelier.css");
    }
}
