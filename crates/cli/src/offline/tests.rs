//! The auditor against records that a node wrote, and against records that somebody altered.

use courant_engine::command::OpenAccount;
use courant_engine::{Caller, Command, Outcome, record};
use courant_journal::Lsn;
use courant_ledger::{AccountTerms, Amount, Currency, Id, Limits, Metadata, Order, Side};
use courant_node::{CallError, Keep, Node, NodeOptions, OpenError, Reply, Retention, SubmitError};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::audit::Audit;
use super::{JOURNAL, repair, verify, walk};

pub(super) fn id(text: &str) -> Id<'_> {
    Id::parse("id", text).unwrap()
}

pub(super) fn open(account: &str) -> Command<'_> {
    let terms =
        AccountTerms { currency: Currency::EUR, side: Side::Credit, limits: Limits::NONE, code: 0 };
    Command::OpenAccount(OpenAccount {
        id: id(account),
        terms,
        name: None,
        metadata: Metadata::new(),
    })
}

/// Enough payments for all that a directory is to have; reaching it fails a test.
const PAYMENTS_MAX: u64 = 20_000;

/// Asks until there is room: a small node pushes back now and then. Gives the new record.
pub(super) fn call(node: &Node, command: &Command<'_>) -> courant_engine::Lsn {
    loop {
        match node.call(Caller::default(), command) {
            Ok(Reply::Recorded { lsn, repeat: false, .. }) => return lsn,
            Err(CallError::Submit(SubmitError::Full { .. })) => std::thread::yield_now(),
            other => panic!("{other:?}"),
        }
    }
}

pub(super) fn transfer<'a>(name: &'a str, from: &'a str, to: &'a str, minor: u64) -> Order<'a> {
    Order::transfer(id(name), id(from), id(to), Amount::new(minor, Currency::EUR))
}

/// A node with accounts a and b that makes snapshots and writes ids often.
pub(super) fn busy_node(data: &Path, retention: Retention) -> Node {
    let options = NodeOptions {
        retention,
        snapshot_bytes: 64 << 10,
        snapshots_kept: 3,
        ..NodeOptions::small()
    };
    let node = Node::open(data, options).unwrap();
    for account in ["a", "b"] {
        call(&node, &open(account));
    }
    node
}

/// Pays from a to b until there are several snapshots, ids on disk and as many segments gone; gives
/// the number of payments.
pub(super) fn pay_until_busy(node: &Node, segments_gone: u64) -> u64 {
    let mut payments = 0;
    loop {
        let stats = node.stats();
        if stats.snapshots >= 4 && stats.id_runs >= 1 && stats.retired_segments >= segments_gone {
            return payments;
        }
        payments += 1;
        assert!(payments < PAYMENTS_MAX, "{stats:?}");
        call(node, &Command::Pay(transfer(&format!("p-{payments}"), "a", "b", payments)));
    }
}

/// The records of two accounts and `payments` payments between them, as they are on disk.
fn records(payments: u64) -> Vec<(Lsn, Vec<u8>)> {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::open(dir.path(), NodeOptions::small()).unwrap();
    let call = |command: &Command<'_>| node.call(Caller::default(), command).unwrap();
    call(&open("a"));
    call(&open("b"));
    for number in 1..=payments {
        let amount = Amount::new(number, Currency::EUR);
        let name = format!("p{number}");
        call(&Command::Pay(Order::transfer(id(&name), id("a"), id("b"), amount)));
    }
    node.close();
    let mut records = Vec::new();
    let journal = dir.path().join(JOURNAL);
    let end = walk::end(&journal).unwrap();
    let reached = walk::records(&journal, end, |lsn, bytes| {
        records.push((lsn, bytes.to_vec()));
        Ok(())
    });
    assert_eq!(reached.unwrap(), end);
    records
}

fn take(audit: &mut Audit, (lsn, bytes): &(Lsn, Vec<u8>)) -> Result<(), String> {
    audit.take(courant_engine::Lsn(lsn.0), bytes)
}

/// The record with another outcome, checksums made anew.
pub(super) fn altered(bytes: &[u8], change: impl Fn(&mut Outcome)) -> Vec<u8> {
    let mut decoded = record::decode(bytes).unwrap();
    change(&mut decoded.outcome);
    let mut out = Vec::new();
    let (at, caller) = (decoded.at, decoded.caller);
    record::encode(at, caller, decoded.command_bytes, &decoded.outcome, &mut out);
    out
}

#[test]
fn every_record_of_a_node_is_found_and_fits() {
    // More than one segment, and more ids than the auditor keeps at once would need a larger run.
    let records = records(900);
    assert_eq!(records.len(), 902);
    let mut audit = Audit::new();
    for record in &records {
        take(&mut audit, record).unwrap();
    }
    assert_eq!(audit.engine.payments_count(), 900);
    assert_eq!(audit.engine.account(id("b")).unwrap().1.balance(), 900 * 901 / 2);
    assert!(audit.engine.is_balanced());
}

#[test]
fn what_somebody_altered_does_not_fit() {
    let records = records(3);
    type Change = &'static dyn Fn(&mut Outcome);
    let cases: [(&str, Change); 4] = [
        ("differ in EUR", &|outcome| {
            let Outcome::Payment(after) = outcome else { panic!("it is a payment") };
            after.accounts[0].after.debits_posted += 1;
        }),
        ("does not follow", &|outcome| {
            let Outcome::Payment(after) = outcome else { panic!("it is a payment") };
            after.accounts[1].previous = 1;
        }),
        ("there is no account 77", &|outcome| {
            let Outcome::Payment(after) = outcome else { panic!("it is a payment") };
            after.accounts[0].no = courant_ledger::AccountNo(77);
        }),
        ("none of its command", &|outcome| *outcome = Outcome::KeyRevoked),
    ];
    for (expected, change) in cases {
        let mut audit = Audit::new();
        records[..3].iter().for_each(|record| take(&mut audit, record).unwrap());
        let (lsn, bytes) = &records[3];
        let error = take(&mut audit, &(*lsn, altered(bytes, change))).unwrap_err();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn a_record_that_was_left_out_repeated_or_cut_does_not_fit() {
    let records = records(3);
    let begun = || {
        let mut audit = Audit::new();
        records[..3].iter().for_each(|record| take(&mut audit, record).unwrap());
        audit
    };
    assert!(take(&mut begun(), &records[4]).unwrap_err().contains("does not follow"));
    assert!(take(&mut begun(), &records[2]).unwrap_err().contains("does not come after"));
    let (lsn, bytes) = &records[3];
    take(&mut begun(), &(*lsn, bytes[..bytes.len() - 1].to_vec())).unwrap_err();
    assert!(take(&mut Audit::new(), &records[3]).unwrap_err().contains("there is no account"));
}

/// What clap makes of a command's words.
fn parsed<A: clap::Args>(words: &[&str]) -> A {
    let command = A::augment_args(clap::Command::new("courant").no_binary_name(true));
    A::from_arg_matches(&command.get_matches_from(words)).unwrap()
}

/// Every file of a directory with what is in it.
fn contents(data: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(data).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(contents(&path)),
            false => drop(found.insert(path.clone(), fs::read(&path).unwrap())),
        }
    }
    found
}

#[test]
fn a_file_of_a_newer_release_is_refused_and_nothing_is_touched() {
    let dir = tempfile::tempdir().unwrap();
    let (data, backup) = (dir.path().join("data"), dir.path().join("backup"));
    let keep = Keep { bytes: 64 << 10, time: Duration::ZERO };
    let node = busy_node(&data, Retention::Drop { keep });
    pay_until_busy(&node, 2);
    node.close();
    let before = contents(&data);
    let [text, to] = [data.to_str().unwrap(), backup.to_str().unwrap()];
    // Where each kind of file has the checksum of its header, if it has one.
    for (ending, crc_at) in [("ids", Some(68)), ("snap", Some(44)), ("kept", None)] {
        let is_one = |path: &&PathBuf| path.extension().is_some_and(|e| e == ending);
        let (path, bytes) = before.iter().find(|(path, _)| is_one(path)).unwrap();
        let mut newer = bytes.clone();
        newer[8..12].copy_from_slice(&2_u32.to_le_bytes());
        if let Some(at) = crc_at {
            let crc = crc32c::crc32c(&newer[..at]).to_le_bytes();
            newer[at..at + 4].copy_from_slice(&crc);
        }
        fs::write(path, newer).unwrap();
        let changed = contents(&data);
        let options = NodeOptions { snapshot_bytes: 64 << 10, ..NodeOptions::small() };
        let opened = Node::open(&data, options).unwrap_err();
        assert!(matches!(opened, OpenError::NewerFormat(_)), "{opened:?}");
        let verified = verify::run(&parsed(&["--data", text])).unwrap_err();
        let repaired = repair::run(&parsed(&["--data", text, "--apply"])).unwrap_err();
        let backed_up = super::backup::run(&parsed(&["--data", text, to])).unwrap_err();
        let file = path.strip_prefix(&data).unwrap().display();
        let wording = format!("{file} has format 2, this release knows formats up to 1; use the");
        let failures = [verified.message, repaired.message, backed_up.message];
        for message in failures.iter().chain([&opened.to_string()]) {
            assert!(message.contains(&wording), "{message}");
        }
        assert!(contents(&data) == changed, "{file} was newer, and something was changed");
        fs::write(path, bytes).unwrap();
    }
    verify::run(&parsed(&["--data", text])).unwrap();
}
