//! Access: API keys, what they allow, and the secret under which they are kept.
//!
//! The engine stores a keyed hash of each key, never the key. The secret of that hash is in a file
//! of the data directory; whoever has journal and snapshots but not this file cannot even test a
//! guess. A key is shown once, when it is made.

mod files;
mod keyring;
mod scope;
mod token;

pub use files::{AccessError, KeyTerms, NewKey, create_key, first_key};
pub use scope::{Scope, Scopes};

pub(crate) use files::{next_number, open_secret, prepare};
pub(crate) use keyring::Keyring;
pub(crate) use token::random;
