//! A node on a disk that is full, that refuses, or that fails: what goes on, what stops, and that
//! nothing acknowledged is lost.

use crate::common::*;
use courant_journal::storage::Storage;
use courant_journal::storage::mem::{Fault, MemStorage, Operation, Survive};
use courant_node::engine::{Command, Lsn};
use courant_node::ledger::{Order, Reason};
use courant_node::{
    CallError, FROZEN_MAX, NodeOptions, OpenError, Reply, SubmitError, Unavailable,
};
use std::io::ErrorKind;
use std::sync::Mutex;

const FULL: Reply = Reply::Unavailable(Unavailable::StorageFull);

/// Fails the next `count` calls of an operation.
fn fail(storage: &MemStorage, operation: Operation, count: u64) {
    for nth in 1..=count {
        storage.inject(operation, nth, Fault::Error(ErrorKind::Other));
    }
}

/// From then on nothing but what a test lets happen makes files.
fn until_space_is_ready(storage: &MemStorage) {
    let journal = storage.subdirectory("journal").expect("memory has no errors");
    let is_ready = |name: &String| name.ends_with(".free");
    until(|| journal.list().expect("no errors").iter().any(is_ready));
}

#[test]
fn a_full_disk_refuses_payments_lets_reads_go_on_and_heals_by_itself() {
    let storage = MemStorage::new(1);
    let node = with_alice_and_bob(&storage, NodeOptions::small());
    let mut names: Vec<String> = (0..150).map(|n| format!("early-{n}")).collect();
    for name in &names {
        recorded(call(&node, &transfer(name)));
    }
    until(|| node.stats().id_runs > 0);
    set_free(&storage, 0);
    for n in 0.. {
        let name = format!("p-{n}");
        let answer = try_call(&node, &transfer(&name));
        match answer {
            Some(reply) if reply == FULL => break,
            Some(reply) => {
                recorded(reply);
                names.push(name);
            }
            None => {}
        }
    }
    assert!(node.stats().storage_full && node.stopped().is_none());
    assert_eq!(balance(&node, "bob"), names.len() as i128);
    let first = node.payment(id(&names[0])).wait().expect("running").expect("kept");
    assert!(first.is_some(), "an acknowledged payment is read while the disk is full");
    assert!(node.trial_balance().wait().expect("running").balanced);
    // Of some the ids are on disk, of others in memory.
    assert_first_outcomes(&node, &names);
    assert_eq!(call(&node, &open_account("carol")), FULL);

    storage.set_capacity(None);
    until(|| try_call(&node, &transfer("later")).is_some_and(|reply| reply != FULL));
    until(|| !node.stats().storage_full);
    for name in &names {
        assert!(recorded(call(&node, &transfer(name))).1, "{name} is a repeat");
    }
    assert_eq!(balance(&node, "bob"), names.len() as i128 + 1);
}

/// Asks for each payment again, and with another amount, and for one that is new.
fn assert_first_outcomes(node: &MemNode, names: &[String]) {
    for name in names {
        assert!(recorded(call(node, &transfer(name))).1, "{name} is a repeat");
        let other = Command::Pay(Order::transfer(id(name), id("alice"), id("bob"), eur(2)));
        let conflict = Reply::Refused { reason: Reason::IdempotencyConflict, index: None };
        assert_eq!(call(node, &other), conflict, "{name}");
    }
    assert_eq!(call(node, &transfer("new")), FULL);
    assert!(node.stats().storage_full, "the disk is still full");
}

#[test]
fn while_ids_find_no_room_a_repeat_has_its_first_outcome() {
    let storage = MemStorage::new(7);
    let mut options = NodeOptions { snapshot_bytes: u64::MAX, ..NodeOptions::small() };
    options.journal.segment_bytes = 4 << 20;
    let node = with_alice_and_bob(&storage, options);
    until_space_is_ready(&storage);
    set_free(&storage, 0);
    let mut names = Vec::new();
    loop {
        let name = format!("p-{}", names.len());
        let answer = try_call(&node, &transfer(&name));
        match answer {
            Some(FULL) => break,
            Some(reply) => {
                recorded(reply);
                names.push(name);
            }
            None => {}
        }
    }
    assert_first_outcomes(&node, &names);
    storage.set_capacity(None);
    until(|| call(&node, &transfer("new")) != FULL);
    assert_eq!(balance(&node, "bob"), names.len() as i128 + 1);
}

/// One segment is enough and there are no snapshots: only ids make files.
fn without_other_files() -> NodeOptions {
    let mut options = NodeOptions { snapshot_bytes: u64::MAX, ..NodeOptions::small() };
    options.journal.segment_bytes = 4 << 20;
    options
}

#[test]
fn ids_that_cannot_be_written_wait_and_none_is_lost() {
    let storage = MemStorage::new(2);
    let node = with_alice_and_bob(&storage, without_other_files());
    until_space_is_ready(&storage);
    fail(&storage, Operation::Create, 6);
    let names: Vec<String> = (0..100).map(|n| format!("p-{n}")).collect();
    for name in &names {
        recorded(call(&node, &transfer(name)));
        // Those that wait for the disk are still known.
        assert!(recorded(call(&node, &transfer(&names[0]))).1);
    }
    let mut warnings = Vec::new();
    until(|| {
        warnings.extend(node.take_warnings());
        node.stats().id_runs > 0 && warnings.iter().any(|w| w.contains("writing ids failed"))
    });
    node.close();
    let node = open(&storage, without_other_files()).expect("it opens");
    for name in &names {
        assert!(recorded(call(&node, &transfer(name))).1, "{name} is a repeat");
    }
}

#[test]
fn ids_that_cannot_be_written_while_a_node_closes_leave_no_gap() {
    let storage = MemStorage::new(2);
    let node = with_alice_and_bob(&storage, without_other_files());
    until_space_is_ready(&storage);
    // Of two full generations the first meets the fault once the node closes, the second does not.
    let held = storage.hold_names(|name| name.starts_with("ids/"));
    let names: Vec<String> = (0..130).map(|n| format!("p-{n}")).collect();
    for name in &names {
        recorded(call(&node, &transfer(name)));
    }
    fail(&storage, Operation::Rename, 1);
    std::thread::scope(|scope| {
        let closing = node.clone();
        scope.spawn(|| closing.close());
        until(|| node.call(ME, &transfer("late")).is_err());
        drop(held);
    });
    drop(node);
    let left = storage.subdirectory("ids").expect("memory has no errors").list();
    assert!(left.expect("no errors").iter().all(|name| !name.ends_with(".ids")));
    let node = open(&storage, without_other_files()).expect("it opens");
    for name in &names {
        assert!(recorded(call(&node, &transfer(name))).1, "{name} is a repeat");
    }
}

/// A closed directory with `count` payments and none of their ids on disk.
fn without_ids_on_disk(count: usize) -> (MemStorage, Vec<String>) {
    let storage = MemStorage::new(3);
    let options = NodeOptions { recent_ids: 10_000, ..NodeOptions::small() };
    let node = with_alice_and_bob(&storage, options);
    let names: Vec<String> = (0..count).map(|n| format!("p-{n}")).collect();
    for name in &names {
        recorded(call(&node, &transfer(name)));
    }
    node.close();
    (storage, names)
}

#[test]
fn a_full_disk_opens_for_reading_and_goes_on_when_there_is_room() {
    let (storage, names) = without_ids_on_disk(230);
    set_free(&storage, 0);
    let node = open(&storage, NodeOptions::small()).expect("a full disk can be read");
    let warnings = &node.report().warnings;
    assert!(warnings.iter().any(|w| w.contains("writing ids failed")), "{warnings:?}");
    assert_eq!(balance(&node, "bob"), names.len() as i128);
    let read = node.payment(id(&names[7])).wait().expect("running").expect("kept");
    assert!(read.is_some());
    storage.set_capacity(None);
    until(|| node.stats().id_runs > 0);
    assert!(!recorded(call(&node, &transfer("new"))).1);
    for name in &names {
        assert!(recorded(call(&node, &transfer(name))).1, "{name} is a repeat");
    }
}

#[test]
fn a_lost_index_that_does_not_fit_on_a_full_disk_asks_for_room() {
    let (storage, _) = without_ids_on_disk(500);
    set_free(&storage, 0);
    let error = open(&storage, NodeOptions::small()).expect_err("memory is bounded");
    assert!(matches!(error, OpenError::Io { .. }), "{error}");
    assert!(error.to_string().contains("make room on the disk"), "{error}");
    storage.set_capacity(None);
    open(&storage, NodeOptions::small()).expect("there is room");
}

#[test]
fn a_snapshot_that_failed_is_made_later_and_leaves_nothing_behind() {
    let storage = MemStorage::new(4);
    let mut options = NodeOptions { recent_ids: 10_000, ..NodeOptions::small() };
    options.journal.segment_bytes = 4 << 20;
    let node = with_alice_and_bob(&storage, options);
    until_space_is_ready(&storage);
    let snapshots = storage.subdirectory("snapshots").expect("memory has no errors");
    // Half of it fits: what was begun must not keep the room.
    set_free(&storage, 4096);
    let mut warnings = Vec::new();
    for n in 0.. {
        // Payments may use up what is prepared before the background looks around.
        let reply = call(&node, &transfer(&format!("p-{n}")));
        assert!(matches!(reply, Reply::Recorded { .. }) || reply == FULL, "{reply:?}");
        warnings.extend(node.take_warnings());
        if warnings.iter().any(|w| w.contains("the snapshot failed")) {
            break;
        }
    }
    assert_eq!(node.stats().snapshots, 0);
    until(|| snapshots.list().expect("no errors").is_empty());
    storage.set_capacity(None);
    until(|| node.stats().snapshots > 0);
    assert_eq!(snapshots.list().expect("no errors").len(), 1);
}

/// True for the name of a run of several generations.
fn is_merged(name: &str) -> bool {
    let span = name.strip_prefix("ids/").and_then(|name| name.strip_suffix(".ids"));
    span.and_then(|span| span.split_once('-')).is_some_and(|(from, to)| from != to)
}

#[test]
fn ids_are_written_while_a_merge_or_a_snapshot_takes_long() {
    let is_snapshot: fn(&str) -> bool = |name| name.starts_with("snapshots/");
    for (slow, which) in [("merge", is_merged as fn(&str) -> bool), ("snapshot", is_snapshot)] {
        let storage = MemStorage::new(8);
        let node = with_alice_and_bob(&storage, NodeOptions::small());
        let held = storage.hold_names(which);
        // More generations than may wait in memory, so that callers would be pushed back for ever.
        let names: Vec<String> = (0..2_000).map(|n| format!("p-{n}")).collect();
        for name in &names {
            assert!(!recorded(call(&node, &transfer(name))).1, "{slow}: {name}");
        }
        assert!(node.stats().id_runs > FROZEN_MAX + 1, "{slow}: {:?}", node.stats());
        drop(held);
        until(|| node.stats().id_runs < 10 && node.stats().snapshots > 0);
        for name in &names {
            assert!(recorded(call(&node, &transfer(name))).1, "{slow}: {name} is a repeat");
        }
    }
}

#[test]
fn an_interrupted_opening_is_tried_again_and_is_no_damage() {
    let storage = MemStorage::new(9);
    let node = with_alice_and_bob(&storage, NodeOptions::small());
    let names: Vec<String> = (0..130).map(|n| format!("p-{n}")).collect();
    for name in &names {
        recorded(call(&node, &transfer(name)));
    }
    node.snapshot().expect("it is made");
    node.close();
    let image = || storage.crash(&Survive::Everything);
    let counted = image();
    drop(open(&counted, NodeOptions::small()).expect("it opens"));
    for nth in 1..=counted.calls(Operation::Open) {
        let image = image();
        image.inject(Operation::Open, nth, Fault::Error(ErrorKind::Interrupted));
        let node = open(&image, NodeOptions::small());
        let node = node.unwrap_or_else(|error| panic!("opening {nth}: {error}"));
        assert_eq!(node.report().warnings, Vec::<String>::new(), "opening {nth}");
        assert!(node.report().snapshot > Lsn::NONE, "opening {nth}");
        for name in names.iter().step_by(10) {
            assert!(recorded(call(&node, &transfer(name))).1, "opening {nth}: {name} is a repeat");
        }
    }
}

#[test]
fn a_failed_sync_ends_everything_and_acknowledges_nothing_more() {
    for seed in 0..8 {
        let storage = MemStorage::new(seed);
        let node = with_alice_and_bob(&storage, NodeOptions::small());
        let acknowledged = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (node, acknowledged) = (node.clone(), &acknowledged);
                scope.spawn(move || {
                    for n in 0.. {
                        let name = format!("p-{thread}-{n}");
                        let answer = node.call(ME, &transfer(&name));
                        match answer {
                            Ok(reply) => {
                                let lsn = recorded(reply).0;
                                acknowledged.lock().expect("no panic").push((name, lsn));
                            }
                            Err(CallError::Submit(SubmitError::Full { .. })) => {}
                            Err(_) => return,
                        }
                    }
                });
            }
            // Who waits for something to be durable is told too: a snapshot, a look-up.
            let waiting = node.clone();
            scope.spawn(move || while waiting.snapshot().is_ok() {});
            let waiting = node.clone();
            scope.spawn(move || while waiting.payment(id("top-up")).wait().is_ok() {});
            until(|| acknowledged.lock().expect("no panic").len() > 50);
            let fault =
                if seed % 2 == 0 { Fault::LostSync } else { Fault::Error(ErrorKind::Other) };
            (1..200).for_each(|nth| storage.inject(Operation::Sync, nth, fault));
        });
        let why = node.stopped().expect("a failed sync is the end").to_string();
        assert!(why.contains("syncing"), "{why}");
        let request = courant_node::Request::new(ME, &transfer("after")).expect("valid");
        assert!(matches!(node.submit(request), Err(SubmitError::Stopped(_))));
        assert!(node.account(id("alice")).wait().is_err(), "nothing is shown any more");
        node.close();
        let left = storage.crash(&Survive::Seeded(seed));
        let node = open(&left, NodeOptions::small()).expect("recovery decides what is true");
        assert_eq!(node.incarnations().last(), None, "nobody has seen what was cut off");
        for (name, lsn) in acknowledged.into_inner().expect("no panic") {
            assert_eq!(recorded(call(&node, &transfer(&name))), (lsn, true), "{name}");
        }
    }
}

#[test]
fn what_cannot_be_written_or_synced_is_not_answered() {
    for operation in [Operation::Write, Operation::Sync] {
        let storage = MemStorage::new(7);
        let node = with_alice_and_bob(&storage, NodeOptions::small());
        until_space_is_ready(&storage);
        fail(&storage, operation, 10_000);
        let answer = node.call(ME, &transfer("p-1"));
        assert!(matches!(answer, Err(CallError::Stopped(_))), "{operation:?}: {answer:?}");
    }
}

#[test]
fn space_that_cannot_be_prepared_ends_the_node_and_hangs_nobody() {
    let storage = MemStorage::new(5);
    let node = with_alice_and_bob(&storage, NodeOptions::small());
    fail(&storage, Operation::Allocate, 10_000);
    let mut names = Vec::new();
    loop {
        let name = format!("p-{}", names.len());
        let answer = node.call(ME, &transfer(&name));
        match answer {
            Ok(reply) => {
                recorded(reply);
                names.push(name);
            }
            Err(CallError::Submit(SubmitError::Full { .. })) => {}
            Err(error) => {
                assert!(matches!(error, CallError::Stopped(_)), "{error}");
                break;
            }
        }
    }
    let why = node.stopped().expect("it cannot go on").to_string();
    assert!(!names.is_empty() && why.contains("preparing the next segment failed"), "{why}");
    node.close();
    storage.clear_faults();
    let node = open(&storage, NodeOptions::small()).expect("it opens");
    for name in &names {
        assert!(recorded(call(&node, &transfer(name))).1, "{name} is a repeat");
    }
}

#[test]
fn space_that_cannot_be_prepared_for_a_moment_is_waited_for() {
    let storage = MemStorage::new(6);
    let node = with_alice_and_bob(&storage, NodeOptions::small());
    until_space_is_ready(&storage);
    fail(&storage, Operation::Allocate, 3);
    let begin = node.durable_end();
    let segment_bytes = NodeOptions::small().journal.segment_bytes;
    let mut warnings = Vec::new();
    for n in 0.. {
        recorded(call(&node, &transfer(&format!("p-{n}"))));
        warnings.extend(node.take_warnings());
        if node.durable_end().0 > begin.0 + 4 * segment_bytes {
            break;
        }
    }
    let told = warnings.iter().filter(|w| w.contains("preparing the next segment failed")).count();
    assert_eq!(told, 1, "{warnings:?}");
}

#[test]
fn a_directory_that_cannot_be_written_says_so() {
    let (storage, _) = without_ids_on_disk(100);
    for kind in [ErrorKind::ReadOnlyFilesystem, ErrorKind::PermissionDenied] {
        storage.inject(Operation::Lock, 1, Fault::Error(kind));
        let error = open(&storage, NodeOptions::small()).expect_err("it cannot be locked");
        assert!(error.to_string().contains("must be writable by this user"), "{error}");
    }
    let fresh = MemStorage::new(9);
    drop(open(&fresh, NodeOptions::small()).expect("it opens"));
    fresh.remove("secret").expect("it was there");
    fresh.inject(Operation::Create, 1, Fault::Error(ErrorKind::ReadOnlyFilesystem));
    let error = open(&fresh, NodeOptions::small()).expect_err("no secret can be made");
    assert!(error.to_string().contains("must be writable by this user"), "{error}");
}
