//! The last life: nothing fails any more, so everybody must be answered soon, and all must be as it
//! was told.

use super::{Failure, World, last_record};
use crate::machine::{Machine, Stop};
use crate::marks::Mark;

/// Rounds in which everything must come to rest. Each does every kind of step at least once.
const ROUNDS_MAX: usize = 100;

/// Starts in which everything that is damaged and can be made again must be found and made again.
const STARTS_MAX: usize = 6;

/// Earlier questions that are asked once more at the end.
const ASKED_AGAIN: usize = 24;

/// Steps of one kind in a round.
const STEP_COUNT: usize = 64;

impl World {
    /// Heals the disk, answers everybody, asks old questions again, and audits twice.
    pub(super) fn live_out(&mut self) -> Result<(), Failure> {
        self.tell(|_| "the last life".to_string());
        self.disk.heal();
        let machine = self.start_again()?;
        let mut machine = self.come_to_rest(machine)?;
        for asked in 0..ASKED_AGAIN {
            let client = asked % self.clients.len();
            self.clients[client].request = self.workload.earlier();
            if client + 1 == self.clients.len() {
                machine = self.come_to_rest(machine)?;
            }
        }
        self.follow(&machine)?;
        let settled = self.auditor.settle();
        settled.map_err(|what| Failure::new(format!("at the end: {what}")))?;
        let same = self.auditor.compare_state(machine.engine());
        same.map_err(|what| Failure::new(format!("at the end: {what}")))?;
        let marks = machine.end(false);
        self.marks.add(&marks);
        self.check_archive()?;
        self.start_again().map(drop)
    }

    fn start_again(&mut self) -> Result<Machine, Failure> {
        let opened = self.open();
        let opened =
            opened.map_err(|error| Failure::new(format!("it does not open any more: {error}")))?;
        self.audit(&opened)?;
        self.born = last_record(&opened.history.reader);
        self.start(opened)
    }

    /// Everybody is answered and nothing is under way. What is found damaged while running is made
    /// again by the next start and not before, so that then, and only then, the node is started
    /// again.
    fn come_to_rest(&mut self, mut machine: Machine) -> Result<Machine, Failure> {
        for _ in 0..STARTS_MAX {
            self.unreadable = false;
            let waiting = self.waiting_at_rest(&mut machine)?;
            if waiting == 0 {
                return Ok(machine);
            }
            if !self.unreadable {
                let what = format!("{waiting} things still wait after {ROUNDS_MAX} rounds");
                return Err(Failure::new(what));
            }
            self.marks.take(Mark::HealedByRestart);
            self.marks.add(&machine.end(false));
            self.forsake();
            machine = self.start_again()?;
        }
        Err(Failure::new("what is unreadable is not made again by a start"))
    }

    /// How much still waits after so many rounds: clients, what is due, and what is under way.
    fn waiting_at_rest(&mut self, machine: &mut Machine) -> Result<usize, Failure> {
        let mut waiting = 0;
        for _ in 0..ROUNDS_MAX {
            let clients = self.clients.iter().filter(|client| client.request.is_some()).count();
            let due = machine.engine().next_due(self.now()).is_some();
            waiting = clients + usize::from(due) + usize::from(!machine.is_idle());
            if waiting == 0 {
                break;
            }
            let stepped = self.round(machine);
            stepped
                .map_err(|Stop(why)| Failure::new(format!("it stopped without a fault: {why}")))?;
            self.hear(machine)?;
        }
        Ok(waiting)
    }

    fn round(&mut self, machine: &mut Machine) -> Result<(), Stop> {
        let now = self.now();
        for client in 0..self.clients.len() {
            if self.clients[client].sends == 0 {
                self.send(machine, client);
            }
        }
        machine.prepare();
        machine.decide(now, STEP_COUNT)?;
        machine.take_due(now, STEP_COUNT)?;
        machine.commit()?;
        machine.commit()?;
        (0..STEP_COUNT).for_each(|_| machine.look_up());
        machine.seal_ids();
        machine.seal_ids();
        machine.merge_ids();
        machine.step_chain();
        Ok(())
    }
}
