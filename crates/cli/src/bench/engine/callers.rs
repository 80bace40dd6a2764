//! Callers that each submit one payment, wait until it is durable, and submit the next.

use std::sync::Barrier;
use std::time::Duration;

use courant_node::Request;

use super::orders::{CALLER, Orders, Shape};
use super::world::{World, check, settle};
use crate::bench::latency::Latencies;
use crate::bench::meter::{Meter, Spent, resident_bytes};
use crate::bench::report::{Loop, Run};
use crate::clock;
use crate::exit::Failure;

/// How many callers there are, and on what they wait.
#[derive(Debug, Clone, Copy)]
pub(super) enum Callers {
    /// A thread each.
    Threads(u16),
    /// A task each, all on one thread, as a server has them.
    Tasks(u16),
}

impl Callers {
    pub(super) fn run(
        self,
        name: &str,
        world: &World,
        shape: Shape,
        time: Duration,
    ) -> Result<Run, Failure> {
        let (count, kind) = match self {
            Callers::Threads(1) => (1, "caller"),
            Callers::Threads(count) => (count, "threads"),
            Callers::Tasks(count) => (count, "tasks on one thread"),
        };
        let (accounts, words) = (world.accounts, shape.words());
        let load = format!("{count} {kind}, one payment at a time, {accounts} accounts, {words}");
        let mut run = Run::new(name, load, Loop::Closed);
        let makers = (0..count).map(|maker| Orders::new(shape, accounts, maker));
        // Made before the time begins: a Zipf table takes a while.
        let makers: Vec<Orders> = makers.collect();
        (run.spent, run.latencies) = match self {
            Callers::Threads(_) => threads(world, makers, time)?,
            Callers::Tasks(_) => tasks(world, makers, time)?,
        };
        run.count = run.latencies.count();
        run.rss_bytes = resident_bytes();
        Ok(run)
    }
}

fn threads(
    world: &World,
    makers: Vec<Orders>,
    time: Duration,
) -> Result<(Spent, Latencies), Failure> {
    let ready = Barrier::new(makers.len() + 1);
    std::thread::scope(|scope| {
        let spawn = |mut orders: Orders| {
            let ready = &ready;
            scope.spawn(move || {
                ready.wait();
                one_by_one(world, &mut orders, time)
            })
        };
        let threads: Vec<_> = makers.into_iter().map(spawn).collect();
        ready.wait();
        let meter = Meter::start();
        let mut all = Latencies::new();
        for thread in threads {
            all.add(&thread.join().expect("a caller does not panic")?);
        }
        Ok((meter.stop(), all))
    })
}

fn one_by_one(world: &World, orders: &mut Orders, time: Duration) -> Result<Latencies, Failure> {
    let mut latencies = Latencies::new();
    let mut begun = clock::now();
    let end = begun + time;
    while begun < end {
        let transfer = orders.next();
        let request = Request::new(CALLER, &transfer.command());
        let request = request.expect("a plain transfer breaks no rule");
        settle(world.submit(request)?)?;
        let now = clock::now();
        latencies.record(now.duration_since(begun));
        begun = now;
    }
    Ok(latencies)
}

fn tasks(
    world: &World,
    makers: Vec<Orders>,
    time: Duration,
) -> Result<(Spent, Latencies), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.map_err(|error| Failure::internal(error.to_string()))?;
    runtime.block_on(async {
        let meter = Meter::start();
        let callers = makers.into_iter().map(|orders| {
            let node = world.node.clone();
            tokio::spawn(task(node, orders, time))
        });
        let callers: Vec<_> = callers.collect();
        let mut all = Latencies::new();
        for caller in callers {
            all.add(&caller.await.expect("a caller does not panic")?);
        }
        Ok((meter.stop(), all))
    })
}

async fn task(
    node: courant_node::Node,
    mut orders: Orders,
    time: Duration,
) -> Result<Latencies, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::internal(error.to_string());
    let mut latencies = Latencies::new();
    let mut begun = clock::now();
    let end = begun + time;
    while begun < end {
        let transfer = orders.next();
        let request = Request::new(CALLER, &transfer.command());
        let request = request.expect("a plain transfer breaks no rule");
        let ticket = node.submit(request).map_err(|error| failed(&error))?;
        let replies = ticket.await.map_err(|error| failed(&error))?;
        replies.iter().try_for_each(check)?;
        let now = clock::now();
        latencies.record(now.duration_since(begun));
        begun = now;
    }
    Ok(latencies)
}
