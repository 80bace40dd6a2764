//! The disk: how long a plain write takes, how long one that must be durable, and whether the
//! second waits at all.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use courant_journal::storage::{Caching, File as _, Storage};
use courant_journal::{AlignedBuf, DirectIo, OsStorage};
use hdrhistogram::Histogram;

use super::Check;
use crate::clock;

/// What the journal writes at least.
const BLOCK_BYTES: usize = 4096;
/// Writes measured in a round, unless the time is over before.
const WRITES: u64 = 200;
const TIME_MAX: Duration = Duration::from_secs(1);
/// A disk is believed to be as slow as in its slowest round: another program's sync may write our
/// data too.
const ROUNDS: usize = 3;
/// Blocks of the file that are written over again and again.
const FILE_BLOCKS: u64 = 256;
/// No disk that keeps data without power answers faster than this, in microseconds.
const HONEST_US_MIN: u64 = 15;
/// A sync slower than this makes every single payment slow, in microseconds.
const SLOW_US: u64 = 20_000;

pub(super) fn checks(place: &Path) -> Vec<Check> {
    let path = place.join(format!(".courant-doctor-{}", std::process::id()));
    let measured = measure(&path);
    let direct = direct_io(place);
    // It may never have been made; then there is nothing to remove.
    let _ = std::fs::remove_file(&path);
    let mut checks = match measured {
        Ok((plain, synced)) => vec![writes(&plain), syncs(&synced)],
        Err(error) => {
            vec![Check::bad("disk", format!("cannot write in {}: {error}", place.display()))]
        }
    };
    checks.push(direct);
    checks
}

/// Latencies of plain writes and of writes with fdatasync, in microseconds.
fn measure(path: &Path) -> io::Result<(Histogram<u64>, Histogram<u64>)> {
    let file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all_at(&vec![0; BLOCK_BYTES * FILE_BLOCKS as usize], 0)?;
    file.sync_all()?;
    let plain = repeat(&file, |_| Ok(()))?;
    file.sync_all()?;
    let mut synced = repeat(&file, File::sync_data)?;
    for _ in 1..ROUNDS {
        let again = repeat(&file, File::sync_data)?;
        if again.value_at_quantile(0.5) > synced.value_at_quantile(0.5) {
            synced = again;
        }
    }
    Ok((plain, synced))
}

fn repeat(file: &File, after: impl Fn(&File) -> io::Result<()>) -> io::Result<Histogram<u64>> {
    let mut latencies_us = Histogram::new(3).expect("three digits are allowed");
    let begin = clock::now();
    for number in 0..WRITES {
        let block = [number as u8; BLOCK_BYTES];
        let start = clock::now();
        file.write_all_at(&block, number % FILE_BLOCKS * BLOCK_BYTES as u64)?;
        after(file)?;
        latencies_us.saturating_record(clock::now().duration_since(start).as_micros() as u64);
        if clock::now().duration_since(begin) > TIME_MAX {
            break;
        }
    }
    Ok(latencies_us)
}

fn shown(latencies_us: &Histogram<u64>) -> String {
    format!(
        "p50 {} us, p99 {} us, max {} us ({} writes of 4 KiB)",
        latencies_us.value_at_quantile(0.5),
        latencies_us.value_at_quantile(0.99),
        latencies_us.max(),
        latencies_us.len()
    )
}

fn writes(plain: &Histogram<u64>) -> Check {
    Check::good("plain writes", shown(plain))
}

fn syncs(synced: &Histogram<u64>) -> Check {
    const NAME: &str = "durable writes";
    let median_us = synced.value_at_quantile(0.5);
    if median_us < HONEST_US_MIN {
        let why = "faster than any disk: fdatasync does not wait for one here, and a power failure \
                   can lose acknowledged payments";
        return Check::bad(NAME, format!("{}: {why}", shown(synced)));
    }
    if median_us > SLOW_US {
        let why = "every single payment waits this long; many at once share it";
        return Check::warning(NAME, format!("{}: {why}", shown(synced)));
    }
    Check::good(NAME, format!("{}: fdatasync waits for the disk", shown(synced)))
}

/// Whether files can be written past the page cache, as the journal does where it can.
fn direct_io(place: &Path) -> Check {
    const NAME: &str = "direct I/O";
    let name = format!(".courant-doctor-direct-{}", std::process::id());
    let tried = OsStorage::open_existing(place, DirectIo::Always).and_then(|storage| {
        let file = storage.create(&name, Caching::Direct)?;
        let written = file.write_at(0, &AlignedBuf::new(BLOCK_BYTES));
        storage.remove(&name)?;
        written
    });
    match tried {
        Ok(_) => Check::good(NAME, "works"),
        Err(_) => Check::warning(
            NAME,
            "is refused by this file system: writing snapshots may slow payments down for moments",
        ),
    }
}
