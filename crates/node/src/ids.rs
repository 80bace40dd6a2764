//! The index of ids on disk: which records may be about an id that is no longer in memory.
//!
//! It is made of runs: immutable sorted files, one per span of generations, merged into fewer and
//! larger ones. Every run can be made again from the journal, so a run that is damaged is dropped
//! and rebuilt. In memory each run has a filter, so that an id that was never used costs no read of
//! the disk.

pub(crate) mod filter;
pub(crate) mod index;
pub(crate) mod merge;
pub(crate) mod run;
