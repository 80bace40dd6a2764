//! Segment files that are prepared for use: room reserved, all zeros, synced, under a name of their
//! own.
//!
//! `pool-N.new` is being prepared, `pool-N.free` is ready. A file becomes a segment by
//! [`put_to_use`]; only then does it have a `.seg` name.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use crate::buffer::AlignedBuf;
use crate::error::{Doing, Failed};
use crate::format::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::segments::file_name;
use crate::storage::{Access, Caching, File, Storage, uninterrupted, write_all_at};

const PREFIX: &str = "pool-";
const NEW: &str = ".new";
const FREE: &str = ".free";

/// A file of zeros, ready to become a segment.
#[derive(Debug)]
pub(crate) struct Prepared<F> {
    pub(crate) name: String,
    pub(crate) file: F,
    pub(crate) capacity_bytes: u64,
    /// The epoch it will have.
    pub(crate) epoch: u64,
}

/// The prepared files, between the object that makes them and those that use them.
#[derive(Debug)]
pub(crate) struct Pool<F> {
    /// Ready, oldest first.
    pub(crate) ready: VecDeque<Prepared<F>>,
    /// Taken by the appender, not yet put to use by the writer.
    pub(crate) taken: VecDeque<(SegmentHeader, Prepared<F>)>,
    /// Set while the disk has no room for another one.
    pub(crate) full: Option<Full>,
    /// Names of retired files to make zeros again.
    pub(crate) recycled: Vec<String>,
    next_number: u64,
}

/// The disk has no room for another segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    /// Bytes that must be free to go on.
    pub needed_bytes: u64,
    /// Bytes that are free.
    pub free_bytes: u64,
}

impl<F> Pool<F> {
    /// A name that no file has, for one that is being prepared.
    pub(crate) fn new_name(&mut self) -> String {
        self.next_number += 1;
        format!("{PREFIX}{:06}{NEW}", self.next_number)
    }
}

impl<F: File> Pool<F> {
    /// Takes over ready files of the right length; removes all other files of a pool.
    pub(crate) fn open<S: Storage<File = F>>(
        storage: &S,
        names: &[String],
        capacity_bytes: u64,
        count_max: usize,
    ) -> Result<Pool<F>, Failed> {
        let mut pool = Pool {
            ready: VecDeque::new(),
            taken: VecDeque::new(),
            full: None,
            recycled: Vec::new(),
            next_number: 0,
        };
        for name in names {
            let Some((number, suffix)) = parse(name) else { continue };
            pool.next_number = pool.next_number.max(number);
            if suffix == FREE && pool.ready.len() < count_max {
                let file = uninterrupted(|| storage.open(name, Access::Write, Caching::Direct))
                    .doing("opening", name)?;
                if file.len().doing("reading the length of", name)? == capacity_bytes {
                    let epoch = storage.random_u64().doing("reading random bits for", name)?;
                    let name = name.clone();
                    pool.ready.push_back(Prepared { name, file, capacity_bytes, epoch });
                    continue;
                }
            }
            storage.remove(name).doing("removing", name)?;
        }
        Ok(pool)
    }
}

/// The name of a file once it is ready.
pub(crate) fn free_name(new_name: &str) -> String {
    let stem = new_name.strip_suffix(NEW).expect("only files being prepared become ready");
    format!("{stem}{FREE}")
}

fn parse(name: &str) -> Option<(u64, &str)> {
    let rest = name.strip_prefix(PREFIX)?;
    let dot = rest.find('.')?;
    let suffix = &rest[dot..];
    let number = rest[..dot].parse().ok()?;
    (suffix == NEW || suffix == FREE).then_some((number, suffix))
}

/// Makes a prepared file the segment that `header` describes. The header is durable before the file
/// has the segment's name, and the name before this returns.
pub(crate) fn put_to_use<S: Storage>(
    storage: &S,
    prepared: Prepared<S::File>,
    header: &SegmentHeader,
) -> Result<Arc<S::File>, Failed> {
    let Prepared { name, file, .. } = prepared;
    let mut block = AlignedBuf::new(SEGMENT_HEADER_BYTES as usize);
    header.encode(&mut block);
    write_all_at(&file, 0, &block).doing("writing the header of", &name)?;
    file.sync_data().doing("syncing", &name)?;
    let segment_name = file_name(header.base);
    storage.rename(&name, &segment_name).doing("renaming to", &segment_name)?;
    storage.sync_dir().doing("syncing", &storage.location())?;
    Ok(Arc::new(file))
}

/// Whether an error means that the disk has no room.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
