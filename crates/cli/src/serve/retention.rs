//! What becomes of the oldest files of the journal, as it is said on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use courant_node::{Keep, READER_LAG_BYTES_MAX, Retention};

use crate::exit::Failure;

const READER_LAG_GIB: u32 = (READER_LAG_BYTES_MAX >> 30) as u32;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Without any of these, everything is kept.
#[derive(Debug, Args)]
pub(super) struct RetentionArgs {
    /// Move the oldest files of the journal to this directory; needs --keep-days or --keep-gib
    #[arg(long, env = "COURANT_ARCHIVE", value_name = "DIR", conflicts_with = "drop_old")]
    archive: Option<PathBuf>,
    /// Remove the oldest files of the journal; needs --keep-days or --keep-gib
    #[arg(long)]
    drop_old: bool,
    /// Records of this many days stay in the journal, at least
    #[arg(long, env = "COURANT_KEEP_DAYS", value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=36_525))]
    keep_days: Option<u32>,
    /// The newest records of this many GiB stay in the journal, at least
    #[arg(long, env = "COURANT_KEEP_GIB", value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    keep_gib: Option<u32>,
    /// A reader of events keeps old files of the journal while it is at most so many GiB behind;
    /// beyond it loses its place
    #[arg(long, env = "COURANT_READER_LAG_GIB", value_name = "N", default_value_t = READER_LAG_GIB)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    reader_lag_gib: u32,
}

impl RetentionArgs {
    /// How far a reader may be behind and still keep files.
    pub(super) fn reader_lag_bytes_max(&self) -> u64 {
        u64::from(self.reader_lag_gib) << 30
    }

    pub(super) fn retention(&self) -> Result<Retention, Failure> {
        let keep = Keep {
            bytes: u64::from(self.keep_gib.unwrap_or(0)) << 30,
            time: DAY * self.keep_days.unwrap_or(0),
        };
        let retires = self.archive.is_some() || self.drop_old;
        match (retires, keep == Keep::default()) {
            (true, true) => Err(Failure::usage("it is not said how much of the journal stays")
                .next("add --keep-days N, --keep-gib N, or both: then what is beyond both goes")),
            (false, false) => Err(Failure::usage("nothing goes, so nothing need be kept")
                .next("add --archive DIR or --drop-old, or leave --keep-days and --keep-gib out")),
            _ => Ok(match &self.archive {
                Some(directory) => Retention::Archive { directory: directory.clone(), keep },
                None if self.drop_old => Retention::Drop { keep },
                None => Retention::KeepAll,
            }),
        }
    }
}
