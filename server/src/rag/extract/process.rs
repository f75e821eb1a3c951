//! The parent's side of [`child`](super::child): starts it, reads its pages, and says in a sentence how it ended.

use super::{ExtractError, Limits, Message};
#[cfg(not(test))]
use crate::allocator;
use std::{fs::File, os::unix::process::ExitStatusExt, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, ChildStdout, Command},
    time::Instant,
};

/// Of a line: the longest page with every byte escaped as `\u0000` would be longer, but control characters are removed.
const LONGEST_LINE: u64 = 4 * Limits::LONGEST_PAGE_BYTES as u64;

/// What is kept of the child's complaints.
const COMPLAINT: u64 = 4096;

/// What the kernel sends when the CPU time is used up (signal(7)).
const SIGXCPU: i32 = 24;

#[cfg(test)]
pub(super) const MEDIA_TYPE: &str = "ATELIER_TEST_EXTRACT";

/// A file that is being read.
#[derive(Debug)]
pub struct Reading {
    child: Child,
    lines: BufReader<ChildStdout>,
    /// Time that has been waited for the child; what its pages cost here does not count.
    waited: Duration,
    done: bool,
}

impl Reading {
    /// Starts to read a file from its beginning.
    ///
    /// # Errors
    /// `Io` when no process can be started.
    pub fn start(file: File, media_type: &str) -> Result<Self, ExtractError> {
        let mut command = command(media_type)?;
        command
            .stdin(Stdio::from(file))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .current_dir("/")
            .kill_on_drop(true);
        let mut child = command.spawn()?;
        let output = child.stdout.take().ok_or_else(|| ExtractError::Io("the reader has no output".to_owned()))?;
        Ok(Self { child, lines: BufReader::with_capacity(64 * 1024, output), waited: Duration::ZERO, done: false })
    }

    /// The next page; none after the last.
    ///
    /// # Errors
    /// Why there is none, for the file's owner. Nothing follows.
    pub async fn next(&mut self) -> Result<Option<String>, ExtractError> {
        if self.done {
            return Ok(None);
        }
        let begun = Instant::now();
        let message = tokio::time::timeout(Limits::TIME.saturating_sub(self.waited), self.message()).await;
        self.waited += begun.elapsed();
        match message {
            Ok(Ok(Message::Page(page))) => Ok(Some(page)),
            Ok(Ok(Message::Done)) => {
                self.done = true;
                Ok(None)
            }
            Ok(Ok(Message::Failed(error)) | Err(error)) => self.end(error).await,
            Err(_) => self.end(ExtractError::TooSlow).await,
        }
    }

    async fn end(&mut self, error: ExtractError) -> Result<Option<String>, ExtractError> {
        self.done = true;
        // Gone already, or not to be waited for.
        let _ = self.child.kill().await;
        Err(error)
    }

    async fn message(&mut self) -> Result<Message, ExtractError> {
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = (&mut self.lines).take(LONGEST_LINE).read_until(b'\n', &mut line).await?;
            if read == 0 || line.last() != Some(&b'\n') {
                return Err(self.cause_of_death().await);
            }
            // The tests' child is a test harness, which talks.
            if line.first() == Some(&b'{') || line.first() == Some(&b'"') {
                return serde_json::from_slice(&line).map_err(|_| ExtractError::Crashed);
            }
            if !cfg!(test) {
                return Err(ExtractError::Crashed);
            }
        }
    }

    /// Of a child that has said no last word.
    async fn cause_of_death(&mut self) -> ExtractError {
        let mut complaint = Vec::new();
        if let Some(errors) = self.child.stderr.take() {
            // Only for the log and the sentence.
            let _ = errors.take(COMPLAINT).read_to_end(&mut complaint).await;
        }
        let complaint = String::from_utf8_lossy(&complaint);
        let status = match self.child.wait().await {
            Ok(status) => status,
            Err(error) => return error.into(),
        };
        tracing::warn!(%status, complaint = complaint.trim(), "the reader of a file has ended early");
        match status.signal() {
            Some(SIGXCPU) => ExtractError::TooSlow,
            // Rust's own words (`std::alloc::handle_alloc_error`), and what the kernel does where a limit is the machine's.
            _ if complaint.contains("memory allocation of") => ExtractError::TooMuchMemory,
            Some(9) => ExtractError::TooMuchMemory,
            _ => ExtractError::Crashed,
        }
    }
}

/// The program itself, without its environment and so without its secrets.
#[cfg(not(test))]
fn command(media_type: &str) -> std::io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["extract", media_type]).env_clear().envs(allocator::SETTINGS);
    Ok(command)
}

#[cfg(test)]
fn command(media_type: &str) -> std::io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["--exact", "rag::extract::child::tests::child_process", "--ignored", "--nocapture", "--test-threads=1"])
        .env_clear()
        .env(MEDIA_TYPE, media_type);
    Ok(command)
}
