//! The room in the inbox: by commands and by bytes, with nobody who takes anything out.

use super::{Admitted, Load, Message, Pending, Refused, Shared};
use crate::prepared::Prepared;
use crate::request::{REQUEST_BYTES_MAX, Request};
use crate::ticket::Ticket;
use courant_engine::{Caller, Command};
use courant_ledger::{Amount, Currency, Id, Order};
use std::sync::Arc;

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

fn message(request: Request) -> Message {
    let (range, (_, answer)) = (0..request.len(), Ticket::new());
    let pending = Arc::new(Pending::new(request, answer));
    Message::Commands { pending, range, prepared: Prepared::default() }
}

/// Sends until it is pushed back; gives how many were taken and what waited then.
fn fill(shared: &Shared, request: &Request) -> (usize, Load) {
    let mut taken = 0;
    loop {
        match shared.admit(message(request.clone()), LIMIT, false, || true) {
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
    assert_eq!((waiting, shared.waiting()), (expected, expected));
    assert!(waiting.commands < LIMIT.commands / 2, "{waiting:?}");
    assert!(waiting.bytes + large.bytes_len() > LIMIT.bytes, "{waiting:?}");
    assert!(matches!(
        shared.admit(message(request(1, 1)), LIMIT, false, || true),
        Ok(Admitted::Queued)
    ));
}

#[test]
fn small_commands_are_pushed_back_by_their_number() {
    let shared = Shared::default();
    let limit = Load { bytes: REQUEST_BYTES_MAX, ..LIMIT };
    for _ in 0..LIMIT.commands {
        assert!(matches!(
            shared.admit(message(request(1, 1)), limit, false, || true),
            Ok(Admitted::Queued)
        ));
    }
    assert!(matches!(
        shared.admit(message(request(1, 1)), limit, false, || true),
        Err(Refused::Full(_))
    ));
}

#[test]
fn an_empty_inbox_takes_any_request_and_a_look_up_counts_as_waiting() {
    let (shared, huge) = (Shared::default(), request(50, 64));
    assert!(huge.bytes_len() > LIMIT.bytes);
    let load = Load::of(&huge);
    assert!(shared.admit_look(load, LIMIT).is_ok());
    assert!(matches!(
        shared.admit(message(request(1, 1)), LIMIT, false, || true),
        Err(Refused::Full(_))
    ));
    shared.end_look(load);
    assert!(matches!(shared.admit(message(huge), LIMIT, false, || true), Ok(Admitted::Queued)));
    assert!(matches!(shared.admit_look(load, LIMIT), Err(Refused::Full(_))));
}
