//! Old segments of the journal are archived or dropped: what then is still answered, what is
//! refused with a clear reason, and that nothing happens twice.

use crate::common::*;
use courant_journal::backup::{BackedUp, BackupError};
use courant_journal::storage::Storage;
use courant_journal::storage::mem::{Fault, MemStorage, Operation, Survive};
use courant_journal::{CorruptKind, OpenError as OpenJournalError, Progress};
use courant_node::engine::command::{Money, PaymentStep, Step};
use courant_node::engine::{Command, Lsn};
use courant_node::ledger::{GiveBack, Mode, Order, Portion, Reason};
use courant_node::parts::{self, BackupSource, check_formats, restore};
use courant_node::{
    Keep, Lacks, LookupError, Need, NodeOptions, OpenError, Place, Reply, Retention, Unavailable,
};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

const ARCHIVE: &str = "/archive";

fn archiving(keep: Keep) -> NodeOptions {
    let retention = Retention::Archive { directory: ARCHIVE.into(), keep };
    NodeOptions { retention, snapshot_bytes: 64 << 10, ..NodeOptions::small() }
}

fn dropping() -> NodeOptions {
    let keep = Keep { bytes: 64 << 10, time: Duration::ZERO };
    NodeOptions { retention: Retention::Drop { keep }, ..archiving(keep) }
}

/// Payments by their names, with their records.
type Payments = BTreeMap<String, Lsn>;

/// Pays until something is so.
fn pay_until(node: &MemNode, payments: &mut Payments, mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        let name = format!("p-{}", payments.len());
        let (lsn, repeat) = recorded(call(node, &transfer(&name)));
        assert!(!repeat);
        payments.insert(name, lsn);
    }
}

/// A node whose first segments are gone, and all payments that were made on it.
fn retired(storage: &MemStorage, options: NodeOptions) -> (MemNode, Payments) {
    let node = with_alice_and_bob(storage, options);
    let mut payments = Payments::new();
    let segments = || node.stats().retired_segments;
    pay_until(&node, &mut payments, || segments() >= 3);
    (node, payments)
}

/// Every payment is the same again or refused because its record is gone, and nothing moves.
fn assert_nothing_happens_twice(node: &MemNode, payments: &Payments) {
    let before = balance(node, "bob");
    assert_eq!(before, payments.len() as i128);
    let mut gone = 0;
    for (name, lsn) in payments {
        match call(node, &transfer(name)) {
            Reply::Recorded { lsn: first, repeat: true, .. } => assert_eq!(first, *lsn, "{name}"),
            Reply::Retired { lsn: first } => {
                assert_eq!(first, *lsn, "{name}");
                assert!(*lsn < node.journal_begin(), "{name} is still there");
                gone += 1;
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    assert!(gone > 0 && gone < payments.len(), "{gone} of {} are gone", payments.len());
    assert_eq!(balance(node, "bob"), before);
}

#[test]
fn what_was_archived_is_refused_by_name_and_never_done_again() {
    let storage = MemStorage::new(1);
    let options = || archiving(Keep { bytes: 64 << 10, time: Duration::ZERO });
    let (node, payments) = retired(&storage, options());
    assert_nothing_happens_twice(&node, &payments);
    let first = payments["p-0"];
    let gone = node.payment(id("p-0")).wait().expect("running").expect_err("it was archived");
    assert_eq!((gone.lsn, gone.begin), (first, node.journal_begin()));
    let retirement = gone.retirement.clone().expect("it is in the log");
    assert_eq!(retirement.place, Place::Archive(ARCHIVE.into()));
    assert!(gone.to_string().contains("archived to /archive on 2"), "{gone}");
    assert!(matches!(node.record(first), Err(LookupError::Retired { .. })));
    let other = Command::Pay(Order::transfer(id("p-0"), id("alice"), id("bob"), eur(2)));
    assert_eq!(call(&node, &other), Reply::Retired { lsn: first });
    let refund = PaymentStep { payment: id("p-0"), step: Step::Cancel, reason: None };
    assert_eq!(call(&node, &Command::Step(refund)), Reply::Retired { lsn: first });
    let unknown = PaymentStep { payment: id("nobody"), step: Step::Cancel, reason: None };
    let not_found = Reply::Refused { reason: Reason::PaymentNotFound, index: None };
    assert_eq!(call(&node, &Command::Step(unknown)), not_found);

    node.close();
    let node = open(&storage, options()).expect("snapshot and ids are enough");
    assert!(node.report().snapshot > Lsn::NONE);
    assert_nothing_happens_twice(&node, &payments);
    let again = node.payment(id("p-0")).wait().expect("running").expect_err("it was archived");
    let again = again.retirement.expect("it is in the log");
    assert_eq!((again.at, again.place), (retirement.at, retirement.place));
    let archive = storage.elsewhere(ARCHIVE.as_ref()).expect("memory has no errors");
    let segments = archive.list().expect("memory has no errors");
    assert!(segments.len() >= 3 && segments[0] == "00000000000000000000.seg", "{segments:?}");
}

#[test]
fn accounts_keep_what_their_opening_says() {
    let storage = MemStorage::new(2);
    let (node, _) = retired(&storage, dropping());
    node.close();
    let node = open(&storage, dropping()).expect("it opens");
    let account = node.account(id("alice")).wait().expect("running").expect("there").account;
    assert!(Lsn(account.opened_record) < node.journal_begin());
    let opening = node.record(Lsn(account.opened_record)).expect("kept").expect("durable");
    assert!(opening.windows(22).any(|part| part == b"an account with a name"));
    let again = call(&node, &open_account("alice"));
    assert!(matches!(again, Reply::Recorded { repeat: true, .. }), "{again:?}");
    let Command::OpenAccount(mut other) = open_account("alice") else { unreachable!() };
    other.name = Some("somebody else");
    let exists = Reply::Refused { reason: Reason::AccountExists, index: None };
    assert_eq!(call(&node, &Command::OpenAccount(other)), exists);
}

#[test]
fn an_open_payment_a_reader_and_what_is_to_be_kept_hold_the_journal_back() {
    let storage = MemStorage::new(3);
    let node = with_alice_and_bob(&storage, dropping());
    let mut payments = Payments::new();
    let hold = Order {
        mode: Mode::Authorise,
        ..Order::transfer(id("hold"), id("alice"), id("bob"), eur(5))
    };
    let Reply::Recorded { lsn: held_at, .. } = call(&node, &Command::Pay(hold)) else {
        panic!("money is held")
    };
    let several = |from: u64| {
        let node = node.clone();
        move || node.stats().snapshots >= from + 4
    };
    pay_until(&node, &mut payments, several(0));
    assert!(node.journal_begin() <= held_at);
    pay_until(&node, &mut payments, || node.stats().held_by == Some((Need::OpenPayment, held_at)));
    let cancel = PaymentStep { payment: id("hold"), step: Step::Cancel, reason: None };
    let cursor = node.cursor(held_at);
    assert!(matches!(call(&node, &Command::Step(cancel)), Reply::Recorded { .. }));
    pay_until(&node, &mut payments, several(node.stats().snapshots));
    assert!(node.journal_begin() <= held_at, "a reader is there");
    pay_until(&node, &mut payments, || node.stats().held_by == Some((Need::Reader, held_at)));
    let to = payments["p-40"];
    cursor.advance(to);
    pay_until(&node, &mut payments, || node.journal_begin() > Lsn::NONE);
    pay_until(&node, &mut payments, several(node.stats().snapshots));
    assert!(node.journal_begin() <= to);
    drop(cursor);
    pay_until(&node, &mut payments, || node.journal_begin() > to);
    let kept = node.stats().journal_end - node.stats().journal_begin;
    assert!(kept >= 64 << 10, "{kept} bytes are left");
}

#[test]
fn a_refund_whose_record_is_there_is_repeated_after_its_payment_is_gone() {
    let storage = MemStorage::new(22);
    let options = NodeOptions { recent_ids: 2_000, ..dropping() };
    let node = with_alice_and_bob(&storage, options);
    let reader = node.cursor(Lsn::NONE);
    let mut payments = Payments::new();
    pay_until(&node, &mut payments, || node.stats().id_runs == 1);
    let portion = Money { currency: None, portion: Portion::All };
    let refund = Command::Step(PaymentStep {
        payment: id("p-0"),
        step: Step::GiveBack { child: id("back"), why: GiveBack::Refund, portion },
        reason: None,
    });
    let first = call(&node, &refund);
    let Reply::Recorded { lsn, repeat: false, .. } = first else { panic!("{first:?}") };
    // Retirement waits for two, each at a record of its own, and what is paid here makes none due.
    for name in ["between-1", "between-2"] {
        node.snapshot().expect("it is written");
        recorded(call(&node, &transfer(name)));
    }
    drop(reader);
    until(|| node.journal_begin() > payments["p-0"]);
    assert_eq!(node.stats().id_runs, 1, "the refund is known to memory alone");
    assert!(lsn > node.journal_begin());
    let again = call(&node, &refund);
    assert!(
        matches!(again, Reply::Recorded { lsn: same, repeat: true, .. } if same == lsn),
        "{again:?}"
    );
    let made = call(&node, &transfer("p-0"));
    assert_eq!(made, Reply::Retired { lsn: payments["p-0"] });
}

#[test]
fn a_reader_that_is_too_far_behind_is_warned_of_and_loses_its_place() {
    const LAG_BYTES: u64 = 1 << 20;
    let storage = MemStorage::new(21);
    let options = NodeOptions { reader_lag_bytes_max: LAG_BYTES, ..dropping() };
    let node = with_alice_and_bob(&storage, options);
    let mut payments = Payments::new();
    let (slow, end) = (node.cursor(Lsn(1)), node.durable_end());
    let quick = node.cursor(end);
    pay_until(&node, &mut payments, || node.durable_end().0 > LAG_BYTES / 4 * 3);
    quick.advance(node.durable_end());
    let mut warnings = Vec::new();
    until(|| {
        warnings.extend(node.take_warnings());
        warnings.iter().any(|warning| warning.contains("keeps old segments"))
    });
    assert_eq!((node.journal_begin(), node.stats().readers_lost), (Lsn::NONE, 0));
    pay_until(&node, &mut payments, || {
        quick.advance(node.durable_end());
        warnings.extend(node.take_warnings());
        node.stats().retired_segments > 3
    });
    warnings.extend(node.take_warnings());
    let told = |what: &str| warnings.iter().filter(|warning| warning.contains(what)).count();
    assert_eq!((told("keeps old segments"), told("have lost their places")), (1, 1));
    assert_eq!(node.stats().readers_lost, 1);
    let read = node.record(payments["p-0"]);
    assert!(matches!(read, Err(LookupError::Retired { .. })), "{read:?}");
    // It may say that it is further on; it keeps nothing any more.
    slow.advance(node.durable_end());
    pay_until(&node, &mut payments, || {
        quick.advance(node.durable_end());
        node.journal_begin() > end
    });
    assert_eq!(node.stats().readers_lost, 1, "the quick one has its place");
}

#[test]
fn a_reader_has_its_place_until_what_it_needs_goes() {
    const LAG_BYTES: u64 = 1 << 20;
    let storage = MemStorage::new(23);
    let keep = Keep { bytes: 64 << 10, time: Duration::ZERO };
    let options = NodeOptions { reader_lag_bytes_max: LAG_BYTES, ..archiving(keep) };
    let node = with_alice_and_bob(&storage, options);
    let held = storage.hold_names(|name| name.contains("archive"));
    let slow = node.cursor(Lsn(1));
    let mut payments = Payments::new();
    pay_until(&node, &mut payments, || node.durable_end().0 > LAG_BYTES + 4_096);
    for _ in 0..archiving(keep).snapshots_kept {
        node.snapshot().expect("it is made");
        assert!(!recorded(call(&node, &transfer(&format!("later-{}", node.durable_end())))).1);
    }
    let archive = storage.elsewhere(ARCHIVE.as_ref()).expect("memory has no errors");
    until(|| !archive.list().expect("memory has no errors").is_empty());
    // It is too far behind, and nothing is gone yet.
    assert_eq!(node.stats().readers_lost, 0);
    assert!(node.record(payments["p-0"]).expect("it is there").is_some());
    // Another one comes in the meantime, within the limit, to what was about to go.
    let near = Lsn(node.durable_end().0 - LAG_BYTES + 4_096);
    let late = node.cursor(near);
    drop(held);
    until(|| node.stats().held_by == Some((Need::Reader, near)));
    assert_eq!((node.stats().readers_lost, node.stats().retired_segments), (0, 0));
    drop(late);
    until(|| node.stats().retired_segments > 0);
    assert_eq!(node.stats().readers_lost, 1);
    let told = node.take_warnings();
    let lost = told.iter().filter(|warning| warning.contains("have lost their places"));
    assert_eq!(lost.count(), 1, "{told:?}");
    drop(slow);
}

#[test]
fn nothing_goes_before_its_time_and_by_default_nothing_goes() {
    for (seed, options) in [
        (4, archiving(Keep { bytes: 0, time: Duration::from_secs(86_400) })),
        (5, archiving(Keep { bytes: 1 << 40, time: Duration::ZERO })),
        (6, NodeOptions { retention: Retention::KeepAll, ..dropping() }),
    ] {
        let storage = MemStorage::new(seed);
        let node = with_alice_and_bob(&storage, options);
        pay_until(&node, &mut Payments::new(), || node.stats().snapshots >= 5);
        assert_eq!(node.journal_begin(), Lsn::NONE);
        assert_eq!(node.stats().retired_segments, 0);
    }
}

#[test]
fn what_stands_for_dropped_segments_must_not_be_lost() {
    let storage = MemStorage::new(7);
    let keep = Keep { bytes: 64 << 10, time: Duration::ZERO };
    let (node, payments) = retired(&storage, archiving(keep));
    node.close();
    let image = || storage.crash(&Survive::Everything);
    let directory = |image: &MemStorage, name: &str| image.subdirectory(name).expect("no errors");
    let refused = |image: &MemStorage| {
        let error = open(image, archiving(keep)).expect_err("it must not open");
        let text = error.to_string();
        assert!(text.contains("archived to /archive") && text.contains("backup"), "{text}");
        let OpenError::HistoryMissing { lacks, .. } = error else { panic!("{text}") };
        lacks
    };
    let lost = image();
    let ids = directory(&lost, "ids");
    ids.list().expect("listed").iter().for_each(|name| ids.remove(name).expect("removed"));
    assert_eq!(refused(&lost), Lacks::Ids(None));

    let damaged = image();
    let ids = directory(&damaged, "ids");
    let first = ids.list().expect("listed").swap_remove(0);
    assert!(ids.flip_bit(&first, 9, 1), "its header");
    assert_eq!(refused(&damaged), Lacks::Ids(Some(first.clone())));
    assert!(ids.flip_bit(&first, 9, 1), "it is still there");
    let node = open(&damaged, archiving(keep)).expect("nothing was changed");
    assert_nothing_happens_twice(&node, &payments);
    drop(node);

    let lost = image();
    let snapshots = directory(&lost, "snapshots");
    for name in snapshots.list().expect("listed") {
        assert!(snapshots.flip_bit(&name, 4110, 3));
    }
    assert_eq!(refused(&lost), Lacks::Snapshot);

    let lost = image();
    lost.remove("secret").expect("removed");
    let error = open(&lost, archiving(keep)).expect_err("ids mean nothing without it");
    assert!(matches!(&error, OpenError::Damaged { file, .. } if file == "secret"), "{error}");
    assert!(!directory(&lost, "ids").list().expect("listed").is_empty());
}

#[test]
fn a_crash_at_any_moment_of_retiring_loses_nothing() {
    let storage = MemStorage::new(8);
    let node = with_alice_and_bob(&storage, dropping());
    let mut payments = Payments::new();
    let mut images = Vec::new();
    pay_until(&node, &mut payments, || node.stats().snapshots >= 2);
    // Retiring goes on beside the payments, at its own pace.
    for nth in 0..4_000 {
        if nth >= 40 && node.stats().retired_segments > 2 {
            break;
        }
        let acknowledged = payments.len();
        images.push((acknowledged, storage.crash(&Survive::Seeded(nth))));
        pay_until(&node, &mut payments, || payments_len_reached(&node, acknowledged + 7));
    }
    assert!(node.stats().retired_segments > 2, "{:?}", node.stats());
    for (nth, (acknowledged, image)) in images.into_iter().enumerate() {
        let node = open(&image, dropping()).unwrap_or_else(|error| panic!("image {nth}: {error}"));
        for n in (0..acknowledged).step_by(11) {
            let name = format!("p-{n}");
            match call(&node, &transfer(&name)) {
                Reply::Recorded { lsn, repeat: true, .. } => assert_eq!(lsn, payments[&name]),
                Reply::Retired { lsn } => assert_eq!(lsn, payments[&name]),
                other => panic!("image {nth}, {name}: {other:?}"),
            }
        }
        assert!(balance(&node, "bob") >= acknowledged as i128);
    }
}

/// Whether bob was paid so often.
fn backup(
    root: &MemStorage,
    to: &MemStorage,
    end: impl Fn() -> Lsn,
) -> Result<BackedUp, BackupError> {
    let end = || Ok(courant_journal::Lsn(end().0));
    parts::backup(&BackupSource { root, secrets: &["secret"], end }, to, Progress::default())
}

fn payments_len_reached(node: &MemNode, count: usize) -> bool {
    balance(node, "bob") >= count as i128
}

#[test]
fn a_backup_of_a_running_node_answers_as_the_original_did() {
    for (seed, options) in [(9, dropping()), (10, NodeOptions::small())] {
        let storage = MemStorage::new(seed);
        let copy = MemStorage::new(seed + 100);
        let node = with_alice_and_bob(&storage, options.clone());
        let mut payments = Payments::new();
        pay_until(&node, &mut payments, || node.stats().snapshots >= 2);
        if options.retention != Retention::KeepAll {
            pay_until(&node, &mut payments, || node.stats().retired_segments >= 2);
        }
        let mut kept = 0;
        for _ in 0..4 {
            let more = payments.len() + 60;
            pay_until(&node, &mut payments, || payments_len_reached(&node, more));
            kept += until_done(|| backup(&storage, &copy, || node.durable_end())).files_kept;
            let target = MemStorage::new(seed + 200);
            restore(&copy, &target, Progress::default()).expect("it is whole");
            let again = open(&target, options.clone()).expect("it opens");
            assert_eq!(again.report().warnings, Vec::<String>::new());
            assert!(again.report().snapshot > Lsn::NONE, "it starts from a snapshot");
            let trial = |node: &MemNode| {
                let trial = node.trial_balance().wait().expect("running");
                (trial.lsn, trial.currencies, trial.records, trial.payments, trial.accounts)
            };
            assert_eq!(trial(&again), trial(&node));
            for (name, lsn) in &payments {
                match call(&again, &transfer(name)) {
                    Reply::Recorded { lsn: first, repeat: true, .. }
                    | Reply::Retired { lsn: first } => assert_eq!(first, *lsn, "{name}"),
                    other => panic!("{name}: {other:?}"),
                }
            }
            assert!(!recorded(call(&again, &transfer("on-it-goes"))).1);
        }
        assert!(kept > 0, "a later backup copies only what is new");
    }
}

#[test]
fn a_backup_needs_no_second_try_when_ids_are_merged_while_it_copies() {
    let storage = MemStorage::new(13);
    let node = with_alice_and_bob(&storage, dropping());
    let mut payments = Payments::new();
    pay_until(&node, &mut payments, || {
        let stats = node.stats();
        stats.snapshots >= 2 && stats.id_runs >= 2 && stats.retired_segments >= 2
    });
    let end = node.durable_end();
    node.close();
    let tries = AtomicUsize::new(0);
    let end = || {
        tries.fetch_add(1, Relaxed);
        Ok(courant_journal::Lsn(end.0))
    };
    let disk = storage.clone();
    let progress = Progress::told_to(move |_, _| {
        for directory in ["ids", "snapshots"] {
            let directory = disk.subdirectory(directory).expect("memory has no errors");
            let names = directory.list().expect("no errors");
            names.iter().for_each(|name| directory.remove(name).expect("it was there"));
            directory.sync_dir().expect("no errors");
        }
    });
    let copy = MemStorage::new(113);
    let source = BackupSource { root: &storage, secrets: &["secret"], end };
    parts::backup(&source, &copy, progress).expect("what was there is copied");
    assert_eq!(tries.load(Relaxed), 1);
    let target = MemStorage::new(114);
    restore(&copy, &target, Progress::default()).expect("it is whole");
    let again = open(&target, dropping()).expect("it opens");
    assert_eq!(again.report().warnings, Vec::<String>::new());
    assert!(again.report().snapshot > Lsn::NONE, "it starts from a snapshot");
}

#[test]
fn a_backup_has_what_was_kept_of_a_segment_that_went_while_it_began() {
    let storage = MemStorage::new(77);
    let node = with_alice_and_bob(&storage, dropping());
    let reader = RefCell::new(Some(node.cursor(Lsn::NONE)));
    let is_ready = || node.stats().snapshots >= 6 && node.stats().id_runs >= 2;
    pay_until(&node, &mut Payments::new(), is_ready);
    // Nothing but the reader holds anything, and what is listed reaches beyond what goes.
    node.snapshot().expect("it is written");
    until(|| matches!(node.stats().held_by, Some((Need::Reader, _))));
    // Retired after the files were listed, and before the journal is.
    let end = || {
        if reader.borrow_mut().take().is_some() {
            until(|| node.journal_begin() > Lsn::NONE);
        }
        node.durable_end()
    };
    let copy = MemStorage::new(78);
    let done = until_done(|| backup(&storage, &copy, end));
    assert!(done.begin > courant_journal::Lsn::NONE, "{done:?}");
    let target = MemStorage::new(79);
    restore(&copy, &target, Progress::default()).expect("it is whole");
    let again = open(&target, dropping()).expect("it opens");
    let alice = again.account(id("alice")).wait().expect("running").expect("there").account;
    let opening = again.record(Lsn(alice.opened_record)).expect("it was kept");
    assert!(opening.is_some());
}

/// Beside a node that merges and retires, one backup may find no quiet moment in all its tries.
fn until_done(mut backup: impl FnMut() -> Result<BackedUp, BackupError>) -> BackedUp {
    let mut done = None;
    until(|| match backup() {
        Err(BackupError::Retired) => false,
        Err(BackupError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => false,
        ended => {
            done = Some(ended.expect("nothing else goes wrong"));
            true
        }
    });
    done.expect("it ended")
}

#[test]
fn a_backup_begins_anew_if_a_file_vanishes_under_its_hands() {
    let storage = MemStorage::new(12);
    let node = with_alice_and_bob(&storage, dropping());
    let mut payments = Payments::new();
    pay_until(&node, &mut payments, || {
        let stats = node.stats();
        stats.snapshots >= 2 && stats.id_runs >= 2 && stats.retired_segments >= 2
    });
    let end = node.durable_end();
    node.close();
    let try_it = || backup(&storage, &MemStorage::new(112), || end);
    let opens_of = |work: &dyn Fn()| {
        let before = storage.calls(Operation::Open);
        work();
        storage.calls(Operation::Open) - before
    };
    let opens = opens_of(&|| _ = try_it().expect("nothing is wrong"));
    assert!(opens > 5, "ids, a snapshot and segments are read");
    // A look at the formats leaves what it cannot read to whoever reads it next; behind it, the
    // newest snapshot, opened for its head and for its sections, is left out for an older one.
    let passed_over = 2 + opens_of(&|| {
        check_formats(&storage, |name| storage.subdirectory(name).ok()).expect("known formats");
    });
    for nth in (1..=opens).filter(|nth| *nth <= 30 || nth % 16 == 0) {
        storage.inject(Operation::Open, nth, Fault::Error(ErrorKind::NotFound));
        match try_it() {
            Ok(_) => {}
            // The note of what was retired never vanishes; without it the journal is not whole.
            Err(BackupError::Source(OpenJournalError::Corrupt(corrupt)))
                if matches!(corrupt.kind, CorruptKind::SegmentPlace(_)) => {}
            // Nothing says that this segment was retired: then it is lost.
            Err(BackupError::Source(OpenJournalError::Io { doing, source }))
                if source.kind() == ErrorKind::NotFound && doing.ends_with(".seg") => {}
            Err(error) => panic!("file {nth} of {opens} was merged away: {error}"),
        }
        storage.inject(Operation::Open, nth, Fault::Error(ErrorKind::PermissionDenied));
        match try_it() {
            Ok(_) => assert!(nth <= passed_over, "file {nth} of {opens} was not missed"),
            Err(
                BackupError::Io { source, .. }
                | BackupError::Source(OpenJournalError::Io { source, .. }),
            ) => {
                assert!(nth > passed_over, "file {nth} of {opens}: {source}");
                assert_eq!(source.kind(), ErrorKind::PermissionDenied, "file {nth} of {opens}");
            }
            Err(error) => panic!("file {nth} of {opens} cannot be read: {error}"),
        }
        storage.clear_faults();
    }
}

#[test]
fn a_backup_beside_a_node_that_merges_prunes_and_retires_is_consistent() {
    let storage = MemStorage::new(11);
    let node = with_alice_and_bob(&storage, dropping());
    let mut payments = Payments::new();
    pay_until(&node, &mut payments, || node.stats().snapshots >= 2);
    std::thread::scope(|scope| {
        let busy = node.clone();
        let writer = scope.spawn(move || {
            let mut payments = payments;
            pay_until(&busy, &mut payments, || busy.stats().retired_segments >= 12);
            payments
        });
        let copy = MemStorage::new(12);
        while !writer.is_finished() {
            let before = balance(&node, "bob");
            if backup(&storage, &copy, || node.durable_end()).is_ok() {
                let target = MemStorage::new(13);
                restore(&copy, &target, Progress::default()).expect("it is whole");
                let again = open(&target, dropping()).expect("it opens");
                assert!(balance(&again, "bob") >= before);
                assert!(again.trial_balance().wait().expect("running").balanced);
            }
        }
        let payments = writer.join().expect("the writer");
        assert_nothing_happens_twice(&node, &payments);
    });
}

/// The damaged run of ids is gone after the next start, so what it is made from must still be
/// there.
#[test]
fn the_journal_of_damaged_ids_is_not_retired() {
    let storage = MemStorage::new(9);
    let keep = Keep { bytes: 256 << 10, time: Duration::ZERO };
    let node = with_alice_and_bob(&storage, archiving(keep));
    let mut payments = Payments::new();
    pay_until(&node, &mut payments, || node.stats().id_runs >= 2);
    assert_eq!(node.journal_begin(), Lsn::NONE, "what the ids are made from is still there");
    let ids = storage.subdirectory("ids").expect("memory has no errors");
    for name in ids.list().expect("memory has no errors") {
        // A page of entries behind the header, whose checksum is asked only when it is read.
        assert!(ids.flip_bit(&name, 4_096 + 100, 1), "{name}");
    }
    let unreadable = payments.keys().filter(|name| {
        matches!(call(&node, &transfer(name)), Reply::Unavailable(Unavailable::HistoryUnreadable))
    });
    assert!(unreadable.count() > 0, "the damage is found");
    let snapshots = node.stats().snapshots;
    for nth in 0.. {
        let name = format!("later-{nth}");
        let reply = call(&node, &transfer(&name));
        if let Reply::Recorded { lsn, .. } = reply {
            payments.insert(name, lsn);
        }
        if node.stats().snapshots >= snapshots + 40 {
            break;
        }
    }
    assert_eq!(node.journal_begin(), Lsn::NONE, "and still is");
    node.close();
    let node = open(&storage, archiving(keep)).expect("the ids are made again");
    // From now on retiring goes on.
    for (name, lsn) in &payments {
        match call(&node, &transfer(name)) {
            Reply::Recorded { lsn: first, repeat: true, .. } | Reply::Retired { lsn: first } => {
                assert_eq!(first, *lsn, "{name}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn a_chain_that_a_full_disk_held_up_goes_on_and_segments_go_again() {
    let storage = MemStorage::new(20);
    // So many ids in memory that the journal is full before they are written.
    let node = with_alice_and_bob(&storage, NodeOptions { recent_ids: 2_000, ..dropping() });
    set_free(&storage, 0);
    let full = Reply::Unavailable(Unavailable::StorageFull);
    let mut payments = Payments::new();
    for n in 0.. {
        let name = format!("before-{n}");
        let answer = try_call(&node, &transfer(&name));
        match answer {
            Some(reply) if reply == full => break,
            Some(reply) => {
                payments.insert(name, recorded(reply).0);
            }
            None => {}
        }
    }
    let mut warnings = Vec::new();
    let is_chain = |warning: &&String| warning.contains("the chain of hashes failed");
    until(|| {
        warnings.extend(node.take_warnings());
        warnings.iter().any(|warning| is_chain(&warning))
    });
    storage.set_capacity(None);
    until(|| try_call(&node, &transfer("again")).is_some_and(|reply| reply != full));
    pay_until(&node, &mut payments, || node.stats().retired_segments >= 3);
    warnings.extend(node.take_warnings());
    assert_eq!(warnings.iter().filter(is_chain).count(), 1, "{warnings:?}");
}
