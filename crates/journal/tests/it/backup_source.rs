//! Backups of another journal than before, of another past, and of one that changes meanwhile.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};

use courant_journal::backup::{BackupError, BackupOptions, backup, check, restore};
use courant_journal::storage::mem::Survive;
use courant_journal::storage::{Access, Caching, LockError};
use courant_journal::verify::{VerifyOptions, verify};
use courant_journal::{Lsn, MemStorage, Options, Progress, Storage};

use crate::support::Single;

const FIRST: &str = "00000000000000000000.seg";

fn append(journal: &mut Single<MemStorage>, batches: u8, byte: u8) {
    for _ in 0..batches {
        journal.append(&[&[byte; 6000]]).unwrap();
    }
}

fn filled(seed: u64, batches: u8) -> (MemStorage, Single<MemStorage>) {
    let storage = MemStorage::new(seed);
    let mut journal = Single::open(&storage, &Options::small()).unwrap();
    append(&mut journal, batches, 1);
    (storage, journal)
}

fn up_to<S>(end: Lsn) -> BackupOptions<'static, S> {
    BackupOptions { end, extra: &[], progress: Progress::default() }
}

fn files(storage: &MemStorage) -> BTreeMap<String, Option<Vec<u8>>> {
    let names = storage.list().unwrap();
    names.into_iter().map(|name| (name.clone(), storage.contents(&name))).collect()
}

fn restored(backup: &MemStorage) -> Vec<(Lsn, Vec<u8>)> {
    let target = MemStorage::new(99);
    let nowhere = |name: &str| panic!("nothing of {name} is in this backup");
    restore(backup, &target, nowhere, |_| Ok(()), Progress::default()).unwrap();
    let report = verify(&target, &VerifyOptions::default(), |_, _| {}).unwrap();
    assert!(report.is_sound(), "{:?}", report.problems);
    Single::open(&target, &Options::small()).unwrap().contents()
}

#[test]
fn a_backup_of_another_journal_is_refused_and_left_as_it_is() {
    let (one, journal) = filled(1, 30);
    let (other, other_journal) = filled(2, 60);
    let copy = MemStorage::new(3);
    backup(&one, &copy, up_to(journal.reader.durable_end())).unwrap();
    let before = files(&copy);
    let error = backup(&other, &copy, up_to(other_journal.reader.durable_end())).unwrap_err();
    assert!(matches!(error, BackupError::OtherJournal(_)), "{error}");
    assert!(error.to_string().contains("another journal"), "{error}");
    assert_eq!(files(&copy), before);
}

#[test]
fn segments_of_another_past_of_the_same_journal_are_replaced() {
    let (storage, mut journal) = filled(4, 15);
    let fork = storage.crash(&Survive::Nothing);
    let mut forked = Single::open(&fork, &Options::small()).unwrap();
    append(&mut journal, 40, 2);
    append(&mut forked, 40, 3);
    let copy = MemStorage::new(5);
    backup(&storage, &copy, up_to(journal.reader.durable_end())).unwrap();
    let ends = (journal.reader.durable_end(), forked.reader.durable_end());
    assert_eq!(ends.0, ends.1, "names and lengths are the same in both");
    let second = backup(&fork, &copy, up_to(ends.1)).unwrap();
    assert!(second.files_kept >= 1, "what both have is kept: {second:?}");
    assert_eq!(restored(&copy), forked.contents());
    let third = backup(&fork, &copy, up_to(ends.1)).unwrap();
    assert_eq!(third.files_copied, 0, "{third:?}");
}

#[test]
fn zeros_where_batches_were_are_not_taken_for_a_segment() {
    let (storage, mut journal) = filled(6, 3);
    let copy = MemStorage::new(7);
    backup(&storage, &copy, up_to(journal.reader.durable_end())).unwrap();
    let contents = journal.contents();
    append(&mut journal, 30, 2);
    let mut bytes = storage.contents(FIRST).unwrap();
    bytes[4096 + 2 * 8192..].fill(0);
    storage.put(FIRST, &bytes);
    let error = backup(&storage, &copy, up_to(journal.reader.durable_end())).unwrap_err();
    assert!(matches!(error, BackupError::Source(_)), "{error}");
    check(&copy).unwrap();
    assert_eq!(restored(&copy), contents);
}

#[test]
fn a_segment_that_is_retired_and_zeroed_while_it_is_copied_does_not_count() {
    let (inner, mut journal) = filled(8, 60);
    let end = journal.reader.durable_end();
    // The first opening reads the header, the second one copies.
    let storage = Hooked::new(&inner, 2, move || {
        let journal = &mut journal;
        journal.preparer.retirer().retire_before(end).unwrap();
        journal.preparer.run().unwrap();
    });
    let copy = MemStorage::new(9);
    let error = backup(&storage, &copy, up_to(end)).unwrap_err();
    assert!(matches!(error, BackupError::Retired), "{error}");
    assert!(matches!(check(&copy), Err(BackupError::NoManifest(_))));
    let done = backup(&storage, &copy, up_to(end)).unwrap();
    assert!(done.begin > Lsn::NONE, "{done:?}");
    let now = Single::open(&inner, &Options::small()).unwrap().contents();
    assert!(!now.is_empty());
    assert_eq!(restored(&copy), now);
}

/// A directory in which something happens just after the first segment was opened.
#[derive(Clone)]
struct Hooked {
    inner: MemStorage,
    hook: Arc<Mutex<Hook>>,
}

struct Hook {
    opens_left: u32,
    action: Option<Box<dyn FnOnce() + Send>>,
}

impl Hooked {
    fn new(inner: &MemStorage, nth: u32, action: impl FnOnce() + Send + 'static) -> Hooked {
        let hook = Hook { opens_left: nth, action: Some(Box::new(action)) };
        Hooked { inner: inner.clone(), hook: Arc::new(Mutex::new(hook)) }
    }
}

impl fmt::Debug for Hooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl Storage for Hooked {
    type File = <MemStorage as Storage>::File;
    type Lock = <MemStorage as Storage>::Lock;

    fn create(&self, name: &str, caching: Caching) -> io::Result<Self::File> {
        self.inner.create(name, caching)
    }

    fn open(&self, name: &str, access: Access, caching: Caching) -> io::Result<Self::File> {
        let file = self.inner.open(name, access, caching)?;
        let mut hook = self.hook.lock().unwrap();
        if name == FIRST && hook.opens_left > 0 {
            hook.opens_left -= 1;
            if hook.opens_left == 0 {
                hook.action.take().expect("it happens once")();
            }
        }
        Ok(file)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.inner.list()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.inner.remove(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.inner.sync_dir()
    }

    fn lock(&self, name: &str) -> Result<Self::Lock, LockError> {
        self.inner.lock(name)
    }

    fn free_bytes(&self) -> io::Result<u64> {
        self.inner.free_bytes()
    }

    fn subdirectory(&self, name: &str) -> io::Result<Hooked> {
        Ok(Hooked { inner: self.inner.subdirectory(name)?, hook: Arc::clone(&self.hook) })
    }

    fn random_u64(&self) -> io::Result<u64> {
        self.inner.random_u64()
    }

    fn location(&self) -> String {
        self.inner.location()
    }
}
