//! A lone caller runs the engine itself, and what it leaves behind is done by the engine's thread.

use crate::common::*;
use courant_journal::MemStorage;
use courant_node::engine::Command;
use courant_node::ledger::{Order, Status, Timestamp};
use courant_node::{CallError, NodeOptions, Reply, SubmitError};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Barrier};
use std::thread;

#[test]
fn a_lone_callers_payment_is_committed_by_its_own_thread() {
    let node = with_alice_and_bob(&MemStorage::new(1), NodeOptions::small());
    let (caller, by_caller) = (thread::current().id(), Arc::new(AtomicU64::new(0)));
    let count = Arc::clone(&by_caller);
    node.on_durable(move |_| {
        if thread::current().id() == caller {
            count.fetch_add(1, Relaxed);
        }
    });
    // Now and then the background visits the engine, and then its thread commits: how often, is a
    // matter of the machine.
    let mut paid = 0;
    until(|| {
        recorded(call(&node, &transfer(&format!("p-{paid}"))));
        paid += 1;
        by_caller.load(Relaxed) >= 50
    });
    node.close();
}

#[test]
fn what_a_caller_schedules_is_executed_though_nobody_calls_any_more() {
    let node = with_alice_and_bob(&MemStorage::new(2), NodeOptions::small());
    let now = node.trial_balance().wait().expect("running").at;
    let order = Order {
        execute_at: Some(Timestamp(now.nanos() + 2_000_000_000)),
        ..Order::transfer(id("later"), id("alice"), id("bob"), eur(1))
    };
    let Reply::Recorded { lsn, status, .. } = call(&node, &Command::Pay(order)) else {
        panic!("it is not recorded")
    };
    // Nothing that is asked here runs the engine. It was executed at once if this machine took
    // seconds for the call.
    until(|| status == Some(Status::Completed) || node.scan(lsn).count() == 2);
    assert_eq!(balance(&node, "bob"), 1);
    node.close();
}

#[test]
fn callers_who_lead_while_the_node_closes_are_answered_or_refused() {
    const CALLERS: usize = 8;
    for round in 0..20 {
        let node = with_alice_and_bob(&MemStorage::new(3), NodeOptions::small());
        let start = Barrier::new(CALLERS + 1);
        let paid = thread::scope(|scope| {
            let call_until_closed = |caller: usize| {
                let (node, start) = (node.clone(), &start);
                move || {
                    start.wait();
                    let mut paid = 0;
                    loop {
                        match node.call(ME, &transfer(&format!("p-{round}-{caller}-{paid}"))) {
                            Ok(Reply::Recorded { repeat: false, .. }) => paid += 1,
                            Err(CallError::Submit(SubmitError::Full { .. })) => thread::yield_now(),
                            Err(CallError::Submit(SubmitError::Stopped(_))) => return paid,
                            other => panic!("{other:?}"),
                        }
                    }
                }
            };
            let callers = (0..CALLERS).map(call_until_closed).map(|caller| scope.spawn(caller));
            let callers: Vec<_> = callers.collect();
            start.wait();
            until(|| balance(&node, "bob") > 20);
            node.clone().close();
            callers.into_iter().map(|caller| caller.join().expect("it ends")).sum::<u64>()
        });
        assert!(paid > 20, "round {round}");
    }
}
