//! Backup of a running journal, incremental, and restore.

use courant_journal::backup::{BackupError, BackupOptions, Extra, backup, check, restore};
use courant_journal::storage::mem::{Fault, Operation, Survive};
use courant_journal::verify::{VerifyOptions, verify};
use courant_journal::{Chain, DirectIo, Lsn, MemStorage, Options, OsStorage, Progress, Storage};

use std::sync::{Arc, Mutex};

use crate::support::Single;

fn append(journal: &mut Single<MemStorage>, batches: u8) {
    for number in 0..batches {
        journal.append(&[&[number; 6000], &[number; 10]]).unwrap();
    }
}

fn up_to(journal: &Single<MemStorage>) -> BackupOptions<'static, MemStorage> {
    BackupOptions { end: journal.reader.durable_end(), extra: &[], progress: Progress::default() }
}

/// For backups of a journal alone.
fn nowhere<S: Storage>(directory: &str) -> std::io::Result<S> {
    panic!("nothing of {directory} is in this backup")
}

fn restored(backup: &MemStorage) -> Vec<(Lsn, Vec<u8>)> {
    let target = MemStorage::new(99);
    restore(backup, &target, nowhere, |_| Ok(()), Progress::default()).unwrap();
    let target = target.crash(&Survive::Nothing);
    let report = verify(&target, &VerifyOptions::default(), |_, _| {}).unwrap();
    assert!(report.is_sound(), "{:?}", report.problems);
    let journal = Single::open(&target, &Options::small()).unwrap();
    assert_eq!(journal.recovery.torn, None);
    journal.contents()
}

#[test]
fn copying_and_restoring_tell_how_far_they_have_come() {
    let storage = MemStorage::new(1);
    let mut journal = Single::open(&storage, &Options::small()).unwrap();
    append(&mut journal, 60);
    let watch = || {
        let told = Arc::new(Mutex::new(Vec::new()));
        let listener = Arc::clone(&told);
        let listen = move |done, total| listener.lock().unwrap().push((done, total));
        (told, Progress::told_to(listen))
    };
    let assert_whole = |told: &Mutex<Vec<(u64, u64)>>| {
        let told = told.lock().unwrap();
        let (done, total) = *told.last().expect("something was told");
        assert!(done == total && told.len() > 2, "{told:?}");
        assert!(told.is_sorted_by_key(|(done, _)| *done), "{told:?}");
        assert!(told.iter().all(|(_, t)| *t == total), "{told:?}");
    };
    let copy = MemStorage::new(2);
    for _ in 0..2 {
        let (told, progress) = watch();
        backup(&storage, &copy, BackupOptions { progress, ..up_to(&journal) }).unwrap();
        assert_whole(&told);
    }
    let (told, progress) = watch();
    restore(&copy, &MemStorage::new(3), nowhere, |_| Ok(()), progress).unwrap();
    assert_whole(&told);
}

#[test]
fn a_running_journal_is_backed_up_incrementally_and_restored() {
    let storage = MemStorage::new(1);
    let copy = MemStorage::new(2);
    let mut journal = Single::open(&storage, &Options::small()).unwrap();
    append(&mut journal, 20);
    let mut chain = Chain::open(&journal.reader).unwrap();
    while chain.step(1 << 20).unwrap() {}
    let first = backup(&storage, &copy, up_to(&journal)).unwrap();
    let contents = journal.contents();
    assert_eq!((first.files_kept, restored(&copy)), (0, contents));

    append(&mut journal, 10);
    let snapshots = storage.subdirectory("snapshots").unwrap();
    snapshots.put("7.snap", b"state of the engine");
    let extra =
        [Extra { directory: "snapshots", storage: &snapshots, name: "7.snap", may_vanish: true }];
    let options = BackupOptions { extra: &extra, ..up_to(&journal) };
    let second = backup(&storage, &copy, options).unwrap();
    assert!(second.files_kept >= 2 && second.bytes_copied < first.bytes_copied, "{second:?}");
    let (root, copied) = (MemStorage::new(3), check(&copy).unwrap());
    assert_eq!(copied.end, journal.reader.durable_end());
    let target = root.subdirectory("journal").unwrap();
    restore(&copy, &target, |name| root.subdirectory(name), |_| Ok(()), Progress::default())
        .unwrap();
    assert_eq!(root.contents("snapshots/7.snap").unwrap(), b"state of the engine");
    assert!(target.contents("chain.log").is_some());
    let again = Single::open(&target, &Options::small()).unwrap();
    assert_eq!(again.contents(), journal.contents());

    let kept = backup(&storage, &copy, BackupOptions { extra: &extra, ..up_to(&journal) }).unwrap();
    assert_eq!(kept.files_copied, 1, "the chain alone is written each time: {kept:?}");
    snapshots.put("7.snap", b"another state: changed");
    backup(&storage, &copy, BackupOptions { extra: &extra, ..up_to(&journal) }).unwrap();
    let root = MemStorage::new(4);
    restore(
        &copy,
        &root.subdirectory("journal").unwrap(),
        |name| root.subdirectory(name),
        |_| Ok(()),
        Progress::default(),
    )
    .unwrap();
    assert_eq!(root.contents("snapshots/7.snap").unwrap(), b"another state: changed");
}

#[test]
fn a_backup_ends_where_it_was_asked_to() {
    let storage = MemStorage::new(4);
    let copy = MemStorage::new(5);
    let mut journal = Single::open(&storage, &Options::small()).unwrap();
    append(&mut journal, 12);
    let options = up_to(&journal);
    let contents = journal.contents();
    append(&mut journal, 9);
    backup(&storage, &copy, options).unwrap();
    assert_eq!(restored(&copy), contents);
    let beyond = BackupOptions { end: Lsn(u64::MAX), extra: &[], progress: Progress::default() };
    let error = backup(&storage, &copy, beyond).unwrap_err();
    assert!(matches!(error, BackupError::EndOutside { .. }), "{error}");
}

#[test]
fn a_retired_journal_is_restored_with_its_begin() {
    let storage = MemStorage::new(6);
    let copy = MemStorage::new(7);
    let mut journal = Single::open(&storage, &Options::small()).unwrap();
    append(&mut journal, 30);
    let end = journal.reader.durable_end();
    journal.preparer.retirer().retire_before(end).unwrap();
    backup(&storage, &copy, up_to(&journal)).unwrap();
    assert_eq!(restored(&copy), journal.contents());
}

#[test]
fn a_crash_during_a_backup_leaves_the_one_before_whole() {
    let mut crashes = 0;
    for operation in [Operation::Write, Operation::Sync, Operation::Rename, Operation::SyncDir] {
        for nth in 1.. {
            let (storage, copy) = (MemStorage::new(8), MemStorage::new(9));
            let mut journal = Single::open(&storage, &Options::small()).unwrap();
            append(&mut journal, 9);
            backup(&storage, &copy, up_to(&journal)).unwrap();
            let before = journal.contents();
            append(&mut journal, 9);
            copy.inject(operation, nth, Fault::Error(std::io::ErrorKind::Other));
            if backup(&storage, &copy, up_to(&journal)).is_ok() {
                break;
            }
            crashes += 1;
            for seed in 0..3 {
                let found = restored(&copy.crash(&Survive::Seeded(seed)));
                assert!(found == before || found == journal.contents(), "{operation:?} {nth}");
            }
        }
    }
    assert!(crashes > 10);
}

#[test]
fn a_damaged_or_missing_file_of_a_backup_is_named() {
    let storage = MemStorage::new(10);
    let copy = MemStorage::new(11);
    let mut journal = Single::open(&storage, &Options::small()).unwrap();
    append(&mut journal, 9);
    backup(&storage, &copy, up_to(&journal)).unwrap();
    for name in copy.list().unwrap() {
        let damaged = copy.crash(&Survive::Nothing);
        assert!(damaged.flip_bit(&name, 50, 2));
        let error =
            restore(&damaged, &MemStorage::new(0), nowhere, |_| Ok(()), Progress::default())
                .unwrap_err();
        assert_eq!(check(&damaged).unwrap_err().to_string(), error.to_string());
        let expected = match &error {
            BackupError::FileDiffers(file) => *file == name,
            BackupError::NoManifest(_) => name == "backup.manifest",
            _ => false,
        };
        assert!(expected, "{name}: {error}");
        damaged.remove(&name).unwrap();
        assert!(
            restore(&damaged, &MemStorage::new(0), nowhere, |_| Ok(()), Progress::default())
                .is_err()
        );
    }
    let error = restore(&copy, &storage, nowhere, |_| Ok(()), Progress::default()).unwrap_err();
    assert!(matches!(error, BackupError::NotEmpty(_)), "{error}");
    let extra = [Extra {
        directory: "snapshots",
        storage: &storage,
        name: "../outside",
        may_vanish: false,
    }];
    let options = BackupOptions { extra: &extra, ..up_to(&journal) };
    let error = backup(&storage, &copy, options).unwrap_err();
    assert!(matches!(error, BackupError::Name(_)), "{error}");
}

#[test]
fn files_of_the_operating_system_are_backed_up_too() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| OsStorage::open(directory.path().join(name), DirectIo::Auto).unwrap();
    let (storage, copy, target) = (at("data"), at("backup"), at("restored"));
    let mut journal = Single::open(&storage, &Options::small()).unwrap();
    for _ in 0..9 {
        journal.append(&[&[3; 9000]]).unwrap();
    }
    let options = BackupOptions {
        end: journal.reader.durable_end(),
        extra: &[],
        progress: Progress::default(),
    };
    backup(&storage, &copy, options).unwrap();
    restore(&copy, &target, nowhere, |_| Ok(()), Progress::default()).unwrap();
    let again = Single::open(&target, &Options::small()).unwrap();
    assert_eq!(again.contents(), journal.contents());
}
