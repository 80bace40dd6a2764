//! What the disk alone does: one write and one fdatasync after another, over zeros that were
//! written before.
//!
//! This is the least that any durable batch of the same size costs on this machine.

use std::io;
use std::time::Duration;

use courant_journal::storage::{Caching, File, Storage};
use courant_journal::{AlignedBuf, DirectIo, OsStorage};
use tempfile::TempDir;

use super::Settings;
use super::meter::Meter;
use super::place::Place;
use super::report::{Loop, Run};
use crate::clock;
use crate::exit::Failure;

/// Bytes of one write, and how a run of it is called.
const SIZES: [(usize, &str); 3] =
    [(4 << 10, "disk_4_kib"), (64 << 10, "disk_64_kib"), (1 << 20, "disk_1_mib")];

/// Bytes of the file that are written over again and again: more than a controller's cache ought to
/// hide.
const FILE_BYTES: u64 = 64 << 20;

/// How long each size is measured, at most: the disk stands beside every other measurement.
const TIME_MAX: Duration = Duration::from_secs(1);

const FILE_NAME: &str = "disk";

pub(super) fn measure(place: &Place, settings: &Settings) -> Result<Vec<Run>, Failure> {
    let bare = Bare::new(place)?;
    let time = settings.load_time().min(TIME_MAX);
    let sizes = SIZES.iter().map(|(bytes, name)| {
        let load = format!("write {} KiB past the cache, then fdatasync", bytes >> 10);
        let mut run = Run::new(*name, load, Loop::Closed);
        bare.write_for(*bytes, time, &mut run)?;
        let mb_per_second = run.per_second() * *bytes as f64 / 1e6;
        Ok(run.with("mb_per_second", mb_per_second))
    });
    sizes.collect()
}

/// A file of zeros on the disk, to be written over.
#[derive(Debug)]
pub(super) struct Bare {
    file: <OsStorage as Storage>::File,
    directory: TempDir,
}

impl Bare {
    pub(super) fn new(place: &Place) -> Result<Bare, Failure> {
        let directory = place.directory()?;
        let zeroed = || -> io::Result<_> {
            let storage = OsStorage::open(directory.path(), DirectIo::Auto)?;
            let file = storage.create(FILE_NAME, Caching::Direct)?;
            let block = AlignedBuf::new(1 << 20);
            for offset in (0..FILE_BYTES).step_by(block.len()) {
                write_all(&file, offset, &block)?;
            }
            file.sync_data()?;
            Ok(file)
        };
        match zeroed() {
            Ok(file) => Ok(Bare { file, directory }),
            Err(error) => Err(Failure::file(directory.path(), "write zeros in", &error)),
        }
    }

    /// Writes and syncs so many bytes at a time, again and again, and adds that to the run.
    pub(super) fn write_for(
        &self,
        bytes: usize,
        time: Duration,
        run: &mut Run,
    ) -> Result<(), Failure> {
        let mut block = AlignedBuf::new(bytes);
        let meter = Meter::start();
        let mut before = clock::now();
        let end = before + time;
        while before < end {
            // Other bytes each time, as a journal has them.
            block[0] = block[0].wrapping_add(1);
            let written = write_all(&self.file, run.count * bytes as u64 % FILE_BYTES, &block);
            let synced = written.and_then(|()| self.file.sync_data());
            synced.map_err(|error| Failure::file(self.directory.path(), "write in", &error))?;
            let now = clock::now();
            run.latencies.record(now.duration_since(before));
            before = now;
            run.count += 1;
        }
        run.spent += meter.stop();
        Ok(())
    }
}

fn write_all(file: &impl File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    match file.write_at(offset, bytes)? {
        written if written == bytes.len() => Ok(()),
        _ => Err(io::ErrorKind::WriteZero.into()),
    }
}
