//! Debian's packages, by apt: installed where that is allowed, or only fetched and unpacked by anyone.

use crate::process::{self, find};
use anyhow::{Context, Result, bail};
use std::{fs, path::Path, path::PathBuf};

const DEBIAN_KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Installs a package of the system's own sources.
///
/// # Errors
/// What to type, when this user may not install packages; or apt's failure.
pub fn install(package: &str) -> Result<()> {
    let by_hand = format!("type `sudo apt-get update && sudo apt-get install {package}`");
    if find("apt-get").is_none() {
        bail!("{package} is missing, and this system has no apt: install it with the system's package manager");
    }
    let prefix: &[&str] = if rustix::process::geteuid().is_root() {
        &[]
    } else if process::output(process::command("sudo").args(["-n", "true"])).is_ok() {
        &["sudo", "-n"]
    } else {
        bail!("{package} is missing and cannot be installed without a password: {by_hand}");
    };
    for step in [&["update", "-qq"][..], &["install", "-y", "-qq", "--no-install-recommends", package]] {
        let mut words = prefix
            .iter()
            .copied()
            .chain(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"])
            .chain(step.iter().copied());
        let program = words.next().unwrap_or("apt-get");
        process::run(process::command(program).args(words))
            .with_context(|| format!("{package} could not be installed: {by_hand}"))?;
    }
    Ok(())
}

/// Package lists of a Debian suite that this system does not use, in a folder of their own: nothing of the system is
/// changed, so any user may. The mirror is the one that the system uses, and the signatures are Debian's.
pub struct ForeignSuite {
    folder: PathBuf,
}

impl ForeignSuite {
    /// # Errors
    /// When this system is no Debian, or the suite cannot be reached.
    pub fn open(suite: &str, folder: &Path) -> Result<Self> {
        if !Path::new(DEBIAN_KEYRING).is_file() {
            bail!("this system has no keys of Debian ({DEBIAN_KEYRING})");
        }
        let mirror = mirror()?;
        let folder = folder.join(suite);
        for part in ["lists/partial", "cache/archives/partial", "sources.d"] {
            fs::create_dir_all(folder.join(part))?;
        }
        fs::write(folder.join("status"), "")?;
        fs::write(folder.join("sources.list"), format!("deb [signed-by={DEBIAN_KEYRING}] {mirror} {suite} main\n"))?;
        let at = |part: &str| folder.join(part).display().to_string();
        let configuration = [
            ("Dir::Etc::SourceList", at("sources.list")),
            ("Dir::Etc::SourceParts", at("sources.d")),
            ("Dir::State::Lists", at("lists")),
            ("Dir::State::status", at("status")),
            ("Dir::Cache", at("cache")),
            ("Acquire::Languages", "none".to_owned()),
            // The other user that apt would fetch as may not write into this folder.
            ("APT::Sandbox::User", "root".to_owned()),
        ];
        let lines: String = configuration.iter().map(|(name, value)| format!("{name} \"{value}\";\n")).collect();
        fs::write(folder.join("apt.conf"), lines)?;
        let suite = Self { folder };
        process::output(suite.command("apt-get").args(["-qq", "update", "--error-on=any"]))?;
        Ok(suite)
    }

    /// The versions that the suite has of a package.
    ///
    /// # Errors
    /// When apt fails.
    pub fn versions(&self, package: &str) -> Result<Vec<String>> {
        let table = process::output(self.command("apt-cache").args(["madison", package]))?;
        Ok(table.lines().filter_map(|line| Some(line.split('|').nth(1)?.trim().to_owned())).collect())
    }

    /// Fetches a package and unpacks it, without installing it. Returns the folder that stands for `/`.
    ///
    /// # Errors
    /// When apt or dpkg fails.
    pub fn unpack(&self, package: &str, version: &str) -> Result<PathBuf> {
        let root = self.folder.join("root");
        process::output(self.command("apt-get").args(["-qq", "download", &format!("{package}={version}")]))?;
        let archive = fs::read_dir(&self.folder)?
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
            .context("apt fetched nothing")?;
        process::output(process::command("dpkg-deb").arg("-x").args([&archive, &root]))?;
        Ok(root)
    }

    fn command(&self, program: &str) -> std::process::Command {
        let mut command = process::command(program);
        command.env("APT_CONFIG", self.folder.join("apt.conf")).current_dir(&self.folder);
        command
    }
}

/// The mirror that this system's own Debian packages come from.
fn mirror() -> Result<String> {
    let mut apt = process::command("apt-get");
    apt.args(["indextargets", "--format", "$(REPO_URI) $(RELEASE) $(ORIGIN)", "Created-By: Packages"]);
    let targets = process::output(&mut apt)?;
    debian_mirror(&targets).context("this system has no Debian mirror in its apt sources")
}

/// The first repository that is Debian's and carries a whole suite, not only its security updates.
fn debian_mirror(targets: &str) -> Option<String> {
    targets
        .lines()
        .filter_map(|line| line.split_once(' '))
        .find(|(_, rest)| rest.ends_with(" Debian") && !rest.contains("security"))
        .map(|(uri, _)| uri.to_owned())
}

#[cfg(test)]
mod tests {
    use super::debian_mirror;

    #[test]
    fn takes_the_mirror_of_the_whole_suite() {
        let targets = "http://security.example/debian-security/ bookworm-security Debian\n\
                       http://apt.example/node/ nodistro . nodistro\n\
                       http://mirror.example/debian/ bookworm Debian\n";
        assert_eq!(debian_mirror(targets).as_deref(), Some("http://mirror.example/debian/"));
        assert_eq!(debian_mirror("http://mirror.example/ubuntu/ noble Ubuntu\n"), None);
    }
}
