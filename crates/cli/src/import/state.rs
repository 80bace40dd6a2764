//! How far an import has come, in a file that is replaced as a whole.
//!
//! What it says is true or behind the truth: it is written after the server has answered. Being
//! behind is harmless, as a line that is sent again is a repeat.

use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::lines::Place;
use crate::exit::Failure;

const VERSION: u32 = 2;
/// A state file is a few hundred bytes; a larger file is something else.
const STATE_BYTES_MAX: u64 = 64 * 1024;

/// What an import is: with another file, server, prefix or mapping it is another one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Identity {
    /// BLAKE3 of the file, so that another file of the same name is noticed.
    pub(super) digest: String,
    /// Which data directory the lines went to: the `source` of the server, whatever its address.
    pub(super) server: String,
    /// What the ids of lines without one begin with.
    pub(super) id_prefix: String,
    /// BLAKE3 of the format, the map and the constants.
    pub(super) mapping: String,
}

/// What a state file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    version: u32,
    pub(super) identity: Identity,
    /// Behind the last line that is done.
    pub(super) done: Option<Place>,
    pub(super) counts: Counts,
    /// Bytes of the file of refused lines that belong to the lines done.
    pub(super) refused_bytes: u64,
    pub(super) is_complete: bool,
}

/// What became of the lines so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Counts {
    /// Payments made that the server had not known.
    pub(super) accepted: u64,
    /// Payments that had been made before.
    pub(super) repeated: u64,
    /// Lines that are no payment, or that the server refused or rejected.
    pub(super) refused: u64,
}

impl Counts {
    pub(super) fn lines(&self) -> u64 {
        self.accepted + self.repeated + self.refused
    }
}

impl State {
    pub(super) fn new(identity: Identity) -> State {
        State { version: VERSION, identity, ..State::default() }
    }

    /// Reads a state file; `None` if there is none yet.
    pub(super) fn load(path: &Path) -> Result<Option<State>, Failure> {
        let bytes = match std::fs::metadata(path).map(|m| m.len()) {
            Ok(len) if len <= STATE_BYTES_MAX => std::fs::read(path),
            Ok(_) => return Err(not_a_state(path, "it is too large")),
            Err(error) => Err(error),
        };
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::file(path, "read the state file", &error)),
        };
        let state: State =
            serde_json::from_slice(&bytes).map_err(|e| not_a_state(path, &e.to_string()))?;
        match state.version {
            VERSION => Ok(Some(state)),
            other => Err(not_a_state(path, &format!("its version is {other}"))),
        }
    }

    /// Replaces the state file.
    pub(super) fn save(&self, path: &Path) -> Result<(), Failure> {
        let failed = |error: std::io::Error| Failure::file(path, "write the state file", &error);
        let mut name = path.as_os_str().to_owned();
        name.push(".new");
        let new = Path::new(&name);
        let mut file = std::fs::File::create(new).map_err(failed)?;
        let text = serde_json::to_string_pretty(self).expect("a state is plain JSON");
        file.write_all(text.as_bytes()).map_err(failed)?;
        drop(file);
        std::fs::rename(new, path).map_err(failed)
    }
}

fn not_a_state(path: &Path, why: &str) -> Failure {
    let message = format!("{} is not the state of an import: {why}", path.display());
    Failure::usage(message).next("name another file with --state, or remove this one")
}
