//! Deliberately broken variants: each a patch that breaks one thing, caught by a named test.
//!
//! They stand in `crates/*/tests/broken/*.patch`, a sentence and the test's name before the diff.
//! Each is applied to a copy of the tree, alone; the test must pass without it and fail with it.
//! There are two copies, each with a target directory of its own, and they stay, so that only what
//! a patch touches is built again. What no longer applies or builds is a failure with the file's
//! name, never left out.

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::report::{Outcome, Tests};
use crate::shell;

mod copy;
mod variant;

use copy::Copy;
use variant::Variant;

/// So many copies of the tree at a time.
const LANES: usize = 2;

/// A test that runs longer is stopped and has noticed nothing.
const TEST_TIME_MAX: Duration = Duration::from_secs(180);

/// How often a test is run: a random one may miss by chance.
const TRIES_MAX: usize = 3;

/// Which variants.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Options {
    /// Only those whose file name contains this
    filter: Option<String>,
}

/// Tries every variant that the options ask for.
pub(crate) fn broken(options: &Options) -> Result<Outcome> {
    let mut variants = variant::all(&shell::root())?;
    if let Some(filter) = &options.filter {
        variants.retain(|variant| variant.name().contains(filter.as_str()));
    }
    if variants.is_empty() {
        bail!("there is no such variant: look into crates/*/tests/broken/");
    }
    let mut packages: Vec<&[Variant]> = variants.chunk_by(|a, b| a.package == b.package).collect();
    // The next one is taken from the end.
    packages.sort_by_key(|of_one| of_one.len());
    let packages = &Mutex::new(packages);
    let lanes: Vec<Result<Lane>> = thread::scope(|scope| {
        let start = |nth| scope.spawn(move || lane(nth, packages));
        let running: Vec<_> = (0..LANES).map(start).collect();
        running.into_iter().map(|lane| lane.join().expect("a lane does not panic")).collect()
    });
    let mut all = Lane::default();
    for lane in lanes {
        let lane = lane?;
        all.caught += lane.caught;
        all.findings.extend(lane.findings);
    }
    all.findings.iter().for_each(|finding| println!("FAILED  {finding}"));
    let failed = all.findings.len() as u64;
    let failure = (failed > 0).then(|| format!("{failed} findings"));
    Ok(Outcome { tests: Tests { passed: all.caught, failed }, failure })
}

/// What one copy of the tree showed.
#[derive(Debug, Default)]
struct Lane {
    caught: u64,
    findings: Vec<String>,
}

/// Tries package after package, as long as there are some, in a copy of its own.
fn lane(nth: usize, packages: &Mutex<Vec<&[Variant]>>) -> Result<Lane> {
    let copy = Copy::make(&shell::root(), &shell::target().join(format!("broken/{nth}")))?;
    let mut lane = Lane::default();
    loop {
        let next = packages.lock().expect("a lane does not panic").pop();
        let Some(variants) = next else { return Ok(lane) };
        lane.findings.extend(sound(&copy, variants)?);
        for variant in variants {
            match caught(&copy, variant) {
                Ok(()) => {
                    println!("caught  {:<48} by {}", variant.name(), variant.test);
                    lane.caught += 1;
                }
                Err(error) => lane.findings.push(format!("{}: {error:#}", variant.path)),
            }
        }
    }
}

/// Every named test passes in the tree as it is; what does not is returned.
fn sound(copy: &Copy, variants: &[Variant]) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    let mut named: Vec<_> = variants.iter().map(|v| (&v.package, &v.target, &v.test)).collect();
    named.sort();
    named.dedup();
    for (package, target, test) in named {
        let program = copy.build(package, target)?;
        match run(&program, copy, package, test)? {
            Ended::Passed => {}
            other => findings.push(format!("{test} of {package} must pass unbroken: {other:?}")),
        }
    }
    Ok(findings)
}

/// The variant is caught, or an error says why it is not.
fn caught(copy: &Copy, variant: &Variant) -> Result<()> {
    let patch = shell::root().join(&variant.path);
    copy.apply(&patch, &[]).context("the patch no longer applies: renew it")?;
    let ended = copy
        .build(&variant.package, &variant.target)
        .context("it no longer builds: renew it")
        .and_then(|program| tried(|| run(&program, copy, &variant.package, &variant.test)));
    copy.apply(&patch, &["--reverse"]).context("the patch cannot be taken back")?;
    match ended? {
        Ended::Failed => Ok(()),
        Ended::Passed => bail!("{} passes although {}", variant.test, variant.what),
        Ended::NotThere => bail!("{} has no test {}", variant.package, variant.test),
        Ended::TooLong => bail!("{} ran longer than {TEST_TIME_MAX:?}", variant.test),
    }
}

/// How a test ends that is run until it notices something, or was run often enough.
fn tried(mut once: impl FnMut() -> Result<Ended>) -> Result<Ended> {
    for _ in 1..TRIES_MAX {
        let ended = once()?;
        if ended != Ended::Passed {
            return Ok(ended);
        }
    }
    once()
}

/// How one test ended.
#[derive(Debug, PartialEq, Eq)]
enum Ended {
    Passed,
    Failed,
    NotThere,
    TooLong,
}

/// Runs one test of a test program, where cargo would run it.
fn run(program: &Path, copy: &Copy, package: &str, test: &str) -> Result<Ended> {
    let mut command = Command::new(program);
    command.args(["--exact", test]).current_dir(copy.package(package));
    let Some(output) = shell::output_within(&mut command, TEST_TIME_MAX)? else {
        return Ok(Ended::TooLong);
    };
    let said = String::from_utf8_lossy(&output.stdout);
    Ok(match (said.contains("running 1 test"), output.status.success()) {
        (false, _) => Ended::NotThere,
        (true, true) => Ended::Passed,
        (true, false) => Ended::Failed,
    })
}
