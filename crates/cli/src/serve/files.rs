//! How many files the process may have open, and so how many connections it takes.
//!
//! A node without a file descriptor left cannot begin the next file of its journal and has to stop,
//! so connections and event streams never get those that it needs.

use courant_server::Config;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::exit::Failure;
use crate::output::note;

/// Descriptors that are the node's: its journal, its index of ids, snapshots, look-ups.
const FILES_KEPT: usize = 128;
/// With fewer connections than these it is no server.
const CONNECTIONS_MIN: usize = 16;
/// Of what is left for clients, one in so many is for the files that event streams read.
const STREAMS_SHARE: usize = 4;

/// Raises the limit of open files as far as the system allows, and lets the server take no more
/// connections than fit.
pub(super) fn fit(config: &mut Config) -> Result<(), Failure> {
    let Some(files_max) = raise() else { return Ok(()) };
    let room = room(files_max, (config.connections_max, config.streams_max)).ok_or_else(|| {
        let least = FILES_KEPT + CONNECTIONS_MIN;
        Failure::usage(format!("{files_max} open files are too few: the server needs {least}"))
            .next("raise the hard limit: ulimit -Hn, or LimitNOFILE= of the service")
    })?;
    if room.connections < config.connections_max {
        note(format_args!(
            "courant: with {files_max} open files at most it takes {} connections at once, not {}",
            room.connections, config.connections_max
        ));
    }
    (config.connections_max, config.streams_max) = (room.connections, room.streams);
    Ok(())
}

/// Raises the soft limit to the hard one; gives what then holds, `None` if there is no limit.
fn raise() -> Option<usize> {
    let found = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: found.maximum, maximum: found.maximum };
    // Where the system refuses, as some do for no limit at all, what was there still holds.
    let holds = setrlimit(Resource::Nofile, raised).map_or(found.current, |()| found.maximum);
    holds.map(|files| usize::try_from(files).unwrap_or(usize::MAX))
}

/// What clients may have at once.
#[derive(Debug, PartialEq, Eq)]
struct Room {
    connections: usize,
    streams: usize,
}

/// What fits under a limit of open files of what is wanted; `None` if it is too little to serve.
fn room(files_max: usize, (connections, streams): (usize, usize)) -> Option<Room> {
    let left = files_max.saturating_sub(FILES_KEPT);
    if left < CONNECTIONS_MIN {
        return None;
    }
    let streams = streams.min(left / STREAMS_SHARE);
    Some(Room { connections: connections.min(left - streams), streams })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_never_get_the_files_of_the_node() {
        let wanted = (1_024, 128);
        assert_eq!(room(128 + 15, wanted), None);
        assert_eq!(room(128 + 16, wanted), Some(Room { connections: 12, streams: 4 }));
        for files_max in 144..3_000 {
            let room = room(files_max, wanted).expect("there is room");
            assert!(room.connections + room.streams + FILES_KEPT <= files_max, "{files_max}");
        }
        let all = Room { connections: 1_024, streams: 128 };
        assert_eq!(room(128 + 1_024 + 128, wanted), Some(all));
    }
}
