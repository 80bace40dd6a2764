//! What a load costs: time on the wall and on the processors, and memory.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::clock;

/// Started where a load begins.
#[derive(Debug)]
pub(super) struct Meter {
    wall: Instant,
    cpu: Duration,
}

/// What a load took. Parts of a load add up.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spent {
    pub(super) wall: Duration,
    /// User and system time of all threads of this process.
    pub(super) cpu: Duration,
}

impl Meter {
    pub(super) fn start() -> Meter {
        Meter { cpu: cpu_time(), wall: clock::now() }
    }

    pub(super) fn stop(&self) -> Spent {
        let wall = clock::now().duration_since(self.wall);
        Spent { wall, cpu: cpu_time().saturating_sub(self.cpu) }
    }
}

impl std::ops::AddAssign for Spent {
    fn add_assign(&mut self, other: Spent) {
        self.wall += other.wall;
        self.cpu += other.cpu;
    }
}

fn cpu_time() -> Duration {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(tv_sec.unsigned_abs(), tv_nsec.unsigned_abs() as u32)
}

/// Memory of this process that is in use now; 0 where the system does not say.
pub(super) fn resident_bytes() -> u64 {
    resident_bytes_of("self")
}

/// The same of another process, by its directory in /proc.
pub(super) fn resident_bytes_of(process: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}

/// User and system time of the threads that a process has now.
pub(super) fn cpu_time_of(process_id: u32) -> Duration {
    let threads = std::fs::read_dir(format!("/proc/{process_id}/task"));
    let of_thread = |thread: std::fs::DirEntry| -> Option<u64> {
        let line = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        line.split(' ').next()?.parse().ok()
    };
    let nanos = threads.into_iter().flatten().flatten().filter_map(of_thread).sum();
    Duration::from_nanos(nanos)
}
