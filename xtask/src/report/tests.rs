//! The closing line is only as true as the reading of other programs' summary lines.

use super::{Outcome, Run, Tests, says_what_failed};
use std::process::ExitCode;

#[test]
fn summary_lines_are_read() {
    let table = [
        ("test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 1 filtered out", (3, 0)),
        ("test result: FAILED. 2 passed; 11 failed; 0 ignored; finished in 0.00s", (2, 11)),
        ("     Summary [   1.234s] 12 tests run: 11 passed (1 slow), 1 failed, 3 skipped", (11, 1)),
        ("     Summary [   9.1s] 3 tests run: 1 passed, 1 failed, 1 timed out, 0 skipped", (1, 2)),
        ("200 passed, 0 failed", (200, 0)),
    ];
    for (line, (passed, failed)) in table {
        assert_eq!(Tests::from_summary_line(line), Some(Tests { passed, failed }), "{line}");
    }
}

#[test]
fn other_lines_are_not_summaries() {
    for line in ["", "test a::b ... ok", "running 3 tests", "x passed, y failed", "3 passed"] {
        assert_eq!(Tests::from_summary_line(line), None, "{line}");
    }
}

#[test]
fn lines_that_say_what_failed_are_known() {
    for (line, is_one) in [
        ("test faults::a_full_disk ... FAILED", true),
        ("thread 'courant-ids' (1054) panicked at crates/node/src/ids/index.rs:111:9:", true),
        (
            "  process didn't exit successfully: `x` (signal: 6, SIGABRT: process abort signal)",
            true,
        ),
        ("test faults::a_full_disk ... ok", false),
        ("test result: FAILED. 2 passed; 11 failed; 0 ignored; finished in 0.00s", false),
    ] {
        assert_eq!(says_what_failed(line), is_one, "{line}");
    }
}

#[test]
fn a_failed_step_fails_the_run_and_later_steps_still_run() {
    let mut run = Run::default();
    let mut later = false;
    run.step("first", || anyhow::bail!("no"));
    run.step("second", || {
        later = true;
        Ok(Outcome::default())
    });
    assert!(later);
    assert_eq!(format!("{:?}", run.finish()), format!("{:?}", ExitCode::FAILURE));
}
