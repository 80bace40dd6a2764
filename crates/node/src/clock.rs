//! The one place where the node reads the clock, and what it believes of it.
//!
//! The time of day can be set: by hand, by a time service, by a battery that died. What falls due
//! by the clock is done for good, so a running node holds the time of day against the clock that
//! only counts, and does not follow it when it steps ahead: its own time goes on evenly then. At a
//! start there is nothing to hold it against; then it is believed.

#[cfg(test)]
mod tests;

use courant_ledger::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The farthest that the time of day may step ahead and still be followed by a running node.
pub const CLOCK_STEP_MAX: Duration = Duration::from_secs(60);

/// How long small steps add up: then they are forgotten.
const STEPS_ADD_UP: Duration = Duration::from_secs(60 * 60);

/// The time of day, as the machine has it; a test can move it.
#[derive(Debug, Clone, Default)]
pub struct WallClock(Option<Arc<AtomicI64>>);

impl WallClock {
    /// The machine's, so many nanoseconds ahead. For tests.
    pub fn ahead_by(offset_ns: Arc<AtomicI64>) -> WallClock {
        WallClock(Some(offset_ns))
    }

    fn now(&self) -> Timestamp {
        let offset_ns = self.0.as_ref().map_or(0, |offset_ns| offset_ns.load(Relaxed));
        Timestamp(time_of_day().saturating_add_signed(offset_ns))
    }
}

/// Nanoseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "this is the clock module")]
fn time_of_day() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
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
    /// A time of day that was believed, and when that was.
    believed: (Timestamp, Instant),
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
        let believed = (wall.now(), instant());
        Clock { wall, believed }
    }

    /// Looks at it.
    pub(crate) fn look(&mut self) -> Look {
        // In this order: a pause between the two is no step ahead.
        let wall = self.wall.now();
        self.compare(wall, instant())
    }

    fn compare(&mut self, wall: Timestamp, at: Instant) -> Look {
        let elapsed = at.saturating_duration_since(self.believed.1);
        let elapsed_ns = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        let even = Timestamp(self.believed.0.nanos().saturating_add(elapsed_ns));
        let step_ns = i128::from(wall.nanos()) - i128::from(even.nanos());
        let step_ns =
            i64::try_from(step_ns).unwrap_or(if step_ns < 0 { i64::MIN } else { i64::MAX });
        let is_small = u128::from(step_ns.unsigned_abs()) <= CLOCK_STEP_MAX.as_nanos();
        if is_small && elapsed >= STEPS_ADD_UP {
            self.believed = (wall, at);
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
