//! A durable, append-only journal of byte records on one machine.
//!
//! Records are appended in batches; a batch is written and synced once, whole or not at all. Each
//! record is found again by its [`Lsn`], which is its byte position. The journal stores bytes and
//! knows nothing of what they mean. It has no threads of its own: [`Journal::split`] gives one
//! object for each, and the caller decides where they run.
//!
//! ```text
//!  Appender ──begin, push, finish──▶ SealedBatch ──▶ Writer::commit ──▶ durable
//!     ▲ prepared segments                                   │ newest batches, in memory
//!  Preparer: reserves room ahead                            ▼
//!                                                        Reader: read, scan, wait
//! ```
//!
//! What it promises: after [`Writer::commit`] returned, the batch survives a crash; after a crash
//! at any instant, [`Journal::open`] finds exactly the committed batches and at most one more that
//! was under way; bytes that the disk altered are never returned, they are an error. What it never
//! does: retry a sync, drop a record silently, read a clock.
//!
//! Limits: [`mod@format`] names them. Format and recovery are described in `docs/internals/`.

mod appender;
pub mod backup;
mod batch;
mod buffer;
mod chain;
mod copy;
mod error;
pub mod format;
mod frames;
pub mod fuzz;
mod journal;
mod lsn;
mod marks;
mod note;
mod options;
mod pool;
mod prepare;
mod progress;
mod reader;
mod recover;
pub mod repair;
mod retire;
mod scan;
mod segments;
mod shared;
pub mod storage;
mod tail;
pub mod verify;
mod writer;

pub use appender::{Appender, BeginError};
pub use batch::{Batch, PushError, RecordBuf, SealedBatch};
pub use buffer::AlignedBuf;
pub use chain::{Chain, ChainError, ChainHead, ParseHeadError};
pub use error::{CommitError, Corrupt, CorruptKind, OpenError, ReadError};
pub use journal::Journal;
pub use lsn::Lsn;
pub use options::{Options, OptionsError};
pub use pool::Full;
pub use prepare::{Preparation, PrepareError, Preparer};
pub use progress::Progress;
pub use reader::{Entry, Payload, Reader, Record};
pub use recover::{Recovery, TornTail};
pub use retire::{RetireError, Retired, Retirer};
pub use scan::Scan;
pub use storage::{DirectIo, MemStorage, OsStorage, Storage};
pub use writer::{Durable, Writer};
