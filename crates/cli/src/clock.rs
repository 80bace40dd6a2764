//! Time, read here and nowhere else in this crate.

use std::time::{Duration, Instant};

/// A point on the clock that never goes back, for measuring how long something took.
#[allow(clippy::disallowed_methods, reason = "the one place where this crate reads the clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Waits before something is tried again.
pub(crate) fn pause_ms(time_ms: u64) {
    std::thread::sleep(Duration::from_millis(time_ms));
}
