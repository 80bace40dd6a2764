//! The settings of the server, each with its default, its unit and what happens when it is reached.

use std::path::PathBuf;
use std::time::Duration;

/// The most entries that any list gives at once.
pub const PAGE_MAX: usize = 1_000;
/// Entries that a list gives if nothing else is asked for.
pub const PAGE_DEFAULT: usize = 100;
/// The most payments in one batch.
pub const BATCH_PAYMENTS_MAX: usize = 10_000;
/// How deep the JSON of a body may be nested. Every object of the API is far flatter.
pub const JSON_DEPTH_MAX: usize = 16;
/// The most headers of a request; more are answered with 431.
pub const HEADERS_MAX: usize = 64;

/// How the server is set up. [`Config::new`] gives the defaults; change what should differ.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// The data directory, where the secret of the API keys is.
    pub dir: PathBuf,
    /// Whether it may listen on an address that other machines reach. Off: such a listener is
    /// refused.
    pub allow_remote: bool,
    /// Bytes of a body, but for batches. 1 MiB; more is answered with 413.
    pub body_bytes_max: usize,
    /// Bytes of the body of a batch. 8 MiB; more is answered with 413.
    pub batch_bytes_max: usize,
    /// Bytes of a request's line and headers together. 16 KiB, at least 8 KiB; more is answered
    /// with 431.
    pub header_bytes_max: usize,
    /// Connections at once. 1,024; more wait in the operating system's queue.
    pub connections_max: usize,
    /// Event streams at once, each of which is a connection. 128; more are answered with 503.
    pub streams_max: usize,
    /// How long the body of a request may take. 10 s; slower ones are answered with 408.
    pub body_timeout: Duration,
    /// How long a connection may be without a whole request head, before the first request and
    /// between two. 60 s; then it is closed.
    pub idle_timeout: Duration,
    /// How long a client may take nothing of what is sent to it, or not say that it got it. 60 s;
    /// then it is cut off: it holds a connection, and perhaps a place for a stream.
    pub write_timeout: Duration,
    /// How often an idle event stream carries a comment. 15 s.
    pub heartbeat_interval: Duration,
    /// How long requests under way may take once the shutdown has begun. 30 s; then they are cut
    /// off.
    pub drain_timeout: Duration,
}

impl Config {
    /// The defaults for a data directory.
    pub fn new(dir: impl Into<PathBuf>) -> Config {
        Config {
            dir: dir.into(),
            allow_remote: false,
            body_bytes_max: 1024 * 1024,
            batch_bytes_max: 8 * 1024 * 1024,
            header_bytes_max: 16 * 1024,
            connections_max: 1_024,
            streams_max: 128,
            body_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(60),
            heartbeat_interval: Duration::from_secs(15),
            drain_timeout: Duration::from_secs(30),
        }
    }
}
