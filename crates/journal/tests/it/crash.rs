//! Crashes and I/O errors at every call of short scripts, with every subset of what was unsynced.
//!
//! Each run has a model: the batches that were acknowledged, and at most one that was under way.
//! After any crash the journal must open and hold exactly the first, or the first and the one under
//! way.

use std::io;

use courant_journal::storage::mem::{Fault, Operation, Survive};
use courant_journal::{BeginError, Chain, Lsn, MemStorage, Options};

use proptest::prelude::*;

use crate::support::Single;

/// Unsynced parts of which every subset is tried, in the shortest scripts and in the others; of
/// more parts, a sample.
const SHORT_SCRIPT_OPS: usize = 2;
const SHORT_PARTS_MAX: usize = 12;
const PARTS_MAX: usize = 8;
const SAMPLES: u64 = 40;

#[derive(Clone, Copy, Debug)]
enum Op {
    /// One batch of records, about this many bytes each.
    Append(usize),
    /// Batches until a new segment is begun.
    Roll,
    Prepare,
    Retire,
    Chain,
    Reopen,
}

use Op::{Append, Prepare, Reopen, Retire, Roll};

const SCRIPTS: &[&[Op]] = &[
    &[Append(10)],
    &[Append(700), Append(3000)],
    &[Append(40), Roll, Append(2000)],
    &[Append(1), Prepare, Roll, Prepare, Append(900), Reopen, Append(5)],
    &[Roll, Prepare, Roll, Op::Chain, Append(100), Retire, Prepare, Append(30)],
    &[Append(10), Reopen, Reopen, Roll, Retire, Prepare, Roll, Append(4000)],
];

/// What must be true of the journal.
#[derive(Clone, Debug, Default)]
struct Model {
    acknowledged: Vec<Vec<u8>>,
    /// Records of the batch that was not acknowledged.
    under_way: Vec<Vec<u8>>,
    /// Records that may have been retired.
    retired_max: usize,
}

struct Run {
    storage: MemStorage,
    model: Model,
    counter: u8,
    script: Vec<Op>,
}

/// The run met an injected error: the process would have stopped here.
struct Stopped;

impl Run {
    fn new(storage: MemStorage, script: &[Op]) -> Run {
        Run { storage, model: Model::default(), counter: 0, script: script.to_vec() }
    }

    fn go(&mut self) -> Result<(), Stopped> {
        let mut journal = self.open()?;
        for op in self.script.clone() {
            match op {
                Append(bytes) => self.append(&mut journal, bytes)?,
                Prepare => drop(journal.preparer.run().map_err(|_| Stopped)?),
                Op::Chain => {
                    let mut chain = Chain::open(&journal.reader).map_err(|_| Stopped)?;
                    while chain.step(1 << 20).map_err(|_| Stopped)? {}
                }
                Retire => {
                    let end = journal.reader.durable_end();
                    self.model.retired_max = self.model.acknowledged.len();
                    let retired = journal.preparer.retirer().retire_before(end);
                    retired.map_err(|_| Stopped)?;
                }
                Reopen => {
                    drop(journal);
                    journal = self.open()?;
                }
                Roll => {
                    let segment = |lsn: Lsn| lsn.0 / Options::small().segment_bytes;
                    let start = segment(journal.reader.durable_end());
                    while segment(journal.reader.durable_end()) == start {
                        self.append(&mut journal, 9000)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn open(&mut self) -> Result<Single<MemStorage>, Stopped> {
        Single::open(&self.storage, &Options::small()).map_err(|_| Stopped)
    }

    fn append(&mut self, journal: &mut Single<MemStorage>, bytes: usize) -> Result<(), Stopped> {
        self.counter = self.counter.wrapping_add(1).max(1);
        let records = [vec![self.counter; bytes], vec![0; bytes / 2], vec![self.counter; 3]];
        let mut batch = match journal.appender.begin(0) {
            Err(BeginError::NotReady) => {
                journal.preparer.run().map_err(|_| Stopped)?;
                journal.appender.begin(0).map_err(|_| Stopped)?
            }
            begun => begun.map_err(|_| Stopped)?,
        };
        for record in &records {
            batch.push(|buf| buf.extend_from_slice(record)).unwrap();
        }
        self.model.under_way = records.to_vec();
        let sealed = journal.appender.finish(batch).unwrap();
        journal.writer.commit(sealed).map_err(|_| Stopped)?;
        self.model.acknowledged.append(&mut self.model.under_way);
        Ok(())
    }
}

impl Model {
    /// The journal in `storage` opens and holds what it must; returns whether the batch that was
    /// under way is there.
    fn check(&self, storage: &MemStorage, context: &str) -> bool {
        let journal = Single::open(storage, &Options::small())
            .unwrap_or_else(|error| panic!("{context}: {error}"));
        let found: Vec<Vec<u8>> =
            journal.contents().into_iter().map(|(_, payload)| payload).collect();
        let all: Vec<Vec<u8>> = self.acknowledged.iter().chain(&self.under_way).cloned().collect();
        let fits = |expected: &[Vec<u8>]| {
            expected
                .len()
                .checked_sub(found.len())
                .is_some_and(|retired| retired <= self.retired_max && expected[retired..] == found)
        };
        let with_under_way = fits(&all);
        assert!(
            with_under_way || fits(&self.acknowledged),
            "{context}: {} records found, {} acknowledged, {} under way",
            found.len(),
            self.acknowledged.len(),
            self.under_way.len(),
        );
        with_under_way && !self.under_way.is_empty()
    }
}

/// All choices of what survives, or a sample of them.
fn choices(run: &Run) -> Vec<Survive> {
    let parts = run.storage.unsynced().len();
    let short = run.script.len() <= SHORT_SCRIPT_OPS;
    if parts <= if short { SHORT_PARTS_MAX } else { PARTS_MAX } {
        let subsets = 0..1_u32 << parts;
        let chosen = |subset: u32| (0..parts).filter(move |part| subset >> part & 1 == 1);
        subsets.map(|subset| Survive::Chosen(chosen(subset).collect())).collect()
    } else {
        let seeded = (0..SAMPLES).map(Survive::Seeded);
        [Survive::Nothing, Survive::Everything].into_iter().chain(seeded).collect()
    }
}

/// Runs each script with a fault at the n-th call of an operation, for every n, and hands each
/// stopped run to `check`.
fn each_stop(operation: Operation, fault: Fault, mut check: impl FnMut(&Run, &str)) -> u64 {
    let mut stops = 0;
    for (number, script) in SCRIPTS.iter().enumerate() {
        for nth in 1.. {
            let storage = MemStorage::new(number as u64);
            storage.inject(operation, nth, fault);
            let mut run = Run::new(storage, script);
            let stopped = run.go().is_err();
            if run.storage.fault_counts().is_empty() {
                break;
            }
            run.storage.clear_faults();
            stops += u64::from(stopped);
            check(&run, &format!("script {number}, {fault:?} at {operation:?} {nth}"));
        }
    }
    assert!(stops > 0, "the fault never stopped a run");
    stops
}

fn crash_check(operation: Operation, fault: Fault) {
    let (mut kept, mut lost) = (0, 0);
    each_stop(operation, fault, |run, context| {
        for survive in choices(run) {
            let context = format!("{context}, {survive:?}");
            match run.model.check(&run.storage.crash(&survive), &context) {
                true => kept += 1,
                false => lost += 1,
            }
        }
    });
    assert!(lost > 0, "no crash lost the batch under way");
    if matches!((operation, fault), (Operation::Sync, Fault::Error(_))) {
        assert!(kept > 0, "no crash kept the batch under way");
    }
}

#[test]
fn every_subset_of_unsynced_sectors_after_a_failed_sync() {
    crash_check(Operation::Sync, Fault::Error(io::ErrorKind::Other));
}

#[test]
fn crashes_after_a_sync_that_forgets_what_was_unsynced() {
    crash_check(Operation::Sync, Fault::LostSync);
}

#[test]
fn crashes_at_every_write() {
    crash_check(Operation::Write, Fault::Error(io::ErrorKind::Other));
}

#[test]
fn crashes_at_every_torn_write() {
    for seed in 0..4 {
        crash_check(Operation::Write, Fault::TornWrite(seed));
    }
}

#[test]
fn crashes_at_every_change_of_a_name() {
    for operation in [Operation::Rename, Operation::SyncDir, Operation::Create, Operation::Remove] {
        each_stop(operation, Fault::Error(io::ErrorKind::Other), |run, context| {
            for survive in choices(run) {
                run.model.check(&run.storage.crash(&survive), &format!("{context}, {survive:?}"));
            }
        });
    }
}

#[test]
fn a_new_process_after_an_error_sees_what_was_acknowledged() {
    let other = Fault::Error(io::ErrorKind::Other);
    for (operation, fault) in [
        (Operation::Write, other),
        (Operation::Write, Fault::TornWrite(9)),
        (Operation::Sync, other),
        (Operation::Sync, Fault::LostSync),
        (Operation::SyncDir, other),
        (Operation::Read, other),
        (Operation::Open, other),
        (Operation::Rename, other),
        (Operation::Allocate, other),
        (Operation::List, other),
    ] {
        each_stop(operation, fault, |run, context| {
            run.model.check(&run.storage, context);
        });
    }
}

#[test]
fn a_batch_that_only_the_page_cache_had_is_durable_after_opening() {
    let mut kept = 0;
    each_stop(Operation::Sync, Fault::LostSync, |run, context| {
        // The machine stays up: the next process sees the batch, and must make it durable.
        if run.model.check(&run.storage, context) {
            kept += 1;
            let survived = run.storage.crash(&Survive::Nothing);
            assert!(run.model.check(&survived, context), "{context}: seen, and then lost");
        }
    });
    assert!(kept > 0, "no run left a batch in the page cache alone");
}

#[test]
fn interrupted_and_short_calls_change_nothing() {
    for (operation, fault) in [
        (Operation::Write, Fault::Interrupted),
        (Operation::Write, Fault::Short),
        (Operation::Read, Fault::Interrupted),
        (Operation::Read, Fault::Short),
        (Operation::Open, Fault::Interrupted),
    ] {
        for nth in 1..60 {
            let storage = MemStorage::new(nth);
            storage.inject(operation, nth, fault);
            let mut run = Run::new(storage, SCRIPTS[3]);
            assert!(run.go().is_ok(), "{fault:?} at {operation:?} {nth}");
            run.model.check(&run.storage, "after the script");
        }
    }
}

#[test]
fn a_crash_during_recovery_is_recovered_from() {
    let mut second_crashes = 0;
    each_stop(Operation::Write, Fault::TornWrite(5), |run, context| {
        for seed in 0..3 {
            let torn = run.storage.crash(&Survive::Seeded(seed));
            for operation in [Operation::Write, Operation::Sync, Operation::Remove] {
                for nth in 1..6 {
                    let storage = torn.crash(&Survive::Everything);
                    storage.inject(operation, nth, Fault::TornWrite(nth));
                    if Single::open(&storage, &Options::small()).is_ok() {
                        break;
                    }
                    second_crashes += 1;
                    for seed in 0..3 {
                        let again = storage.crash(&Survive::Seeded(seed));
                        let context = format!("{context}, then {operation:?} {nth}, seed {seed}");
                        run.model.check(&again, &context);
                    }
                }
            }
        }
    });
    assert!(second_crashes > 100, "only {second_crashes} crashes during recovery");
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (0_usize..5000).prop_map(Append),
        1 => Just(Roll),
        1 => Just(Prepare),
        1 => Just(Retire),
        1 => Just(Op::Chain),
        1 => Just(Reopen),
    ]
}

fn any_fault() -> impl Strategy<Value = (Operation, Fault)> {
    prop_oneof![
        any::<u64>().prop_map(|seed| (Operation::Write, Fault::TornWrite(seed))),
        Just((Operation::Write, Fault::Error(io::ErrorKind::StorageFull))),
        Just((Operation::Sync, Fault::LostSync)),
        Just((Operation::Sync, Fault::Error(io::ErrorKind::Other))),
        Just((Operation::SyncDir, Fault::Error(io::ErrorKind::Other))),
        Just((Operation::Rename, Fault::Error(io::ErrorKind::Other))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Any script, any fault, any crash, several times over on the same directory.
    #[test]
    fn random_lives_of_a_journal_lose_nothing_acknowledged(
        lives in prop::collection::vec(
            (prop::collection::vec(any_op(), 1..12), any_fault(), 1_u64..40, any::<u64>()),
            1..4,
        ),
    ) {
        let mut storage = MemStorage::new(1);
        let mut model = Model::default();
        for (script, (operation, fault), nth, seed) in lives {
            storage.inject(operation, nth, fault);
            let mut run = Run::new(storage, &script);
            run.model = model;
            run.counter = (seed % 200) as u8;
            let stopped = run.go().is_err();
            run.storage.clear_faults();
            if !stopped {
                run.model.check(&run.storage, "after the script");
            }
            storage = run.storage.crash(&Survive::Seeded(seed));
            let kept = run.model.check(&storage, "after the crash");
            model = run.model;
            let under_way = std::mem::take(&mut model.under_way);
            if kept {
                model.acknowledged.extend(under_way);
            }
        }
    }
}

#[test]
fn after_a_failed_commit_every_commit_fails_and_names_the_durable_end() {
    let storage = MemStorage::new(77);
    let mut journal = Single::open(&storage, &Options::small()).unwrap();
    let (_, durable) = journal.append(&[b"safe"]).unwrap();
    storage.inject(Operation::Sync, 1, Fault::Error(io::ErrorKind::Other));
    let first = journal.append(&[b"lost"]).unwrap_err();
    assert_eq!(first.durable_end, durable.end);
    let (writes, syncs) = (storage.calls(Operation::Write), storage.calls(Operation::Sync));
    let second = journal.append(&[b"refused"]).unwrap_err();
    assert_eq!(first.to_string(), second.to_string());
    assert!(first.to_string().contains("stop this process"), "{first}");
    assert_eq!((storage.calls(Operation::Write), storage.calls(Operation::Sync)), (writes, syncs));
    assert_eq!(journal.reader.durable_end(), durable.end);
    assert_eq!(journal.contents().len(), 1);
}

/// Appends a batch whose sync fails, then cuts the power: of its sectors only those survive that
/// `kept` names by their number.
fn tear(storage: &MemStorage, payload: &[u8], kept: impl Fn(usize) -> bool) -> MemStorage {
    let mut journal = Single::open(storage, &Options::small()).unwrap();
    storage.inject(Operation::Sync, 1, Fault::Error(io::ErrorKind::Other));
    journal.append(&[payload]).unwrap_err();
    let parts = 0..storage.unsynced().len();
    storage.crash(&Survive::Chosen(parts.filter(|&part| kept(part)).collect()))
}

#[test]
fn nothing_of_a_torn_batch_is_left_to_confuse_the_next_recovery() {
    let storage = MemStorage::new(5);
    let (_, durable) =
        Single::open(&storage, &Options::small()).unwrap().append(&[b"safe"]).unwrap();
    let torn = tear(&storage, &[1; 9000], |sector| sector > 12);
    let report = Single::open(&torn, &Options::small()).unwrap().recovery;
    let tail = report.torn.expect("data lies behind a lost header");
    assert_eq!((report.end, tail.offset), (durable.end, durable.end.0));
    let torn_again = tear(&torn, &[2; 600], |sector| sector == 0);
    let journal = Single::open(&torn_again, &Options::small()).unwrap();
    assert!(journal.recovery.torn.is_some());
    assert_eq!(journal.contents().len(), 1);
}
