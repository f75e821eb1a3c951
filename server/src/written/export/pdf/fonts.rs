//! The faces of a PDF, and text as their glyphs.

use krilla::text::{Font, GlyphId, KrillaGlyph};
use rustybuzz::{Direction, UnicodeBuffer};

/// How a piece of text is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Style {
    pub strong: bool,
    pub emphasis: bool,
    pub code: bool,
}

/// Index into [`Faces`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FaceId(usize);

const REGULAR: FaceId = FaceId(0);
const BOLD: FaceId = FaceId(1);
const ITALIC: FaceId = FaceId(2);
const BOLD_ITALIC: FaceId = FaceId(3);
const MONO: FaceId = FaceId(4);
/// Has what the others lack.
const OTHER: FaceId = FaceId(5);

/// In the order of the indexes; see fonts/README.md.
const FILES: [&[u8]; 6] = [
    include_bytes!("../fonts/newsreader-regular.ttf"),
    include_bytes!("../fonts/newsreader-bold.ttf"),
    include_bytes!("../fonts/newsreader-italic.ttf"),
    include_bytes!("../fonts/newsreader-bold-italic.ttf"),
    include_bytes!("../fonts/geist-mono.ttf"),
    include_bytes!("../fonts/noto-sans.ttf"),
];

/// Stands for what no face has.
const UNKNOWN: char = '\u{fffd}';

impl Style {
    const fn face(self) -> FaceId {
        match self {
            Self { code: true, .. } => MONO,
            Self { strong: true, emphasis: true, .. } => BOLD_ITALIC,
            Self { strong: true, .. } => BOLD,
            Self { emphasis: true, .. } => ITALIC,
            Self { .. } => REGULAR,
        }
    }
}

struct Face {
    font: Font,
    shaper: rustybuzz::Face<'static>,
}

pub(super) struct Faces(Vec<Face>);

/// A piece of text in one face.
#[derive(Clone)]
pub(super) struct Run {
    pub face: FaceId,
    pub text: String,
    pub glyphs: Vec<KrillaGlyph>,
    /// In ems.
    pub width: f32,
}

impl Faces {
    /// None when a file is no font, which a test rules out.
    pub fn load() -> Option<Self> {
        let face = |file: &'static [u8]| {
            Some(Face { font: Font::new(file.into(), 0)?, shaper: rustybuzz::Face::from_slice(file, 0)? })
        };
        FILES.into_iter().map(face).collect::<Option<Vec<_>>>().map(Self)
    }

    pub fn font(&self, face: FaceId) -> Font {
        self.0[face.0].font.clone()
    }

    fn has(&self, face: FaceId, c: char) -> bool {
        self.0[face.0].shaper.glyph_index(c).is_some()
    }

    /// The text in the faces that have its characters. What none has becomes a sign that says so.
    pub fn shape(&self, text: &str, style: Style) -> Vec<Run> {
        let wanted = style.face();
        let mut runs: Vec<(FaceId, String)> = Vec::new();
        for c in text.chars().filter(|c| !is_invisible(*c)) {
            let last = runs.last().map(|(face, _)| *face);
            // A mark stays with its letter.
            let stays = last.filter(|face| is_mark(c) && self.has(*face, c));
            let found = stays.or_else(|| [wanted, OTHER, MONO].into_iter().find(|face| self.has(*face, c)));
            let (face, c) = found.map_or((OTHER, UNKNOWN), |face| (face, c));
            match runs.last_mut() {
                Some((last, text)) if *last == face => text.push(c),
                _ => runs.push((face, c.to_string())),
            }
        }
        runs.into_iter().map(|(face, text)| self.shape_run(face, text)).collect()
    }

    /// Width of the text, in ems.
    pub fn width(&self, text: &str, style: Style) -> f32 {
        self.shape(text, style).iter().map(|run| run.width).sum()
    }

    fn shape_run(&self, face: FaceId, text: String) -> Run {
        let Face { font, shaper } = &self.0[face.0];
        let em = font.units_per_em();
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(&text);
        buffer.guess_segment_properties();
        buffer.set_direction(Direction::LeftToRight);
        let shaped = rustybuzz::shape(shaper, &[], buffer);
        let infos = shaped.glyph_infos();
        #[allow(clippy::cast_precision_loss)] // a glyph is some thousands of units wide
        let ems = |units: i32| units as f32 / em;
        let ends = ends_of_clusters(infos.iter().map(|info| info.cluster as usize), text.len());
        let glyphs: Vec<KrillaGlyph> = shaped
            .glyph_positions()
            .iter()
            .zip(infos)
            .zip(ends)
            .map(|((position, info), end)| {
                KrillaGlyph::new(
                    GlyphId::new(info.glyph_id),
                    ems(position.x_advance),
                    ems(position.x_offset),
                    ems(position.y_offset),
                    ems(position.y_advance),
                    info.cluster as usize..end,
                    None,
                )
            })
            .collect();
        let width = glyphs.iter().map(|glyph| glyph.x_advance).sum();
        Run { face, text, glyphs, width }
    }
}

/// Where in a text of this length the cluster of each glyph ends. One letter may have a hundred thousand marks, which are
/// one cluster: each glyph is looked at once.
fn ends_of_clusters(starts: impl DoubleEndedIterator<Item = usize>, length: usize) -> Vec<usize> {
    let (mut end, mut next) = (length, None);
    let mut ends: Vec<usize> = starts
        .rev()
        .map(|start| {
            if let Some(next) = next.filter(|next| *next != start) {
                end = next;
            }
            next = Some(start);
            end
        })
        .collect();
    ends.reverse();
    ends
}

fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{20d0}'..='\u{20ff}')
}

/// Controls, and characters that only change how others look.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_ends_where_the_next_begins() {
        assert_eq!(ends_of_clusters([0, 0, 2, 5, 5].into_iter(), 9), [2, 2, 5, 9, 9]);
        assert_eq!(ends_of_clusters(std::iter::empty(), 0), [0_usize; 0]);
    }

    #[test]
    fn each_character_is_set_in_a_face_that_has_it() {
        let faces = Faces::load().unwrap();
        let regular = Style::default();
        let of = |text: &str| -> Vec<(FaceId, String)> {
            faces.shape(text, regular).into_iter().map(|run| (run.face, run.text)).collect()
        };
        assert_eq!(of("Grüße, Łódź – “ok”"), [(REGULAR, "Grüße, Łódź – “ok”".to_owned())]);
        assert_eq!(of("да"), [(OTHER, "да".to_owned())]);
        assert_eq!(of("→"), [(MONO, "→".to_owned())]);
        assert_eq!(of("漢"), [(OTHER, "\u{fffd}".to_owned())]);
        assert_eq!(of("a\u{200b}b\u{0}"), [(REGULAR, "ab".to_owned())]);
        let strong = Style { strong: true, emphasis: true, code: false };
        assert_eq!(faces.shape("a", strong)[0].face, BOLD_ITALIC);
        assert!(faces.width("mmm", regular) > faces.width("iii", regular));
    }
}
