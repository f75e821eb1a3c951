//! Starting other programs, and leaving none behind.

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};
use std::{
    ffi::OsStr,
    io::Read as _,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::sleep,
    time::{Duration, Instant},
};

static CHILDREN: Mutex<Vec<u32>> = Mutex::new(Vec::new());
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// How long a child may take to end after SIGTERM: the server drains requests for 20 seconds, then stops Postgres.
const STOP_LIMIT: Duration = Duration::from_secs(40);

/// On SIGINT or SIGTERM, asks every child to end, waits for them and ends this process.
pub fn stop_children_on_signals() {
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
    std::thread::spawn(move || {
        let Some(signal) = signals.forever().next() else { return };
        INTERRUPTED.store(true, Ordering::SeqCst);
        for pid in children().iter() {
            terminate(*pid);
        }
        let limit = Instant::now() + STOP_LIMIT;
        while !children().is_empty() && Instant::now() < limit {
            sleep(Duration::from_millis(50));
        }
        std::process::exit(128 + signal);
    });
}

fn children() -> std::sync::MutexGuard<'static, Vec<u32>> {
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn terminate(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // A child that has ended already needs no signal.
        let _ = kill_process(pid, Signal::TERM);
    }
}

/// A child that is known to the signal handler; asked to end, then waited for, when dropped.
pub struct Running {
    child: Child,
    name: String,
}

impl Running {
    /// # Errors
    /// When the program is not there or cannot be started.
    pub fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.spawn().with_context(|| format!("{name} cannot be started"))?;
        children().push(child.id());
        Ok(Self { child, name })
    }

    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// # Errors
    /// When the child cannot be waited for.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        let status = self.child.wait().with_context(|| format!("{} cannot be waited for", self.name))?;
        self.forget();
        wait_for_the_end_if_interrupted();
        Ok(status)
    }

    /// Asks the child to end and waits; kills it after [`STOP_LIMIT`].
    ///
    /// # Errors
    /// When it did not end by itself, or not well.
    pub fn stop(mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            self.forget();
            bail!("{} ended before it was asked to ({status})", self.name);
        }
        terminate(self.child.id());
        let limit = Instant::now() + STOP_LIMIT;
        loop {
            if let Some(status) = self.child.try_wait()? {
                self.forget();
                if !status.success() {
                    bail!("{} did not end well ({status})", self.name);
                }
                return Ok(());
            }
            if Instant::now() > limit {
                self.child.kill()?;
                self.child.wait()?;
                self.forget();
                bail!("{} did not end within {} s of SIGTERM", self.name, STOP_LIMIT.as_secs());
            }
            sleep(Duration::from_millis(20));
        }
    }

    fn forget(&self) {
        children().retain(|pid| *pid != self.child.id());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if children().contains(&self.child.id())
            && let Err(error) = self.end()
        {
            eprintln!("{error:#}");
        }
    }
}

/// After a signal, every child fails; the thread that handles it ends the process, and nothing new may start.
fn wait_for_the_end_if_interrupted() {
    while INTERRUPTED.load(Ordering::SeqCst) {
        sleep(Duration::from_secs(1));
    }
}

/// A command without the variables by which `cargo run` describes this crate to it, so that a cargo below builds with
/// the same environment as one typed by hand.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") || text == "CARGO" {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs with this terminal's input and output.
///
/// # Errors
/// When it cannot be started or fails.
pub fn run(command: &mut Command) -> Result<()> {
    let status = Running::start(command)?.wait()?;
    if !status.success() {
        bail!("{} failed ({status})", shown(command));
    }
    Ok(())
}

/// As [`run`], but quiet unless it fails, and killed after `limit`.
///
/// # Errors
/// When it cannot be started, fails, or takes longer; with what it wrote.
pub fn run_within(command: &mut Command, limit: Duration) -> Result<()> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut running = Running::start(command)?;
    let stderr = running.child().stderr.take();
    let complaints = std::thread::spawn(move || {
        let mut text = String::new();
        if let Some(mut stderr) = stderr {
            // Text that is not UTF-8 is not worth failing for; the exit status decides.
            let _ = stderr.read_to_string(&mut text);
        }
        text
    });
    let end = Instant::now() + limit;
    let status = loop {
        if let Some(status) = running.child().try_wait()? {
            break status;
        }
        if Instant::now() > end {
            running.child().kill()?;
            running.wait()?;
            bail!("{} took longer than {} s", shown(command), limit.as_secs());
        }
        sleep(Duration::from_millis(50));
    };
    running.wait()?;
    if !status.success() {
        bail!("{} failed ({status})\n{}", shown(command), complaints.join().unwrap_or_default().trim());
    }
    Ok(())
}

/// What it writes to its standard output.
///
/// # Errors
/// When it cannot be started or fails.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{} cannot be started", command.get_program().to_string_lossy()))?;
    wait_for_the_end_if_interrupted();
    if !output.status.success() {
        bail!("{} failed ({})\n{}", shown(command), output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The program of that name on PATH.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// The command as one would type it.
pub fn shown(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|part| part.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
