//! `kill -9` at random times under load: every acknowledged payment is there, and every payment at
//! most once.
//!
//! `KILL_ROUNDS` says how often (3 unless set), `KILL_SEED` repeats a run. Each round recovers what
//! the one before left, in one data directory; after some rounds a new one is taken, because every
//! round looks for everything that was ever acknowledged in its directory.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may fail, and say more")]

mod common;
#[path = "common/load.rs"]
mod load;

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::{Server, run};
use load::{Answer, Sent, agent};

const ROUNDS_DEFAULT: u64 = 3;
const ROUNDS_IN_A_DIRECTORY: u64 = 20;
/// A round mostly waits: for the moment of the kill, and for the disk.
const DIRECTORIES_AT_ONCE: usize = 2;
/// When the server is killed after it began to serve, in milliseconds.
const KILL_AFTER_MS: Range<u64> = 5..500;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a whole number"))
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_done_twice() {
    let rounds = setting("KILL_ROUNDS", ROUNDS_DEFAULT);
    let seed = setting("KILL_SEED", fastrand::u64(..));
    println!("KILL_SEED={seed} KILL_ROUNDS={rounds}");
    let firsts: Vec<u64> =
        (0..rounds).step_by(usize::try_from(ROUNDS_IN_A_DIRECTORY).unwrap()).collect();
    for together in firsts.chunks(DIRECTORIES_AT_ONCE) {
        std::thread::scope(|scope| {
            for first in together {
                let rounds = *first..rounds.min(first + ROUNDS_IN_A_DIRECTORY);
                let mut rng = fastrand::Rng::with_seed(seed.wrapping_add(*first));
                scope.spawn(move || one_directory(rounds, &mut rng));
            }
        });
    }
}

/// Rounds in a directory of their own; at the end every payment is counted.
fn one_directory(rounds: Range<u64>, rng: &mut fastrand::Rng) {
    let dir = tempfile::tempdir().unwrap();
    let (data, acknowledged) = (dir.path().join("data"), dir.path().join("acknowledged"));
    let server = Server::start(&data);
    server.json(&["account", "open", "alice", "--currency", "EUR", "--floor", "none"]);
    server.json(&["account", "open", "bob", "--currency", "EUR"]);
    assert_eq!(server.stop(), Some(0));
    let key = std::fs::read_to_string(data.join("admin.key")).unwrap().trim().to_owned();
    let sent = Sent::new(&acknowledged);
    for round in rounds {
        let server = Server::start(&data);
        let (url, stop) = (server.url.clone(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| sent.pay_until(&stop, (&url, &key), &format!("r{round}")));
            // tidy: allow(sleep): a kill at a random time is what is tested
            std::thread::sleep(Duration::from_millis(rng.u64(KILL_AFTER_MS)));
            server.kill();
            stop.store(true, Ordering::Relaxed);
        });
        let ids = acknowledged.to_str().unwrap();
        let args = ["verify", "--data", data.to_str().unwrap(), "--acknowledged", ids, "--json"];
        let found = run(&args).with_code(0).json();
        assert_eq!(found["acknowledged_wrong"], 0, "round {round}: {found}");
    }
    settle_and_compare(&data, &key, &sent);
}

/// Sends again what was never answered; then bob has one cent for every id.
fn settle_and_compare(data: &std::path::Path, key: &str, sent: &Sent) {
    let server = Server::start(data);
    let in_doubt = std::mem::take(&mut sent.counts.lock().unwrap().in_doubt);
    let doubts = in_doubt.len();
    let agent = agent();
    for id in in_doubt {
        assert_eq!(sent.pay(&agent, &server.url, key, id), Answer::Acknowledged);
    }
    let counts = sent.counts.lock().unwrap();
    let cents = counts.acknowledged;
    println!("{cents} payments, {doubts} of them were in doubt at a kill");
    assert!(cents > 0 && counts.refused == 0, "{counts:?}");
    let bob = server.json(&["account", "show", "bob"]);
    assert_eq!(bob["balance"], format!("{}.{:02}", cents / 100, cents % 100));
    assert_eq!(server.json(&["trial-balance"])["balanced"], true);
}
