//! Threads that must not wait for each other.

use super::Node;
use crate::core::send;
use crate::messages::Job;
use crate::{CallError, NodeOptions, Reply, SubmitError};
use courant_engine::{Caller, Command};
use courant_journal::MemStorage;
use courant_ledger::{Amount, Currency, Id, Order};

/// Calls until there is room; says whether it was a repeat.
fn pay(node: &Node<MemStorage>, name: &str) -> bool {
    let id = |text| Id::parse("id", text).expect("a valid id");
    let order = Order::transfer(id(name), id("a"), id("b"), Amount::new(1, Currency::EUR));
    loop {
        let answer =
            node.call(Caller { key: 1, idempotency_key: None }, &Command::Pay(order.clone()));
        match answer {
            Ok(Reply::Recorded { repeat, .. }) => return repeat,
            Err(CallError::Submit(SubmitError::Full { .. })) => std::thread::yield_now(),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn a_read_that_takes_long_keeps_no_payment_waiting() {
    let node = Node::open_in(&MemStorage::new(1), NodeOptions::small()).expect("it opens");
    let (release, released) = std::sync::mpsc::channel::<()>();
    let job: Job = Box::new(move || {
        // Ends when `release` is dropped.
        let _ = released.recv();
    });
    send(&node.core.jobs, job);
    let names: Vec<String> = (0..200).map(|n| format!("p-{n}")).collect();
    assert!(names.iter().all(|name| !pay(&node, name)));
    while node.stats().id_runs == 0 {
        std::thread::yield_now();
    }
    let before = node.stats().lookups;
    assert!(names.iter().all(|name| pay(&node, name)), "each is a repeat");
    assert!(node.stats().lookups > before + 60, "the first ids are on disk");
    drop(release);
}
