//! Deliberately broken variants: each a patch that breaks one thing, caught by a named test.
//!
//! They stand in `crates/*/tests/broken/*.patch`, a sentence and the test's name before the diff.
//! Each is applied to a copy of the tree, alone; the test must pass without it and fail with it.
//! The copy has a target directory of its own and stays, so that only what a patch touches is built
//! again. What no longer applies or builds is a failure with the file's name, never left out.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::report::{Outcome, Tests};
use crate::shell;

mod copy;
mod variant;

use copy::Copy;
use variant::Variant;

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
    let copy = Copy::make(&shell::root(), &shell::target().join("broken"))?;
    let mut findings = sound(&copy, &variants)?;
    let mut tests = Tests::default();
    for variant in &variants {
        match caught(&copy, variant) {
            Ok(()) => {
                println!("caught  {:<48} by {}", variant.name(), variant.test);
                tests.passed += 1;
            }
            Err(error) => findings.push(format!("{}: {error:#}", variant.path)),
        }
    }
    findings.iter().for_each(|finding| println!("FAILED  {finding}"));
    tests.failed = findings.len() as u64;
    let failure = (!findings.is_empty()).then(|| format!("{} findings", findings.len()));
    Ok(Outcome { tests, failure })
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
