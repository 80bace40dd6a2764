//! What the actors measured since the last look: counts and latencies.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use hdrhistogram::Histogram;

/// The longest latency that is told apart, in microseconds; a longer one counts as this.
const LATENCY_MAX_US: u64 = 60_000_000;

/// How one request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Accepted,
    /// A normal answer: not enough money, for one.
    Rejected,
    Repeated,
    /// No answer, or a problem.
    Failed,
}

/// Collects.
#[derive(Debug)]
pub(crate) struct Meter {
    /// Since the last look.
    recent: Tally,
    all: Tally,
}

#[derive(Debug)]
struct Tally {
    latencies_us: Histogram<u64>,
    counts: Counts,
}

/// What came together.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    pub(super) answered: u64,
    pub(super) rejected: u64,
    pub(super) repeated: u64,
    pub(super) failed: u64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
}

impl Meter {
    pub(crate) fn new() -> Meter {
        Meter { recent: Tally::new(), all: Tally::new() }
    }

    pub(super) fn add(&mut self, latency: Duration, ending: Ending) {
        self.recent.add(latency, ending);
        self.all.add(latency, ending);
    }

    /// What came together since the last call.
    pub(super) fn take(&mut self) -> Counts {
        std::mem::replace(&mut self.recent, Tally::new()).counts()
    }

    /// What came together from the beginning on.
    pub(super) fn all(&self) -> Counts {
        self.all.counts()
    }
}

impl Tally {
    fn new() -> Tally {
        let latencies_us = Histogram::new_with_bounds(1, LATENCY_MAX_US, 3);
        let latencies_us = latencies_us.expect("1 us to 60 s with 3 digits is a valid range");
        Tally { latencies_us, counts: Counts::default() }
    }

    fn add(&mut self, latency: Duration, ending: Ending) {
        match ending {
            Ending::Failed => {
                self.counts.failed += 1;
                return;
            }
            Ending::Rejected => self.counts.rejected += 1,
            Ending::Repeated => self.counts.repeated += 1,
            Ending::Accepted => {}
        }
        self.counts.answered += 1;
        self.latencies_us.saturating_record(latency.as_micros() as u64);
    }

    fn counts(&self) -> Counts {
        let quantile_ms = |q| self.latencies_us.value_at_quantile(q) as f64 / 1_000.0;
        Counts { p50_ms: quantile_ms(0.50), p99_ms: quantile_ms(0.99), ..self.counts.clone() }
    }
}

/// The meter, even if a thread failed while it held it: counts have no invariant to break.
pub(super) fn lock(meter: &Mutex<Meter>) -> MutexGuard<'_, Meter> {
    meter.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
