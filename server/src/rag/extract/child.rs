//! The process that reads one file and nothing else. It has no environment, no file but the one it is to read, and no
//! way to open another: before the first byte of the file is looked at it gives up memory, time, files and sockets.

use super::{ExtractError, Limits, Message, read};
use rustix::process::{Resource, Rlimit, setrlimit};
use std::{
    fs::File,
    io::{BufWriter, Write},
    os::fd::AsFd,
    process::ExitCode,
};

/// Reads the file that is its input, and writes one [`Message`] a line. For `atelier extract`.
pub fn main(media_type: &str) -> ExitCode {
    match run(media_type) {
        Ok(()) => ExitCode::SUCCESS,
        // The server reads it; there is no other way to tell.
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(media_type: &str) -> std::io::Result<()> {
    let file = File::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    let mut output = BufWriter::new(File::from(std::io::stdout().as_fd().try_clone_to_owned()?));
    give_up_rights()?;
    let media_type = media_type.to_owned();
    let reading = std::thread::Builder::new().stack_size(Limits::STACK_BYTES).spawn(move || {
        let outcome = read(file, &media_type, &mut |page| {
            tell(&mut output, &Message::Page(page)).map_err(|error| ExtractError::Io(error.to_string()))
        });
        let last = outcome.map_or_else(Message::Failed, |()| Message::Done);
        tell(&mut output, &last)
    })?;
    // A panic has said why; without a last message the file counts as not understood.
    reading.join().unwrap_or_else(|_| Err(std::io::Error::other("the reader panicked")))
}

fn tell(output: &mut impl Write, message: &Message) -> std::io::Result<()> {
    serde_json::to_writer(&mut *output, message)?;
    output.write_all(b"\n")?;
    output.flush()
}

/// Set by the child itself rather than before exec, which takes unsafe code. It is our own program until it opens the
/// file, so nothing hostile runs without them.
fn give_up_rights() -> std::io::Result<()> {
    let both = |most: u64| Rlimit { current: Some(most), maximum: Some(most) };
    let cpu = Limits::CPU.as_secs();
    // Counts what is private and writable, so neither the program's own size nor address space that is only reserved.
    setrlimit(Resource::Data, both(Limits::MEMORY_BYTES))?;
    // The signal of the soft limit tells a file that takes too long from one that was killed.
    setrlimit(Resource::Cpu, Rlimit { current: Some(cpu), maximum: Some(cpu + 1) })?;
    setrlimit(Resource::Fsize, both(0))?;
    setrlimit(Resource::Core, both(0))?;
    // What is open stays open; nothing more can be opened, no file and no socket.
    setrlimit(Resource::Nofile, both(0))?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    /// Not a test: the child of the tests. So the process that the tests start is always the code under test, and they
    /// need no other program to be built before them. See `process::command`.
    #[test]
    #[ignore = "it is the child process of other tests"]
    fn child_process() {
        if let Ok(media_type) = std::env::var(super::super::process::MEDIA_TYPE) {
            // The harness may have begun a line of its own.
            std::io::Write::write_all(&mut std::io::stdout(), b"\n").expect("an output");
            std::io::Write::flush(&mut std::io::stdout()).expect("an output");
            let code = super::main(&media_type);
            std::process::exit(i32::from(code != std::process::ExitCode::SUCCESS));
        }
    }
}
