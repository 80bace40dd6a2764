//! The demo: accounts in several currencies and a flow of payments over HTTP, as a day of a small
//! bank has it.
//!
//! It speaks to the server as any client does. The same seed gives the same people and the same
//! choices; ids are new in every run, so it can go on in a directory that an earlier demo left.

mod actor;
mod meter;
mod rhythm;
#[cfg(test)]
mod tests;
mod world;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use courant_node::TrialBalance;
use serde_json::{Value, json};

use actor::Actor;
pub(crate) use meter::Meter;
use rhythm::Rhythm;
use world::World;

use crate::client::{Client, Method};
use crate::clock;
use crate::exit::Failure;
use crate::import::Sender;
use crate::output::{Output, cell, note};

/// Clients at work at once: enough that a slow disk is no slow bank, as they share its syncs.
const ACTORS: u64 = 32;
/// The demo's people and choices come from this.
const SEED: u64 = 1993;
/// Wages paid in one request.
const WAGES_BATCH: usize = 500;

/// Opens the demo's accounts and lets payments flow until told to stop. Prints a line a second.
pub(crate) fn run(
    client: &Client,
    peak_per_second: u32,
    stop: &AtomicBool,
    meter: &Mutex<Meter>,
    out: &mut Output,
) -> Result<(), Failure> {
    let world = World::new();
    note(format_args!("opening {} demo accounts", world.accounts().count()));
    open_accounts(client, &world)?;
    pay_wages(client, &world)?;
    note(format_args!(
        "a day of a small bank in two minutes, up to {peak_per_second} payments/s, each an HTTP \
         request that is answered when it is on disk; Ctrl-C stops it"
    ));
    let rhythm = Rhythm::new(clock::now(), peak_per_second);
    std::thread::scope(|scope| {
        for number in 0..ACTORS {
            let actor = Actor::new(client.clone(), &world, &rhythm, SEED + number);
            scope.spawn(move || actor.work(number, ACTORS, meter, stop));
        }
        let result = watch(client, &rhythm, meter, stop, out);
        stop.store(true, Ordering::Relaxed);
        result
    })
}

/// Prints what the whole demo came to; `balance` is what the server ended with.
pub(crate) fn sum_up(
    meter: &Mutex<Meter>,
    balance: &TrialBalance,
    out: &mut Output,
) -> Result<(), Failure> {
    let counts = meter::lock(meter).all();
    if out.json {
        out.json_line(&json!({"total": counts.total_json(balance)}))?;
    } else {
        out.line(counts.total_text(balance))?;
    }
    if balance.balanced { Ok(()) } else { Err(unbalanced()) }
}

fn open_accounts(client: &Client, world: &World) -> Result<(), Failure> {
    for account in world.accounts() {
        client.send(Method::Post, "/v1/accounts", &account, None)?;
    }
    Ok(())
}

/// Gives every payer something to spend.
fn pay_wages(client: &Client, world: &World) -> Result<(), Failure> {
    let sender = Sender::new(client.clone());
    let wages: Vec<_> = world.wages().map(actor::top_up).collect();
    wages.chunks(WAGES_BATCH).try_for_each(|batch| sender.send(batch).map(|_| ()))
}

/// Prints what happened, once a second, and whether debits still equal credits.
fn watch(
    client: &Client,
    rhythm: &Rhythm,
    meter: &Mutex<Meter>,
    stop: &AtomicBool,
    out: &mut Output,
) -> Result<(), Failure> {
    let mut second = Duration::ZERO;
    while !stop.load(Ordering::Relaxed) {
        second += Duration::from_secs(1);
        clock::pause_until(rhythm.begin() + second);
        let counts = meter::lock(meter).take();
        let balance = client.get("/v1/trial-balance");
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let clock = rhythm.clock(clock::now());
        let balance = balance.map_err(Failure::from)?;
        if out.json {
            out.json_line(&counts.json(&clock, &balance))?;
        } else {
            out.line(counts.text(&clock, &balance))?;
            out.flush()?;
        }
        if balance["balanced"] != Value::Bool(true) {
            return Err(unbalanced());
        }
    }
    Ok(())
}

fn unbalanced() -> Failure {
    Failure::internal("debits differ from credits")
}

fn verdict(is_balanced: bool) -> &'static str {
    if is_balanced { "debits = credits" } else { "DEBITS DIFFER FROM CREDITS" }
}

impl meter::Counts {
    fn accepted(&self) -> u64 {
        self.answered - self.rejected - self.repeated
    }

    fn total_text(&self, balance: &TrialBalance) -> String {
        format!(
            "in all: {} answers: {} accepted, {} rejected, {} repeats; {} errors; p50 {:.1} ms, \
             p99 {:.1} ms; {} payments in the ledger, {}",
            self.answered,
            self.accepted(),
            self.rejected,
            self.repeated,
            self.failed,
            self.p50_ms,
            self.p99_ms,
            balance.payments,
            verdict(balance.balanced),
        )
    }

    fn total_json(&self, balance: &TrialBalance) -> Value {
        json!({
            "answered": self.answered,
            "accepted": self.accepted(),
            "rejected": self.rejected,
            "repeated": self.repeated,
            "failed": self.failed,
            "p50_ms": self.p50_ms,
            "p99_ms": self.p99_ms,
            "payments": balance.payments,
            "balanced": balance.balanced,
        })
    }

    /// One line; `balance` is the server's trial balance.
    fn text(&self, clock: &str, balance: &Value) -> String {
        format!(
            "{clock}  {:>5} payments/s  p50 {:>6.1} ms  p99 {:>6.1} ms  rejected {:>3}  \
             repeats {:>3}  errors {}  {:>7} in all  {}",
            self.answered,
            self.p50_ms,
            self.p99_ms,
            self.rejected,
            self.repeated,
            self.failed,
            cell(balance, "payments"),
            verdict(balance["balanced"] == Value::Bool(true)),
        )
    }

    fn json(&self, clock: &str, balance: &Value) -> Value {
        json!({
            "clock": clock,
            "per_second": self.answered,
            "p50_ms": self.p50_ms,
            "p99_ms": self.p99_ms,
            "rejected": self.rejected,
            "repeated": self.repeated,
            "failed": self.failed,
            "payments": balance["payments"],
            "balanced": balance["balanced"],
        })
    }
}
