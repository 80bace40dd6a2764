//! A life of the node: it opens, works while things fail around it, and ends in one of the ways a
//! process ends.

use super::{Failure, World, count, last_record};
use crate::disk::Disk;
use crate::machine::{Machine, Stop};
use crate::marks::Mark;
use courant_journal::ChainError;
use courant_node::parts::Opened;
use courant_node::{Lacks, OpenError, journal};

/// How often opening is tried before the disk is given rest.
const OPENS_MAX: u32 = 8;

/// The most calls of the disk before a power cut that is to meet the recovery.
const CUT_OPENING_CALLS_MAX: u64 = 60;

/// Bytes that a nearly full disk has left, at most.
const FREE_BYTES_MAX: u64 = 300_000;

/// Bytes that are too few for another segment.
const FREE_BYTES_FEW: u64 = 50_000;

/// How a life ended.
enum End {
    /// The power failed, in a commit or elsewhere.
    PowerCut { in_commit: bool },
    /// The process ended itself, or was killed.
    Exit,
}

impl World {
    /// One life, and what it leaves.
    pub(super) fn live(&mut self) -> Result<(), Failure> {
        let opened = self.open_somehow()?;
        self.audit(&opened)?;
        self.born = last_record(&opened.history.reader);
        let mut machine = self.start(opened)?;
        if self.rng.u32(..100) < self.habits.power_cuts {
            let most = 1 << self.rng.u32(2..11);
            self.disk.cut_power_in(self.rng.u64(1..=most));
        }
        let end = self.work(&mut machine)?;
        let segments = count(&self.disk, "journal", ".seg");
        self.marks.take_if(segments > 1, Mark::SegmentBegun);
        self.end(machine, end);
        Ok(())
    }

    fn end(&mut self, machine: Machine, end: End) {
        let cut = self.disk.is_off();
        let marks = machine.end(cut);
        self.marks.add(&marks);
        self.forsake();
        self.mark_faults();
        match end {
            End::PowerCut { in_commit } => {
                self.marks.take_if(in_commit, Mark::PowerCutInCommit);
                let nothing = self.auditor.records_count() == 0;
                self.marks.take_if(nothing, Mark::PowerCutAtCreation);
                self.power_comes_back();
            }
            // The very last call of a life may be the one in which the power fails.
            End::Exit if self.disk.is_off() => self.power_comes_back(),
            End::Exit => self.disk.heal(),
        }
    }

    fn power_comes_back(&mut self) {
        let seed = self.seed();
        self.disk = self.disk.after(seed);
    }

    fn mark_faults(&mut self) {
        let counts = self.disk.fault_counts();
        for (name, mark) in [
            ("torn_write", Mark::TornWrite),
            ("lost_sync", Mark::LostSync),
            ("short_transfer", Mark::ShortTransfer),
            ("interrupted", Mark::Interrupted),
        ] {
            self.marks.take_if(counts.contains_key(name), mark);
        }
    }

    /// Opens until it succeeds; the power may fail in the midst of it, more than once.
    fn open_somehow(&mut self) -> Result<Opened<Disk>, Failure> {
        for attempt in 0..=OPENS_MAX {
            let rest = attempt == OPENS_MAX;
            self.disk.heal();
            if !rest {
                self.disk.set_dice(self.habits.dice);
            }
            if !rest && self.rng.u32(..400) < self.habits.power_cuts {
                self.disk.cut_power_in(self.rng.u64(1..CUT_OPENING_CALLS_MAX));
            }
            let opened = self.open();
            if self.disk.is_off() {
                // What can be made again later keeps no node from opening, off or not.
                let how = opened.err().map_or("it opened".to_owned(), |error| error.to_string());
                self.tell(|_| format!("the power failed while opening: {how}"));
                let known = self.auditor.records_count() > 0;
                self.marks.take_if(known, Mark::PowerCutInRecovery);
                self.power_comes_back();
                continue;
            }
            match opened {
                Ok(opened) => return Ok(opened),
                Err(error) if is_fault(&error) && !rest => {
                    self.tell(|_| format!("opening failed: {error}"));
                    self.marks.take(Mark::OpenFailed);
                }
                Err(error) => return Err(Failure::new(format!("it does not open: {error}"))),
            }
        }
        Err(Failure::new("it does not open on a disk at rest"))
    }

    /// Steps in the order that the dice give.
    fn work(&mut self, machine: &mut Machine) -> Result<End, Failure> {
        let steps = self.rng.usize(1..=self.habits.life_steps);
        for _ in 0..steps {
            let kind = self.kind_of_step();
            let stepped = self.step(machine, kind)?;
            if self.disk.is_off() {
                return Ok(End::PowerCut { in_commit: stepped.is_err() });
            }
            if let Err(Stop(why)) = stepped {
                self.tell(|_| format!("the process ended: {why}"));
                self.marks.take(Mark::CommitFailed);
                return Ok(End::Exit);
            }
            self.hear(machine)?;
        }
        if self.rng.u32(..100) < self.habits.power_cuts {
            self.disk.cut_power();
            return Ok(End::PowerCut { in_commit: false });
        }
        self.marks.take(Mark::ProcessKilled);
        Ok(End::Exit)
    }

    fn kind_of_step(&mut self) -> usize {
        let weights = self.habits.weights;
        crate::habits::weighted(&mut self.rng, &weights)
    }

    fn step(&mut self, machine: &mut Machine, kind: usize) -> Result<Result<(), Stop>, Failure> {
        let now = self.now();
        let count = self.rng.usize(1..8);
        match kind {
            0 => {
                for _ in 0..count {
                    let client = self.rng.usize(..self.clients.len());
                    self.act(machine, client);
                }
            }
            1 => return Ok(machine.decide(now, count)),
            2 => {
                // A commit is a write and a sync, and seldom met by chance.
                if self.rng.u32(..2_000) < self.habits.power_cuts {
                    self.disk.cut_power_in(self.rng.u64(1..=2));
                }
                return Ok(machine.commit());
            }
            3 => return Ok(machine.hand_over()),
            4 => machine.look_up(),
            5 => machine.prepare(),
            6 => machine.seal_ids(),
            7 => machine.merge_ids(),
            8 => machine.step_snapshot(),
            9 => return Ok(machine.take_due(now, count)),
            10 => self.step_clock(),
            11 => self.follow(machine)?,
            12 => machine.show(count),
            13 => machine.step_chain(),
            14 => self.retire(machine, now),
            _ => {
                let room = self.rng.bool();
                let most = if self.rng.bool() { FREE_BYTES_MAX } else { FREE_BYTES_FEW };
                let free = (!room).then(|| self.rng.u64(..most));
                self.disk.set_free(free);
            }
        }
        Ok(Ok(()))
    }
}

/// True for errors that say no more than that a call of the disk failed.
fn is_fault(error: &OpenError) -> bool {
    let of_journal = |error: &journal::OpenError| matches!(error, journal::OpenError::Io { .. });
    let of_read = |error: &journal::ReadError| matches!(error, journal::ReadError::Io { .. });
    match error {
        OpenError::Io { .. } | OpenError::Chain(ChainError::Write { .. }) => true,
        // The snapshot that is there cannot be read now; one that is not there stays missing.
        OpenError::HistoryMissing { lacks: Lacks::Snapshot, .. } => true,
        OpenError::Journal(error) | OpenError::Chain(ChainError::Log(error)) => of_journal(error),
        OpenError::Read(error) | OpenError::Chain(ChainError::Read(error)) => of_read(error),
        _ => false,
    }
}
