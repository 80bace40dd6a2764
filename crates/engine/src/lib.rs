//! The engine: every command is decided into one record, and every record evolves the state.
//!
//! Pure: no clock, no entropy, no I/O, no threads, no floating point. The owner gives it the time,
//! looks up what is on disk, and makes every record durable before anybody sees it.
#![forbid(unsafe_code)]

pub mod command;
mod decide;
mod engine;
mod evolve;
mod ids;
mod key;
mod lsn;
pub mod outcome;
pub mod record;
mod snapshot;
mod state;
mod wire;

pub use command::{Caller, Command};
pub use decide::{AHEAD_MAX, Decision, Facts, Hints};
pub use engine::{Engine, EngineOptions};
pub use evolve::{Applied, Replay};
pub use ids::{Candidates, Frozen, RecentIds, Spare};
pub use key::{KEYS_MAX, Key, SCOPE_ADMIN};
pub use lsn::Lsn;
pub use outcome::Outcome;
pub use record::Record;
pub use snapshot::{Cursor, Section};
pub use state::OpenPayment;
pub use wire::DecodeError;
