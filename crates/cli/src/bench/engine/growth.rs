//! Latency at a fixed rate while something grows or is written: ids from none to ten million, and a
//! snapshot.
//!
//! Requests go out at their time whether or not the ones before are answered, and latency counts
//! from that time: a stall counts for every request that it delays, so nothing is left out that a
//! caller would have noticed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use courant_node::{Replies, Ticket};

use super::Bench;
use super::orders::{Orders, Shape};
use super::world::{World, settle};
use crate::bench::latency::Latencies;
use crate::bench::meter::{Meter, resident_bytes};
use crate::bench::report::{Loop, Report, Run};
use crate::clock;
use crate::exit::Failure;

/// Transfers in a request.
const SIZE: usize = 100;

/// Ids of a growing table, in all and in each part that is reported.
const IDS: u64 = 10_000_000;
const IDS_QUICK: u64 = 100_000;
const PARTS: u64 = 10;
/// At this rate, far below what the engine can do: 5,000 requests a second.
const TRANSFERS_PER_SECOND: f64 = 500_000.0;

/// While a snapshot is made: 2,000 requests a second.
const SNAPSHOT_TRANSFERS_PER_SECOND: f64 = 200_000.0;

/// Requests that may wait for their replies; more, and the sender falls behind, which counts as
/// latency.
const UNANSWERED_MAX: usize = 10_000;

/// A thread that sleeps wakes up this late at most, where the system can do it.
const TIMER_SLACK_NS: u64 = 1;

pub(super) fn measure(bench: Bench<'_>, report: &mut Report) -> Result<(), Failure> {
    if bench.settings.wants("growth") {
        ids(bench, report)?;
    }
    if bench.settings.wants("snapshot") {
        snapshot(bench, report)?;
    }
    Ok(())
}

fn ids(bench: Bench<'_>, report: &mut Report) -> Result<(), Failure> {
    let world = World::new(bench.place, bench.accounts)?;
    let mut orders = Orders::new(Shape::Uniform, world.accounts, 0);
    let part = bench.settings.size(IDS, IDS_QUICK) / PARTS;
    for nth in 1..=PARTS {
        let load = format!("ids grow from {} to {}", (nth - 1) * part, nth * part);
        let mut run = open_run(&format!("growth_{nth:02}"), &load, TRANSFERS_PER_SECOND);
        let requests = part / SIZE as u64;
        let sent = send(&world, &mut orders, TRANSFERS_PER_SECOND, |sent, _| sent < requests)?;
        sent.put_into(&mut run);
        report.add(run)?;
    }
    Ok(())
}

fn snapshot(bench: Bench<'_>, report: &mut Report) -> Result<(), Failure> {
    let world = World::new(bench.place, bench.accounts_many)?;
    let mut orders = Orders::new(Shape::Uniform, world.accounts, 0);
    let rate = SNAPSHOT_TRANSFERS_PER_SECOND;
    let time = bench.settings.load_time();
    let load = format!("{} accounts, no snapshot", world.accounts);
    let mut before = open_run("snapshot_before", &load, rate);
    send(&world, &mut orders, rate, |_, since| since < time)?.put_into(&mut before);
    report.add(before)?;

    let load = format!("{} accounts, while a snapshot is made", world.accounts);
    let mut during = open_run("snapshot_during", &load, rate);
    let is_done = AtomicBool::new(false);
    let sent = std::thread::scope(|scope| {
        let snapshot = scope.spawn(|| {
            let made = world.node.snapshot();
            is_done.store(true, Ordering::Relaxed);
            made
        });
        let sent = send(&world, &mut orders, rate, |_, _| !is_done.load(Ordering::Relaxed))?;
        let made = snapshot.join().expect("making a snapshot does not panic");
        made.map(|()| sent).map_err(Failure::internal)
    })?;
    sent.put_into(&mut during);
    let stats = world.node.stats();
    let during = during
        .with("snapshot_ms", stats.snapshot_ms as f64)
        .with("snapshot_mb", stats.snapshot_bytes as f64 / 1e6)
        .with("engine_pause_us_max", stats.snapshot_pause_us_max as f64);
    report.add(during)
}

fn open_run(name: &str, load: &str, rate: f64) -> Run {
    let load = format!("batches of {SIZE} at {rate} transfers/s, {load}");
    Run::new(name, load, Loop::Open { intended_per_second: rate })
}

/// What a sender and its receiver saw.
struct Sent {
    count: u64,
    pushed_back: u64,
    spent: crate::bench::meter::Spent,
    latencies: Latencies,
}

impl Sent {
    fn put_into(self, run: &mut Run) {
        run.count = self.count;
        run.spent = self.spent;
        run.latencies = self.latencies;
        run.rss_bytes = resident_bytes();
        if self.pushed_back > 0 {
            run.figures.push(("requests_pushed_back", self.pushed_back as f64));
        }
    }
}

/// Sends requests at a rate for as long as `goes_on` says, given how many were sent and for how
/// long.
fn send(
    world: &World,
    orders: &mut Orders,
    transfers_per_second: f64,
    goes_on: impl Fn(u64, Duration) -> bool,
) -> Result<Sent, Failure> {
    let interval = Duration::from_secs_f64(SIZE as f64 / transfers_per_second);
    let (waiting, answers) = sync_channel(UNANSWERED_MAX);
    std::thread::scope(|scope| {
        let receiver = scope.spawn(move || receive(&answers));
        let meter = Meter::start();
        let pushed_back = send_all(world, orders, interval, &waiting, goes_on)?;
        drop(waiting);
        let (count, latencies) = receiver.join().expect("a receiver does not panic")?;
        Ok(Sent { count, pushed_back, spent: meter.stop(), latencies })
    })
}

type Waiting = (Instant, Ticket<Replies>);

fn send_all(
    world: &World,
    orders: &mut Orders,
    interval: Duration,
    waiting: &SyncSender<Waiting>,
    goes_on: impl Fn(u64, Duration) -> bool,
) -> Result<u64, Failure> {
    // Without it a sleep ends about 50 us late; the load is the same, its latency is a little
    // worse.
    let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(TIMER_SLACK_NS));
    let (mut sent, mut pushed_back) = (0, 0);
    let begin = clock::now();
    let mut due = begin;
    while goes_on(sent, due.duration_since(begin)) {
        let request = orders.request(SIZE);
        clock::pause_until(due);
        match world.try_submit(request)? {
            None => pushed_back += 1,
            Some(ticket) => {
                if waiting.send((due, ticket)).is_err() {
                    // The receiver has ended and says why.
                    break;
                }
            }
        }
        sent += 1;
        due += interval;
    }
    Ok(pushed_back)
}

fn receive(answers: &Receiver<Waiting>) -> Result<(u64, Latencies), Failure> {
    let mut latencies = Latencies::new();
    let mut count = 0;
    while let Ok((due, ticket)) = answers.recv() {
        count += settle(ticket)?;
        latencies.record(clock::now().saturating_duration_since(due));
    }
    Ok((count, latencies))
}
