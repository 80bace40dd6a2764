//! Time, read here and nowhere else in this crate.

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A point on the clock that never goes back, for measuring how long something took.
#[allow(clippy::disallowed_methods, reason = "the one place where this crate reads the clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Waits before something is tried again.
pub(crate) fn pause_ms(time_ms: u64) {
    std::thread::sleep(Duration::from_millis(time_ms));
}

/// Waits until a point in time; not at all if it has passed.
pub(crate) fn pause_until(due: Instant) {
    std::thread::sleep(due.saturating_duration_since(now()));
}

/// Time since 1970 by the machine's clock, which may jump.
#[allow(clippy::disallowed_methods, reason = "the one place where this crate reads the clock")]
pub(crate) fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Beyond this the clock is doubted rather than the server believed to have been down.
const GAP_DOUBTFUL: Duration = Duration::from_secs(24 * 60 * 60);

/// How far the machine's clock is from a journal's last record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gap {
    /// The record is so old.
    Ahead(Duration),
    /// The record is of a time that has yet to come.
    Behind(Duration),
}

impl Gap {
    /// From the last record's time since 1970 to now.
    pub(crate) fn to_now(last: Duration) -> Gap {
        Gap::between(last, since_1970())
    }

    fn between(last: Duration, now: Duration) -> Gap {
        match now.checked_sub(last) {
            Some(ahead) => Gap::Ahead(ahead),
            None => Gap::Behind(last - now),
        }
    }

    /// Whether a person should look at it before payments are executed by this clock.
    pub(crate) fn is_doubtful(self) -> bool {
        match self {
            Gap::Ahead(gap) => gap > GAP_DOUBTFUL,
            Gap::Behind(gap) => gap >= Duration::from_secs(1),
        }
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Gap::Ahead(gap) => write!(f, "the last record is {} old", Spoken(*gap))?,
            Gap::Behind(gap) => write!(
                f,
                "the clock is {} behind the last record: set it right; until it has caught up, \
                 nothing falls due",
                Spoken(*gap)
            )?,
        }
        match self {
            Gap::Ahead(_) if self.is_doubtful() => f.write_str(
                ": if nothing was recorded for so long, all is well; else the clock is ahead, and \
                 a server that starts executes and expires payments by it for good",
            ),
            _ => Ok(()),
        }
    }
}

/// A duration in its two largest units.
struct Spoken(Duration);

impl fmt::Display for Spoken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60) {
            (0, 0, 0, s) => write!(f, "{s} s"),
            (0, 0, min, s) => write!(f, "{min} min {s} s"),
            (0, h, min, _) => write!(f, "{h} h {min} min"),
            (d, h, _, _) => write!(f, "{d} d {h} h"),
        }
    }
}
