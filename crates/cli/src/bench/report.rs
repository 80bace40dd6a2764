//! What was measured, as a table that grows while the runs go on, and as a JSON array.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Settings;
use super::latency::Latencies;
use super::machine::Machine;
use super::meter::{Spent, resident_bytes};
use crate::exit::Failure;
use crate::output::{Column, Output, note};

/// When the next operation begins.
#[derive(Debug, Clone, Copy)]
pub(super) enum Loop {
    /// When one before is answered: latency says what a caller waits, not what a stall costs those
    /// behind it.
    Closed,
    /// At its time, whatever the ones before do. Latency counts from then, so a stall counts for
    /// all it delays.
    Open { intended_per_second: f64 },
    /// Nothing waits: one thread works through a list.
    None,
}

/// One load and what came of it.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) name: String,
    /// The load in words.
    pub(super) load: String,
    pub(super) pace: Loop,
    /// Operations: transfers, records, or syncs.
    pub(super) count: u64,
    pub(super) spent: Spent,
    /// Of requests, each of one or more operations.
    pub(super) latencies: Latencies,
    pub(super) rss_bytes: u64,
    /// Other figures, by names with units.
    pub(super) figures: Vec<(&'static str, f64)>,
}

impl Run {
    pub(super) fn new(name: impl Into<String>, load: impl Into<String>, pace: Loop) -> Run {
        Run {
            name: name.into(),
            load: load.into(),
            pace,
            count: 0,
            spent: Spent::default(),
            latencies: Latencies::new(),
            rss_bytes: resident_bytes(),
            figures: Vec::new(),
        }
    }

    /// The same run with one figure more.
    pub(super) fn with(mut self, name: &'static str, value: f64) -> Run {
        self.figures.push((name, value));
        self
    }

    pub(super) fn per_second(&self) -> f64 {
        per_second(self.count, self.spent.wall)
    }

    fn cpu_us_per_op(&self) -> f64 {
        self.spent.cpu.as_secs_f64() * 1e6 / self.count.max(1) as f64
    }

    /// A latency in microseconds; nothing if none was taken.
    pub(super) fn us_at(&self, share: f64) -> Option<f64> {
        (self.latencies.count() > 0).then(|| self.latencies.us_at(share))
    }

    /// All of the run as JSON, without the machine.
    pub(super) fn json(&self) -> Map<String, Value> {
        let max_us = (self.latencies.count() > 0).then(|| self.latencies.max_us());
        let (pace, intended) = match self.pace {
            Loop::Closed => ("closed", None),
            Loop::Open { intended_per_second } => ("open", Some(intended_per_second)),
            Loop::None => ("none", None),
        };
        let run = json!({
            "name": self.name,
            "load": self.load,
            "loop": pace,
            "intended_per_second": intended,
            "operations": self.count,
            "requests": self.latencies.count(),
            "seconds": self.spent.wall.as_secs_f64(),
            "per_second": self.per_second(),
            "p50_us": self.us_at(0.5),
            "p99_us": self.us_at(0.99),
            "p999_us": self.us_at(0.999),
            "max_us": max_us,
            "cpu_us_per_op": self.cpu_us_per_op(),
            "rss_bytes": self.rss_bytes,
        });
        let Value::Object(mut run) = run else { unreachable!("it is written as an object") };
        run.extend(self.figures.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
        run
    }

    fn row(&self) -> Vec<String> {
        let us = |value: Option<f64>| value.map_or("-".to_owned(), short);
        let figure = |(name, value): &(&str, f64)| format!("{name} {}", short(*value));
        let latency = |share| us(self.us_at(share));
        vec![
            self.name.clone(),
            whole(self.per_second()),
            latency(0.5),
            latency(0.99),
            latency(0.999),
            us((self.latencies.count() > 0).then(|| self.latencies.max_us())),
            short(self.cpu_us_per_op()),
            format!("{:.0}", self.rss_bytes as f64 / 1e6),
            self.load.clone(),
            self.figures.iter().map(figure).collect::<Vec<_>>().join(", "),
        ]
    }
}

pub(super) fn per_second(count: u64, wall: Duration) -> f64 {
    if wall.is_zero() { 0.0 } else { count as f64 / wall.as_secs_f64() }
}

const COLUMNS: [Column; 10] = [
    Column::Text("run"),
    Column::Number("per second"),
    Column::Number("p50 us"),
    Column::Number("p99 us"),
    Column::Number("p99.9 us"),
    Column::Number("max us"),
    Column::Number("CPU us/op"),
    Column::Number("RSS MB"),
    Column::Text("load"),
    Column::Text("more"),
];

/// Collects runs; says on standard error what it is at.
#[derive(Debug)]
pub(super) struct Report {
    machine: Machine,
    settings: Settings,
    runs: Vec<Run>,
}

impl Report {
    pub(super) fn new(machine: Machine, settings: Settings) -> Report {
        Report { machine, settings, runs: Vec::new() }
    }

    pub(super) fn begin(&self) -> Result<(), Failure> {
        note(&self.machine);
        if !self.machine.keeps_data() {
            note(
                "this file system keeps nothing, so its syncs cost nothing and the figures mean \
                 little; try --data",
            );
        }
        Ok(())
    }

    pub(super) fn add(&mut self, run: Run) -> Result<(), Failure> {
        note(format_args!("  {:<24} {:>12}/s", run.name, whole(run.per_second())));
        self.runs.push(run);
        Ok(())
    }

    /// The run with this name, if it was made.
    pub(super) fn find(&self, name: &str) -> Option<&Run> {
        self.runs.iter().find(|run| run.name == name)
    }

    /// Prints the table and writes the file.
    pub(super) fn end(&self) -> Result<(), Failure> {
        let mut out = Output::new(false);
        out.table(&COLUMNS, self.runs.iter().map(Run::row), "no run has such a name")?;
        out.flush()?;
        match &self.settings.json {
            None => Ok(()),
            Some(path) => {
                let text = format!("{:#}\n", self.json());
                std::fs::write(path, text).map_err(|error| Failure::file(path, "write", &error))
            }
        }
    }

    fn json(&self) -> Value {
        let machine = self.machine.json();
        let runs = self.runs.iter().map(|run| {
            let mut run = run.json();
            run.insert("machine".to_owned(), machine.clone());
            Value::Object(run)
        });
        Value::Array(runs.collect())
    }
}

/// A number with three digits or more.
fn short(value: f64) -> String {
    match value.abs() {
        0.0..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => whole(value),
    }
}

/// A whole number with its thousands apart.
pub(super) fn whole(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::from(if value < 0.0 { "-" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests;
