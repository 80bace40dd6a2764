//! What the disk alone does: one write and one fdatasync after another, over zeros that were written before.
//!
//! This is the least that any durable batch of the same size costs on this machine.

use std::io;
use std::time::Duration;

use courant_journal::storage::{Caching, File, Storage};
use courant_journal::{AlignedBuf, DirectIo, OsStorage};

use super::Settings;
use super::meter::Meter;
use super::place::Place;
use super::report::{Loop, Run};
use crate::clock;
use crate::exit::Failure;

/// Bytes of one write, and how a run of it is called.
const SIZES: [(usize, &str); 3] =
    [(4 << 10, "disk_4_kib"), (64 << 10, "disk_64_kib"), (1 << 20, "disk_1_mib")];

/// Bytes of the file that are written over again and again: more than a controller's cache ought to hide.
const FILE_BYTES: u64 = 64 << 20;

/// How long each size is measured, at most: the disk stands beside every other measurement.
const TIME_MAX: Duration = Duration::from_secs(1);

const FILE_NAME: &str = "disk";

pub(super) fn measure(place: &Place, settings: &Settings) -> Result<Vec<Run>, Failure> {
    let directory = place.directory()?;
    let time = settings.load_time().min(TIME_MAX);
    let runs = || -> io::Result<Vec<Run>> {
        let storage = OsStorage::open(directory.path(), DirectIo::Auto)?;
        let file = zeros(&storage)?;
        SIZES.iter().map(|(bytes, name)| overwrite(&file, *bytes, name, time)).collect()
    };
    runs().map_err(|error| Failure::file(place.path(), "measure the disk of", &error))
}

/// The rate of a size of write in bytes per second, for whoever compares with it.
pub(super) fn bytes_per_second(runs: &[Run], bytes: usize) -> Option<f64> {
    let (_, name) = SIZES.iter().find(|(size, _)| *size == bytes)?;
    let run = runs.iter().find(|run| run.name == *name)?;
    Some(run.per_second() * bytes as f64)
}

fn zeros(storage: &OsStorage) -> io::Result<<OsStorage as Storage>::File> {
    let file = storage.create(FILE_NAME, Caching::Direct)?;
    let block = AlignedBuf::new(1 << 20);
    for offset in (0..FILE_BYTES).step_by(block.len()) {
        write_all(&file, offset, &block)?;
    }
    file.sync_data()?;
    Ok(file)
}

fn overwrite(file: &impl File, bytes: usize, name: &str, time: Duration) -> io::Result<Run> {
    let load = format!("write {} KiB past the cache, then fdatasync", bytes >> 10);
    let mut run = Run::new(name, load, Loop::Closed);
    let mut block = AlignedBuf::new(bytes);
    let meter = Meter::start();
    let mut before = clock::now();
    let end = before + time;
    while before < end {
        // Other bytes each time, as a journal has them.
        block[0] = block[0].wrapping_add(1);
        write_all(file, run.count * bytes as u64 % FILE_BYTES, &block)?;
        file.sync_data()?;
        let now = clock::now();
        run.latencies.record(now.duration_since(before));
        before = now;
        run.count += 1;
    }
    run.spent = meter.stop();
    let mb_per_second = run.per_second() * bytes as f64 / 1e6;
    Ok(run.with("mb_per_second", mb_per_second))
}

fn write_all(file: &impl File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    match file.write_at(offset, bytes)? {
        written if written == bytes.len() => Ok(()),
        _ => Err(io::ErrorKind::WriteZero.into()),
    }
}
