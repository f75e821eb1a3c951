//! How mimalloc is set. It reads its settings from the environment before `main`, so whoever starts the program sets them:
//! `Dockerfile.prod` for the image, this for the processes that the program starts itself.

/// Without the first, mimalloc 3 maps a gigabyte to write to at its first allocation: the memory of an idle server grows by
/// 15 MB, and a process whose data is limited (`rag::extract`) has none left. The second gives back what is free after ten
/// milliseconds, not a second: 14 MB less when idle, and as many pages a second (docs/benchmarks.md).
pub const SETTINGS: [(&str, &str); 2] = [("MIMALLOC_ARENA_EAGER_COMMIT", "0"), ("MIMALLOC_PURGE_DELAY", "10")];

#[cfg(test)]
mod tests {
    use super::SETTINGS;

    #[test]
    fn the_image_has_the_same() {
        let dockerfile = include_str!("../../Dockerfile.prod");
        for (name, value) in SETTINGS {
            assert!(dockerfile.contains(&format!("{name}={value}")), "{name}");
        }
    }
}
