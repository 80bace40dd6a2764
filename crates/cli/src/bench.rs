//! `courant bench`: how fast this machine is with Courant, and what its disk alone can do in the
//! same run.
//!
//! Everything runs in directories of its own, which are removed; a data directory is never touched.
//! A figure that is printed belongs to the loads of this page alone: docs/performance.md says what
//! each one means. It measures; it does not judge.

mod disk;
mod engine;
mod http;
mod journal;
mod latency;
mod machine;
mod meter;
mod place;
mod report;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::exit::{Exit, Failure};
use crate::output;
use place::Place;
use report::Report;

#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The disk alone: write and fdatasync
    Disk(Settings),
    /// The journal: batches appended and committed
    Journal(Settings),
    /// Payments in this process, each durable before it is acknowledged
    Engine(EngineArgs),
    /// Single payments to a server, beside an empty handler
    Http(Settings),
    /// Answer POST requests with nothing: what `http` compares with
    #[command(hide = true)]
    EmptyHandler,
    /// Open a data directory, say what that took, and close it: a part of `engine` that needs a
    /// fresh process
    #[command(hide = true)]
    Open(engine::OpenArgs),
}

/// What all measurements have in common.
#[derive(Debug, Clone, Args)]
pub(crate) struct Settings {
    /// Also write the runs to this file, as a JSON array
    #[arg(long, value_name = "FILE", help_heading = output::HEADING)]
    json: Option<PathBuf>,
    /// Small loads, to see that everything works; the figures mean little
    #[arg(long)]
    quick: bool,
    /// How long each load runs [default: 3, with --quick 0.2]
    #[arg(long, value_name = "N", value_parser = seconds)]
    seconds: Option<Duration>,
    /// Measure in a new directory below this one [default: the directory the command is run in]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Only the runs whose name contains this; may be given again
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
}

#[derive(Debug, Args)]
struct EngineArgs {
    #[command(flatten)]
    settings: Settings,
    /// Replay 10 million records instead of 1 million when measuring the restart
    #[arg(long)]
    full: bool,
}

/// How long a load runs unless told otherwise.
const LOAD_TIME: Duration = Duration::from_secs(3);
/// The same with `--quick`.
const LOAD_TIME_QUICK: Duration = Duration::from_millis(200);
/// The longest a load may be asked to run, in seconds.
const LOAD_SECONDS_MAX: f64 = 600.0;

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|error| format!("{error}"))?;
    if seconds > 0.0 && seconds <= LOAD_SECONDS_MAX {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err(format!("it must be above 0 and at most {LOAD_SECONDS_MAX}"))
    }
}

impl Settings {
    fn load_time(&self) -> Duration {
        let default = if self.quick { LOAD_TIME_QUICK } else { LOAD_TIME };
        self.seconds.unwrap_or(default)
    }

    /// The larger number, or the smaller with `--quick`.
    fn size<T>(&self, usual: T, quick: T) -> T {
        if self.quick { quick } else { usual }
    }

    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| name.contains(only.as_str()))
    }
}

pub(crate) fn run(args: &BenchArgs) -> Result<Exit, Failure> {
    match &args.what {
        What::Disk(settings) => measure(settings, |_, _| Ok(())),
        What::Journal(settings) => {
            measure(settings, |place, report| journal::measure(settings, place, report))
        }
        What::Engine(args) => measure(&args.settings, |place, report| {
            engine::measure(&args.settings, args.full, place, report)
        }),
        What::Http(settings) => {
            measure(settings, |place, report| http::measure(settings, place, report))
        }
        What::EmptyHandler => http::empty_handler(),
        What::Open(args) => engine::open(args),
    }
}

/// The disk first, so that every table stands beside what the disk alone can do.
fn measure(
    settings: &Settings,
    work: impl FnOnce(&Place, &mut Report) -> Result<(), Failure>,
) -> Result<Exit, Failure> {
    let place = Place::new(settings.data.as_deref())?;
    let disk = disk::measure(&place, settings)?;
    let machine = machine::Machine::look(place.path(), &disk);
    let mut report = Report::new(machine, settings.clone());
    report.begin()?;
    disk.into_iter().try_for_each(|run| report.add(run))?;
    work(&place, &mut report)?;
    report.end()?;
    Ok(Exit::Success)
}
