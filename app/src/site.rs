//! The files of the built site that a page names.

use crate::part::Part;
use std::fs;

/// The paths of what the pages of a part bring: their style sheet, and the JavaScript and WebAssembly that attach them.
#[derive(Clone, Debug)]
pub struct Bundle {
    pub style: String,
    pub(crate) script: String,
    pub(crate) wasm: String,
}

/// The site's files, named with the hashes of what is in them. Leptos's own components read these anew for each page.
#[derive(Clone, Debug)]
pub struct Site {
    pub(crate) entrance: Bundle,
    pub studio: Bundle,
}

impl Site {
    /// The files in the folder `package` that begin with `name`. cargo-leptos has written their hashes beside the program;
    /// a program without such files names them without.
    pub fn find(name: &str, package: &str) -> Self {
        let (studio, entrance) = (Hashes::read("hash.txt"), Hashes::read("entrance.txt"));
        Self {
            entrance: entrance.bundle(&format!("/{package}/entrance"), name),
            studio: studio.bundle(&format!("/{package}"), name),
        }
    }

    pub(crate) fn bundle(&self, part: Part) -> &Bundle {
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

    fn bundle(&self, folder: &str, name: &str) -> Bundle {
        let path = |extension| self.path(folder, name, extension);
        Bundle { style: path("css"), script: path("js"), wasm: path("wasm") }
    }
}

#[cfg(test)]
mod tests {
    use super::Hashes;

    #[test]
    fn the_name_of_a_file_has_its_hash() {
        let hashes = Hashes("js: a-_1\nwasm: b2\ncss: c3\n".to_owned());
        let bundle = hashes.bundle("/pkg/entrance", "atelier");
        assert_eq!(bundle.style, "/pkg/entrance/atelier.c3.css");
        assert_eq!(bundle.script, "/pkg/entrance/atelier.a-_1.js");
        assert_eq!(bundle.wasm, "/pkg/entrance/atelier.b2.wasm");
        assert_eq!(Hashes::default().path("/pkg", "atelier", "css"), "/pkg/atelier.css");
    }
}
