//! Opens a journal and makes its end true after any crash.
//!
//! The steps, each of which may be repeated after a crash in the middle of it: lock; sync the
//! directory and the last segment before believing what they say; check how the segments fit
//! together; find the end; write zeros over a torn tail; write the last batch once more and sync,
//! because after a failed sync the page cache may show what the disk does not have.
//! `docs/internals/recovery.md` has the reasons. Damage is refused and left as it is.

use std::sync::Arc;

use crate::buffer::{BufferPool, PooledBuf};
use crate::chain::CHAIN_FILE;
use crate::error::{Corrupt, CorruptKind, Doing, Failed, OpenError};
use crate::format::BLOCK_BYTES;
use crate::format::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::frames::{FrameReader, Next};
use crate::pool::{Pool, Prepared, put_to_use};
use crate::repair::UNFINISHED_FILE;
use crate::segments::{SegmentSet, file_name};
use crate::storage::{
    Access, Caching, File, LockError, Storage, read_exact_at, uninterrupted, write_all_at,
    write_zeros,
};
use crate::tail::{self, Tail, TailState};
use crate::{Lsn, Options};

/// Name of the file that holds the lock.
pub(crate) const LOCK_FILE: &str = "lock";

/// What opening a journal found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// Random, given when the journal was created.
    pub directory_id: u128,
    /// Whether the journal was created just now.
    pub created: bool,
    /// Where it begins; what lies before was archived or dropped.
    pub begin: Lsn,
    /// Everything below is durable.
    pub end: Lsn,
    /// The unfinished batch that was cut off, if there was one. It was never acknowledged.
    pub torn: Option<TornTail>,
}

/// The rest of a batch whose sync never returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// The segment's file.
    pub segment: String,
    /// Where in it, in bytes.
    pub offset: u64,
    /// How many bytes were replaced by zeros.
    pub bytes: u64,
}

/// A journal's state after recovery.
#[derive(Debug)]
pub(crate) struct Recovered<S: Storage> {
    pub(crate) lock: S::Lock,
    pub(crate) segments: Vec<SegmentHeader>,
    pub(crate) pool: Pool<S::File>,
    pub(crate) file: Arc<S::File>,
    pub(crate) next: Next,
    pub(crate) report: Recovery,
}

/// Locks and recovers the journal in `storage`, or creates it.
pub(crate) fn recover<S: Storage>(
    storage: &S,
    options: &Options,
) -> Result<Recovered<S>, OpenError> {
    let lock = take_lock(storage)?;
    let location = storage.location();
    storage.sync_dir().doing("syncing", &location)?;
    let names = storage.list().doing("listing", &location)?;
    refuse_unfinished_repair(&names)?;
    let mut set = SegmentSet::load(storage)?;
    let created = set.headers.is_empty();
    for name in &set.leftovers {
        storage.remove(name).doing("removing the retired", name)?;
    }
    let mut pool = Pool::open(storage, &names, options.segment_bytes, options.segments_ready)?;
    if created {
        refuse_without_segments(&names)?;
        set.headers.push(create_first_segment(storage, options, &mut pool)?);
    }
    let last = *set.headers.last().expect("there is at least the first segment");
    let name = file_name(last.base);
    let file = uninterrupted(|| storage.open(&name, Access::Write, Caching::Direct))
        .doing("opening", &name)?;
    let file = Arc::new(file);
    let (tail, torn) = mend_tail(&file, &last)?;
    let report = Recovery {
        directory_id: last.directory_id,
        created,
        begin: set.headers[0].base,
        end: last.base.plus(tail.end),
        torn,
    };
    Ok(Recovered { lock, segments: set.headers, pool, file, next: tail.next, report })
}

fn take_lock<S: Storage>(storage: &S) -> Result<S::Lock, OpenError> {
    storage.lock(LOCK_FILE).map_err(|error| match error {
        LockError::Held(holder) => OpenError::Locked { path: storage.location(), holder },
        LockError::Io(source) => {
            let doing = format!("locking {}", storage.location());
            OpenError::Io { doing, source }
        }
    })
}

/// A directory without segments is a new one only if nothing says otherwise.
fn refuse_without_segments(names: &[String]) -> Result<(), OpenError> {
    refuse_if_there(names, CHAIN_FILE, "the chain of a journal is there, but none of its segments")
}

/// Half a repair is worse than the damage.
fn refuse_unfinished_repair(names: &[String]) -> Result<(), OpenError> {
    refuse_if_there(names, UNFINISHED_FILE, "a repair was interrupted; run it again")
}

fn refuse_if_there(names: &[String], file: &str, what: &'static str) -> Result<(), OpenError> {
    if names.iter().all(|name| name != file) {
        return Ok(());
    }
    let kind = CorruptKind::SideFile(what);
    Err(Corrupt { file: file.to_owned(), offset: 0, kind }.into())
}

fn create_first_segment<S: Storage>(
    storage: &S,
    options: &Options,
    pool: &mut Pool<S::File>,
) -> Result<SegmentHeader, OpenError> {
    let doing = "reading random bits for";
    let place = storage.location();
    let prepared = match pool.ready.pop_front() {
        Some(prepared) => prepared,
        None => prepare_now(storage, options, pool.new_name())?,
    };
    let high = storage.random_u64().doing(doing, &place)?;
    let low = storage.random_u64().doing(doing, &place)?;
    let header = SegmentHeader {
        directory_id: u128::from(high) << 64 | u128::from(low),
        sequence: 1,
        base: Lsn::NONE,
        capacity_bytes: prepared.capacity_bytes,
        epoch: prepared.epoch,
        first_batch_sequence: 1,
        previous_link: 0,
    };
    put_to_use(storage, prepared, &header)?;
    Ok(header)
}

/// Prepares one segment at once: there is no journal yet that could wait for it.
fn prepare_now<S: Storage>(
    storage: &S,
    options: &Options,
    name: String,
) -> Result<Prepared<S::File>, Failed> {
    let capacity_bytes = options.segment_bytes;
    let file = uninterrupted(|| storage.create(&name, Caching::Direct)).doing("creating", &name)?;
    file.allocate(capacity_bytes).doing("reserving room for", &name)?;
    file.sync_data().doing("syncing", &name)?;
    let epoch = storage.random_u64().doing("reading random bits for", &name)?;
    Ok(Prepared { name, file, capacity_bytes, epoch })
}

/// Finds the end of the last segment and makes it durable as it is seen.
fn mend_tail<F: File>(
    file: &Arc<F>,
    segment: &SegmentHeader,
) -> Result<(Tail, Option<TornTail>), OpenError> {
    let name = file_name(segment.base);
    file.sync_data().doing("syncing", &name)?;
    let mut reader = FrameReader::new(Arc::clone(file), *segment, BufferPool::default());
    let tail = tail::find(&mut reader).doing("reading", &name)?;
    let torn = match &tail.state {
        TailState::Clean => None,
        TailState::Damaged(corrupt) => return Err(corrupt.clone().into()),
        TailState::Torn(bytes) => {
            let bytes = bytes.next_multiple_of(BLOCK_BYTES);
            write_zeros(&**file, tail.end, bytes).doing("writing zeros to", &name)?;
            file.sync_data().doing("syncing", &name)?;
            Some(TornTail { segment: name.clone(), offset: tail.end, bytes })
        }
    };
    let (offset, bytes) = tail.last_frame.unwrap_or((0, SEGMENT_HEADER_BYTES));
    let mut buffer: PooledBuf = BufferPool::default().take(bytes as usize);
    let last = &mut buffer[..bytes as usize];
    read_exact_at(&**file, offset, last).doing("reading", &name)?;
    write_all_at(&**file, offset, last).doing("writing", &name)?;
    file.sync_data().doing("syncing", &name)?;
    Ok((tail, torn))
}
