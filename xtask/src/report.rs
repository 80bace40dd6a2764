//! Steps of a run: what each is called, how long it took, which tests it ran, and the summary.
//!
//! A failed step never hides the steps after it; the run fails as a whole and names every step
//! that failed. The last line of a run is the sum of the tests: `N passed, N failed`.

use std::fmt;
use std::ops::AddAssign;
use std::process::ExitCode;
use std::time::Duration;

use crate::clock;

/// How many tests ran, as their own summary lines said.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tests {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl AddAssign for Tests {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl fmt::Display for Tests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

impl Tests {
    /// Reads the summary line of libtest, of nextest, or of a suite that prints
    /// `N passed, N failed`. Any other line is `None`.
    pub(crate) fn from_summary_line(line: &str) -> Option<Self> {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("test result: ") {
            return Self::from_counts(rest.split_once(". ")?.1, ';');
        }
        if line.starts_with("Summary [") {
            return Self::from_counts(line.split_once("run: ")?.1, ',');
        }
        let (passed, failed) = line.split_once(" passed, ")?;
        let failed = failed.strip_suffix(" failed")?;
        Some(Self { passed: passed.parse().ok()?, failed: failed.parse().ok()? })
    }

    /// Adds up parts such as `12 passed` and `1 failed`; other parts do not count.
    fn from_counts(text: &str, separator: char) -> Option<Self> {
        let mut tests = Self::default();
        for part in text.split(separator) {
            let Some((number, word)) = part.trim().split_once(' ') else { continue };
            match word.split(' ').next() {
                Some("passed") => tests.passed += number.parse::<u64>().ok()?,
                Some("failed" | "timed") => tests.failed += number.parse::<u64>().ok()?,
                _ => {}
            }
        }
        Some(tests)
    }
}

/// True for a line of libtest or cargo that names a test that failed, or a program that died.
pub(crate) fn says_what_failed(line: &str) -> bool {
    (line.starts_with("test ") && line.ends_with("FAILED"))
        || line.contains(" panicked at ")
        || line.contains("(signal: ")
}

/// What a step came to: the tests that ran, and the sentence of its failure if it failed.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) tests: Tests,
    pub(crate) failure: Option<String>,
}

impl From<anyhow::Result<Outcome>> for Outcome {
    fn from(result: anyhow::Result<Outcome>) -> Self {
        result.unwrap_or_else(|error| Outcome {
            tests: Tests::default(),
            failure: Some(format!("{error:#}")),
        })
    }
}

#[derive(Debug)]
struct Step {
    name: String,
    took: Duration,
    outcome: Outcome,
}

/// A run of steps, one after another.
#[derive(Debug, Default)]
pub(crate) struct Run {
    steps: Vec<Step>,
}

impl Run {
    /// Runs one step and prints how it went. A failure is kept for the end; later steps still run.
    pub(crate) fn step(&mut self, name: &str, work: impl FnOnce() -> anyhow::Result<Outcome>) {
        println!("\n=== {name}");
        let (result, took) = clock::timed(work);
        let step = Step { name: name.to_owned(), took, outcome: Outcome::from(result) };
        println!("{}", summary(&step));
        self.steps.push(step);
    }

    /// Prints one line for each step and the closing line of the tests.
    pub(crate) fn finish(self) -> ExitCode {
        let mut total = Tests::default();
        println!("\n=== summary");
        for step in &self.steps {
            total += step.outcome.tests;
            println!("{}", summary(step));
        }
        let failed: Vec<&str> =
            self.steps.iter().filter(|s| s.outcome.failure.is_some()).map(|s| &*s.name).collect();
        if !failed.is_empty() {
            println!("failed: {}", failed.join(", "));
        }
        println!("{total}");
        if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

fn summary(step: &Step) -> String {
    let mark = if step.outcome.failure.is_some() { "FAILED" } else { "ok" };
    let mut line = format!("{mark:<6} {:<12} {:>7.1} s", step.name, step.took.as_secs_f64());
    if step.outcome.tests != Tests::default() {
        line += &format!("  {}", step.outcome.tests);
    }
    if let Some(failure) = &step.outcome.failure {
        line += &format!("  {failure}");
    }
    line
}

#[cfg(test)]
mod tests;
