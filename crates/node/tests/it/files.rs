//! What a node makes of its files when some are lost, damaged, or older than the others; and that
//! an answer means that the disk has it.

use crate::common::{balance, call, eur, id, open_account, recorded, transfer};
use courant_node::engine::Command;
use courant_node::journal::Progress;
use courant_node::ledger::{Amount, Currency, Order};
use courant_node::{Node, NodeOptions, OpenError, Reply};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Payments whose ids fill several generations of 60 and half of another.
const PAYMENTS: u32 = 330;

/// How many bytes of a snapshot are altered, one at a time.
const ALTERED_MAX: usize = 40;

fn open(path: &Path) -> Node {
    Node::open(path, NodeOptions::small()).unwrap()
}

/// Two accounts, and money in the first.
fn prepare(node: &Node) {
    for name in ["alice", "bob"] {
        call(node, &open_account(name));
    }
    call(node, &Command::Pay(Order::top_up(id("t"), id("alice"), eur(1_000_000))));
}

/// One cent from alice to bob; whether it was a repeat.
fn pay(node: &Node, name: &str) -> bool {
    recorded(call(node, &transfer(name))).1
}

fn newest_snapshot(path: &Path) -> PathBuf {
    let files = fs::read_dir(path.join("snapshots")).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|ending| ending == "snap")).max().unwrap()
}

#[test]
fn what_is_answered_is_durable() {
    let directory = tempfile::tempdir().unwrap();
    let node = open(directory.path());
    prepare(&node);
    for number in 0..300 {
        let name = format!("p-{number}");
        let amount = Amount::new(1, Currency::EUR);
        let order = Order::transfer(id(&name), id("alice"), id("bob"), amount);
        let Reply::Recorded { lsn, .. } = call(&node, &Command::Pay(order)) else {
            panic!("{name} is not recorded")
        };
        assert!(lsn < node.durable_end(), "{name} is answered at {lsn}");
    }
}

#[test]
fn a_lost_index_of_ids_is_made_again_from_the_journal() {
    let directory = tempfile::tempdir().unwrap();
    let node = open(directory.path());
    prepare(&node);
    for number in 0..PAYMENTS {
        assert!(!pay(&node, &format!("p-{number}")));
    }
    node.snapshot().unwrap();
    node.close();
    let mut removed = 0;
    for entry in fs::read_dir(directory.path().join("ids")).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
        removed += 1;
    }
    assert!(removed > 0, "generations of 60 ids were written");
    // What the first start made again must be enough for the second.
    for start in 0..2 {
        let node = open(directory.path());
        for number in 0..PAYMENTS {
            assert!(pay(&node, &format!("p-{number}")), "start {start}: p-{number} is done twice");
        }
        assert_eq!(balance(&node, "bob"), i128::from(PAYMENTS));
        node.close();
    }
}

/// A crash may leave a file's name and nothing, or not all, of what was written to it.
#[test]
fn a_run_of_ids_that_a_crash_left_short_is_made_again() {
    let directory = tempfile::tempdir().unwrap();
    let node = open(directory.path());
    prepare(&node);
    for number in 0..PAYMENTS {
        assert!(!pay(&node, &format!("p-{number}")));
    }
    node.close();
    let ids = || fs::read_dir(directory.path().join("ids")).unwrap();
    for length in [0, 1, 4095, 4096, 4097] {
        let newest = ids().map(|entry| entry.unwrap().path()).max().unwrap();
        fs::OpenOptions::new().write(true).open(&newest).unwrap().set_len(length).unwrap();
        let node = open(directory.path());
        for number in 0..PAYMENTS {
            assert!(pay(&node, &format!("p-{number}")), "{length} bytes: p-{number} is done twice");
        }
        node.close();
    }
}

#[test]
fn a_damaged_snapshot_is_left_out() {
    let directory = tempfile::tempdir().unwrap();
    let node = open(directory.path());
    prepare(&node);
    pay(&node, "p-1");
    node.snapshot().unwrap();
    node.close();
    let file = newest_snapshot(directory.path());
    let sound = fs::read(&file).unwrap();
    let used = sound.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let body = 4096..used;
    for at in body.clone().step_by((body.len() / ALTERED_MAX).max(1)) {
        let mut bytes = sound.clone();
        bytes[at] ^= 1;
        fs::write(&file, &bytes).unwrap();
        let node = open(directory.path());
        assert_eq!(node.report().warnings.len(), 1, "byte {at}: {:?}", node.report());
        assert_eq!(balance(&node, "bob"), 1, "byte {at}");
        node.close();
    }
}

#[test]
fn snapshots_that_are_asked_for_at_once_are_made_one_after_the_other() {
    let directory = tempfile::tempdir().unwrap();
    let node = open(directory.path());
    prepare(&node);
    assert!((0..100).all(|number| !pay(&node, &format!("p-{number}"))));
    std::thread::scope(|scope| {
        let asking = || (0..10).try_for_each(|_| node.snapshot());
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(asking)).collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), Ok(()));
        }
    });
    node.close();
    let node = open(directory.path());
    assert_eq!(node.report().warnings, Vec::<String>::new());
    assert_eq!(balance(&node, "bob"), 100);
}

#[test]
fn a_recovery_tells_how_far_it_has_come() {
    let directory = tempfile::tempdir().unwrap();
    let never = || NodeOptions { snapshot_bytes: u64::MAX, ..NodeOptions::small() };
    let node = Node::open(directory.path(), never()).unwrap();
    prepare(&node);
    // Each payment alone takes a block of the journal, so this is more than is told at once.
    assert!((0..PAYMENTS).all(|number| !pay(&node, &format!("p-{number}"))));
    node.close();
    for read_ahead in [true, false] {
        let told = Arc::new(Mutex::new(Vec::new()));
        let listener = Arc::clone(&told);
        let listen = move |done, total| listener.lock().unwrap().push((done, total));
        let options = NodeOptions { recovery: Progress::told_to(listen), read_ahead, ..never() };
        Node::open(directory.path(), options).unwrap().close();
        let told = told.lock().unwrap();
        let (done, total) = *told.last().unwrap();
        assert!(done == total && total > 1 << 20 && told.len() > 1, "{told:?}");
        assert!(told.is_sorted() && told.iter().all(|(_, t)| *t == total), "{told:?}");
    }
}

#[test]
fn a_journal_behind_its_snapshot_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, kept) = (directory.path().join("journal"), directory.path().join("copied"));
    let node = open(directory.path());
    prepare(&node);
    node.close();
    fs::create_dir(&kept).unwrap();
    for entry in fs::read_dir(&journal).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), kept.join(entry.file_name())).unwrap();
    }
    let node = open(directory.path());
    for number in 0..20 {
        pay(&node, &format!("p-{number}"));
    }
    node.snapshot().unwrap();
    node.close();
    fs::remove_dir_all(&journal).unwrap();
    fs::rename(&kept, &journal).unwrap();
    let opened = Node::open(directory.path(), NodeOptions::small());
    assert!(matches!(opened, Err(OpenError::JournalBehind { .. })), "{opened:?}");
}
