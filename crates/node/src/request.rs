//! Requests: encoded commands on their way to the engine, and replies on their way back.

use courant_engine::{Caller, Command, Lsn, command};
use courant_ledger::{FieldError, FieldProblem, Reason, Status};
use smallvec::SmallVec;
use std::ops::Range;

/// The most commands in one request.
pub const REQUEST_COMMANDS_MAX: usize = 10_000;

/// The most bytes of encoded commands in one request: 16 MiB.
pub const REQUEST_BYTES_MAX: usize = 16 << 20;

/// Commands that are decided one after the other, each with its own reply.
#[derive(Debug, Clone, Default)]
pub struct Request {
    bytes: Vec<u8>,
    items: SmallVec<[Item; 1]>,
}

/// A command as it stands in a request.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Who asks.
    pub caller: Caller<'a>,
    /// The encoded command.
    pub bytes: &'a [u8],
}

impl<'a> Asked<'a> {
    /// The command.
    #[inline]
    pub fn command(&self) -> Command<'a> {
        command::decode(self.bytes).expect("commands are encoded by this process")
    }
}

/// Where one command stands in the bytes of its request.
#[derive(Debug, Clone, Copy)]
struct Item {
    key: u32,
    /// The idempotency key stands before the command; empty for none.
    begin: u32,
    command: u32,
    end: u32,
}

impl Request {
    /// A request of one command.
    ///
    /// # Errors
    /// The first field of the command that breaks a rule, see [`Command::check`].
    pub fn new(caller: Caller<'_>, command: &Command<'_>) -> Result<Request, FieldError> {
        let mut request = Request::default();
        request.push(caller, command)?;
        Ok(request)
    }

    /// A request with room for some commands, to be filled with [`Request::push`].
    pub fn with_capacity(commands: usize) -> Request {
        Request {
            bytes: Vec::with_capacity(commands * 64),
            items: SmallVec::with_capacity(commands),
        }
    }

    /// Adds a command. They are decided in the order they were added.
    ///
    /// # Errors
    /// The first field of the command that breaks a rule, or `commands` if the request is full.
    pub fn push(&mut self, caller: Caller<'_>, command: &Command<'_>) -> Result<(), FieldError> {
        command.check()?;
        check_idempotency_key(caller.idempotency_key)?;
        if self.items.len() >= REQUEST_COMMANDS_MAX {
            return Err(too_many(REQUEST_COMMANDS_MAX, "commands"));
        }
        let begin = self.bytes.len();
        self.bytes.extend_from_slice(caller.idempotency_key.unwrap_or_default().as_bytes());
        let start = self.bytes.len();
        command::encode(command, &mut self.bytes);
        if self.bytes.len() > REQUEST_BYTES_MAX {
            self.bytes.truncate(begin);
            return Err(too_many(REQUEST_BYTES_MAX, "bytes"));
        }
        let at = |len: usize| u32::try_from(len).expect("a request is smaller than 4 GiB");
        let item = Item {
            key: caller.key,
            begin: at(begin),
            command: at(start),
            end: at(self.bytes.len()),
        };
        self.items.push(item);
        Ok(())
    }

    /// How many commands it has.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// True if it has no commands.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// How many bytes its commands take.
    pub fn bytes_len(&self) -> usize {
        self.bytes.len()
    }

    /// The command at a place.
    #[inline]
    pub fn asked(&self, index: usize) -> Asked<'_> {
        let item = &self.items[index];
        let key = std::str::from_utf8(&self.bytes[range(item.begin, item.command)])
            .expect("it was a text when it was added");
        let idempotency_key = (!key.is_empty()).then_some(key);
        let caller = Caller { key: item.key, idempotency_key };
        Asked { caller, bytes: &self.bytes[range(item.command, item.end)] }
    }
}

fn range(from: u32, to: u32) -> Range<usize> {
    from as usize..to as usize
}

fn check_idempotency_key(key: Option<&str>) -> Result<(), FieldError> {
    let Some(key) = key else { return Ok(()) };
    let field = "Idempotency-Key";
    if key.is_empty() {
        return Err(FieldError::too_short(field, 0, 1));
    }
    if key.len() > command::IDEMPOTENCY_KEY_LENGTH_MAX {
        return Err(FieldError::too_long(field, key.len(), command::IDEMPOTENCY_KEY_LENGTH_MAX));
    }
    match key.chars().position(|c| !c.is_ascii_graphic()) {
        None => Ok(()),
        Some(at) => {
            let bad = key.chars().nth(at).expect("it was found there");
            Err(FieldError::bad_character(field, bad, at + 1, "visible ASCII without spaces"))
        }
    }
}

fn too_many(limit: usize, what: &str) -> FieldError {
    let sentence = format!("one request holds at most {limit} {what}: send several requests");
    FieldError::new("request", FieldProblem::TooMany, sentence).with_limit(limit as u64)
}

/// What became of one command. Whatever is recorded is durable when the reply is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// It is in the journal.
    Recorded {
        /// Its record, or that of the first outcome if it is a repeat.
        lsn: Lsn,
        /// True if the same command was recorded before; nothing happened again.
        repeat: bool,
        /// Where its payment stands, for commands about one payment.
        status: Option<Status>,
        /// Why it stands there.
        reason: Option<Reason>,
    },
    /// It was refused and nothing was recorded.
    Refused {
        /// Why.
        reason: Reason,
        /// For a group, the place of the payment that was refused.
        index: Option<u32>,
    },
    /// It was not decided: try again later.
    Unavailable(Unavailable),
    /// Nothing was done: the record that it repeats, or that shows the payment it is about, was
    /// archived or dropped.
    Retired {
        /// That record.
        lsn: Lsn,
    },
}

/// Why commands are not decided for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unavailable {
    /// It would have to be recorded, and the disk is full. Reads go on, and what was done before is
    /// told; it ends by itself when there is room.
    StorageFull,
    /// A record that may be about the same id cannot be read: the disk failed.
    HistoryUnreadable,
}

impl std::fmt::Display for Unavailable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unavailable::StorageFull => f.write_str(
                "the disk is full, so nothing new can be made durable: \
                 free some space; reads go on",
            ),
            Unavailable::HistoryUnreadable => f.write_str(
                "an older record that may be about the same id cannot be read: \
                 see the server's log",
            ),
        }
    }
}
