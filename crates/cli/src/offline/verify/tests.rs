//! Whole data directories that a node left, sound and then altered with all checksums made anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use courant_engine::{Command, Cursor, Engine, EngineOptions, Lsn, Outcome, Replay, Section};
use courant_journal::format::frame::FrameHeader;
use courant_journal::format::record::RECORD_HEADER_BYTES;
use courant_journal::format::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};
use courant_journal::{DirectIo, OsStorage};
use courant_ledger::{Id, Mode, Order};
use courant_node::parts::{
    Extent, IdIndex, SnapshotWriter, list_snapshots, load_snapshot, read_secret,
};
use courant_node::{Keep, Retention};
use tempfile::TempDir;

use super::{Findings, VerifyArgs, find};
use crate::offline::tests::{altered, busy_node, call, open, pay_until_busy, transfer};
use crate::offline::{DirectoryArgs, JOURNAL, walk};

/// A payment between two accounts that nothing touches again.
const LONE: &str = "lone";

const OPTIONS: EngineOptions =
    EngineOptions { secret: 1, recent_ids: 10, open_payments_max: 100, generation: 0 };

fn remove(left: &Left, name: &str) {
    fs::remove_file(left.path(name)).unwrap();
}

/// What a node left.
struct Left {
    dir: TempDir,
    /// The record of the lone payment.
    lone: (Lsn, Vec<u8>),
    payments: u64,
}

impl Left {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn storage(&self, name: &str) -> OsStorage {
        OsStorage::open_existing(self.path(name), DirectIo::Auto).unwrap()
    }

    /// Newest first.
    fn snapshots(&self) -> Vec<String> {
        list_snapshots(&self.storage("snapshots")).unwrap()
    }

    fn verify(&self) -> Findings {
        let directory = DirectoryArgs { data: self.dir.path().to_owned(), json: false };
        find(&VerifyArgs { directory, acknowledged: None, head: None }).unwrap()
    }

    fn problems(&self) -> Vec<String> {
        let findings = self.verify();
        assert_eq!(findings.is_sound(), findings.problems().is_empty());
        findings.problems()
    }

    /// Fails unless something is found that is worded like this.
    fn assert_found(&self, wording: &str) {
        let problems = self.problems();
        assert!(problems.iter().any(|problem| problem.contains(wording)), "{problems:?}");
    }
}

/// A directory with several snapshots, ids on disk, money held and, unless all is kept, segments
/// that are gone.
fn left(retention: Retention) -> Left {
    let dir = tempfile::tempdir().unwrap();
    let segments_gone = if retention == Retention::KeepAll { 0 } else { 2 };
    let node = busy_node(dir.path(), retention);
    let others: Vec<String> = (0..30).map(|number| format!("other-{number}")).collect();
    for account in ["c", "d"].into_iter().chain(others.iter().map(String::as_str)) {
        call(&node, &open(account));
    }
    let lone = call(&node, &Command::Pay(transfer(LONE, "c", "d", 5)));
    let lone = (lone, node.record(lone).unwrap().unwrap().to_vec());
    let payments = pay_until_busy(&node, segments_gone);
    let hold = Order { mode: Mode::Authorise, ..transfer("hold", "a", "b", 7) };
    call(&node, &Command::Pay(hold));
    node.close();
    // And the lone one, and the hold.
    Left { dir, lone, payments: payments + 2 }
}

fn dropped() -> Left {
    left(Retention::Drop { keep: Keep { bytes: 64 << 10, time: Duration::ZERO } })
}

#[test]
fn what_a_node_leaves_is_sound() {
    let archive = tempfile::tempdir().unwrap();
    let keep = Keep { bytes: 64 << 10, time: Duration::ZERO };
    let archived = left(Retention::Archive { directory: archive.path().to_owned(), keep });
    for (left, is_whole) in
        [(left(Retention::KeepAll), true), (archived, false), (dropped(), false)]
    {
        let findings = left.verify();
        assert_eq!(findings.problems(), Vec::<String>::new());
        assert_eq!(findings.report.begin == courant_journal::Lsn::NONE, is_whole);
        let replayed = &findings.replayed;
        assert_eq!(replayed.audit.engine.payments_count(), left.payments);
        // From the oldest the replay of a retired journal begins.
        let compared = left.snapshots().len() - usize::from(!is_whole);
        assert!(compared >= 2);
        assert_eq!(replayed.snapshots.equal, compared);
        assert!(replayed.ids.found > 0);
    }
}

#[test]
fn an_archive_put_back_makes_the_journal_whole() {
    let archive = tempfile::tempdir().unwrap();
    let keep = Keep { bytes: 64 << 10, time: Duration::ZERO };
    let left = left(Retention::Archive { directory: archive.path().to_owned(), keep });
    for file in fs::read_dir(archive.path()).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), left.path(JOURNAL).join(file.file_name())).unwrap();
    }
    remove(&left, "journal/begin.note");
    let findings = left.verify();
    assert_eq!(findings.problems(), Vec::<String>::new());
    assert_eq!(findings.report.begin, courant_journal::Lsn::NONE);
    assert_eq!(findings.replayed.snapshots.equal, left.snapshots().len());
}

/// The lone payment with one minor unit more, on both its accounts: debits still equal credits.
fn one_more(bytes: &[u8]) -> Vec<u8> {
    altered(bytes, |outcome| {
        let Outcome::Payment(after) = outcome else { panic!("it is a payment") };
        let accounts = &mut after.accounts;
        assert_eq!((accounts[0].after.debits_posted, accounts[1].after.credits_posted), (5, 5));
        accounts[0].after.debits_posted += 1;
        accounts[1].after.credits_posted += 1;
    })
}

fn sections(engine: &Engine) -> Vec<Vec<u8>> {
    let (mut sections, mut next) = (Vec::new(), Section::More(Cursor::BEGIN));
    while let Section::More(cursor) = next {
        let mut section = Vec::new();
        next = engine.snapshot_section(cursor, 7, &mut section);
        sections.push(section);
    }
    sections
}

/// Writes a snapshot anew, checksums and all, with these sections in it.
fn forge_snapshot(left: &Left, name: &str, change: impl Fn(Vec<Vec<u8>>) -> Vec<Vec<u8>>) {
    let storage = left.storage("snapshots");
    let (engine, extent) = load_snapshot(&storage, name, OPTIONS).unwrap();
    write_snapshot(&storage, extent, &change(sections(&engine)));
    load_snapshot(&storage, name, OPTIONS).expect("it is well formed");
}

/// Writes a snapshot in place of the one that begins where it does.
fn write_snapshot(storage: &OsStorage, extent: Extent, sections: &[Vec<u8>]) {
    let mut writer = SnapshotWriter::create(storage, extent.begin).unwrap();
    sections.iter().for_each(|section| writer.section(section).unwrap());
    writer.finish(storage, extent.end).unwrap();
}

#[test]
fn a_snapshot_of_another_balance_is_found() {
    for (left, oldest) in [(left(Retention::KeepAll), false), (dropped(), false), (dropped(), true)]
    {
        let names = left.snapshots();
        let name = if oldest { names.last().unwrap() } else { &names[0] };
        forge_snapshot(&left, name, |sections| {
            let mut engine = Engine::new(OPTIONS);
            sections[1..].iter().for_each(|section| engine.load_section(section).unwrap());
            engine.replay(left.lone.0, &one_more(&left.lone.1), Replay::Converging).unwrap();
            let mut forged = self::sections(&engine);
            // Counts and the last record, as they were.
            forged[0].clone_from(&sections[0]);
            assert_ne!(forged, sections);
            forged
        });
        // Of a retired journal the oldest is where the replay begins: then the others differ.
        let differs = if oldest { &names[0] } else { name };
        left.assert_found(&format!("snapshots/{differs} is not what replaying the journal gives"));
    }
}

#[test]
fn a_snapshot_without_accounts_is_found() {
    let left = left(Retention::KeepAll);
    let name = &left.snapshots()[0];
    forge_snapshot(&left, name, |mut sections| {
        sections.drain(1..sections.len() - 1);
        sections
    });
    // Records may be in the midst of it, which then have no account to change.
    left.assert_found(&format!("snapshots/{name} "));
}

#[test]
fn a_journal_without_its_past_needs_what_shows_it() {
    for (gone, wording) in [
        ("snapshots", "no sound snapshot shows them"),
        ("ids", "archived or dropped in between are lost"),
        ("kept", "kept/ is missing"),
    ] {
        let left = dropped();
        fs::remove_dir_all(left.path(gone)).unwrap();
        left.assert_found(wording);
    }
    let left = dropped();
    remove(&left, "secret");
    left.assert_found("secret is missing");
    let left = dropped();
    for kept in fs::read_dir(left.path("kept")).unwrap() {
        fs::remove_file(kept.unwrap().path()).unwrap();
    }
    left.assert_found("is neither in the journal nor in kept/");
}

#[test]
fn what_can_be_made_again_may_be_gone() {
    let left = left(Retention::KeepAll);
    for name in ["snapshots", "ids", "kept", "secret"] {
        let path = left.path(name);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap()
        } else {
            fs::remove_file(path).unwrap()
        }
        assert_eq!(left.problems(), Vec::<String>::new(), "without {name}");
    }
}

/// Makes the index anew, in runs of about so many ids; `place` says which record an id of a record
/// leads to, if any.
fn forge_ids(left: &Left, run_ids: usize, place: impl Fn(Lsn, &[u8]) -> Option<Lsn>) {
    let root = OsStorage::open_existing(left.dir.path(), DirectIo::Auto).unwrap();
    let secret = read_secret(&root).unwrap().unwrap();
    fs::remove_dir_all(left.path("ids")).unwrap();
    fs::create_dir(left.path("ids")).unwrap();
    let index = IdIndex::open(left.storage("ids"), Lsn::NONE).unwrap();
    let options = EngineOptions { secret, recent_ids: run_ids, ..OPTIONS };
    let mut engine = Engine::new(options);
    let journal = left.path(JOURNAL);
    let end = walk::end(&journal).unwrap();
    walk::records(&journal, end, |lsn, bytes| {
        if let Some(lsn) = place(Lsn(lsn.0), bytes) {
            engine.replay_ids(lsn, bytes).unwrap();
        }
        if engine.ids().is_full() {
            let frozen = engine.freeze_ids();
            index.add(&frozen).unwrap();
            drop(engine.drop_ids_through(frozen.generation));
        }
        Ok(())
    })
    .unwrap();
    assert!(index.runs().generations() >= 2);
}

#[test]
fn an_id_that_leads_nowhere_or_elsewhere_is_found() {
    let left = left(Retention::KeepAll);
    let lone = left.lone.0;
    forge_ids(&left, 60, |lsn, _| Some(lsn));
    assert_eq!(left.problems(), Vec::<String>::new());
    let wording = format!(
        "1 ids of the journal are not in the index; the first is of the record at LSN {lone}"
    );
    forge_ids(&left, 60, |lsn, _| (lsn != lone).then_some(lsn));
    left.assert_found(&wording);
    forge_ids(&left, 60, |lsn, _| Some(if lsn == lone { Lsn(lone.0 + 8) } else { lsn }));
    left.assert_found(&wording);
}

#[test]
fn a_run_of_ids_that_is_missing_or_damaged_is_found() {
    let left = left(Retention::KeepAll);
    forge_ids(&left, 60, |lsn, _| Some(lsn));
    let mut names: Vec<String> = fs::read_dir(left.path("ids"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    let first = left.path("ids").join(&names[0]);
    let bytes = fs::read(&first).unwrap();
    // One entry of the first page, its checksum not made anew.
    let mut page = bytes.clone();
    page[4096 + 9] ^= 1;
    fs::write(&first, page).unwrap();
    left.assert_found(&names[0]);
    fs::remove_file(&first).unwrap();
    left.assert_found(&format!("ids/{} is damaged, or one before it is missing", names[1]));
    fs::write(&first, bytes).unwrap();
    assert_eq!(left.problems(), Vec::<String>::new());
}

#[test]
fn what_shows_more_than_the_journal_is_found() {
    const BEYOND: u64 = 1 << 40;
    let left = left(Retention::KeepAll);
    let name = &left.snapshots()[0];
    let storage = left.storage("snapshots");
    let (engine, extent) = load_snapshot(&storage, name, OPTIONS).unwrap();
    write_snapshot(&storage, Extent { end: Lsn(BEYOND), ..extent }, &sections(&engine));
    left.assert_found(&format!("snapshots/{name} shows records up to LSN {BEYOND}"));
    write_snapshot(&storage, extent, &sections(&engine));
    assert_eq!(left.problems(), Vec::<String>::new());
    forge_ids(&left, 60, |lsn, _| Some(Lsn(lsn.0 + BEYOND)));
    left.assert_found("ids/ reaches LSN");
}

/// Puts other bytes into a record, as long as its own, and makes every checksum and link anew.
fn forge_record(journal: &Path, (lsn, payload): (Lsn, &[u8])) {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(journal).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "seg"));
    paths.sort_unstable();
    let mut link = None;
    for path in paths {
        let mut bytes = fs::read(&path).unwrap();
        let (head, frames) = bytes.split_at_mut(SEGMENT_HEADER_BYTES as usize);
        let Ok(mut header) = SegmentHeader::decode(head) else { continue };
        if let Some(link) = link {
            header.previous_link = link;
            header.encode(head);
        }
        let mut position = courant_journal::Lsn(header.base.0 + SEGMENT_HEADER_BYTES);
        let mut rest = frames;
        while let Ok((mut frame, _)) = FrameHeader::decode(rest, position, header.epoch) {
            let (bytes, after) = rest.split_at_mut(frame.frame_bytes() as usize);
            if (frame.position.0..frame.end().0).contains(&lsn.0) {
                let at = (lsn.0 - frame.position.0) as usize;
                put_record(&mut bytes[at..], (lsn, header.epoch), payload);
                frame.body_crc = crc32c::crc32c(frame.body(bytes));
                link = Some(frame.encode(bytes));
            } else if let Some(link) = &mut link {
                frame.previous_link = *link;
                *link = frame.encode(bytes);
            }
            (position, rest) = (frame.end(), after);
        }
        fs::write(&path, bytes).unwrap();
    }
    assert!(link.is_some(), "the record is in the journal");
}

fn put_record(record: &mut [u8], (lsn, epoch): (Lsn, u64), payload: &[u8]) {
    let length = u32::from_le_bytes(record[..4].try_into().unwrap());
    assert_eq!(length as usize, payload.len(), "nothing moves");
    let place = [lsn.0, epoch, u64::from(length)].map(u64::to_le_bytes).concat();
    let crc = crc32c::crc32c_append(crc32c::crc32c(&place), payload);
    record[4..8].copy_from_slice(&crc.to_le_bytes());
    record[RECORD_HEADER_BYTES..RECORD_HEADER_BYTES + payload.len()].copy_from_slice(payload);
}

#[test]
fn a_record_altered_with_all_its_checksums_is_found_by_the_chain() {
    let left = left(Retention::KeepAll);
    let (lsn, bytes) = &left.lone;
    forge_record(&left.path(JOURNAL), (*lsn, bytes));
    assert_eq!(left.problems(), Vec::<String>::new(), "with its own bytes nothing changed");
    forge_record(&left.path(JOURNAL), (*lsn, &one_more(bytes)));
    left.assert_found("were altered: their checksums are right");
    // Whoever removes the chain as well is told by the snapshots.
    remove(&left, "journal/chain.log");
    left.assert_found("is not what replaying the journal gives");
}

#[test]
fn a_payment_under_another_id_is_found_by_the_index() {
    let left = left(Retention::KeepAll);
    forge_ids(&left, 60, |lsn, _| Some(lsn));
    let (lsn, bytes) = &left.lone;
    let at = bytes.windows(LONE.len()).position(|part| part == LONE.as_bytes()).unwrap();
    let mut other = bytes.clone();
    other[at..at + LONE.len()].copy_from_slice(Id::parse("id", "bone").unwrap().as_bytes());
    forge_record(&left.path(JOURNAL), (*lsn, &other));
    left.assert_found("1 ids of the journal are not in the index");
}
