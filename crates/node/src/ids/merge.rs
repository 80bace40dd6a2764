//! Making runs: from a frozen generation, and from two neighbouring runs.

use super::run::{Run, RunBuilder, Span};
use crate::error::IndexError;
use courant_engine::{Frozen, Lsn};
use courant_journal::Storage;

/// Writes a frozen generation as a run.
pub(crate) fn seal<S: Storage>(storage: &S, frozen: &Frozen) -> Result<Run<S::File>, IndexError> {
    let mut entries: Vec<(u64, Lsn)> = frozen.entries().collect();
    entries.sort_unstable();
    let span = Span { from: frozen.generation, to: frozen.generation, through: frozen.through };
    let count = entries.len() as u64;
    let mut builder = RunBuilder::new(storage, span, count)?;
    entries.into_iter().try_for_each(|entry| builder.push(entry))?;
    builder.finish(storage, count)
}

/// Writes two neighbouring runs as one. They stay until their owner removes them.
pub(crate) fn merge<S: Storage>(
    storage: &S,
    earlier: &Run<S::File>,
    later: &Run<S::File>,
) -> Result<Run<S::File>, IndexError> {
    assert!(earlier.span.to + 1 == later.span.from, "only neighbours are merged");
    let span = Span {
        from: earlier.span.from,
        to: later.span.to,
        through: later.span.through.max(earlier.span.through),
    };
    let count = earlier.entries + later.entries;
    let mut builder = RunBuilder::new(storage, span, count)?;
    let (mut left, mut right) = (earlier.iter(storage)?, later.iter(storage)?);
    let (mut from_left, mut from_right) = (left.next()?, right.next()?);
    loop {
        match (from_left, from_right) {
            (Some(a), Some(b)) if a <= b => {
                builder.push(a)?;
                from_left = left.next()?;
            }
            (_, Some(b)) => {
                builder.push(b)?;
                from_right = right.next()?;
            }
            (Some(a), None) => {
                builder.push(a)?;
                from_left = left.next()?;
            }
            (None, None) => break,
        }
    }
    builder.finish(storage, count)
}
