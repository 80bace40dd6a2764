//! `cargo xtask fuzz`: each target of fuzz/ under libFuzzer for a while.
//!
//! cargo-fuzz without a sanitizer runs on the stable toolchain: coverage-guided, and several times
//! as many inputs a second as with AddressSanitizer, which has little to find where `unsafe` is
//! denied. `--asan` turns it on and needs a nightly toolchain.

use std::process::Command;

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

/// Builds the targets and runs one after another; the first finding ends it.
pub(crate) fn fuzz(options: &Options) -> Result<Outcome> {
    let mut targets = targets()?;
    if let Some(wanted) = &options.target {
        if !targets.contains(wanted) {
            bail!("there is no fuzz target `{wanted}`; there are: {}", targets.join(", "));
        }
        targets.retain(|target| target == wanted);
    }
    needs::install(&[needs::CXX, needs::CARGO_FUZZ])?;
    write_seeds()?;
    shell::run(cargo_fuzz(options.asan, "build").args(&options.target))?;
    let mut tests = Tests::default();
    for target in targets {
        println!("{target:<12} {} inputs", run(options, &target)?);
        tests.passed += 1;
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
    let package = ["run", "--quiet", "--locked", "--profile", shell::PROFILE];
    let mut command = shell::program("cargo", &package);
    command.args(["--package", "courant-fuzz", "--example", "seeds", "--", CORPUS]);
    shell::run(&mut command)?;
    Ok(())
}

/// How many inputs were tried without a finding.
fn run(options: &Options, target: &str) -> Result<u64> {
    let mut command = cargo_fuzz(options.asan, "run");
    command.args([target, &format!("{CORPUS}/{target}")]);
    command.args(["--", "-verbosity=0", "-print_final_stats=1"]);
    command.args([
        format!("-max_total_time={}", options.seconds),
        format!("-max_len={INPUT_BYTES_MAX}"),
        format!("-timeout={INPUT_SECONDS_MAX}"),
    ]);
    let output = command.output().context("starting cargo fuzz")?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!(
            "target {target}: the input is under fuzz/artifacts/{target}/; once mended, keep it \
             among the seeds in fuzz/src/{target}.rs\n{said}"
        );
    }
    let count = said.lines().find_map(|line| line.strip_prefix(COUNT_PREFIX));
    let count = count.and_then(|count| count.trim().parse().ok());
    count.with_context(|| format!("target {target}: libFuzzer did not say `{COUNT_PREFIX}`"))
}

/// How libFuzzer begins the line that says how many inputs it tried.
const COUNT_PREFIX: &str = "stat::number_of_executed_units:";

fn cargo_fuzz(asan: bool, subcommand: &str) -> Command {
    let mut command = shell::program("cargo", &["fuzz", subcommand, "--features", "libfuzzer"]);
    command.arg("--debug-assertions");
    // Link-time optimisation would cost minutes for each target and make none of them faster.
    command.env("CARGO_PROFILE_RELEASE_LTO", "off");
    command.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    if asan {
        command.env("RUSTUP_TOOLCHAIN", "nightly");
        command.args(["--sanitizer", "address"]);
    } else {
        command.args(["--sanitizer", "none"]);
    }
    command
}
