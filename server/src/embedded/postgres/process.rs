//! The server's process: started by a thread that lives as long as it does, interrupted to stop it, and found again
//! when the one who started it was killed.

use crate::embedded::{EmbeddedError, at};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use std::{
    fs, io,
    path::Path,
    process::{Command, ExitStatus},
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// A child process. Dropped, it is interrupted.
#[derive(Debug)]
pub(super) struct Process {
    pid: Pid,
    ended: watch::Receiver<Option<ExitStatus>>,
}

impl Process {
    /// Starts it from a thread of its own: the kernel ties the child to the thread that made it, and runtime threads
    /// come and go.
    pub(super) async fn spawn(mut command: Command) -> io::Result<Self> {
        let (started, start) = tokio::sync::oneshot::channel();
        let (end, ended) = watch::channel(None);
        std::thread::Builder::new().name("postgres".to_owned()).spawn(move || {
            let mut child = match command.spawn() {
                Ok(child) => child,
                Err(error) => {
                    let _ = started.send(Err(error));
                    return;
                }
            };
            // Whoever waits may be gone; the child is waited for all the same.
            let _ = started.send(Ok(child.id()));
            let status = child.wait().unwrap_or_default();
            let _ = end.send(Some(status));
        })?;
        let id = start.await.map_err(io::Error::other)??;
        let pid = i32::try_from(id).ok().and_then(Pid::from_raw).ok_or_else(|| io::Error::other("no process id"))?;
        Ok(Self { pid, ended })
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.borrow().is_some()
    }

    /// Interrupts it and waits for its end.
    pub(super) async fn stop(&mut self) {
        self.interrupt();
        // An error means that the thread is gone, and it ends only after the child.
        let _ = self.ended.wait_for(Option::is_some).await;
    }

    /// SIGINT is PostgreSQL's fast shutdown.
    fn interrupt(&self) {
        if !self.has_ended()
            && let Err(error) = kill_process(self.pid, Signal::INT)
        {
            tracing::warn!(%error, "PostgreSQL could not be told to stop");
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.interrupt();
    }
}

/// Stops a server of this cluster that outlived whoever started it, and removes the note of one that did not.
/// The caller holds the lock of the data folder, so no other Atelier uses it.
#[allow(clippy::disallowed_methods)] // before the start, in `spawn_blocking`
pub(super) fn end_orphan(cluster: &Path) -> Result<(), EmbeddedError> {
    let note = cluster.join("postmaster.pid");
    let Ok(text) = fs::read_to_string(&note) else { return Ok(()) };
    let pid = text.lines().next().and_then(|line| line.trim().parse().ok()).and_then(Pid::from_raw);
    let Some(pid) = pid.filter(|pid| serves(*pid, cluster)) else {
        // Its process is gone, or the number now belongs to a stranger, which PostgreSQL could not tell.
        return fs::remove_file(&note).map_err(at("remove", &note));
    };
    tracing::warn!("stopping the PostgreSQL that an earlier Atelier left running");
    let limit = Instant::now() + Duration::from_secs(30);
    kill_process(pid, Signal::INT).map_err(|error| cannot_end(pid, error.into()))?;
    while test_kill_process(pid).is_ok() && serves(pid, cluster) {
        if Instant::now() > limit {
            return Err(cannot_end(pid, io::ErrorKind::TimedOut.into()));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn cannot_end(pid: Pid, error: io::Error) -> EmbeddedError {
    let message = format!(
        "A PostgreSQL of this data folder still runs and does not stop ({error}): type `kill -INT {}`.",
        pid.as_raw_nonzero()
    );
    EmbeddedError::because(message, error)
}

/// Whether the process is a server of the cluster, by its command line.
fn serves(pid: Pid, cluster: &Path) -> bool {
    let pid = pid.as_raw_nonzero().to_string();
    let line = match fs::read(Path::new("/proc").join(&pid).join("cmdline")) {
        Ok(line) => line,
        // Without /proc, as on macOS.
        Err(_) => Command::new("ps")
            .args(["-o", "command=", "-p", &pid])
            .output()
            .map(|output| output.stdout)
            .unwrap_or_default(),
    };
    let cluster = cluster.as_os_str().as_encoded_bytes();
    !cluster.is_empty() && line.windows(cluster.len()).any(|part| part == cluster)
}
