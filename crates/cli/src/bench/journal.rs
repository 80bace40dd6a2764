//! The journal beside a bare loop of writes and syncs of the same size, in turns, so that both meet
//! the same disk.

use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use courant_journal::{
    Appender, BeginError, DirectIo, Journal, Options, OsStorage, Preparation, Preparer,
    SealedBatch, Writer,
};
use tempfile::TempDir;

use super::Settings;
use super::disk::Bare;
use super::latency::Latencies;
use super::meter::{Meter, resident_bytes};
use super::place::Place;
use super::report::{Loop, Report, Run};
use crate::clock;
use crate::exit::Failure;

/// Bytes of a payload, about what a plain transfer's record has, and of its place in a batch at
/// most.
const PAYLOAD_BYTES: usize = 200;
const RECORD_BYTES_MAX: usize = 256;

/// Turns of journal and bare loop.
const TURNS: u32 = 5;

/// One load.
#[derive(Debug, Clone, Copy)]
struct Load {
    name: &'static str,
    /// Bytes of a batch on the disk, at most.
    batch_bytes: usize,
    /// Whether the next batch is filled while one is synced, on a thread of its own.
    two_threads: bool,
}

const LOADS: [Load; 3] = [
    Load { name: "journal_4_kib", batch_bytes: 4 << 10, two_threads: false },
    Load { name: "journal_64_kib", batch_bytes: 64 << 10, two_threads: true },
    Load { name: "journal_1_mib", batch_bytes: 1 << 20, two_threads: true },
];

pub(super) fn measure(
    settings: &Settings,
    place: &Place,
    report: &mut Report,
) -> Result<(), Failure> {
    for load in LOADS {
        if settings.wants(load.name) {
            report.add(load.run(settings, place)?)?;
        }
    }
    Ok(())
}

impl Load {
    fn run(self, settings: &Settings, place: &Place) -> Result<Run, Failure> {
        let bare = Bare::new(place)?;
        let mut journal = Opened::new(place)?;
        let threads = if self.two_threads { "two threads" } else { "one thread" };
        let kib = self.batch_bytes >> 10;
        let load = format!("batches of {kib} KiB of {PAYLOAD_BYTES}-byte records, {threads}");
        let mut run = Run::new(self.name, load, Loop::Closed);
        let mut disk = Run::new("disk", "", Loop::Closed);
        let mut bytes = 0;
        let turn = settings.load_time() / (2 * TURNS);
        for _ in 0..TURNS {
            bare.write_for(self.batch_bytes, turn, &mut disk)?;
            bytes += journal.turn(self, turn, &mut run)?;
        }
        run.rss_bytes = resident_bytes();
        let journal_rate = bytes as f64 / run.spent.wall.as_secs_f64();
        let disk_rate = disk.per_second() * self.batch_bytes as f64;
        let run = run.with("mb_per_second", journal_rate / 1e6);
        let run = run.with("disk_mb_per_second", disk_rate / 1e6);
        Ok(run.with("share_of_disk", journal_rate / disk_rate))
    }
}

/// An open journal in a directory of its own.
struct Opened {
    appender: Appender<OsStorage>,
    writer: Writer<OsStorage>,
    preparer: Preparer<OsStorage>,
    _directory: TempDir,
}

impl Opened {
    fn new(place: &Place) -> Result<Opened, Failure> {
        let directory = place.directory()?;
        let storage = OsStorage::open(directory.path(), DirectIo::Auto);
        let storage = storage.map_err(|error| Failure::file(directory.path(), "open", &error))?;
        let (journal, _) =
            Journal::open(storage, Options::default()).map_err(|error| failed(&error))?;
        let (appender, writer, preparer, _) = journal.split();
        Ok(Opened { appender, writer, preparer, _directory: directory })
    }

    /// Commits batches for a while; how many bytes they had.
    fn turn(&mut self, load: Load, time: Duration, run: &mut Run) -> Result<u64, Failure> {
        let Opened { appender, writer, preparer, .. } = self;
        let meter = Meter::start();
        let end = clock::now() + time;
        let mut fill = Fill { appender, preparer, batch_bytes: load.batch_bytes };
        let mut committed = Committed { records: 0, bytes: 0, latencies: Latencies::new() };
        if load.two_threads {
            let (sender, receiver) = sync_channel(1);
            std::thread::scope(|scope| {
                let committed = &mut committed;
                let committing = scope.spawn(move || committed.all_of(writer, receiver));
                while clock::now() < end && sender.send(fill.next()?).is_ok() {}
                drop(sender);
                committing.join().expect("committing does not panic")
            })?;
        } else {
            while clock::now() < end {
                committed.one(writer, fill.next()?)?;
            }
        }
        run.spent += meter.stop();
        run.count += committed.records;
        run.latencies.add(&committed.latencies);
        Ok(committed.bytes)
    }
}

/// Fills batches.
struct Fill<'a> {
    appender: &'a mut Appender<OsStorage>,
    preparer: &'a mut Preparer<OsStorage>,
    batch_bytes: usize,
}

impl Fill<'_> {
    /// The next batch. The room that it needs is reserved here too, unlike in a server, which has a
    /// thread for that.
    fn next(&mut self) -> Result<SealedBatch, Failure> {
        let mut batch = loop {
            match self.appender.begin(0) {
                Ok(batch) => break batch,
                Err(BeginError::NotReady) => self.prepare()?,
                Err(error) => return Err(failed(&error)),
            }
        };
        let payload = [0x5A; PAYLOAD_BYTES];
        while batch.bytes() + RECORD_BYTES_MAX <= self.batch_bytes {
            let pushed = batch.push(|record| record.extend_from_slice(&payload));
            pushed.map_err(|error| failed(&error))?;
        }
        Ok(self.appender.finish(batch).expect("it has records"))
    }

    fn prepare(&mut self) -> Result<(), Failure> {
        match self.preparer.step().map_err(|error| failed(&error))? {
            Preparation::Full(full) => {
                let message = format!("the disk has too little room: {full:?}");
                Err(Failure::usage(message).next("name a directory with more room with --data"))
            }
            Preparation::Ready | Preparation::Working => Ok(()),
        }
    }
}

/// What was made durable.
struct Committed {
    records: u64,
    bytes: u64,
    latencies: Latencies,
}

impl Committed {
    fn all_of(
        &mut self,
        writer: &mut Writer<OsStorage>,
        batches: Receiver<SealedBatch>,
    ) -> Result<(), Failure> {
        batches.into_iter().try_for_each(|batch| self.one(writer, batch))
    }

    fn one(&mut self, writer: &mut Writer<OsStorage>, batch: SealedBatch) -> Result<(), Failure> {
        self.records += u64::from(batch.record_count());
        self.bytes += batch.frame_bytes();
        let begun = clock::now();
        writer.commit(batch).map_err(|error| failed(&error))?;
        self.latencies.record(clock::now().duration_since(begun));
        Ok(())
    }
}

fn failed(error: &dyn std::fmt::Display) -> Failure {
    Failure::internal(error.to_string())
}
