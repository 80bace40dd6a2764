//! `courant bench engine` for the loads that the other program gets.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::cluster::Directory;
use super::{Figures, LOADS};
use crate::shell;

/// Runs the loads and gives what `--json` wrote.
pub(super) fn measure(seconds: u32, data: &Path) -> Result<Value> {
    let mut build = shell::program("cargo", &["build", "--release", "--locked", "--package"]);
    shell::run(build.arg("courant-cli"))?;
    let directory = Directory::new(data, "courant")?;
    let file = directory.path().join("runs.json");
    let seconds = seconds.to_string();
    let mut bench = shell::program("cargo", &["run", "--release", "--locked", "--quiet"]);
    bench.args(["--package", "courant-cli", "--", "bench", "engine", "--seconds", &seconds]);
    bench.arg("--data").arg(directory.path()).arg("--json").arg(&file);
    LOADS.iter().for_each(|(_, run)| {
        bench.args(["--only", run]);
    });
    shell::run(&mut bench)?;
    let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    serde_json::from_str(&text).context("what `courant bench --json` wrote")
}

/// The figures of the run with this name.
pub(super) fn find(runs: &Value, name: &str) -> Result<Figures> {
    let run = runs.as_array().into_iter().flatten().find(|run| run["name"] == name);
    let run = run.with_context(|| format!("`courant bench engine` made no run {name}"))?;
    let figure = |field: &str| {
        run[field].as_f64().with_context(|| format!("the run {name} has no number {field}"))
    };
    Ok(Figures {
        transfers_per_second: figure("per_second")?,
        p50_us: figure("p50_us")?,
        p99_us: figure("p99_us")?,
    })
}
