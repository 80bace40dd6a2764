//! Repair: what it would do, what it does, and that what it takes away is kept.

use courant_journal::repair::{RepairError, Step, lock, plan};
use courant_journal::storage::mem::{Fault, Operation, Survive};
use courant_journal::{Chain, Lsn, MemStorage, OpenError, Options, Storage};

use crate::support::Single;

const FIRST: &str = "00000000000000000000.seg";
const SECOND: &str = "00000000000000065536.seg";

fn journal(seed: u64) -> (MemStorage, Vec<(Lsn, Vec<u8>)>) {
    let storage = MemStorage::new(seed);
    let mut journal = Single::open(&storage, &Options::small()).unwrap();
    for number in 0..24_u8 {
        journal.append(&[&[number; 6000]]).unwrap();
    }
    let mut chain = Chain::open(&journal.reader).unwrap();
    while chain.step(u64::MAX).unwrap() {}
    let contents = journal.contents();
    (storage, contents)
}

#[test]
fn a_sound_journal_needs_no_repair() {
    let (storage, _) = journal(1);
    let plan = plan(&storage).unwrap();
    assert!(plan.is_empty());
    assert!(plan.to_string().contains("nothing to repair"), "{plan}");
}

#[test]
fn damage_is_cut_off_and_everything_taken_is_kept() {
    let (storage, contents) = journal(2);
    assert!(storage.flip_bit(SECOND, 4096 + 8192 + 100, 1));
    let damaged = storage.contents(SECOND).unwrap();
    let plan = plan(&storage).unwrap();
    let [.., Step::Cut { file, offset, batches_lost }, Step::CutChain] = &plan.steps[..] else {
        panic!("{plan}");
    };
    assert_eq!((file.as_str(), *offset), (SECOND, 4096 + 8192));
    assert!(*batches_lost > 1, "{plan}");
    assert_eq!(storage.contents(SECOND).unwrap(), damaged, "a plan changes nothing");
    let removed: Vec<&String> = plan
        .steps
        .iter()
        .filter_map(|step| if let Step::Remove { file } = step { Some(file) } else { None })
        .collect();
    assert!(!removed.is_empty());
    let before: Vec<_> =
        removed.iter().map(|file| (file.as_str(), storage.contents(file).unwrap())).collect();

    let kept = plan.apply(&storage, &lock(&storage).unwrap(), "20260101T000000Z").unwrap();
    let kept = storage.subdirectory(&kept).unwrap();
    assert_eq!(kept.contents(SECOND).unwrap(), damaged);
    for (file, bytes) in before {
        assert_eq!(kept.contents(file).unwrap(), bytes);
    }
    let journal = Single::open(&storage, &Options::small()).unwrap();
    assert_eq!(journal.recovery.end, plan.end);
    let expected: Vec<_> = contents.into_iter().filter(|(lsn, _)| *lsn < plan.end).collect();
    assert_eq!(journal.contents(), expected);
    let mut chain = Chain::open(&journal.reader).unwrap();
    while chain.step(u64::MAX).unwrap() {}
    drop(journal);
    let report = courant_journal::verify::verify(
        &storage,
        &courant_journal::verify::VerifyOptions::default(),
        |_, _| {},
    );
    assert!(report.unwrap().is_sound());
}

#[test]
fn a_crash_during_repair_leaves_all_or_nothing_done_or_a_refusal() {
    let mut crashes = 0;
    for operation in [
        Operation::Write,
        Operation::Sync,
        Operation::Rename,
        Operation::Remove,
        Operation::SyncDir,
    ] {
        for nth in 1.. {
            let (storage, contents) = journal(3);
            assert!(storage.flip_bit(SECOND, 4096 + 8192 + 100, 1));
            let first = plan(&storage).unwrap();
            let end_before = contents.last().unwrap().0;
            storage.inject(operation, nth, Fault::Error(std::io::ErrorKind::Other));
            if first.apply(&storage, &lock(&storage).unwrap(), "one").is_ok() {
                break;
            }
            crashes += 1;
            for seed in 0..3 {
                let after = storage.crash(&Survive::Seeded(seed));
                match Single::open(&after, &Options::small()) {
                    Err(OpenError::Corrupt(_)) => {}
                    // Either nothing was done yet, or everything.
                    opened => {
                        let end = opened.unwrap().recovery.end;
                        assert!(end == first.end || end > end_before, "{operation:?} {nth}");
                    }
                }
                let again = plan(&after).unwrap();
                assert_eq!(again.end, first.end, "{operation:?} {nth} seed {seed}");
                if !again.is_empty() {
                    again.apply(&after, &lock(&after).unwrap(), "two").unwrap();
                }
                let found = Single::open(&after, &Options::small()).unwrap().contents();
                assert_eq!(found, contents[..found.len()]);
                assert_eq!(found.last().map(|(lsn, _)| *lsn < first.end), Some(true));
            }
        }
    }
    assert!(crashes > 10);
}

#[test]
fn a_gap_gives_up_what_comes_after_it() {
    let (storage, contents) = journal(4);
    storage.remove(SECOND).unwrap();
    let plan = plan(&storage).unwrap();
    assert!(plan.steps.iter().all(|step| matches!(step, Step::Remove { .. } | Step::CutChain)));
    plan.apply(&storage, &lock(&storage).unwrap(), "now").unwrap();
    let found = Single::open(&storage, &Options::small()).unwrap().contents();
    assert!(!found.is_empty());
    assert_eq!(found, contents[..found.len()]);
}

#[test]
fn where_nothing_could_be_kept_it_refuses() {
    let (storage, _) = journal(5);
    assert!(storage.flip_bit(FIRST, 20, 0));
    let error = plan(&storage).unwrap_err();
    assert!(matches!(error, RepairError::NothingToKeep(_)), "{error}");
    assert!(error.to_string().contains("restore a backup"), "{error}");
}

#[test]
fn a_journal_in_use_is_not_repaired() {
    let (storage, _) = journal(6);
    let journal = Single::open(&storage, &Options::small()).unwrap();
    let error = lock(&storage).unwrap_err();
    assert!(matches!(error, RepairError::Open(OpenError::Locked { .. })), "{error}");
    drop(journal);
    let _locked = lock(&storage).unwrap();
    let refused = Single::open(&storage, &Options::small());
    assert!(matches!(refused, Err(OpenError::Locked { .. })), "nobody opens it meanwhile");
}
