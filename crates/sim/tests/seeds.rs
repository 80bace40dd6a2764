//! A smaller number of seeds than the suite `sim` runs, and proof that the simulator can fail.

use courant_sim::{Variant, simulate};
use std::panic::catch_unwind;
use std::process::Command;

/// Seeds that every test run simulates; the environment's `SIM_SEEDS` says otherwise.
const SEEDS: &str = "100";

/// Seeds within which each broken variant must be noticed.
const SEEDS_TO_NOTICE: u64 = 40;

#[test]
fn what_was_acknowledged_is_there_once_and_in_order() {
    let seeds = std::env::var("SIM_SEEDS").unwrap_or(SEEDS.into());
    let mut command = Command::new(env!("CARGO_BIN_EXE_courant-sim"));
    let output = command.args(["--marks", "--seeds", &seeds]).output().unwrap();
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
}

#[test]
fn a_seed_gives_the_same_journal_twice() {
    for seed in [3, 14, 15] {
        let twice = [(); 2].map(|()| simulate(seed, Variant::Sound, false).unwrap());
        assert_eq!(twice[0].digest, twice[1].digest, "seed {seed}");
        assert_eq!(twice[0].answers, twice[1].answers, "seed {seed}");
    }
}

/// The first seed that notices it, and what it says; an assertion of the product itself is as good.
fn noticed(variant: Variant) -> Option<(u64, String)> {
    (1..=SEEDS_TO_NOTICE).find_map(|seed| match catch_unwind(|| simulate(seed, variant, false)) {
        Ok(Ok(_)) => None,
        Ok(Err(failure)) => Some((seed, failure.what)),
        Err(_) => Some((seed, "an assertion failed".to_string())),
    })
}

fn must_be_noticed(variant: Variant) {
    let noticed = noticed(variant);
    assert!(noticed.is_some(), "{variant:?} went unnoticed for {SEEDS_TO_NOTICE} seeds");
}

#[test]
fn a_reply_before_the_commit_is_noticed() {
    must_be_noticed(Variant::ReplyBeforeCommit);
}

#[test]
fn a_skipped_sync_is_noticed() {
    must_be_noticed(Variant::SyncSkipped);
}

#[test]
fn ids_forgotten_in_a_restart_are_noticed() {
    must_be_noticed(Variant::IdsForgotten);
}

#[test]
fn open_payments_left_out_of_a_snapshot_are_noticed() {
    must_be_noticed(Variant::OpenPaymentsForgotten);
}

#[test]
fn a_repeat_that_is_paid_again_is_noticed() {
    must_be_noticed(Variant::RepeatPaid);
}

#[test]
fn a_snapshot_ahead_of_the_journal_is_noticed() {
    must_be_noticed(Variant::SnapshotAhead);
}
