//! `courant serve`: opens a data directory and serves it over HTTP until told to stop.

mod files;
mod retention;
mod running;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use clap::{Args, ValueEnum};
use courant_node::OPEN_PAYMENTS_MAX;
use serde_json::json;
use tracing_subscriber::EnvFilter;

use retention::RetentionArgs;
pub(crate) use running::{Running, Setting};

use crate::client::{ADMIN_KEY_FILE, Client, key_in};
use crate::demo::{self, Meter};
use crate::exit::{Exit, Failure};
use crate::output::{self, Output, note};
use crate::progress;

/// Where data goes unless told otherwise.
const DATA: &str = "courant-data";
/// Where the demo's data goes unless told otherwise.
const DEMO_DATA: &str = "courant-data/demo";

/// Above the options in the help text that say what is kept, and how much.
const KEEPING: &str = "Storage and limits";
const DEMO: &str = "Demo";

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// The data directory, made if it is not there [default: courant-data, with --demo
    /// courant-data/demo]
    #[arg(long, env = "COURANT_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where to listen; port 0 takes a free one
    #[arg(long, env = "COURANT_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Let other machines connect; what they send and get is not encrypted
    #[arg(long)]
    allow_remote: bool,
    /// Size of the journal's files in MiB; one request's payments must fit into half of one
    #[arg(long, env = "COURANT_SEGMENT_MIB", default_value_t = 64, value_name = "MIB")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=16_384), help_heading = KEEPING)]
    segment_mib: u32,
    #[command(flatten, next_help_heading = KEEPING)]
    retention: RetentionArgs,
    /// Payments that may be open at once, about 600 bytes of memory each; one that would stay open
    /// beyond it is refused, and those that are completed at once go on
    #[arg(long, env = "COURANT_OPEN_PAYMENTS_MAX", default_value_t = OPEN_PAYMENTS_MAX)]
    #[arg(value_name = "N", help_heading = KEEPING)]
    open_payments_max: usize,
    /// Open demo accounts and let payments flow
    #[arg(long, help_heading = DEMO)]
    demo: bool,
    /// Payments a second at the demo's busiest hour
    #[arg(long, default_value_t = 1_000, value_name = "N", requires = "demo")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000), help_heading = DEMO)]
    demo_rate: u32,
    /// What is logged to standard error, such as warn or info,courant=debug
    #[arg(long, env = "COURANT_LOG", default_value = "warn", value_name = "FILTER")]
    #[arg(help_heading = output::HEADING)]
    log: String,
    /// How it is logged
    #[arg(long, value_enum, default_value = "text", value_name = "FORMAT")]
    #[arg(help_heading = output::HEADING)]
    log_format: LogFormat,
    /// Print JSON lines instead of text
    #[arg(long, help_heading = output::HEADING)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

pub(crate) fn run(args: &ServeArgs) -> Result<Exit, Failure> {
    start_log(&args.log, args.log_format)?;
    let default = if args.demo { DEMO_DATA } else { DATA };
    let data = args.data.clone().unwrap_or_else(|| default.into());
    let setting = Setting {
        data: data.clone(),
        listen: args.listen,
        allow_remote: args.allow_remote,
        segment_mib: args.segment_mib,
        retention: args.retention.retention()?,
        reader_lag_bytes_max: args.retention.reader_lag_bytes_max(),
        open_payments_max: args.open_payments_max,
        heeds_signals: true,
        recovery: progress::shown_if_long("recovering", args.json),
    };
    let running = Running::start(setting)?;
    let mut out = Output::new(args.json);
    greet(&running, &data, &mut out)?;
    if args.demo {
        let meter = Mutex::new(Meter::new());
        let played = play(&running, args.demo_rate, &meter, &mut out);
        running.ask_to_stop();
        let ended = running.wait();
        played?;
        demo::sum_up(&meter, &ended?, &mut out)?;
        note(format_args!("to check all of it:  courant verify --data {}", data.display()));
        return Ok(Exit::Success);
    }
    running.wait()?;
    Ok(Exit::Success)
}

fn play(
    running: &Running,
    rate: u32,
    meter: &Mutex<Meter>,
    out: &mut Output,
) -> Result<(), Failure> {
    let client = Client::new(&running.url, &running.key()?)?;
    let stop: Arc<AtomicBool> = running.stopping();
    let result = demo::run(&client, rate, &stop, meter, out);
    // While the server stops, requests of the demo fail; that is no failure of the demo.
    if stop.load(Ordering::Relaxed) && running.was_asked_to_stop() { Ok(()) } else { result }
}

/// Says where the server is and how to get in. The key is shown when it is made, and never again.
fn greet(running: &Running, data: &std::path::Path, out: &mut Output) -> Result<(), Failure> {
    let key_file = data.join(ADMIN_KEY_FILE);
    let docs = format!("{}/docs", running.url);
    if out.json {
        return out.json_line(&json!({
            "url": running.url,
            "docs": docs,
            "data": data,
            "admin_key": running.new_key,
            "admin_key_file": key_file,
        }));
    }
    let key = match &running.new_key {
        Some(key) => format!("{key} (shown this once; kept in {})", key_file.display()),
        None if key_in(data).is_ok() => format!("in {}", key_file.display()),
        None => "not in the data directory any more: use a key you have".to_owned(),
    };
    out.pairs(&[
        ("url", Some(running.url.clone())),
        ("API page", Some(docs)),
        ("data", Some(data.display().to_string())),
        ("admin key", Some(key)),
    ])?;
    note(format_args!(
        "in another terminal:  export COURANT_URL={} COURANT_DATA={}",
        running.url,
        data.display()
    ));
    out.flush()
}

fn start_log(filter: &str, format: LogFormat) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        Failure::usage(format!("--log: {error}")).next("write it like warn or info,courant=debug")
    })?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().try_init(),
    };
    started.map_err(|error| Failure::internal(format!("the log cannot be started: {error}")))
}
