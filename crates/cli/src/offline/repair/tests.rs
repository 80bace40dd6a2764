//! What a repair takes along from beside the journal, and when it is refused.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use courant_journal::Lsn;
use courant_journal::repair::Plan;
use courant_node::parts::{check_snapshot, list_snapshots};
use courant_node::{Keep, Retention};

use super::derived::{Derived, directory};
use crate::offline::tests::{busy_node, pay_until_busy};

/// A directory with several snapshots and ids on disk.
fn left(retention: Retention) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let segments_gone = if retention == Retention::KeepAll { 0 } else { 2 };
    let node = busy_node(dir.path(), retention);
    pay_until_busy(&node, segments_gone);
    node.close();
    dir
}

/// A repair after which the journal reaches from `begin` to `end`.
fn to(begin: u64, end: u64) -> Plan {
    Plan { damage: None, begin: Lsn(begin), end: Lsn(end), steps: Vec::new() }
}

/// Where each snapshot ends, newest first.
fn snapshot_ends(data: &Path) -> Vec<(String, u64)> {
    let storage = directory(data, "snapshots").unwrap().unwrap();
    let end = |name: &String| check_snapshot(&storage, name).unwrap().end.0;
    list_snapshots(&storage).unwrap().into_iter().map(|name| (name.clone(), end(&name))).collect()
}

#[test]
fn only_what_shows_more_than_the_new_end_is_moved_aside() {
    let dir = left(Retention::KeepAll);
    let before = snapshot_ends(dir.path());
    assert!(before.len() >= 2, "{before:?}");
    assert_eq!(Derived::of(dir.path(), &to(0, u64::MAX)).unwrap(), Derived::default());
    Derived::default().keep_aside(dir.path(), "never").unwrap();
    assert!(!dir.path().join("removed-never").exists());

    let (newest, end) = &before[0];
    let derived = Derived::of(dir.path(), &to(0, *end)).unwrap();
    derived.keep_aside(dir.path(), "now").unwrap();
    let after: BTreeSet<_> = snapshot_ends(dir.path()).into_iter().collect();
    assert_eq!(after, before[1..].iter().cloned().collect());
    assert!(dir.path().join("removed-now/snapshots").join(newest).is_file());
    let all = Derived::of(dir.path(), &to(0, 4096)).unwrap();
    all.keep_aside(dir.path(), "later").unwrap();
    assert!(snapshot_ends(dir.path()).is_empty());
    assert!(!dir.path().join("ids").exists());
}

#[test]
fn a_retired_journal_is_not_cut_to_where_nothing_shows_its_past() {
    let keep = Keep { bytes: 64 << 10, time: Duration::ZERO };
    let dir = left(Retention::Drop { keep });
    let oldest = snapshot_ends(dir.path()).pop().unwrap().1;
    let begin = courant_journal::repair::plan(&crate::offline::journal(dir.path()).unwrap());
    let begin = begin.unwrap().begin.0;
    assert!(begin > 0);
    Derived::of(dir.path(), &to(begin, u64::MAX)).unwrap();
    let refused = Derived::of(dir.path(), &to(begin, oldest)).unwrap_err();
    assert!(refused.message.contains("archived or dropped"), "{}", refused.message);
    assert!(refused.message.contains("nothing was changed"), "{}", refused.message);
    assert_eq!(refused.next.as_deref(), Some("restore a backup"));
    assert!(dir.path().join("snapshots").is_dir() && dir.path().join("ids").is_dir());
}
