//! How long a step took. The one place of this crate that reads a clock; it never decides anything.

use std::time::{Duration, Instant};

/// Runs `work` and says how long it took.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    #[allow(clippy::disallowed_methods, reason = "the clock module of this crate")]
    let start = Instant::now();
    let value = work();
    (value, start.elapsed())
}
