//! A machine's clock that is set while a node runs: what falls due by it, and when.

use crate::common::*;
use courant_journal::MemStorage;
use courant_node::engine::Command;
use courant_node::ledger::{Order, Status, Timestamp};
use courant_node::{CLOCK_STEP_MAX, NodeOptions, WallClock, payment_in};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// A clock that can be set, and the options of a node that goes by it.
fn settable() -> (Arc<AtomicI64>, NodeOptions) {
    let ahead_ns = Arc::new(AtomicI64::new(0));
    let clock = WallClock::ahead_by(Arc::clone(&ahead_ns));
    (ahead_ns, NodeOptions { clock, ..NodeOptions::small() })
}

fn nanos(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).expect("not so long")
}

/// The time of the last record.
fn time(node: &MemNode) -> Timestamp {
    node.trial_balance().wait().expect("running").at
}

fn status(node: &MemNode, name: &str) -> Status {
    let read = node.payment(id(name)).wait().expect("running").expect("kept").expect("there");
    let record = read.latest_record().expect("it was written here");
    payment_in(&record, id(name)).expect("it is about it").status
}

/// A node with a payment that is due in an hour.
fn with_a_scheduled_payment(storage: &MemStorage, options: NodeOptions) -> MemNode {
    let node = with_alice_and_bob(storage, options);
    let at = Timestamp(time(&node).nanos() + nanos(HOUR) as u64);
    let order = Order::transfer(id("rent"), id("alice"), id("bob"), eur(500));
    call(&node, &Command::Pay(Order { execute_at: Some(at), ..order }));
    assert_eq!(status(&node, "rent"), Status::Received);
    node
}

#[test]
fn a_step_ahead_executes_nothing_until_the_node_is_started_again() {
    let storage = MemStorage::new(1);
    let (ahead_ns, options) = settable();
    let node = with_a_scheduled_payment(&storage, options.clone());
    let begun = time(&node);
    ahead_ns.store(nanos(2 * HOUR), Relaxed);
    until(|| node.stats().clock_step_ns > nanos(HOUR));
    let complaint = node.clock_complaint().expect("it is to be looked at");
    assert!(complaint.contains("ahead") && complaint.contains("restart"), "{complaint}");
    let mut warnings = Vec::new();
    until(|| {
        warnings.extend(node.take_warnings());
        warnings.iter().any(|warning| warning.contains("clock has stepped"))
    });
    // Payments go on, at the time that has really passed, and carry nothing with them.
    for n in 0..20 {
        recorded(call(&node, &transfer(&format!("p-{n}"))));
    }
    assert!(time(&node).nanos() - begun.nanos() < nanos(HOUR) as u64);
    assert_eq!((status(&node, "rent"), node.stats().due), (Status::Received, 0));

    // Set right again, nothing has happened.
    ahead_ns.store(0, Relaxed);
    until(|| node.clock_complaint().is_none());
    recorded(call(&node, &transfer("right-again")));
    assert_eq!(status(&node, "rent"), Status::Received);

    // If the clock is right where it stepped to, a start believes it.
    ahead_ns.store(nanos(2 * HOUR), Relaxed);
    until(|| node.clock_complaint().is_some());
    node.close();
    let node = open(&storage, options).expect("it opens");
    until(|| status(&node, "rent") == Status::Completed);
    assert_eq!(node.clock_complaint(), None);
    let last = node.report().last_record_at.expect("there are records");
    assert!(time(&node).nanos() - last.nanos() > nanos(HOUR) as u64);
}

#[test]
fn what_fell_due_while_the_machine_slept_is_done_when_it_wakes() {
    let slept_ns = Arc::new(AtomicU64::new(0));
    let clock = WallClock::after_sleep(Arc::clone(&slept_ns));
    let options = NodeOptions { clock, ..NodeOptions::small() };
    let node = with_a_scheduled_payment(&MemStorage::new(4), options);
    slept_ns.store(2 * nanos(HOUR) as u64, Relaxed);
    until(|| status(&node, "rent") == Status::Completed);
    assert_eq!(node.clock_complaint(), None);
}

#[test]
fn a_small_step_is_followed() {
    let storage = MemStorage::new(2);
    let (ahead_ns, options) = settable();
    let node = with_alice_and_bob(&storage, options);
    let before = time(&node);
    let step = CLOCK_STEP_MAX / 2;
    ahead_ns.store(nanos(step), Relaxed);
    recorded(call(&node, &transfer("after")));
    assert!(time(&node).nanos() - before.nanos() >= nanos(step) as u64);
    assert_eq!(node.clock_complaint(), None);
}

#[test]
fn a_clock_that_is_set_back_is_told_and_time_stands_still() {
    let storage = MemStorage::new(3);
    let (ahead_ns, options) = settable();
    let node = with_alice_and_bob(&storage, options);
    let before = time(&node);
    ahead_ns.store(-nanos(HOUR), Relaxed);
    until(|| node.clock_complaint().is_some_and(|complaint| complaint.contains("set back")));
    recorded(call(&node, &transfer("after")));
    let after = time(&node);
    assert!(after >= before && after.nanos() - before.nanos() < nanos(HOUR) as u64);
}
