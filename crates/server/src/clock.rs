//! The clock of the server: the one place of this crate that reads the time of the machine.
//!
//! It times requests and judges whether an API key has expired. Payments are timed by the node.

use courant_ledger::Timestamp;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The time of the machine; 1970 if it is set before that.
pub(crate) fn now() -> Timestamp {
    #[allow(clippy::disallowed_methods, reason = "this is the server's clock module")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

/// A point in time to measure durations from.
pub(crate) fn instant() -> Instant {
    #[allow(clippy::disallowed_methods, reason = "this is the server's clock module")]
    Instant::now()
}
