//! The segment files of a directory: their names, and whether they fit together.
//!
//! A segment gets its `.seg` name only after its header is durable, so a `.seg` file without a
//! valid header is damage. Contents are not read here.

use std::io;

use crate::error::{Corrupt, CorruptKind, Doing, OpenError};
use crate::format::segment::{SEGMENT_HEADER_BYTES, SegmentHeader, SegmentHeaderFault};
use crate::note::Note;
use crate::storage::{Access, Caching, File, Storage, read_exact_at, uninterrupted};
use crate::{Lsn, buffer::AlignedBuf};

const EXTENSION: &str = ".seg";

/// The file name of the segment with this base.
pub(crate) fn file_name(base: Lsn) -> String {
    format!("{:020}{EXTENSION}", base.0)
}

/// The base in a segment's file name; `None` for other files.
pub(crate) fn base_in(name: &str) -> Option<Lsn> {
    let digits = name.strip_suffix(EXTENSION)?;
    let canonical = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if canonical { digits.parse().ok().map(Lsn) } else { None }
}

/// The segments of a journal, checked against each other, oldest first.
#[derive(Debug)]
pub(crate) struct SegmentSet {
    /// Dense in sequence and in place; only those before the fault, if there is one.
    pub(crate) headers: Vec<SegmentHeader>,
    /// Segments that a retirement had given up and not yet removed.
    pub(crate) leftovers: Vec<String>,
    /// Where the journal begins, if it is not at LSN 0.
    pub(crate) note: Option<Note>,
    /// The first segment that is damaged or does not fit.
    pub(crate) fault: Option<SegmentFault>,
}

/// Where a row of segments ends too early.
#[derive(Debug)]
pub(crate) struct SegmentFault {
    pub(crate) error: OpenError,
    /// Files from the faulty one on.
    pub(crate) files: Vec<String>,
}

impl SegmentSet {
    /// Lists the directory and reads all headers; a fault is an error.
    pub(crate) fn load<S: Storage>(storage: &S) -> Result<SegmentSet, OpenError> {
        let set = SegmentSet::load_up_to_fault(storage)?;
        match set.fault {
            Some(fault) => Err(fault.error),
            None => Ok(set),
        }
    }

    /// Lists the directory and reads headers up to the first that is damaged or does not fit.
    pub(crate) fn load_up_to_fault<S: Storage>(storage: &S) -> Result<SegmentSet, OpenError> {
        let note = Note::load(storage)?;
        let begin = note.as_ref().map_or(Lsn::NONE, |note| note.begin);
        let names = storage.list().doing("listing", &storage.location())?;
        let bases = names.iter().filter_map(|name| base_in(name));
        let (leftovers, kept): (Vec<Lsn>, Vec<Lsn>) = bases.partition(|&base| base < begin);
        let leftovers = leftovers.into_iter().map(file_name).collect();
        let mut set = SegmentSet { headers: Vec::new(), leftovers, note, fault: None };
        for (index, &base) in kept.iter().enumerate() {
            match set.read_next(storage, base) {
                Ok(header) => set.headers.push(header),
                Err(error) => {
                    let files = kept[index..].iter().copied().map(file_name).collect();
                    set.fault = Some(SegmentFault { error, files });
                    return Ok(set);
                }
            }
        }
        if kept.is_empty() && (set.note.is_some() || !set.leftovers.is_empty()) {
            let what = "no segment file is there, although the journal has been in use".to_owned();
            let error = misplaced(begin, what).into();
            set.fault = Some(SegmentFault { error, files: Vec::new() });
        }
        Ok(set)
    }

    fn read_next<S: Storage>(&self, storage: &S, base: Lsn) -> Result<SegmentHeader, OpenError> {
        let header = read_header(storage, base)?;
        check_place(&header, self.headers.last(), self.note.as_ref())
            .map_err(|what| misplaced(base, what))?;
        Ok(header)
    }
}

/// Reads and checks one segment's header, name and length.
pub(crate) fn read_header<S: Storage>(storage: &S, base: Lsn) -> Result<SegmentHeader, OpenError> {
    let name = file_name(base);
    let file = uninterrupted(|| storage.open(&name, Access::Read, Caching::Direct))
        .doing("opening", &name)?;
    let length = file.len().doing("reading the length of", &name)?;
    let header = decode_header(&file, &name)?;
    if header.base != base {
        let what = format!("its header says that its base is LSN {}", header.base);
        return Err(misplaced(base, what).into());
    }
    if length != header.capacity_bytes {
        let what = format!("it has {length} bytes instead of {}", header.capacity_bytes);
        return Err(misplaced(base, what).into());
    }
    Ok(header)
}

fn decode_header(file: &impl File, name: &str) -> Result<SegmentHeader, OpenError> {
    let mut block = AlignedBuf::new(SEGMENT_HEADER_BYTES as usize);
    let damaged = |what| {
        Corrupt { file: name.to_owned(), offset: 0, kind: CorruptKind::SegmentHeader(what) }.into()
    };
    match read_exact_at(file, 0, &mut block) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            return Err(damaged("the file is shorter than a segment header"));
        }
        result => result.doing("reading", name)?,
    }
    SegmentHeader::decode(&block).map_err(|fault| match fault {
        SegmentHeaderFault::Damaged(what) => damaged(what),
        SegmentHeaderFault::NewerFormat(found) => OpenError::newer(name, found),
    })
}

fn check_place(
    header: &SegmentHeader,
    previous: Option<&SegmentHeader>,
    note: Option<&Note>,
) -> Result<(), String> {
    match (previous, note) {
        (Some(previous), _) if header.base != previous.end() => {
            Err(format!("the segment before it ends at LSN {}", previous.end()))
        }
        (Some(previous), _) if header.sequence != previous.sequence + 1 => {
            Err(format!("it is segment {} after segment {}", header.sequence, previous.sequence))
        }
        (Some(previous), _) if header.directory_id != previous.directory_id => {
            Err("it belongs to another journal than the segment before it".to_owned())
        }
        (Some(previous), _) if header.first_batch_sequence < previous.first_batch_sequence => {
            Err("it begins with an older batch than the segment before it".to_owned())
        }
        (None, Some(note)) if header.base != note.begin => {
            Err(format!("it is the first segment, but the journal begins at LSN {}", note.begin))
        }
        (None, Some(note)) if header.directory_id != note.directory_id => {
            Err("it belongs to another journal than the note of where the journal begins"
                .to_owned())
        }
        (None, None) if header.base != Lsn::NONE => {
            Err("it is the first segment, and nothing notes that older ones were retired"
                .to_owned())
        }
        _ => Ok(()),
    }
}

fn misplaced(base: Lsn, what: String) -> Corrupt {
    Corrupt { file: file_name(base), offset: 0, kind: CorruptKind::SegmentPlace(what) }
}
