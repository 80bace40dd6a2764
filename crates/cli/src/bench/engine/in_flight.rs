//! Batches in flight: one caller with a few requests under way, so that the engine never waits for
//! the next one.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use courant_node::{Replies, Request, Ticket};

use super::BATCH_FULL;
use super::orders::{Orders, Shape};
use super::world::{World, settle};
use crate::bench::latency::Latencies;
use crate::bench::meter::{Meter, resident_bytes};
use crate::bench::report::{Loop, Run};
use crate::clock;
use crate::exit::Failure;

/// Requests under way at once.
pub(super) const DEPTH: usize = 3;

/// Transfers that are made before they are submitted, at most: their making costs nothing while it
/// is measured, and they fit into memory.
const ROUND_TRANSFERS: usize = 500_000;

/// Requests in one round, at most.
const ROUND_REQUESTS: usize = 50_000;

/// A load of batches.
#[derive(Debug, Clone, Copy)]
pub(super) struct Batches {
    pub(super) size: usize,
    pub(super) shape: Shape,
    /// How long it is measured; making the requests comes on top.
    pub(super) time: Duration,
}

impl Batches {
    pub(super) fn run(self, name: &str, world: &World) -> Result<Run, Failure> {
        let load = format!(
            "batches of {}, {DEPTH} in flight, {} accounts, {}",
            self.size,
            world.accounts,
            self.shape.words()
        );
        let mut run = Run::new(name, load, Loop::Closed);
        let mut orders = Orders::new(self.shape, world.accounts, 0);
        let requests = (ROUND_TRANSFERS / self.size).clamp(DEPTH, ROUND_REQUESTS);
        while run.spent.wall < self.time {
            let round = (0..requests).map(|_| orders.request(self.size)).collect();
            let left = self.time - run.spent.wall;
            let meter = Meter::start();
            run.count += drive(world, round, left, &mut run.latencies)?;
            run.spent += meter.stop();
        }
        run.rss_bytes = resident_bytes();
        Ok(run)
    }
}

/// Puts this many transfers through, as fast as they go.
pub(super) fn fill(world: &World, transfers: u64) -> Result<(), Failure> {
    let mut orders = Orders::new(Shape::Uniform, world.accounts, 0);
    let mut under_way = VecDeque::with_capacity(DEPTH);
    let mut left = transfers;
    while left > 0 {
        let size = left.min(BATCH_FULL as u64);
        left -= size;
        under_way.push_back(world.submit(orders.request(size as usize))?);
        if under_way.len() == DEPTH {
            under_way.pop_front().map_or(Ok(0), settle)?;
        }
    }
    under_way.into_iter().try_for_each(|ticket| settle(ticket).map(|_| ()))
}

/// Keeps a few requests under way until there are none left or the time is over; how many transfers
/// went through.
fn drive(
    world: &World,
    requests: Vec<Request>,
    time: Duration,
    latencies: &mut Latencies,
) -> Result<u64, Failure> {
    let end = clock::now() + time;
    let mut under_way = VecDeque::with_capacity(DEPTH);
    let mut count = 0;
    for request in requests {
        if under_way.len() == DEPTH {
            count += finish(under_way.pop_front(), latencies)?;
        }
        let begun = clock::now();
        if begun > end {
            break;
        }
        under_way.push_back((begun, world.submit(request)?));
    }
    while !under_way.is_empty() {
        count += finish(under_way.pop_front(), latencies)?;
    }
    Ok(count)
}

fn finish(
    oldest: Option<(Instant, Ticket<Replies>)>,
    latencies: &mut Latencies,
) -> Result<u64, Failure> {
    let Some((begun, ticket)) = oldest else { return Ok(0) };
    let count = settle(ticket)?;
    latencies.record(clock::now().duration_since(begun));
    Ok(count)
}
