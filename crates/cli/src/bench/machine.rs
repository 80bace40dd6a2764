//! The machine that was measured, in facts that make figures comparable.

use std::fmt;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::report::Run;

/// What the figures depend on.
#[derive(Debug)]
pub(super) struct Machine {
    cores: usize,
    cpu_model: String,
    kernel: String,
    file_system: String,
    disk: Value,
}

impl Machine {
    /// Looks at the machine and at the file system of a directory; `disk` was measured there.
    pub(super) fn look(directory: &Path, disk: &[Run]) -> Machine {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        let disk = disk.iter().map(|run| (run.name.clone(), disk_figures(run)));
        Machine {
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            cpu_model: cpu_model(&read("/proc/cpuinfo")),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            file_system: file_system(&read("/proc/self/mountinfo"), directory),
            disk: Value::Object(disk.collect::<Map<_, _>>()),
        }
    }

    /// Whether what is written is still there after the power was off.
    pub(super) fn keeps_data(&self) -> bool {
        !["tmpfs", "ramfs"].contains(&self.file_system.as_str())
    }

    pub(super) fn json(&self) -> Value {
        let Machine { cores, cpu_model, kernel, file_system, disk } = self;
        json!({
            "cores": cores,
            "cpu_model": cpu_model,
            "kernel": kernel,
            "file_system": file_system,
            "disk": disk,
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine { cores, cpu_model, kernel, file_system, .. } = self;
        write!(f, "{cores} cores of {cpu_model}, Linux {kernel}, {file_system}")
    }
}

fn disk_figures(run: &Run) -> Value {
    let mut figures = json!({
        "per_second": run.per_second(),
        "p50_us": run.us_at(0.5),
        "p99_us": run.us_at(0.99),
    });
    for (name, value) in &run.figures {
        figures[*name] = json!(value);
    }
    figures
}

fn cpu_model(cpuinfo: &str) -> String {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"));
    let model = line.and_then(|line| line.split_once(':')).map(|(_, model)| model.trim());
    model.unwrap_or("an unknown processor").to_owned()
}

/// The type of the file system whose mount point is the longest that the directory lies below.
fn file_system(mountinfo: &str, directory: &Path) -> String {
    let mounts = mountinfo.lines().filter_map(|line| {
        let (mount, source) = line.split_once(" - ")?;
        Some((mount.split(' ').nth(4)?, source.split(' ').next()?))
    });
    let around = mounts.filter(|(mount_point, _)| directory.starts_with(mount_point));
    let nearest = around.max_by_key(|(mount_point, _)| mount_point.len());
    nearest.map_or("an unknown file system", |(_, kind)| kind).to_owned()
}

#[cfg(test)]
mod tests;
