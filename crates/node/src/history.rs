//! Reading records wherever they are: in the journal, or among those that were kept of what was
//! retired.

use crate::kept::Kept;
use crate::lookup::LookupError;
use courant_engine::Lsn;
use courant_journal::{Payload, ReadError, Reader, Storage};

/// The journal and what was kept of its past.
#[derive(Debug)]
pub struct History<S: Storage> {
    /// The journal.
    pub reader: Reader<S>,
    /// Records of segments that were retired.
    pub kept: Kept<S>,
}

impl<S: Storage> History<S> {
    /// The record at a position; `None` if it is not durable yet. Reads the disk.
    ///
    /// # Errors
    /// [`LookupError::Retired`] if it was archived or dropped.
    pub fn read(&self, lsn: Lsn) -> Result<Option<Payload>, LookupError> {
        match self.reader.read(courant_journal::Lsn(lsn.0)) {
            Ok(record) => Ok(record.map(|record| record.payload)),
            Err(ReadError::Retired { begin, .. }) => match self.kept.read(lsn) {
                Ok(Some(payload)) => Ok(Some(payload)),
                Ok(None) => Err(LookupError::Retired { lsn, begin: Lsn(begin.0) }),
                Err(error) => Err(LookupError::Kept(error)),
            },
            Err(error) => Err(LookupError::Read(error)),
        }
    }
}
