//! A document's facts in words.

/// `12 kB`, `1.4 MB`: decimal units, as file managers count them.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} byte{}", if bytes == 1 { "" } else { "s" });
    }
    let mut unit = 0;
    let mut tenths = bytes / 100;
    while tenths >= 9_995 && unit + 1 < UNITS.len() {
        tenths = (tenths + 500) / 1000;
        unit += 1;
    }
    let whole = tenths / 10;
    if whole >= 10 || tenths.is_multiple_of(10) {
        format!("{} {}", (tenths + 5) / 10, UNITS[unit])
    } else {
        format!("{whole}.{} {}", tenths % 10, UNITS[unit])
    }
}

/// The kind of file, for people.
pub(crate) fn kind(media_type: &str) -> &str {
    match media_type {
        "application/pdf" => "PDF",
        "text/markdown" => "Markdown",
        "text/html" => "HTML",
        "text/plain" => "Text",
        "text/csv" => "CSV",
        "application/epub+zip" => "EPUB",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => "Word",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation" => "PowerPoint",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => "Excel",
        picture if picture.starts_with("image/") => "Picture",
        other => other,
    }
}

/// What a page is called in a document of this kind. A workbook's long sheets are cut, so theirs are pages.
pub(crate) fn page_word(media_type: &str) -> &'static str {
    if kind(media_type) == "PowerPoint" { "slide" } else { "page" }
}

/// `1 page`, `12 slides`; nothing while it is not known.
pub(super) fn pages(count: Option<u32>, media_type: &str) -> Option<String> {
    count.map(|count| crate::workspaces::count(count, page_word(media_type)))
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_have_two_or_three_digits() {
        for (bytes, words) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (1_000, "1 kB"),
            (1_440, "1.4 kB"),
            (12_300, "12 kB"),
            (999_499, "999 kB"),
            (999_600, "1 MB"),
            (1_400_000, "1.4 MB"),
            (25_000_000, "25 MB"),
            (3_200_000_000, "3.2 GB"),
            (u64::MAX, "18446744 TB"),
        ] {
            assert_eq!(size(bytes), words, "{bytes}");
        }
    }
}
