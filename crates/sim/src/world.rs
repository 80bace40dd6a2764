//! One simulation: clients, a node that lives several times, a disk that fails, and the auditor who
//! watches.

mod flip;
mod last;
mod life;

use crate::auditor::{Auditor, Expected, Problem};
use crate::disk::Disk;
use crate::habits::{ARCHIVE, Habits};
use crate::machine::{Call, Machine, Said};
use crate::marks::{Mark, Marks};
use crate::variant::Variant;
use crate::workload::Workload;
use courant_engine::Lsn;
use courant_journal::Storage;
use courant_ledger::{Status, Timestamp};
use courant_node::parts::{Opened, open};
use courant_node::{OpenError, Reply, Request, Retention, Unavailable};
use fastrand::Rng;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Clients of a simulation; each waits for its answer before it asks for something else.
const CLIENTS: usize = 16;

/// How often a client sends one request again while it hears nothing.
const SENDS_MAX: u32 = 4;

/// When simulations begin, in nanoseconds since 1970.
const BEGIN_NS: u64 = 1_700_000_000_000_000_000;

/// A simulation that went well.
#[derive(Debug)]
pub struct Done {
    /// The rare paths that were taken.
    pub marks: Marks,
    /// Stands for every byte of the journal.
    pub digest: u64,
    /// Records of the journal.
    pub records: usize,
    /// Questions that were answered.
    pub answers: u64,
}

/// A simulation that found something.
#[derive(Debug)]
pub struct Failure {
    /// What is wrong, in a sentence.
    pub what: String,
}

/// A client and what it waits for.
#[derive(Debug, Default)]
struct Client {
    request: Option<Rc<Request>>,
    /// How often it was sent in this life of the node.
    sends: u32,
    /// The node died before it answered.
    crashed: bool,
}

/// A request on its way, or lost on it.
#[derive(Debug)]
struct Outstanding {
    request: Rc<Request>,
    expected: Expected,
}

/// The simulation of one seed.
#[derive(Debug)]
pub(crate) struct World {
    rng: Rng,
    habits: Habits,
    variant: Variant,
    trace: bool,
    disk: Disk,
    auditor: Auditor,
    workload: Workload,
    clients: Vec<Client>,
    outstanding: BTreeMap<u64, Outstanding>,
    calls: u64,
    answers: u64,
    now_ns: u64,
    /// The last record when this life began.
    born: Lsn,
    /// Somebody was told that what he needs cannot be read.
    unreadable: bool,
    /// Where the segments began that went.
    retired: Vec<u64>,
    marks: Marks,
}

impl World {
    /// The world of a seed.
    pub(crate) fn new(seed: u64, variant: Variant, trace: bool) -> World {
        let mut rng = Rng::with_seed(seed);
        let habits = Habits::draw(&mut rng);
        let disk = Disk::new(rng.u64(..));
        if variant == Variant::SyncSkipped {
            disk.skip_syncs();
        }
        let asks = habits.asks.clone();
        let workload = Workload::new(rng.u64(..), asks, habits.pause_max_ns);
        World {
            rng,
            habits,
            variant,
            trace,
            disk,
            auditor: Auditor::default(),
            workload,
            clients: (0..CLIENTS).map(|_| Client::default()).collect(),
            outstanding: BTreeMap::new(),
            calls: 0,
            answers: 0,
            now_ns: BEGIN_NS,
            born: Lsn::NONE,
            unreadable: false,
            retired: Vec::new(),
            marks: Marks::default(),
        }
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// [`Failure`]: something that must never happen did.
    pub(crate) fn run(mut self) -> Result<Done, Failure> {
        self.tell(|world| format!("{:?}", world.habits));
        for life in 0..self.habits.lives {
            self.tell(|_| format!("life {life}"));
            self.live()?;
            self.between()?;
        }
        self.live_out()?;
        let (digest, records) = (self.auditor.digest(), self.auditor.records_count());
        Ok(Done { marks: self.marks, digest, records, answers: self.answers })
    }

    fn tell(&self, line: impl FnOnce(&World) -> String) {
        if self.trace {
            crate::trace(&line(self));
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.now_ns)
    }

    /// Time goes on, or stands still, or somebody sets the clock back.
    fn step_clock(&mut self) {
        match self.rng.u32(..20) {
            0 => {
                self.now_ns -= self.rng.u64(..self.habits.pause_max_ns.min(BEGIN_NS / 1_000));
                self.marks.take(Mark::ClockWentBack);
            }
            1..4 => {}
            _ => self.now_ns += self.rng.u64(..=self.habits.pause_max_ns),
        }
    }

    /// Opens the data directory once.
    fn open(&mut self) -> Result<Opened<Disk>, OpenError> {
        let ids_before = count(&self.disk, "ids", ".ids");
        let opened = open(&self.disk, &self.habits.options)?;
        let report = &opened.report;
        let (cut, created) = (report.journal.torn.is_some(), report.journal.created);
        self.marks.take_if(cut, Mark::TornTailCut);
        self.marks.take_if(!cut && !created, Mark::NothingCut);
        let none = report.snapshot == Lsn::NONE;
        let unsound = !report.warnings.is_empty();
        self.marks.take_if(!none, Mark::RestartFromSnapshot);
        self.marks.take_if(none && report.replayed > 0, Mark::RestartWithoutSnapshot);
        self.marks.take_if(unsound && !none, Mark::SnapshotUnsound);
        self.marks.take_if(unsound && none, Mark::NoSnapshotSound);
        let ids = count(&self.disk, "ids", ".ids");
        self.marks.take_if(ids > ids_before, Mark::IdsSealedInReplay);
        let begin = opened.history.reader.begin();
        self.marks.take_if(begin.0 > 0, Mark::RestartAfterRetirement);
        self.tell(|_| format!("opened, {ids} runs of ids: {report:?}"));
        Ok(opened)
    }

    /// Audits what was opened: the whole journal, every claim, the whole state.
    fn audit(&mut self, opened: &Opened<Disk>) -> Result<(), Failure> {
        self.disk.set_calm(true);
        let audited = audit(&mut self.auditor, opened);
        self.disk.set_calm(false);
        self.mark_clock();
        audited.map_err(|problem| Failure::of("after opening", problem))
    }

    /// Reads on as a follower of a running node.
    fn follow(&mut self, machine: &Machine) -> Result<(), Failure> {
        self.disk.set_calm(true);
        let followed = self.auditor.follow(machine.reader());
        self.disk.set_calm(false);
        self.mark_clock();
        followed.map_err(|problem| Failure::of("while following", problem))
    }

    fn mark_clock(&mut self) {
        for moved in self.auditor.take_by_the_clock() {
            let scheduled = moved.before == Status::Received;
            let mark = if scheduled { Mark::ExecutedByTheClock } else { Mark::HoldExpired };
            self.marks.take(mark);
            self.marks.take_if(moved.origin <= self.born, Mark::DueAfterRestart);
        }
    }

    /// A node on what was opened.
    fn start(&self, opened: Opened<Disk>) -> Result<Machine, Failure> {
        let options = self.habits.options.clone();
        let archive = match options.retention {
            Retention::Archive { .. } => Some(self.archive()?),
            Retention::Drop { .. } | Retention::KeepAll => None,
        };
        Ok(Machine::start(opened, archive, options, self.variant))
    }

    fn archive(&self) -> Result<Disk, Failure> {
        let opened = self.disk.subdirectory(ARCHIVE);
        opened.map_err(|error| Failure::new(format!("the archive does not open: {error}")))
    }

    /// Retires a segment, perhaps. What a follower has not read must not go.
    fn retire(&mut self, machine: &mut Machine, now: Timestamp) {
        let Some(end) = machine.may_begin() else { return };
        let before = machine.reader().begin();
        self.auditor.may_begin(end);
        machine.retire(now, self.auditor.reads_next());
        self.marks.take_if(self.disk.is_off(), Mark::PowerCutInRetirement);
        if machine.reader().begin() > before {
            self.retired.push(before.0);
        }
    }

    /// Every segment that went is in the archive, if there is one.
    fn check_archive(&self) -> Result<(), Failure> {
        if !matches!(self.habits.options.retention, Retention::Archive { .. }) {
            return Ok(());
        }
        let names = self.archive()?.on_disk();
        let missing = self.retired.iter().find(|base| !names.contains(&format!("{base:020}.seg")));
        match missing {
            Some(base) => Err(Failure::new(format!("the segment at {base} is not in the archive"))),
            None => Ok(()),
        }
    }

    /// A client asks, or asks again because it hears nothing.
    fn act(&mut self, machine: &mut Machine, client: usize) {
        let now = self.now();
        let waits = self.clients[client].request.is_some();
        if waits && self.clients[client].sends > 0 && self.rng.u32(..10) > 0 {
            return;
        }
        if !waits {
            let request = self.workload.next(now, &self.auditor);
            self.clients[client] = Client { request: Some(request), ..Client::default() };
        }
        self.send(machine, client);
    }

    fn send(&mut self, machine: &mut Machine, client: usize) {
        let Some(request) = self.clients[client].request.clone() else { return };
        if self.clients[client].sends >= SENDS_MAX {
            return;
        }
        let expected = self.auditor.asked(request.asked(0));
        let number = self.calls;
        if machine.admit(Call { client, number, request: Rc::clone(&request) }) {
            self.calls += 1;
            self.clients[client].sends += 1;
            self.outstanding.insert(number, Outstanding { request, expected });
        }
    }

    /// Hears what the node says.
    fn hear(&mut self, machine: &mut Machine) -> Result<(), Failure> {
        for said in machine.take_said() {
            match said {
                Said::Account(no, last, sums) => {
                    self.auditor.shown(no, last, sums);
                    self.marks.take(Mark::ReadSeenAgain);
                }
                Said::Reply(call, reply) => {
                    machine.note_full(&reply);
                    self.answered(&call, &reply)?;
                }
            }
        }
        Ok(())
    }

    fn answered(&mut self, call: &Call, reply: &Reply) -> Result<(), Failure> {
        self.tell(|_| format!("{}/{}: {reply:?}", call.client, call.number));
        let Outstanding { request, expected } = self
            .outstanding
            .remove(&call.number)
            .ok_or_else(|| Failure::new(format!("call {} was answered twice", call.number)))?;
        self.answers += 1;
        self.unreadable |= *reply == Reply::Unavailable(Unavailable::HistoryUnreadable);
        let answered = self.auditor.answered(request.asked(0), expected, reply);
        answered.map_err(|what| Failure::new(format!("an answer is wrong: {what}")))?;
        self.mark_answer(call, expected, reply);
        let client = &mut self.clients[call.client];
        let is_current = client.request.as_ref().is_some_and(|now| Rc::ptr_eq(now, &request));
        match reply {
            Reply::Unavailable(_) if is_current => client.sends = client.sends.saturating_sub(1),
            _ if is_current => *client = Client::default(),
            _ => {}
        }
        Ok(())
    }

    fn mark_answer(&mut self, call: &Call, expected: Expected, reply: &Reply) {
        let Reply::Recorded { lsn, repeat, .. } = *reply else { return };
        let crashed = self.clients[call.client].crashed && !expected.is_repeat();
        self.marks.take_if(crashed && repeat, Mark::RepeatAfterCrash);
        self.marks.take_if(crashed && !repeat, Mark::LostAndDoneAgain);
        let old = expected.is_repeat() && lsn <= self.born;
        self.marks.take_if(old, Mark::RepeatAfterRestart);
    }

    /// The node is gone: whoever waited will ask again.
    fn forsake(&mut self) {
        self.outstanding.clear();
        for client in &mut self.clients {
            client.crashed |= client.sends > 0;
            client.sends = 0;
        }
    }

    fn seed(&mut self) -> u64 {
        self.rng.u64(..)
    }
}

/// Holds an opened directory against the auditor's books.
fn audit(auditor: &mut Auditor, opened: &Opened<Disk>) -> Result<(), Problem> {
    auditor.compare(&opened.history.reader)?;
    auditor.settle()?;
    auditor.compare_state(&opened.engine)?;
    Ok(())
}

/// Something not before the last durable record and before the next.
fn last_record(reader: &courant_journal::Reader<Disk>) -> Lsn {
    Lsn(reader.durable_end().0.saturating_sub(1))
}

/// How many files of a kind are in a directory.
fn count(disk: &Disk, directory: &str, suffix: &str) -> usize {
    let names = disk.subdirectory(directory).map(|d| d.on_disk()).unwrap_or_default();
    names.iter().filter(|name| name.ends_with(suffix)).count()
}

impl Failure {
    fn new(what: impl Into<String>) -> Failure {
        Failure { what: what.into() }
    }

    fn of(when: &str, problem: Problem) -> Failure {
        match problem {
            Problem::Unreadable(what) => Failure::new(format!("{when}: unreadable: {what}")),
            Problem::Finding(what) => Failure::new(format!("{when}: {what}")),
        }
    }
}
