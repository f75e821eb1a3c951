//! How large the image is that others pull: its layers as gzip compresses them, all of them and those that are ours.

use super::{Folder, LEFT_OUT, Measure, measure_of, note_of};
use crate::fault::Fault;
use flate2::{Compression, write::GzEncoder};
use serde::Deserialize;
use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::Stdio,
};
use tokio::process::Command;

/// With its tag: by its name alone, docker saves every version that there is.
const IMAGE: &str = "atelier:latest";
/// What the image says it stands on.
const BASE: &str = "{{index .Config.Labels \"org.opencontainers.image.base.name\"}}";
const LAYERS: &str = "{{json .RootFS.Layers}}";
const GZIP: &[u8] = b"\x1F\x8B";

pub(super) async fn measure() -> Result<Vec<Measure>, Fault> {
    let layers = match layers_of(IMAGE).await {
        Ok(layers) => layers,
        Err(why) => return Ok(vec![note_of(LEFT_OUT, why)]),
    };
    let folder = Folder::make()?;
    let archive = folder.0.join("image.tar");
    run("docker", &["save", "--output", &archive.to_string_lossy(), IMAGE]).await.map_err(failed)?;
    run("tar", &["-xf", &archive.to_string_lossy(), "-C", &folder.0.to_string_lossy()]).await.map_err(failed)?;
    let files = saved(&folder.0)?;
    if files.len() != layers.len() {
        return Err(failed("the saved image has other layers than docker says".to_owned()));
    }
    let sizes = tokio::task::spawn_blocking(move || {
        files.iter().map(|file| compressed(file)).collect::<io::Result<Vec<u64>>>()
    });
    let sizes = sizes.await.map_err(Fault::while_doing("compress the image's layers"))??;
    let megabytes = |bytes: &[u64]| bytes.iter().sum::<u64>() as f64 / 1e6;
    let mut measures = vec![measure_of("compressed", megabytes(&sizes), "MB")];
    measures.push(match base().await {
        Ok(below) if layers.starts_with(&below) => {
            measure_of("compressed, the layers that we add", megabytes(&sizes[below.len()..]), "MB")
        }
        Ok(_) => note_of("the layers that we add", "left out: the base image is not the one that it was built on"),
        Err(why) => note_of("the layers that we add", format!("left out: {why}")),
    });
    Ok(measures)
}

/// The digests of the layers of the image that ours says it stands on, the lowest first.
async fn base() -> Result<Vec<String>, String> {
    let name = run("docker", &["image", "inspect", "--format", BASE, IMAGE]).await?;
    let name = name.trim();
    // Docker knows its own registry's images by their short names.
    layers_of(name.trim_start_matches("docker.io/library/")).await
}

async fn layers_of(image: &str) -> Result<Vec<String>, String> {
    let layers = run("docker", &["image", "inspect", "--format", LAYERS, image]).await?;
    serde_json::from_str(&layers).map_err(|error| error.to_string())
}

/// What the program writes, or the last line of its complaint.
async fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().await;
    let output = output.map_err(|error| format!("{program} cannot be started: {error}"))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        return Err(complaint.trim().lines().last().unwrap_or("it failed without a word").to_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn failed(why: String) -> Fault {
    Fault::while_doing("save the image")(why)
}

/// The files of the layers of a saved image, the lowest first.
fn saved(folder: &Path) -> Result<Vec<PathBuf>, Fault> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Manifest {
        layers: Vec<PathBuf>,
    }
    let text = std::fs::read(folder.join("manifest.json"))?;
    let manifests: Vec<Manifest> =
        serde_json::from_slice(&text).map_err(Fault::while_doing("read what the saved image holds"))?;
    Ok(manifests.into_iter().flat_map(|manifest| manifest.layers).map(|layer| folder.join(layer)).collect())
}

/// Bytes as a registry keeps the layer, by gzip at its usual level.
fn compressed(layer: &Path) -> io::Result<u64> {
    let mut file = File::open(layer)?;
    let mut head = [0; 2];
    file.read_exact(&mut head)?;
    if head == GZIP {
        return Ok(file.metadata()?.len());
    }
    let mut gzip = GzEncoder::new(Counted(0), Compression::default());
    gzip.write_all(&head)?;
    io::copy(&mut file, &mut gzip)?;
    Ok(gzip.finish()?.0)
}

/// Counts what is written and keeps nothing.
struct Counted(u64);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_is_as_large_as_gzip_makes_it() {
        let folder = tempfile::tempdir().unwrap();
        let plain = folder.path().join("layer.tar");
        std::fs::write(&plain, vec![b'a'; 100_000]).unwrap();
        let size = compressed(&plain).unwrap();
        assert!((50..1_000).contains(&size), "{size}");
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(&vec![b'a'; 100_000]).unwrap();
        let zipped = folder.path().join("layer.tar.gz");
        let bytes = gzip.finish().unwrap();
        std::fs::write(&zipped, &bytes).unwrap();
        assert_eq!(compressed(&zipped).unwrap(), bytes.len() as u64);
    }

    #[test]
    fn a_saved_images_layers_are_in_its_manifest() {
        let folder = tempfile::tempdir().unwrap();
        let manifest =
            r#"[{"Config":"c.json","RepoTags":["atelier:latest"],"Layers":["blobs/sha256/a","blobs/sha256/b"]}]"#;
        std::fs::write(folder.path().join("manifest.json"), manifest).unwrap();
        let expected = ["blobs/sha256/a", "blobs/sha256/b"].map(|layer| folder.path().join(layer));
        assert_eq!(saved(folder.path()).unwrap(), expected);
    }
}
