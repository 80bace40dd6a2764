//! `cargo xtask fuzz`: each target of fuzz/ under libFuzzer for a while.
//!
//! libFuzzer is linked and run here without cargo-fuzz, which would build every dependency once
//! more for each set of flags: only the crates of the workspace are instrumented
//! (`fuzz/instrument.sh`), and all else is what the other checks have built. Works on the stable
//! toolchain.
//!
//! AddressSanitizer has little to find where `unsafe` is denied, and makes the rest several times
//! slower. `--asan` turns it on, builds everything for itself, and needs a nightly toolchain.

use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result, bail};

use crate::needs;
use crate::report::{Outcome, Tests};
use crate::shell;

/// How long CI spends on each target.
pub(crate) const SECONDS_DEFAULT: u32 = 30;

/// An input that takes longer is a finding.
const INPUT_SECONDS_MAX: u32 = 5;

const INPUT_BYTES_MAX: u32 = 64 * 1024;

/// What to fuzz and for how long.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only this target
    target: Option<String>,
    /// Seconds for each target
    #[arg(long, default_value_t = SECONDS_DEFAULT)]
    seconds: u32,
    /// With AddressSanitizer, on the nightly toolchain
    #[arg(long)]
    asan: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { target: None, seconds: SECONDS_DEFAULT, asan: false }
    }
}

/// Targets that run at the same time: each keeps one core busy.
const AT_ONCE: usize = 2;

/// Builds the targets and runs them, [`AT_ONCE`] at a time; a finding ends it when the others that
/// run have ended.
pub(crate) fn fuzz(options: &Options) -> Result<Outcome> {
    let mut targets = targets()?;
    if let Some(wanted) = &options.target {
        if !targets.contains(wanted) {
            bail!("there is no fuzz target `{wanted}`; there are: {}", targets.join(", "));
        }
        targets.retain(|target| target == wanted);
    }
    needs::install(&[needs::CXX])?;
    write_seeds()?;
    let programs = &build(options, &targets)?;
    let mut tests = Tests::default();
    for together in targets.chunks(AT_ONCE) {
        let inputs: Vec<Result<u64>> = thread::scope(|scope| {
            let start = |target| scope.spawn(move || run(options, programs, target));
            let running: Vec<_> = together.iter().map(|target| start(target)).collect();
            running.into_iter().map(|one| one.join().expect("a run does not panic")).collect()
        });
        for (target, inputs) in together.iter().zip(inputs) {
            println!("{target:<12} {} inputs", inputs?);
            tests.passed += 1;
        }
    }
    Ok(Outcome { tests, failure: None })
}

/// The names of the targets: one file each.
fn targets() -> Result<Vec<String>> {
    let folder = shell::root().join("fuzz/fuzz_targets");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let path = entry.context("listing the fuzz targets")?.path();
        names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

/// Where libFuzzer starts from and keeps what it learns; ignored by git.
const CORPUS: &str = "fuzz/corpus";

fn write_seeds() -> Result<()> {
    shell::run(&mut shell::cargo_workspace("build", &["--example", "seeds"]))?;
    let seeds = shell::target().join(shell::PROFILE).join("examples/seeds");
    shell::run(&mut shell::program(&seeds.to_string_lossy(), &[CORPUS]))?;
    Ok(())
}

/// Builds the targets, instrumented; gives the folder of their programs.
fn build(options: &Options, targets: &[String]) -> Result<PathBuf> {
    let mut command = shell::cargo_workspace("build", &["--features", "courant-fuzz/libfuzzer"]);
    command.args(targets.iter().flat_map(|target| ["--bin", target]));
    command.env("RUSTC_WORKSPACE_WRAPPER", shell::root().join("fuzz/instrument.sh"));
    let mut folder = shell::target();
    if options.asan {
        let host = host()?;
        command.env("RUSTUP_TOOLCHAIN", "nightly").env("RUSTFLAGS", "-Zsanitizer=address");
        // With a target named, build scripts and macros stay as they are.
        command.args(["--target", &host]);
        folder.push(host);
    }
    shell::run(&mut command)?;
    Ok(folder.join(shell::PROFILE))
}

/// The name of the platform this runs on.
fn host() -> Result<String> {
    let said = shell::output(&mut shell::program("rustc", &["-vV"]))?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc -vV does not name the host")
}

/// How many inputs were tried without a finding.
fn run(options: &Options, programs: &Path, target: &str) -> Result<u64> {
    let artifacts = format!("fuzz/artifacts/{target}/");
    let folder = shell::root().join(&artifacts);
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let mut command = shell::program(&programs.join(target).to_string_lossy(), &[]);
    command.arg(format!("{CORPUS}/{target}"));
    command.args(["-verbosity=0", "-print_final_stats=1"]);
    command.args([
        format!("-artifact_prefix={artifacts}"),
        format!("-max_total_time={}", options.seconds),
        format!("-max_len={INPUT_BYTES_MAX}"),
        format!("-timeout={INPUT_SECONDS_MAX}"),
    ]);
    let output = command.output().context("starting a fuzz target")?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!(
            "target {target}: the input is under {artifacts}; once mended, keep it \
             among the seeds in fuzz/src/{target}.rs\n{said}"
        );
    }
    let count = said.lines().find_map(|line| line.strip_prefix(COUNT_PREFIX));
    let count = count.and_then(|count| count.trim().parse().ok());
    count.with_context(|| format!("target {target}: libFuzzer did not say `{COUNT_PREFIX}`"))
}

/// How libFuzzer begins the line that says how many inputs it tried.
const COUNT_PREFIX: &str = "stat::number_of_executed_units:";
