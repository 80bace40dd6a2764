//! The one place where the node reads the clock, and what it believes of it.
//!
//! The time of day can be set: by hand, by a time service, by a battery that died. What falls due
//! by the clock is done for good, so a running node holds the time of day against a clock that only
//! counts, and does not follow it when it steps ahead: its own time goes on evenly then. At a start
//! there is nothing to hold it against; then it is believed. The clock that counts does so while
//! the machine sleeps too, so that sleep is no step: what fell due meanwhile is done at once.

#[cfg(test)]
mod tests;

use courant_ledger::Timestamp;
use rustix::time::{ClockId, clock_gettime};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The farthest that the time of day may step ahead and still be followed by a running node.
pub const CLOCK_STEP_MAX: Duration = Duration::from_secs(60);

/// How long small steps add up: then they are forgotten.
const STEPS_ADD_UP: Duration = Duration::from_secs(60 * 60);

/// The machine's clocks: the time of day, and one that only counts; a test can move them.
#[derive(Debug, Clone, Default)]
pub struct WallClock {
    ahead_ns: Option<Arc<AtomicI64>>,
    slept_ns: Option<Arc<AtomicU64>>,
}

impl WallClock {
    /// The machine's, with the time of day so many nanoseconds ahead. For tests.
    pub fn ahead_by(offset_ns: Arc<AtomicI64>) -> WallClock {
        WallClock { ahead_ns: Some(offset_ns), slept_ns: None }
    }

    /// The machine's, as if it had slept for so many nanoseconds more. For tests.
    pub fn after_sleep(slept_ns: Arc<AtomicU64>) -> WallClock {
        WallClock { ahead_ns: None, slept_ns: Some(slept_ns) }
    }

    fn now(&self) -> Timestamp {
        let ahead_ns = self.ahead_ns.as_ref().map_or(0, |ahead_ns| ahead_ns.load(Relaxed));
        let slept_ns = self.slept_ns();
        Timestamp(time_of_day().saturating_add_signed(ahead_ns).saturating_add(slept_ns))
    }

    /// How long the machine has counted.
    fn counted(&self) -> Duration {
        counted().saturating_add(Duration::from_nanos(self.slept_ns()))
    }

    fn slept_ns(&self) -> u64 {
        self.slept_ns.as_ref().map_or(0, |slept_ns| slept_ns.load(Relaxed))
    }
}

/// Nanoseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "this is the clock module")]
fn time_of_day() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// What only counts, evenly, from some moment in the past, and on while the machine sleeps.
fn counted() -> Duration {
    // Elsewhere the monotonic clock may stand still then, which makes sleep a step.
    #[cfg(target_os = "linux")]
    const CLOCK: ClockId = ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    const CLOCK: ClockId = ClockId::Monotonic;
    Duration::try_from(clock_gettime(CLOCK)).unwrap_or(Duration::ZERO)
}

/// A point to measure durations from.
#[expect(clippy::disallowed_methods, reason = "this is the clock module")]
pub(crate) fn instant() -> Instant {
    Instant::now()
}

/// The node's time.
#[derive(Debug)]
pub(crate) struct Clock {
    wall: WallClock,
    /// A time of day that was believed, and what was counted then.
    believed: (Timestamp, Duration),
}

/// What one look at the clock shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    /// The node's time.
    pub(crate) now: Timestamp,
    /// How far the time of day has stepped ahead, in nanoseconds; less than 0 if it was set back.
    pub(crate) step_ns: i64,
}

impl Clock {
    /// Believes what the clock shows now.
    pub(crate) fn start(wall: WallClock) -> Clock {
        let believed = (wall.now(), wall.counted());
        Clock { wall, believed }
    }

    /// Looks at it.
    pub(crate) fn look(&mut self) -> Look {
        // In this order: a pause between the two is no step ahead.
        let wall = self.wall.now();
        self.compare(wall, self.wall.counted())
    }

    fn compare(&mut self, wall: Timestamp, counted: Duration) -> Look {
        let elapsed = counted.saturating_sub(self.believed.1);
        let elapsed_ns = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        let even = Timestamp(self.believed.0.nanos().saturating_add(elapsed_ns));
        let step_ns = i128::from(wall.nanos()) - i128::from(even.nanos());
        let step_ns =
            i64::try_from(step_ns).unwrap_or(if step_ns < 0 { i64::MIN } else { i64::MAX });
        let is_small = u128::from(step_ns.unsigned_abs()) <= CLOCK_STEP_MAX.as_nanos();
        if is_small && elapsed >= STEPS_ADD_UP {
            self.believed = (wall, counted);
        }
        let now = if is_small || step_ns < 0 { wall } else { even };
        Look { now, step_ns }
    }
}

/// What is wrong with a clock that has stepped so far; `None` if it may be so.
pub(crate) fn complaint(step_ns: i64) -> Option<String> {
    let seconds = step_ns.unsigned_abs() / 1_000_000_000;
    if u128::from(step_ns.unsigned_abs()) <= CLOCK_STEP_MAX.as_nanos() {
        return None;
    }
    Some(match step_ns > 0 {
        true => format!(
            "the machine's clock has stepped {seconds} s ahead and is not followed: payments are \
             timed, executed and expired by the time that has really passed. If the clock is right \
             now, restart the server; if not, set it right"
        ),
        false => format!(
            "the machine's clock was set back by {seconds} s: until it has caught up with the last \
             record, new records have that record's time and nothing falls due"
        ),
    })
}
