//! What operators are told when the machine's clock steps while the server runs.

use crate::server::Server;
use courant_node::{NodeOptions, WallClock};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

const TWO_HOURS_NS: i64 = 2 * 3_600 * 1_000_000_000;

/// What the metric shows, in seconds.
fn step(server: &Server) -> f64 {
    let metrics = server.client.get("/v1/metrics");
    let line = metrics.text().lines().find_map(|l| l.strip_prefix("courant_clock_step_seconds "));
    line.expect("it is there").parse().expect("a number")
}

#[test]
fn a_step_ahead_is_a_note_on_readiness_and_a_metric() {
    let ahead_ns = Arc::new(AtomicI64::new(0));
    let clock = WallClock::ahead_by(Arc::clone(&ahead_ns));
    let server = Server::over(NodeOptions { clock, ..NodeOptions::small() });
    let ready = || server.client.get("/v1/ready").expect(200);
    assert!(ready().get("note").is_none() && step(&server).abs() < 60.0);
    ahead_ns.store(TWO_HOURS_NS, Relaxed);
    let note = loop {
        if let Some(note) = ready().get("note") {
            break note.as_str().expect("a text").to_owned();
        }
    };
    assert!(note.contains("ahead") && note.contains("restart the server"), "{note}");
    assert!(step(&server) > 7_000.0);
    ahead_ns.store(0, Relaxed);
    while ready().get("note").is_some() {}
}
