//! What was looked up for the commands of a request before the engine sees them.

use crate::request::Reply;
use courant_engine::Facts;
use std::collections::BTreeMap;

/// Facts and answers for some commands; all others were not found on disk.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    /// What holds for every command that is not listed.
    pub(crate) usual: Facts,
    /// The commands about which something was found, by their places.
    pub(crate) found: BTreeMap<usize, Known>,
}

/// What is known about one command.
#[derive(Debug)]
pub(crate) enum Known {
    /// Its answer: the engine need not see it.
    Answer(Reply),
    /// What the engine has to be told.
    Facts(Facts),
}
