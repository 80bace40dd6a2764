//! The machine: kernel, processors, memory, limits, clock, and the port.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use rustix::process::{Resource, getrlimit};

use super::Check;
use crate::clock::{self, Gap};

/// Connections, journal and snapshot files, and room to spare.
const OPEN_FILES_MIN: u64 = 2_048;
/// Tables of ids, accounts, buffers: the defaults suit a machine with this much, in KiB.
const MEMORY_KIB_MIN: u64 = 1 << 20;
/// 2025-01-01. A clock before it was never set.
const CLOCK_SECONDS_MIN: u64 = 1_735_689_600;
/// How long somebody at the port is waited for.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);

pub(super) fn checks(listen: SocketAddr, data: &Path) -> Vec<Check> {
    vec![kernel(), processors(), memory(), open_files(), time(data), port(listen)]
}

fn kernel() -> Check {
    match std::fs::read_to_string("/proc/sys/kernel/osrelease") {
        Ok(release) => Check::good("kernel", format!("Linux {}", release.trim())),
        Err(_) => Check::warning("kernel", "not a Linux that says its version: not tested"),
    }
}

fn processors() -> Check {
    const NAME: &str = "processors";
    match std::thread::available_parallelism().map_or(0, usize::from) {
        0 => Check::warning(NAME, "cannot be counted"),
        1 => Check::warning(NAME, "1: engine, journal and HTTP take turns on it"),
        count => Check::good(NAME, count.to_string()),
    }
}

fn memory() -> Check {
    const NAME: &str = "memory";
    let table = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = table.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    match kib {
        None => Check::warning(NAME, "cannot be told from /proc/meminfo"),
        Some(kib @ 0..MEMORY_KIB_MIN) => {
            Check::warning(NAME, format!("{} MiB available, less than 1 GiB", kib >> 10))
        }
        Some(kib) => Check::good(NAME, format!("{} MiB available", kib >> 10)),
    }
}

fn open_files() -> Check {
    const NAME: &str = "open files";
    match getrlimit(Resource::Nofile).current {
        Some(limit) if limit < OPEN_FILES_MIN => {
            let found = format!("at most {limit}: raise it to {OPEN_FILES_MIN} (ulimit -n)");
            Check::warning(NAME, found)
        }
        Some(limit) => Check::good(NAME, format!("at most {limit}")),
        None => Check::good(NAME, "no limit"),
    }
}

fn time(data: &Path) -> Check {
    const NAME: &str = "clock";
    let seconds = clock::since_1970().as_secs();
    if seconds < CLOCK_SECONDS_MIN {
        return Check::bad(NAME, "shows a time before 2025: set it, payments carry their time");
    }
    let gap = match crate::offline::last_record_at(data) {
        Ok(last) => last.map(Gap::to_now),
        // Others say what is wrong with the directory.
        Err(_) => None,
    };
    if let Some(gap) = gap
        && gap.is_doubtful()
    {
        return Check::warning(NAME, gap.to_string());
    }
    let gap = gap.map(|gap| format!("; {gap}")).unwrap_or_default();
    let is_synchronised = Path::new("/run/systemd/timesync/synchronized").exists()
        || Path::new("/run/chrony").exists();
    match is_synchronised {
        true => Check::good(NAME, format!("kept in step by a time service{gap}")),
        false => {
            let found = format!("set; no time service was found that keeps it in step{gap}");
            Check::good(NAME, found)
        }
    }
}

fn port(listen: SocketAddr) -> Check {
    const NAME: &str = "port";
    let reach = if listen.ip().is_loopback() { "this machine only" } else { "other machines too" };
    match TcpListener::bind(listen) {
        Ok(_) => Check::good(NAME, format!("{listen} is free ({reach})")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            match TcpStream::connect_timeout(&listen, CONNECT_TIMEOUT) {
                Ok(_) => Check::good(NAME, format!("{listen} is in use: a server runs there")),
                Err(error) => Check::warning(NAME, format!("{listen} is taken, but {error}")),
            }
        }
        Err(error) => Check::bad(NAME, format!("{listen} cannot be used: {error}")),
    }
}
