//! Single payments over HTTP to a real server, beside an empty handler that the same client asks in
//! the same run.
//!
//! Both are processes of this program on loopback. The processor time is that of the server.

mod client;
mod empty;
mod server;

use super::Settings;
use super::engine::{Orders, Shape, World};
use super::place::Place;
use super::report::{Loop, Report, Run};
use crate::exit::Failure;
use client::{Load, Payments};
use server::Server;

pub(super) use empty::serve as empty_handler;

/// Accounts that payments are between.
const ACCOUNTS: u32 = 100_000;
const ACCOUNTS_QUICK: u32 = 1_000;

/// Connections, each with one request under way.
const CONNECTIONS: [u16; 2] = [1, 64];

pub(super) fn measure(
    settings: &Settings,
    place: &Place,
    report: &mut Report,
) -> Result<(), Failure> {
    let accounts = settings.size(ACCOUNTS, ACCOUNTS_QUICK);
    // Accounts are opened in this process; the server finds them there.
    let directory = World::new(place, accounts)?.close();
    let empty = Server::empty_handler()?;
    let courant = Server::courant(directory.path())?;
    let mut makers = 0;
    for connections in CONNECTIONS {
        for (server, kind) in [(&empty, "empty"), (&courant, "http")] {
            let name = format!("{kind}_{connections}");
            if !settings.wants(&name) {
                continue;
            }
            let orders: Vec<Orders> = (0..connections)
                .map(|n| Orders::new(Shape::Uniform, accounts, makers + n))
                .collect();
            makers += connections;
            let payments = Payments { server, orders, time: settings.load_time() };
            let what = if kind == "empty" { "an empty POST handler" } else { "single payments" };
            let load = format!("{what}, {connections} connections, {accounts} accounts, uniform");
            let mut run = Run::new(&name, load, Loop::Closed);
            let cpu = server.cpu_time();
            let Load { wall, client_cpu, latencies } = payments.run()?;
            run.spent.cpu = server.cpu_time().saturating_sub(cpu);
            run.spent.wall = wall;
            run.count = latencies.count();
            run.latencies = latencies;
            run.rss_bytes = server.resident_bytes();
            let client_us = client_cpu.as_secs_f64() * 1e6 / run.count.max(1) as f64;
            let run = run.with("client_cpu_us_per_op", client_us);
            let run = beside(run, report.find(&format!("empty_{connections}")));
            report.add(run)?;
        }
    }
    courant.stop()?;
    empty.stop()
}

/// The run, compared with the empty handler's.
fn beside(run: Run, empty: Option<&Run>) -> Run {
    let Some(empty) = empty else { return run };
    let share = run.per_second() / empty.per_second();
    let p99_us = |run: &Run| run.us_at(0.99).unwrap_or_default();
    let p99_ratio = p99_us(&run) / p99_us(empty);
    run.with("share_of_empty", share).with("p99_to_empty_p99", p99_ratio)
}
