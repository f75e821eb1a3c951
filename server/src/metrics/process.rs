//! What the kernel knows of this process, from `/proc`; nothing on systems without it.

use std::{fs, time::Duration};

/// Ticks of `/proc/self/stat` in a second: USER_HZ, which Linux shows to programs as 100 on every architecture.
const TICKS: u64 = 100;

/// Usage as of now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Usage {
    /// Of all threads, in the kernel and outside.
    pub cpu: Duration,
    /// Bytes.
    pub resident: u64,
    pub open_files: u64,
}

impl Usage {
    pub fn now() -> Option<Self> {
        Some(Self {
            cpu: cpu_time(&fs::read_to_string("/proc/self/stat").ok()?)?,
            resident: resident_bytes(&fs::read_to_string("/proc/self/status").ok()?)?,
            open_files: fs::read_dir("/proc/self/fd").ok()?.count() as u64,
        })
    }
}

/// `pid (name) state …`: the name may hold anything; utime and stime are the 14th and 15th field (proc_pid_stat(5)).
fn cpu_time(stat: &str) -> Option<Duration> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11).map(str::parse::<u64>);
    let ticks = fields.next()?.ok()? + fields.next()?.ok()?;
    Some(Duration::from_millis(ticks * 1000 / TICKS))
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_read_whatever_the_program_is_called() {
        let stat = "42 (a) b (c) S 1 42 42 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 4 0 12345 1 2";
        assert_eq!(cpu_time(stat), Some(Duration::from_secs(3)));
        assert_eq!(resident_bytes("Name:\tx\nVmRSS:\t   2048 kB\nThreads:\t4\n"), Some(2 * 1024 * 1024));
        assert_eq!((cpu_time("nonsense"), resident_bytes("VmRSS: x kB")), (None, None));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_uses_something() {
        assert!(Usage::now().is_some_and(|usage| usage.resident > 1024 * 1024 && usage.open_files > 2));
    }
}
