//! What stands in the way of opening a journal, and what the user is told.

use courant_journal::storage::mem::{Fault, Operation};
use courant_journal::storage::{Access, Caching};
use courant_journal::{DirectIo, MemStorage, OpenError, Options, OsStorage, Storage};

use crate::support::Single;

const SEGMENT: &str = "00000000000000000000.seg";

#[test]
fn a_second_process_is_told_who_has_the_directory() {
    let directory = tempfile::tempdir().unwrap();
    let storage = OsStorage::open(directory.path(), DirectIo::Auto).unwrap();
    let journal = Single::open(&storage, &Options::small()).unwrap();
    let error = Single::open(&storage, &Options::small()).unwrap_err();
    let OpenError::Locked { holder, .. } = &error else { panic!("{error}") };
    assert_eq!(*holder, Some(std::process::id()));
    assert!(error.to_string().contains("in use by another process (process "), "{error}");
    drop(journal);
    Single::open(&storage, &Options::small()).unwrap();
}

#[test]
fn a_newer_format_is_named_with_the_supported_one() {
    let storage = MemStorage::new(1);
    drop(Single::open(&storage, &Options::small()).unwrap());
    let mut bytes = storage.contents(SEGMENT).unwrap();
    bytes[10..12].copy_from_slice(&7_u16.to_le_bytes());
    let crc = crc32c::crc32c(&bytes[..76]);
    bytes[76..80].copy_from_slice(&crc.to_le_bytes());
    storage.put(SEGMENT, &bytes);
    let error = Single::open(&storage, &Options::small()).unwrap_err();
    assert!(
        matches!(
            &error,
            OpenError::NewerFormat { file, found: 7, supported: 1 } if file == SEGMENT
        ),
        "{error}"
    );
}

#[test]
fn settings_out_of_range_are_named() {
    let cases = [
        (Options { segment_bytes: 4096, ..Options::small() }, "segment_bytes is 4096"),
        (Options { segment_bytes: (64 << 10) + 1, ..Options::small() }, "multiple of 4096"),
        (Options { batch_bytes_max: 1 << 20, ..Options::small() }, "batch_bytes_max is 1048576"),
        (Options { segments_ready: 0, ..Options::small() }, "segments_ready is 0"),
    ];
    for (options, words) in cases {
        let error = Single::open(&MemStorage::new(1), &options).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn segments_that_do_not_fit_together_are_refused() {
    let storage = MemStorage::new(2);
    let mut journal = Single::open(&storage, &Options::small()).unwrap();
    for _ in 0..20 {
        journal.append(&[&[1; 9000]]).unwrap();
    }
    drop(journal);
    let names: Vec<String> =
        storage.list().unwrap().into_iter().filter(|name| name.ends_with(".seg")).collect();
    assert!(names.len() >= 4, "{names:?}");
    let copy = || storage.crash(&courant_journal::storage::mem::Survive::Nothing);
    let refused = |storage: &MemStorage, words: &str| {
        let error = Single::open(storage, &Options::small()).unwrap_err();
        assert!(matches!(error, OpenError::Corrupt(_)), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    };
    let without_first = copy();
    without_first.remove(&names[0]).unwrap();
    refused(&without_first, "nothing notes that older ones were retired");
    let with_gap = copy();
    with_gap.remove(&names[1]).unwrap();
    refused(&with_gap, "the segment before it ends at LSN 65536");
    let misnamed = copy();
    misnamed.rename(&names[1], "00000000000000065537.seg").unwrap();
    refused(&misnamed, "its header says that its base is LSN 65536");
    let foreign = copy();
    let other = MemStorage::new(3);
    let mut journal = Single::open(&other, &Options::small()).unwrap();
    for _ in 0..20 {
        journal.append(&[&[1; 9000]]).unwrap();
    }
    foreign.put(&names[1], &other.contents(&names[1]).unwrap());
    refused(&foreign, "belongs to another journal");
}

#[test]
fn an_unfinished_or_foreign_pool_file_is_replaced() {
    let storage = MemStorage::new(4);
    let mut journal = Single::open(&storage, &Options::small()).unwrap();
    journal.preparer.run().unwrap();
    drop(journal);
    storage.put("pool-000009.new", &[1, 2, 3]);
    storage.put("pool-000008.free", &[0; 100]);
    storage.put("notes.txt", b"not ours");
    let mut journal = Single::open(&storage, &Options::small()).unwrap();
    journal.preparer.run().unwrap();
    let names = storage.list().unwrap();
    assert_eq!(names.iter().filter(|name| name.starts_with("pool-")).count(), 1, "{names:?}");
    assert!(names.contains(&"notes.txt".to_owned()));
}

#[cfg(unix)]
#[test]
fn directory_and_files_belong_to_their_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data");
    let storage = OsStorage::open(&path, DirectIo::Auto).unwrap();
    drop(Single::open(&storage, &Options::small()).unwrap());
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    for name in storage.list().unwrap() {
        let mode = path.join(&name).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn files_hold_what_was_written_with_and_without_the_page_cache() {
    use courant_journal::storage::File;
    let directory = tempfile::tempdir().unwrap();
    let storage = OsStorage::open(directory.path(), DirectIo::Never).unwrap();
    let file = storage.create("some.file", Caching::Direct).unwrap();
    assert!(file.is_empty().unwrap());
    assert_eq!(file.write_at(10, b"abc").unwrap(), 3);
    file.sync_data().unwrap();
    assert_eq!(file.len().unwrap(), 13);
    let again = storage.open("some.file", Access::Read, Caching::Buffered).unwrap();
    let mut bytes = [0; 3];
    assert_eq!(again.read_at(10, &mut bytes).unwrap(), 3);
    assert_eq!(&bytes, b"abc");
    assert!(storage.create("some.file", Caching::Direct).is_err(), "the name is taken");
    assert!(storage.free_bytes().unwrap() > 0);
    assert_ne!(storage.random_u64().unwrap(), storage.random_u64().unwrap());
}

#[test]
fn reads_that_get_nowhere_for_a_while_are_no_damage() {
    let storage = MemStorage::new(5);
    let mut journal = Single::open(&storage, &Options::small()).unwrap();
    journal.append(&[b"kept"]).unwrap();
    let contents = journal.contents();
    drop(journal);
    // Half of the segment's header block, four times in a row and then again and again.
    for shorts in [4, 16, 17, 1000] {
        for nth in 1..=shorts {
            storage.inject(Operation::Read, nth, Fault::Short);
        }
        match Single::open(&storage, &Options::small()) {
            Ok(journal) => assert!(journal.contents() == contents && shorts <= 16, "{shorts}"),
            Err(error) => {
                assert!(matches!(error, OpenError::Io { .. }) && shorts > 16, "{shorts}: {error}");
                assert!(error.to_string().contains("try again"), "{error}");
            }
        }
        storage.clear_faults();
    }
    assert_eq!(Single::open(&storage, &Options::small()).unwrap().contents(), contents);
}

#[test]
fn a_directory_that_cannot_be_written_says_so_and_stays_as_it_is() {
    use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    let storage = MemStorage::new(6);
    let mut journal = Single::open(&storage, &Options::small()).unwrap();
    journal.append(&[b"kept"]).unwrap();
    drop(journal);
    let before = storage.contents(SEGMENT).unwrap();
    for kind in [PermissionDenied, ReadOnlyFilesystem] {
        // What a disk refuses depends on how it is mounted and by whom it is used: the lock, or
        // only the first write.
        for operation in [Operation::Lock, Operation::Write] {
            storage.inject(operation, 1, Fault::Error(kind));
            let error = Single::open(&storage, &Options::small()).unwrap_err().to_string();
            assert!(error.contains("must be writable by this user"), "{operation:?}: {error}");
        }
    }
    assert_eq!(storage.contents(SEGMENT).unwrap(), before);
    assert_eq!(Single::open(&storage, &Options::small()).unwrap().contents().len(), 1);
}

#[test]
fn the_directory_is_synced_by_the_descriptor_that_was_opened_first() {
    let parent = tempfile::tempdir().unwrap();
    let (path, moved) = (parent.path().join("data"), parent.path().join("moved"));
    let made = OsStorage::open(&path, DirectIo::Auto).unwrap();
    let found = OsStorage::open_existing(&path, DirectIo::Auto).unwrap();
    // What would open it again finds nothing there.
    std::fs::rename(&path, &moved).unwrap();
    for storage in [made, found] {
        storage.sync_dir().unwrap();
    }
}
