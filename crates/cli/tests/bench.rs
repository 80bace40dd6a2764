//! `courant bench` as its users run it, with loads so small that only their shape is looked at.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use common::{Ended, courant};
use serde_json::Value;

/// The runs that a measurement wrote, by the arguments that chose them.
fn runs(what: &str, more: &[&str]) -> Vec<Value> {
    let directory = tempfile::tempdir().unwrap();
    let (data, file) = (directory.path().join("data"), directory.path().join("runs.json"));
    let mut command = courant(&["bench", what, "--quick", "--seconds", "0.02"]);
    command.args(more).arg("--data").arg(&data).arg("--json").arg(&file);
    Ended::of(command.output().unwrap()).with_code(0);
    assert_eq!(std::fs::read_dir(&data).unwrap().count(), 0, "everything was removed");
    let runs: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    runs.as_array().unwrap().clone()
}

#[track_caller]
fn find<'a>(runs: &'a [Value], name: &str) -> &'a Value {
    let found = runs.iter().find(|run| run["name"] == name);
    found.unwrap_or_else(|| panic!("no run {name} in {runs:#?}"))
}

#[track_caller]
fn assert_measured(run: &Value) {
    for figure in ["per_second", "p50_us", "p99_us", "p999_us", "max_us", "cpu_us_per_op"] {
        assert!(run[figure].as_f64().unwrap() > 0.0, "{figure} of {run:#}");
    }
    assert!(run["rss_bytes"].as_u64().unwrap() > 0, "{run:#}");
    assert!(run["machine"]["cores"].as_u64().unwrap() > 0, "{run:#}");
    let disk = &run["machine"]["disk"]["disk_4_kib"];
    assert!(disk["mb_per_second"].as_f64().unwrap() > 0.0, "{run:#}");
}

#[test]
fn payments_in_this_process_are_measured() {
    let only = ["one_caller", "tasks_32", "batch_100", "snapshot", "restart"];
    let only: Vec<&str> = only.iter().flat_map(|name| ["--only", name]).collect();
    let runs = runs("engine", &only);
    for name in ["one_caller", "tasks_32", "batch_100", "snapshot_before", "snapshot_during"] {
        assert_measured(find(&runs, name));
    }
    assert!(find(&runs, "restart")["operations"].as_u64().unwrap() >= 20_000);
    assert!(!runs.iter().any(|run| run["name"] == "callers_64"), "it was not asked for");
}

#[test]
fn the_journal_is_measured_beside_the_disk() {
    let runs = runs("journal", &["--only", "journal_4_kib"]);
    let run = find(&runs, "journal_4_kib");
    assert_measured(run);
    assert!(run["share_of_disk"].as_f64().unwrap() > 0.0, "{run:#}");
}

#[test]
fn a_server_is_measured_beside_an_empty_handler() {
    let runs = runs("http", &[]);
    for name in ["empty_1", "http_1", "empty_64", "http_64"] {
        assert_measured(find(&runs, name));
    }
    assert!(find(&runs, "http_64")["share_of_empty"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_time_that_is_no_time_is_refused() {
    let ended = Ended::of(courant(&["bench", "disk", "--seconds", "0"]).output().unwrap());
    assert!(ended.with_code(2).stderr.contains("above 0"));
}
