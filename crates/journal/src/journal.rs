//! Opens a journal and hands out its parts.

use std::sync::Arc;

use crate::recover::{Recovered, recover};
use crate::shared::Shared;
use crate::{Appender, OpenError, Options, Preparer, Reader, Recovery, Storage, Writer};

/// An open journal. The directory stays locked until all of its parts are dropped.
#[derive(Debug)]
pub struct Journal<S: Storage> {
    appender: Appender<S>,
    writer: Writer<S>,
    preparer: Preparer<S>,
    reader: Reader<S>,
}

impl<S: Storage> Journal<S> {
    /// Opens the journal in `storage`, recovering from a crash if there was one, or creates it.
    /// Damage is refused, never mended.
    pub fn open(storage: S, options: Options) -> Result<(Journal<S>, Recovery), OpenError> {
        options.check().map_err(OpenError::Options)?;
        let Recovered { lock, segments, pool, file, next, report } = recover(&storage, &options)?;
        let last = *segments.last().expect("a journal has at least one segment");
        let shared = Shared::new((storage, lock), options, segments, pool, report.end);
        let shared = Arc::new(shared);
        let journal = Journal {
            appender: Appender::new(Arc::clone(&shared), last, report.end, next.sequence),
            writer: Writer::new(Arc::clone(&shared), file, last, next),
            preparer: Preparer::new(Arc::clone(&shared)),
            reader: Reader::new(shared),
        };
        Ok((journal, report))
    }

    /// The parts, to be put on threads as the caller likes.
    #[must_use]
    pub fn split(self) -> (Appender<S>, Writer<S>, Preparer<S>, Reader<S>) {
        (self.appender, self.writer, self.preparer, self.reader)
    }
}
