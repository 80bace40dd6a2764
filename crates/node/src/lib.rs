//! A node: an engine on a journal, with the threads that run it. This is what a Rust program
//! embeds.
//!
//! ```text
//!  callers ──submit──▶ inbox ──▶ engine thread ──batch──▶ journal thread ──▶ durable ──▶ replies
//!     │                            ▲     │ ids, snapshots                        │
//!     └── index on disk says maybe ┘     └──▶ background thread           readers, followers
//!          (look-up thread)
//! ```
//! Standard library only: no tokio. Tickets can be waited for on a thread and awaited in a task.

mod backup;
mod blocks;
mod clock;
mod committer;
mod core;
mod cursors;
mod error;
mod examine;
mod formats;
mod history;
mod ids;
mod inbox;
mod incarnation;
mod kept;
mod lookup;
mod messages;
mod node;
mod options;
mod pending;
mod prepared;
mod read;
mod recover;
mod request;
mod retention;
mod retire;
mod runner;
mod snapshots;
mod stats;
mod store;
mod threads;
mod ticket;

/// The single-threaded parts, for whoever drives them without threads: the simulator, and offline
/// commands.
pub mod parts {
    pub use crate::backup::{Source as BackupSource, backup, restore};
    pub use crate::formats::check_formats;
    pub use crate::history::History;
    pub use crate::ids::index::{IdIndex, RunSet, inspect as inspect_ids};
    pub use crate::kept::Kept;
    pub use crate::lookup::{Archive, Found, in_memory, may_hold};
    pub use crate::recover::{Opened, open, read_secret};
    pub use crate::request::Asked;
    pub use crate::retention::RetiredLog;
    pub use crate::retire::{Failed as NotRetired, Needs, Retirer, Site as RetireSite};
    pub use crate::snapshots::{
        Extent, SnapshotWriter, check as check_snapshot, list as list_snapshots,
        load as load_snapshot, prune as prune_snapshots,
    };
    pub use crate::store::{Ahead, Step, Store, unavailable};
}

pub use clock::{CLOCK_STEP_MAX, WallClock};
pub use courant_engine as engine;
pub use courant_journal as journal;
pub use courant_ledger as ledger;
pub use cursors::Cursor;
pub use error::{CallError, IndexError, Lacks, OpenError, SubmitError};
pub use formats::NewerFormat;
pub use incarnation::{Incarnation, Incarnations};
pub use lookup::LookupError;
pub use node::{ACCOUNTS_PAGE_MAX, Node};
pub use options::{
    FROZEN_MAX, INBOX_BYTES_MAX, NodeOptions, OPEN_PAYMENTS_MAX, READER_LAG_BYTES_MAX,
};
pub use pending::Replies;
pub use read::{AccountRead, PaymentRead, TrialBalance, order_in, origin_of, payment_in};
pub use recover::OpenReport;
pub use request::{REQUEST_BYTES_MAX, REQUEST_COMMANDS_MAX, Reply, Request, Unavailable};
pub use retention::{Keep, Need, Place, Retention, Retired, Retirement};
pub use stats::{COMMIT_BUCKETS, Stats};
pub use ticket::{Stopped, Ticket};
