//! The tests of the project: those of the workspace, and the suites that need more than libtest.
//!
//! A suite is one entry of [`SUITES`]: add yours there. It first calls [`crate::needs::install`]
//! for the programs it needs, then runs a command. A command says how it went by its exit code; if
//! it prints `N passed, N failed` (or is a libtest binary), those count in the closing line.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::broken;
use crate::fuzz;
use crate::needs::{self, Need};
use crate::report::{Outcome, Run};
use crate::shell::{cargo_workspace, program, run, run_tests, target};

/// A named part of `cargo xtask test`.
#[derive(Debug)]
struct Suite {
    name: &'static str,
    /// What it shows, in one line.
    about: &'static str,
    run: fn() -> Result<Outcome>,
}

const SUITES: &[Suite] = &[
    Suite {
        name: "workspace",
        about: "unit, property and integration tests of every crate",
        run: || workspace(&[]),
    },
    Suite {
        name: "model",
        about: "1,000,000 random commands each for engine and broker, all compared with naive ones",
        run: || program_test("model", &[], ("COURANT_MODEL_COMMANDS", "1000000")),
    },
    Suite {
        name: "kill",
        about: "kill -9 under load, 200 times: nothing acknowledged is lost, nothing is done twice",
        run: || release_test("kill", &[], ("KILL_ROUNDS", "200")),
    },
    Suite {
        name: "syscalls",
        about: "72 system calls that fail, and short ones: the same, and a reason is given",
        run: || release_test("syscalls", &[needs::STRACE], ("SYSCALL_FAULTS", "8")),
    },
    Suite {
        name: "sim",
        about: "1,000 seeds of crashes and disk faults, audited: nothing is lost or done twice",
        run: || program_test("seeds", &[], ("SIM_SEEDS", "1000")),
    },
    Suite {
        name: "broken",
        about: "variants with one thing broken, each caught by the test that it names",
        run: || broken::broken(&broken::Options::default()),
    },
    Suite {
        name: "fuzz",
        about: "every fuzz target under libFuzzer, 30 s each",
        run: || fuzz::fuzz(&fuzz::Options::default()),
    },
];

/// `cargo test` over the workspace; `args` are those of libtest's filter.
pub(crate) fn workspace(args: &[&str]) -> Result<Outcome> {
    needs::install(&[needs::CURL, needs::STRACE])?;
    run_tests(cargo_workspace("test", &["--no-fail-fast"]).args(args))
}

/// One test program of the workspace, more thoroughly than among all others.
fn program_test(name: &str, needs: &[Need], setting: (&str, &str)) -> Result<Outcome> {
    needs::install(needs)?;
    run_tests(one_program(name).env(setting.0, setting.1))
}

/// The same with the binary as it is shipped.
fn release_test(name: &str, needs: &[Need], setting: (&str, &str)) -> Result<Outcome> {
    needs::install(needs)?;
    run(&mut program("cargo", &["build", "--release", "--locked", "--bin", "courant"]))?;
    let binary = target().join("release/courant");
    run_tests(one_program(name).env(setting.0, setting.1).env("COURANT_TEST_BINARY", binary))
}

fn one_program(name: &str) -> Command {
    cargo_workspace("test", &["--test", name, "--", "--nocapture"])
}

/// Every suite, one step each.
pub(crate) fn all(run: &mut Run) {
    for suite in SUITES {
        run.step(suite.name, suite.run);
    }
}

/// One suite by name. An unknown name lists the suites.
pub(crate) fn one(mut run: Run, name: &str) -> ExitCode {
    if let Some(suite) = SUITES.iter().find(|suite| suite.name == name) {
        run.step(suite.name, suite.run);
        return run.finish();
    }
    if name != "list" {
        eprintln!("there is no suite `{name}`");
    }
    for suite in SUITES {
        eprintln!("{:<12} {}", suite.name, suite.about);
    }
    if name == "list" { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
