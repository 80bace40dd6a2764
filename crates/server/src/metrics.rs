//! Metrics of the HTTP side; those of the node are read when they are asked for.

use axum::http::{Method, StatusCode};
use courant_ledger::Status;
use courant_node::{COMMIT_BUCKETS, Node, Stats};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, EncodeMetric, NoLabelSet, text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::fmt;
use std::time::Duration;

/// The media type of the text that [`HttpMetrics::render`] gives.
pub(crate) const METRICS_TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds of the buckets of durations, in seconds.
const DURATION_BUCKETS: [f64; 12] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    method: &'static str,
    route: String,
    status: u16,
}

/// Counters of requests, and the node's figures.
#[derive(Debug)]
pub(crate) struct HttpMetrics {
    registry: Registry,
    requests: Family<Labels, Counter>,
    duration: Histogram,
}

impl HttpMetrics {
    pub(crate) fn new(node: Node) -> HttpMetrics {
        let mut registry = Registry::with_prefix("courant");
        let requests = Family::<Labels, Counter>::default();
        let duration = Histogram::new(DURATION_BUCKETS);
        registry.register(
            "http_requests",
            "Requests by method, route and status",
            requests.clone(),
        );
        registry.register(
            "http_request_duration_seconds",
            "Time from the head of a request to the head of its answer",
            duration.clone(),
        );
        registry.register_collector(Box::new(NodeMetrics(node)));
        HttpMetrics { registry, requests, duration }
    }

    /// Counts an answered request. `route` is a pattern, so that there are few of them.
    pub(crate) fn count(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        let labels =
            Labels { method: label(method), route: route.to_owned(), status: status.as_u16() };
        self.requests.get_or_create(&labels).inc();
        self.duration.observe(took.as_secs_f64());
    }

    /// All metrics as text.
    pub(crate) fn render(&self) -> Result<String, fmt::Error> {
        let mut out = String::new();
        text::encode(&mut out, &self.registry)?;
        Ok(out)
    }
}

/// Methods that clients make up must not make up series.
fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

/// Reads the node's figures when they are asked for.
struct NodeMetrics(Node);

impl fmt::Debug for NodeMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NodeMetrics")
    }
}

impl Collector for NodeMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let stats = self.0.stats();
        let out = &mut encoder;
        counters(out, &stats)?;
        payments(out, &stats)?;
        commits(out, &stats)?;
        let end = self.0.durable_end().0;
        gauge(out, "journal_durable_end_bytes", "Every record below it is durable", end)?;
        needs(out, &stats)?;
        let begin = stats.journal_begin;
        gauge(out, "journal_begin_bytes", "Records below it were archived or dropped", begin)?;
        gauge(out, "inbox_commands", "Commands taken and not answered yet", stats.inbox as u64)?;
        let bytes = stats.inbox_bytes as u64;
        gauge(out, "inbox_bytes", "Bytes of the commands taken and not answered yet", bytes)?;
        gauge(out, "open_payments", "Payments that are not final", stats.open_payments)?;
        let most = stats.open_payments_max;
        gauge(out, "open_payments_max", "How many payments may be open", most)?;
        clock_step(out, &stats)?;
        let full = u64::from(stats.storage_full);
        gauge(out, "storage_full", "1 while nothing can be recorded for want of room", full)?;
        let stopped = u64::from(self.0.stopped().is_some());
        gauge(out, "stopped", "1 after a failed write: the process is about to end", stopped)?;
        gauge(out, "snapshot_lsn", "Where the last snapshot begins", stats.snapshot_lsn)?;
        gauge(out, "snapshot_bytes", "Bytes of the last snapshot", stats.snapshot_bytes)?;
        gauge(out, "snapshot_milliseconds", "How long the last snapshot took", stats.snapshot_ms)?;
        let pause = stats.snapshot_pause_us_max;
        gauge(out, "snapshot_pause_microseconds_max", "Longest pause of the engine", pause)?;
        gauge(out, "id_runs", "Runs of ids on disk", stats.id_runs as u64)?;
        gauge(out, "id_entries", "Ids in those runs", stats.id_entries)?;
        let filters = stats.id_filter_bytes as u64;
        gauge(out, "id_filter_bytes", "Memory of the filters of those runs", filters)
    }
}

fn counters(out: &mut DescriptorEncoder<'_>, stats: &Stats) -> fmt::Result {
    counter(out, "commands", "Commands decided, those without a record too", stats.commands)?;
    counter(out, "records", "Records made durable", stats.records)?;
    counter(out, "repeats", "Commands that were repeats", stats.repeats)?;
    counter(out, "refused", "Commands refused without a record", stats.refused)?;
    counter(out, "unavailable", "Commands not decided for want of room", stats.unavailable)?;
    counter(out, "due", "Payments executed or expired by the clock", stats.due)?;
    counter(out, "lookups", "Commands and reads that had to look at the disk", stats.lookups)?;
    counter(out, "batches", "Batches synced", stats.batches)?;
    counter(out, "batch_bytes", "Bytes of those batches on disk", stats.batch_bytes)?;
    let retired = stats.retired_segments;
    counter(out, "retired_segments", "Journal files that were archived or dropped", retired)?;
    let lost = stats.readers_lost;
    counter(out, "readers_lost", "Readers too far behind, that lost their places", lost)?;
    counter(out, "snapshots", "Snapshots made", stats.snapshots)
}

fn payments(out: &mut DescriptorEncoder<'_>, stats: &Stats) -> fmt::Result {
    let help = "Commands about payments by the status they led to";
    let mut family = out.encode_descriptor("payments", help, None, MetricType::Counter)?;
    for (status, count) in Status::ALL.iter().zip(stats.payments) {
        let labels = [("status", status.name())];
        ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

fn clock_step(out: &mut DescriptorEncoder<'_>, stats: &Stats) -> fmt::Result {
    let help = "How far the time of day has stepped ahead while the server ran";
    let gauge = ConstGauge::new(stats.clock_step_ns as f64 / 1e9);
    gauge.encode(out.encode_descriptor("clock_step_seconds", help, None, MetricType::Gauge)?)
}

/// What holds back the oldest journal file; nothing is there while only the policy keeps it.
fn needs(out: &mut DescriptorEncoder<'_>, stats: &Stats) -> fmt::Result {
    let Some((need, from)) = stats.held_by else { return Ok(()) };
    let help = "The first record that something needs for which the oldest journal file stays";
    let mut family = out.encode_descriptor("journal_needed_lsn", help, None, MetricType::Gauge)?;
    let gauge = ConstGauge::new(i64::try_from(from.0).unwrap_or(i64::MAX));
    gauge.encode(family.encode_family(&[("by", need.name())])?)
}

/// The node's histogram of commits; its buckets are powers of two of a microsecond.
fn commits(out: &mut DescriptorEncoder<'_>, stats: &Stats) -> fmt::Result {
    let bounds = (0..COMMIT_BUCKETS).map(|nth| match nth + 1 {
        COMMIT_BUCKETS => f64::MAX,
        _ => (1_u64 << nth) as f64 / 1e6,
    });
    let buckets: Vec<(f64, u64)> = bounds.zip(stats.commit_us).collect();
    let help = "Time to write and sync a batch";
    let kind = MetricType::Histogram;
    let mut histogram = out.encode_descriptor("commit_duration_seconds", help, None, kind)?;
    let seconds = stats.commit_us_total as f64 / 1e6;
    histogram.encode_histogram::<NoLabelSet>(seconds, stats.batches, &buckets, None)
}

fn counter(out: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    let counter = ConstCounter::new(value);
    counter.encode(out.encode_descriptor(name, help, None, counter.metric_type())?)
}

fn gauge(out: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
    gauge.encode(out.encode_descriptor(name, help, None, gauge.metric_type())?)
}
