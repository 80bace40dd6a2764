//! A run: tags and the records that carry them, sorted, in one immutable file.
//!
//! ```text
//! block 0     header: magic, format, generations, through, entries, home pages, pages,
//!             filter bytes, crc32c
//! pages       4 KiB each: count u16 | overflows u16 | crc32c u32
//!             | (tag u64, lsn u64) x count, zeros
//! filter      the Bloom filter's bytes, then their crc32c, padded to 4 KiB
//! ```
//! Little endian. Tags are uniform, so an entry's home page follows from its tag alone; a page that
//! is full says so, and its entries go on in the next. A look-up reads one page, rarely two.

use super::filter::Filter;
use crate::blocks::{BLOCK_BYTES, BlockReader, BlockWriter};
use crate::error::IndexError;
use crate::formats::Format;
use courant_engine::Lsn;
use courant_journal::storage::{Access, Caching, File, Storage, uninterrupted};
use std::io;

pub(crate) const FORMAT: Format =
    Format { magic: b"CourIds\n", number: 1, crc_at: Some(HEADER_BYTES) };
const PAGE_HEADER_BYTES: usize = 8;
const ENTRY_BYTES: usize = 16;
/// Entries that fit into a page.
const PAGE_ENTRIES_MAX: usize = (BLOCK_BYTES - PAGE_HEADER_BYTES) / ENTRY_BYTES;
/// Entries per page when a run is built: three quarters, so that overflow is rare.
const PAGE_ENTRIES: usize = PAGE_ENTRIES_MAX * 3 / 4;

/// What a run covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// The first generation in it.
    pub(crate) from: u64,
    /// The last generation in it.
    pub(crate) to: u64,
    /// All ids of records up to and including this one are in this run or an earlier one.
    pub(crate) through: Lsn,
}

impl Span {
    /// The file's name; it sorts by the first generation.
    pub(crate) fn file_name(&self) -> String {
        format!("{:012}-{:012}.ids", self.from, self.to)
    }
}

/// An open run.
#[derive(Debug)]
pub(crate) struct Run<F: File> {
    pub(crate) span: Span,
    pub(crate) entries: u64,
    homes: u64,
    pages: u64,
    filter: Filter,
    file: F,
}

/// An entry of a run.
pub(crate) type Entry = (u64, Lsn);

impl<F: File> Run<F> {
    /// Opens a run and loads its filter.
    pub(crate) fn open<S: Storage<File = F>>(
        storage: &S,
        name: &str,
    ) -> Result<Run<F>, IndexError> {
        let file = uninterrupted(|| storage.open(name, Access::Read, Caching::Buffered))?;
        let damaged = |what| IndexError::Damaged { file: name.to_string(), what };
        if file.len()? < BLOCK_BYTES as u64 {
            return Err(damaged("length"));
        }
        let mut header = vec![0; BLOCK_BYTES];
        read_exact(&file, 0, &mut header)?;
        let header = Header::decode(&header).ok_or_else(|| damaged("header"))?;
        let at = (1 + header.pages) * BLOCK_BYTES as u64;
        let filter_len = usize::try_from(header.filter_bytes).map_err(|_| damaged("header"))?;
        if file.len()? < at + header.filter_bytes + 4 {
            return Err(damaged("length"));
        }
        let mut bytes = vec![0; filter_len + 4];
        read_exact(&file, at, &mut bytes)?;
        let (filter, crc) = bytes.split_at(filter_len);
        if crc32c::crc32c(filter).to_le_bytes() != crc {
            return Err(damaged("filter"));
        }
        let filter = Filter::from_bytes(filter, header.entries as usize);
        let filter = filter.ok_or_else(|| damaged("filter"))?;
        let Header { span, entries, homes, pages, .. } = header;
        Ok(Run { span, entries, homes, pages, filter, file })
    }

    /// False if the run surely has nothing under a tag; asks memory only.
    #[inline]
    pub(crate) fn may_hold(&self, tag: u64) -> bool {
        self.filter.may_hold(tag)
    }

    /// Bytes its filter takes in memory.
    pub(crate) fn filter_bytes(&self) -> usize {
        self.filter.bytes()
    }

    /// Appends the records under a tag. Reads the disk.
    pub(crate) fn find(&self, tag: u64, found: &mut Vec<Lsn>) -> Result<(), IndexError> {
        let mut page_no = home(tag, self.homes);
        let mut page = vec![0; BLOCK_BYTES];
        loop {
            self.read_page(page_no, &mut page)?;
            let entries = entries(&page);
            found.extend(entries.filter(|(t, _)| *t == tag).map(|(_, lsn)| lsn));
            page_no += 1;
            if !overflows(&page) || page_no == self.pages {
                return Ok(());
            }
        }
    }

    /// All entries in the order of their tags.
    pub(crate) fn iter<S>(&self, storage: &S) -> Result<RunEntries<F>, IndexError>
    where
        S: Storage<File = F>,
    {
        let name = self.span.file_name();
        let reader = BlockReader::open(storage, &name, 1, self.pages)?;
        Ok(RunEntries { name, reader, page: Vec::new(), at: 0 })
    }

    fn read_page(&self, page_no: u64, page: &mut [u8]) -> Result<(), IndexError> {
        read_exact(&self.file, (1 + page_no) * BLOCK_BYTES as u64, page)?;
        if page_is_sound(page) {
            Ok(())
        } else {
            Err(IndexError::Damaged { file: self.span.file_name(), what: "page" })
        }
    }
}

/// The entries of a run, read in large steps past the page cache.
#[derive(Debug)]
pub(crate) struct RunEntries<F: File> {
    name: String,
    reader: BlockReader<F>,
    page: Vec<Entry>,
    at: usize,
}

impl<F: File> RunEntries<F> {
    /// The next entry, or `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Entry>, IndexError> {
        while self.at == self.page.len() {
            let Some(page) = self.reader.next()? else { return Ok(None) };
            if !page_is_sound(page) {
                return Err(IndexError::Damaged { file: self.name.clone(), what: "page" });
            }
            self.page.clear();
            self.page.extend(entries(page));
            self.at = 0;
        }
        self.at += 1;
        Ok(Some(self.page[self.at - 1]))
    }
}

/// Builds a run from entries that come in the order of their tags.
#[derive(Debug)]
pub(crate) struct RunBuilder<S: Storage> {
    writer: BlockWriter<S>,
    header: Header,
    filter: Filter,
    page_no: u64,
    page: Vec<Entry>,
}

impl<S: Storage> RunBuilder<S> {
    /// Begins a run of at most `entries` entries under a temporary name.
    pub(crate) fn new(storage: &S, span: Span, entries: u64) -> Result<RunBuilder<S>, IndexError> {
        let homes = entries.div_ceil(PAGE_ENTRIES as u64).max(1);
        let filter = Filter::new(entries as usize);
        let filter_bytes = filter.bytes() as u64;
        let header = Header { span, entries, homes, pages: homes, filter_bytes };
        let mut writer = BlockWriter::create(storage, &span.file_name())?;
        // A header without its magic: the file counts once the real one is written over it.
        writer.push(&[0; BLOCK_BYTES])?;
        Ok(RunBuilder { writer, header, filter, page_no: 0, page: Vec::new() })
    }

    /// Adds an entry; tags never go down.
    pub(crate) fn push(&mut self, entry: Entry) -> Result<(), IndexError> {
        let home = home(entry.0, self.header.homes);
        while self.page_no < home || self.page.len() == PAGE_ENTRIES_MAX {
            self.end_page(self.page_no >= home)?;
        }
        self.filter.insert(entry.0);
        self.page.push(entry);
        Ok(())
    }

    /// Writes what is left, makes the file durable and gives it its name. `entries` were pushed.
    pub(crate) fn finish(mut self, storage: &S, entries: u64) -> Result<Run<S::File>, IndexError> {
        assert!(entries == self.header.entries, "a run has as many entries as it was begun for");
        while self.page_no < self.header.homes || !self.page.is_empty() {
            self.end_page(false)?;
        }
        self.header.pages = self.page_no;
        let mut tail = self.filter.to_bytes();
        tail.extend_from_slice(&crc32c::crc32c(&tail).to_le_bytes());
        self.writer.push(&tail)?;
        self.writer.pad()?;
        self.writer.write_first_block(&self.header.encode())?;
        let name = self.header.span.file_name();
        self.writer.finish(storage, &name)?;
        Run::open(storage, &name)
    }

    fn end_page(&mut self, overflows: bool) -> Result<(), IndexError> {
        let mut page = [0; BLOCK_BYTES];
        page[..2].copy_from_slice(&(self.page.len() as u16).to_le_bytes());
        page[2..4].copy_from_slice(&u16::from(overflows).to_le_bytes());
        for (at, (tag, lsn)) in self.page.iter().enumerate() {
            let at = PAGE_HEADER_BYTES + at * ENTRY_BYTES;
            page[at..at + 8].copy_from_slice(&tag.to_le_bytes());
            page[at + 8..at + 16].copy_from_slice(&lsn.0.to_le_bytes());
        }
        let crc = page_crc(&page);
        page[4..8].copy_from_slice(&crc.to_le_bytes());
        self.writer.push(&page)?;
        self.page.clear();
        self.page_no += 1;
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Header {
    span: Span,
    entries: u64,
    /// Pages that tags point to.
    homes: u64,
    /// Pages in all: the last home may overflow into more.
    pages: u64,
    filter_bytes: u64,
}

const HEADER_BYTES: usize = 8 + 4 + 7 * 8;

impl Header {
    fn encode(&self) -> [u8; BLOCK_BYTES] {
        let Span { from, to, through } = self.span;
        let mut block = [0; BLOCK_BYTES];
        block[..8].copy_from_slice(FORMAT.magic);
        block[8..12].copy_from_slice(&FORMAT.number.to_le_bytes());
        let numbers =
            [from, to, through.0, self.entries, self.homes, self.pages, self.filter_bytes];
        for (slot, number) in block[12..HEADER_BYTES].as_chunks_mut::<8>().0.iter_mut().zip(numbers)
        {
            *slot = number.to_le_bytes();
        }
        let crc = crc32c::crc32c(&block[..HEADER_BYTES]);
        block[HEADER_BYTES..HEADER_BYTES + 4].copy_from_slice(&crc.to_le_bytes());
        block
    }

    fn decode(block: &[u8]) -> Option<Header> {
        let crc = crc32c::crc32c(&block[..HEADER_BYTES]).to_le_bytes();
        let sound = block[..8] == FORMAT.magic[..]
            && block[8..12] == FORMAT.number.to_le_bytes()
            && block[HEADER_BYTES..HEADER_BYTES + 4] == crc;
        if !sound {
            return None;
        }
        let number = |at: usize| {
            let at = 12 + at * 8;
            u64::from_le_bytes(block[at..at + 8].try_into().expect("8 bytes"))
        };
        let span = Span { from: number(0), to: number(1), through: Lsn(number(2)) };
        let (entries, homes, pages, filter_bytes) = (number(3), number(4), number(5), number(6));
        let possible = span.from <= span.to
            && (1..=pages).contains(&homes)
            && pages < 1 << 40
            && entries < 1 << 40;
        possible.then_some(Header { span, entries, homes, pages, filter_bytes })
    }
}

#[inline]
fn home(tag: u64, homes: u64) -> u64 {
    ((u128::from(tag) * u128::from(homes)) >> 64) as u64
}

fn page_crc(page: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&page[..4]), &page[PAGE_HEADER_BYTES..])
}

fn page_is_sound(page: &[u8]) -> bool {
    page[4..8] == page_crc(page).to_le_bytes() && count(page) <= PAGE_ENTRIES_MAX
}

fn count(page: &[u8]) -> usize {
    usize::from(u16::from_le_bytes([page[0], page[1]]))
}

fn overflows(page: &[u8]) -> bool {
    page[2] != 0
}

fn entries(page: &[u8]) -> impl Iterator<Item = Entry> + '_ {
    let entries = page[PAGE_HEADER_BYTES..].as_chunks::<ENTRY_BYTES>().0;
    entries[..count(page)].iter().map(|entry| {
        let number = |at: usize| {
            u64::from_le_bytes(entry[at..at + 8].try_into().expect("an entry has 16 bytes"))
        };
        (number(0), Lsn(number(8)))
    })
}

fn read_exact(file: &impl File, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
    courant_journal::storage::read_exact_at(file, offset, buffer)
}
