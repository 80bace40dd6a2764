//! Starting other programs: where the workspace is, how cargo is called, how tests are counted.
//!
//! Everything that is built, is built with one profile and one feature set, so that no step
//! rebuilds what another has built.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::report::{self, Outcome, Tests};

/// The cargo profile of every check: see `[profile.ci]` in the workspace's Cargo.toml.
pub(crate) const PROFILE: &str = "ci";

/// The root directory of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = std::env::var("CARGO_MANIFEST_DIR")
        .unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    let mut root = PathBuf::from(here);
    root.pop();
    root
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    root().join(target.unwrap_or_else(|| "target".into()))
}

/// A program to be started in the workspace's root.
pub(crate) fn program(name: &str, args: &[&str]) -> Command {
    let mut command = Command::new(name);
    command.args(args).current_dir(root());
    command
}

/// `cargo SUBCOMMAND --workspace --locked --profile ci ARGS`.
pub(crate) fn cargo_workspace(subcommand: &str, args: &[&str]) -> Command {
    let mut command =
        program("cargo", &[subcommand, "--workspace", "--locked", "--profile", PROFILE]);
    command.args(args);
    command
}

/// Runs to the end; anything but success is an error that names the command.
pub(crate) fn run(command: &mut Command) -> Result<Outcome> {
    println!("$ {}", shown(command));
    let status = command.status().with_context(|| format!("cannot start {}", shown(command)))?;
    if !status.success() {
        bail!("{}: {status}", shown(command));
    }
    Ok(Outcome::default())
}

/// Runs to the end, passes its output through, and adds up the test summaries in it. A failure
/// repeats the lines that say what failed: the rest of the output is long.
pub(crate) fn run_tests(command: &mut Command) -> Result<Outcome> {
    println!("$ {}", shown(command));
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", shown(command)))?;
    let stdout = child.stdout.take().expect("standard output was asked to be a pipe");
    let stderr = child.stderr.take().expect("standard error was asked to be a pipe");
    let mut tests = Tests::default();
    let (mut found, told) = std::thread::scope(|scope| {
        let errors = scope.spawn(|| findings(stderr, |line| eprintln!("{line}")));
        let found = findings(stdout, |line| {
            println!("{line}");
            tests += Tests::from_summary_line(line).unwrap_or_default();
        });
        (found, errors.join().expect("passing lines through does not panic"))
    });
    found.extend(told);
    found.truncate(FINDINGS_MAX);
    let status = child.wait().context("waiting for the tests")?;
    let found: String = found.iter().map(|line| format!("\n    {line}")).collect();
    let failure = (!status.success()).then(|| format!("{}: {status}{found}", shown(command)));
    Ok(Outcome { tests, failure })
}

/// Lines that a failure repeats.
const FINDINGS_MAX: usize = 20;

/// Passes each line on, and gives those that say what failed.
fn findings(output: impl Read, mut pass_on: impl FnMut(&str)) -> Vec<String> {
    let mut found = Vec::new();
    for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        pass_on(&line);
        if report::says_what_failed(&line) && found.len() < FINDINGS_MAX {
            found.push(line.trim().chars().take(200).collect());
        }
    }
    found
}

/// Runs silently and returns the standard output; an error carries the standard error.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start {}", shown(command)))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("{}: {}\n{}", shown(command), output.status, stderr.trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("{}: not UTF-8", shown(command)))
}

/// Runs silently, whatever comes of it; `None` if it took longer and was ended.
pub(crate) fn output_within(command: &mut Command, time_max: Duration) -> Result<Option<Output>> {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.with_context(|| format!("cannot start {}", shown(command)))?;
    let id = child.id().to_string();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || tell.send(child.wait_with_output()));
    match told.recv_timeout(time_max) {
        Ok(output) => Ok(Some(output.context("waiting for a test")?)),
        Err(_) => {
            Command::new("kill").args(["-KILL", &id]).status().context("starting kill")?;
            Ok(None)
        }
    }
}

/// The command as one would type it (without quoting).
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
