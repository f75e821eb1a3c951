//! Under which user PostgreSQL runs, and what that user can reach.

use crate::embedded::{EmbeddedError, at};
use sha2::{Digest, Sha256};
use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
};

const SETPRIV: &str = "/usr/bin/setpriv";

/// The user to become, when the server runs as root.
#[derive(Clone, Debug)]
pub(super) struct Account {
    uid: u32,
    gid: u32,
}

impl Account {
    /// `None` unless this process is root. initdb looks the user up, so it must be one that the system knows.
    pub(super) fn needed() -> Result<Option<Self>, EmbeddedError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let users = Path::new("/etc/passwd");
        let text = fs::read_to_string(users).map_err(at("read", users))?;
        let found = ["postgres", "nobody"].into_iter().find_map(|name| Self::find(&text, name));
        found.map(Some).ok_or_else(|| {
            EmbeddedError::new("PostgreSQL does not run as root and there is no user for it: type `useradd --system postgres`, or start Atelier as an ordinary user.")
        })
    }

    fn find(passwd: &str, name: &str) -> Option<Self> {
        let mut fields =
            passwd.lines().map(|line| line.split(':')).find(|fields| fields.clone().next() == Some(name))?.skip(2);
        Some(Self { uid: fields.next()?.parse().ok()?, gid: fields.next()?.parse().ok()? })
    }

    /// Gives the path, not what is in it, to this account.
    pub(super) fn own(&self, path: &Path) -> Result<(), EmbeddedError> {
        std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid)).map_err(at("give away", path))
    }

    /// Gives a cluster to this account that was made under another, say by an ordinary user before root came.
    pub(super) fn own_cluster(&self, cluster: &Path) -> Result<(), EmbeddedError> {
        let metadata = fs::symlink_metadata(cluster).map_err(at("look at", cluster))?;
        if metadata.uid() == self.uid { Ok(()) } else { self.own_all(cluster) }
    }

    fn own_all(&self, path: &Path) -> Result<(), EmbeddedError> {
        // A symbolic link is given away itself, and never followed.
        std::os::unix::fs::lchown(path, Some(self.uid), Some(self.gid)).map_err(at("give away", path))?;
        if !fs::symlink_metadata(path).map_err(at("look at", path))?.is_dir() {
            return Ok(());
        }
        for entry in fs::read_dir(path).map_err(at("read", path))? {
            self.own_all(&entry.map_err(at("read", path))?.path())?;
        }
        Ok(())
    }
}

/// A command under the account, in a process group of its own, so that Ctrl-C reaches only us and we stop it in order.
/// On Linux the kernel interrupts it (a fast shutdown for PostgreSQL) when the thread that started it ends.
pub(super) fn command(program: &Path, account: Option<&Account>) -> Command {
    let mut command = if Path::new(SETPRIV).exists() {
        let mut setpriv = Command::new(SETPRIV);
        if let Some(Account { uid, gid }) = account {
            setpriv.arg(format!("--reuid={uid}")).arg(format!("--regid={gid}")).arg("--clear-groups");
        }
        setpriv.args(["--pdeathsig", "INT", "--"]).arg(program);
        setpriv
    } else {
        let mut plain = Command::new(program);
        if let Some(Account { uid, gid }) = account {
            plain.uid(*uid).gid(*gid);
        }
        plain
    };
    // The account may not be allowed to stand where we stand.
    command.current_dir("/").process_group(0).env("LC_ALL", "C");
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("PG")) {
            command.env_remove(name);
        }
    }
    command
}

/// `wanted`, unless the account cannot walk down to it; then `instead`.
pub(super) fn reachable(wanted: &Path, instead: &Path, account: Option<&Account>) -> PathBuf {
    // Folders below that do not exist yet are made by us, open.
    let open = |folder: &Path| fs::metadata(folder).map_or(true, |metadata| metadata.permissions().mode() & 0o001 != 0);
    if account.is_none() || wanted.ancestors().all(open) { wanted.to_owned() } else { instead.to_owned() }
}

/// A name of its own for the data that would be at `path`.
pub(super) fn name_for(path: &Path) -> String {
    let hash = Sha256::digest(path.as_os_str().as_encoded_bytes());
    let hash: String = hash[..6].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("postgres-{hash}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_parent_sends_the_data_elsewhere() {
        let account = Account { uid: 12, gid: 12 };
        let closed = std::env::temp_dir().join(format!("atelier-closed-{}", uuid::Uuid::new_v4().simple()));
        fs::create_dir_all(&closed).unwrap();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
        let (wanted, instead) = (closed.join("data"), Path::new("/var/lib/atelier"));
        assert_eq!(reachable(&wanted, instead, Some(&account)), instead);
        assert_eq!(reachable(&wanted, instead, None), wanted);
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o711)).unwrap();
        assert_eq!(reachable(&wanted, instead, Some(&account)), wanted);
        fs::remove_dir_all(closed).unwrap();
    }

    #[test]
    fn users_are_read_from_the_systems_list() {
        let list = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65533:n:/:/bin/false\n";
        let account = Account::find(list, "nobody").unwrap();
        assert_eq!((account.uid, account.gid), (65534, 65533));
        assert!(Account::find(list, "postgres").is_none());
    }
}
