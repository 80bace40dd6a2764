//! The position of a record in the endless journal. Never a count, never dense.

use std::fmt;

/// Log sequence number: the byte position of a record, or of a frame, in the endless journal.
///
/// LSNs grow strictly and have gaps. `Lsn(0)` is the first byte of the first segment's header, so
/// no record ever has it: it means "nothing yet" ([`Lsn::NONE`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lsn(pub u64);

impl Lsn {
    /// Before every record.
    pub const NONE: Lsn = Lsn(0);

    /// The position `bytes` further on.
    #[must_use]
    pub(crate) fn plus(self, bytes: u64) -> Lsn {
        Lsn(self.0.checked_add(bytes).expect("a journal never reaches 2^64 bytes"))
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
