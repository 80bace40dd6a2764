//! The room in the inbox: by commands and by bytes, with nobody who takes anything out.

use super::{Admitted, IDLE, Next, Refused, Shared};
use crate::pending::{Load, Pending};
use crate::prepared::Prepared;
use crate::request::{REQUEST_BYTES_MAX, Request};
use crate::ticket::Ticket;
use courant_engine::{Caller, Command};
use courant_ledger::{Amount, Currency, Id, Order};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const LIMIT: Load = Load { commands: 100, bytes: 2_000 };

fn request(commands: usize, id_length: usize) -> Request {
    let name = "x".repeat(id_length);
    let id = |text| Id::parse("id", text).expect("a valid id");
    let (amount, caller) =
        (Amount::new(1, Currency::EUR), Caller { key: 1, idempotency_key: None });
    let order = Order::transfer(id(&name), id("a"), id("b"), amount);
    let mut request = Request::default();
    (0..commands).for_each(|_| request.push(caller, &Command::Pay(order.clone())).expect("valid"));
    request
}

fn pending(shared: &Shared, request: &Request) -> Arc<Pending> {
    let (_, answer) = Ticket::new();
    Arc::new(Pending::new(request.clone(), answer, shared.room()))
}

fn send(shared: &Shared, request: &Request, limit: Load) -> Result<Admitted, Refused> {
    let pending = pending(shared, request);
    shared.admit((&pending, Prepared::default()), limit, false, || true)
}

/// Sends until it is pushed back; gives how many were taken and what waited then.
fn fill(shared: &Shared, request: &Request) -> (usize, Load) {
    let mut taken = 0;
    loop {
        match send(shared, request, LIMIT) {
            Ok(Admitted::Queued) => taken += 1,
            Err(Refused::Full(waiting)) => return (taken, waiting),
            _ => unreachable!("it accepts and does not stop"),
        }
    }
}

#[test]
fn large_commands_are_pushed_back_by_their_bytes_and_small_ones_fit() {
    let (shared, large) = (Shared::default(), request(4, 64));
    let (taken, waiting) = fill(&shared, &large);
    let expected = Load { commands: 4 * taken, bytes: large.bytes_len() * taken };
    assert_eq!((waiting, shared.room().taken()), (expected, expected));
    assert!(waiting.commands < LIMIT.commands / 2, "{waiting:?}");
    assert!(waiting.bytes + large.bytes_len() > LIMIT.bytes, "{waiting:?}");
    assert!(matches!(send(&shared, &request(1, 1), LIMIT), Ok(Admitted::Queued)));
}

#[test]
fn small_commands_are_pushed_back_by_their_number() {
    let shared = Shared::default();
    let limit = Load { bytes: REQUEST_BYTES_MAX, ..LIMIT };
    for _ in 0..LIMIT.commands {
        assert!(matches!(send(&shared, &request(1, 1), limit), Ok(Admitted::Queued)));
    }
    assert!(matches!(send(&shared, &request(1, 1), limit), Err(Refused::Full(_))));
}

#[test]
fn what_was_taken_out_and_is_not_answered_takes_room_still() {
    let (shared, large) = (Shared::default(), request(4, 64));
    let (taken, waiting) = fill(&shared, &large);
    // In a batch, say, whose sync takes long.
    let Next::Messages(messages) = shared.next(false, Duration::ZERO) else {
        panic!("there are some")
    };
    assert_eq!(messages.len(), taken);
    assert!(matches!(send(&shared, &large, LIMIT), Err(Refused::Full(still)) if still == waiting));
    drop(messages);
    assert_eq!(shared.room().taken(), Load::default());
    assert!(matches!(send(&shared, &large, LIMIT), Ok(Admitted::Queued)));
}

#[test]
fn an_empty_inbox_takes_any_request_and_a_look_up_counts_as_waiting() {
    let (shared, huge) = (Shared::default(), request(50, 64));
    assert!(huge.bytes_len() > LIMIT.bytes);
    let looked_up = pending(&shared, &huge);
    assert!(shared.admit_look(&looked_up.request, LIMIT).is_ok());
    assert!(matches!(send(&shared, &request(1, 1), LIMIT), Err(Refused::Full(_))));
    shared.end_look();
    drop(looked_up);
    assert!(matches!(send(&shared, &huge, LIMIT), Ok(Admitted::Queued)));
    let another = pending(&shared, &huge);
    assert!(matches!(shared.admit_look(&another.request, LIMIT), Err(Refused::Full(_))));
}

/// Enough for a thread to be woken on a machine that does other things too.
const TOLD_WITHIN: Duration = Duration::from_secs(20);

/// The engine's thread, which waits with nothing to do for an hour.
struct Waiting {
    shared: Arc<Shared>,
    runs: Receiver<bool>,
}

impl Waiting {
    fn start() -> Waiting {
        let shared = Arc::new(Shared::default());
        shared.rest(false, Duration::from_secs(3_600));
        let (sender, runs) = channel();
        let thread = Arc::clone(&shared);
        std::thread::spawn(move || sender.send(thread.wait_to_run()));
        while shared.lock().thread_waits.is_none() {
            std::thread::yield_now();
        }
        Waiting { shared, runs }
    }

    fn must_be_told(self) {
        assert_eq!(self.runs.recv_timeout(TOLD_WITHIN), Ok(true), "nobody told it");
    }
}

#[test]
fn the_engines_thread_is_told_of_a_request() {
    let waiting = Waiting::start();
    assert!(matches!(send(&waiting.shared, &request(1, 1), LIMIT), Ok(Admitted::Queued)));
    waiting.must_be_told();
}

#[test]
fn the_engines_thread_is_told_what_a_caller_who_led_leaves_to_it() {
    let lead = || {
        let waiting = Waiting::start();
        let first = pending(&waiting.shared, &request(1, 1));
        let admitted = waiting.shared.admit((&first, Prepared::default()), LIMIT, true, || true);
        assert!(matches!(admitted, Ok(Admitted::Leads)));
        assert!(matches!(waiting.shared.next(false, IDLE), Next::Messages(_)));
        waiting
    };
    // Something that is due sooner.
    let waiting = lead();
    waiting.shared.rest(false, Duration::ZERO);
    waiting.must_be_told();
    // A batch in hand.
    let waiting = lead();
    waiting.shared.rest(true, Duration::from_secs(3_600));
    waiting.must_be_told();
    // A request that came meanwhile.
    let waiting = lead();
    assert!(matches!(send(&waiting.shared, &request(1, 1), LIMIT), Ok(Admitted::Queued)));
    waiting.shared.rest(false, Duration::from_secs(3_600));
    waiting.must_be_told();
}
