//! Time, read here and nowhere else in this crate.

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
