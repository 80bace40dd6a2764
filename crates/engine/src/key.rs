//! API keys as the engine keeps them: numbers, scopes and keyed hashes, never secrets.

use courant_ledger::Timestamp;

/// The most API keys. Those that no longer work are kept beside the others while there is room, and
/// then give way to new ones, the lowest number first. What was done with them stays in the journal
/// under their number; so whoever makes keys counts up, and uses no number again.
pub const KEYS_MAX: usize = 10_000;

/// The scope bit that allows everything; the last key with it cannot be revoked.
pub const SCOPE_ADMIN: u32 = 1;

/// An API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its number, from 1.
    pub number: u32,
    /// What people call it.
    pub name: String,
    /// Bits of what it may do; all but [`SCOPE_ADMIN`] are the server's to read.
    pub scopes: u32,
    /// The keyed hash of its secret.
    pub hash: [u8; 32],
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops to work.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl Key {
    /// True if it may be used at a time.
    pub fn works_at(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| now < at)
    }
}
