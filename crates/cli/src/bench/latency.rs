//! Latencies of many operations: fixed memory, three digits, up to a minute.

use std::time::Duration;

use hdrhistogram::Histogram;

/// The longest latency that is told apart.
const LATENCY_MAX: Duration = Duration::from_secs(60);
const DIGITS: u8 = 3;
const NANOS_PER_MICRO: f64 = 1_000.0;

/// A histogram of latencies.
#[derive(Debug, Clone)]
pub(super) struct Latencies(Histogram<u64>);

impl Latencies {
    pub(super) fn new() -> Latencies {
        let max_ns = LATENCY_MAX.as_nanos() as u64;
        let histogram = Histogram::new_with_bounds(1, max_ns, DIGITS);
        Latencies(histogram.expect("bounds and digits are in the histogram's range"))
    }

    pub(super) fn record(&mut self, latency: Duration) {
        self.0.saturating_record(latency.as_nanos() as u64);
    }

    pub(super) fn add(&mut self, other: &Latencies) {
        self.0.add(&other.0).expect("all have the same bounds");
    }

    pub(super) fn count(&self) -> u64 {
        self.0.len()
    }

    /// The latency that this share of all operations did not exceed, in microseconds.
    pub(super) fn us_at(&self, share: f64) -> f64 {
        self.0.value_at_quantile(share) as f64 / NANOS_PER_MICRO
    }

    pub(super) fn max_us(&self) -> f64 {
        self.0.max() as f64 / NANOS_PER_MICRO
    }
}
