//! Payments that fall due: requests get their turn among however many of them.

use crate::common::*;
use courant_journal::MemStorage;
use courant_node::engine::{Command, Lsn};
use courant_node::ledger::{Order, Timestamp};
use courant_node::{NodeOptions, Reply, Request, WallClock};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::channel;

const DUE: usize = 4_000;
/// They fall due when the machine has slept so long.
const AHEAD_NS: u64 = 3_600_000_000_000;

#[test]
fn a_request_among_many_due_payments_is_answered_before_the_last_of_them() {
    let slept_ns = Arc::new(AtomicU64::new(0));
    let clock = WallClock::after_sleep(Arc::clone(&slept_ns));
    let small = NodeOptions { recent_ids: 100_000, ..NodeOptions::small() };
    let options = NodeOptions { snapshot_bytes: u64::MAX, clock, ..small };
    let node = with_alice_and_bob(&MemStorage::new(1), options);
    let now = node.trial_balance().wait().expect("running").at;
    let at = Timestamp(now.nanos() + AHEAD_NS);
    let mut request = Request::with_capacity(DUE);
    for n in 0..DUE {
        let name = format!("d-{n}");
        let order = Order::transfer(id(&name), id("alice"), id("bob"), eur(1));
        let order = Order { execute_at: Some(at), ..order };
        request.push(ME, &Command::Pay(order)).expect("valid");
    }
    let replies = node.submit(request).expect("there is room").wait().expect("running");
    let lsn_of = |reply: &Reply| match reply {
        Reply::Recorded { lsn, .. } => *lsn,
        other => panic!("{other:?}"),
    };
    let scheduled = replies.iter().map(lsn_of).max().expect("there are replies");
    let scheduled_end = node.durable_end();

    // Asked by whoever makes the first of them durable: so they are under way, and the writer
    // makes no further batch durable before the request is in.
    let (ticket_sender, ticket) = channel();
    let (asking, asked) = (node.clone(), AtomicBool::new(false));
    node.on_durable(move |end: Lsn| {
        if end > scheduled_end && !asked.swap(true, Relaxed) {
            let request = Request::new(ME, &transfer("asked")).expect("valid");
            let _ = ticket_sender.send(asking.submit(request).expect("there is room"));
        }
    });
    slept_ns.store(AHEAD_NS, Relaxed);
    let ticket = ticket.recv().expect("they fall due");
    let (answered, _) = recorded(ticket.wait().expect("running")[0]);
    assert!(answered > scheduled);
    until(|| node.trial_balance().wait().expect("running").open_payments == 0);
    assert_eq!(balance(&node, "bob"), DUE as i128 + 1);
    let later = node.scan(answered).skip(1).count();
    assert!(later >= DUE / 4, "only {later} of {DUE} were recorded after the request");
    node.close();
}
