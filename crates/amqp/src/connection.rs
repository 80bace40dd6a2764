//! The server's end of a connection as a state machine: bytes in, events and bytes out.
//!
//! The owner gives it the bytes that came ([`Connection::read`]) and the time, sends what it
//! appended to `out`, and does what the events ask for. It keeps to the protocol: who may say what
//! when, the limits agreed on, which frames are to be swallowed while something closes, heartbeats.
//! It knows no queue and no user. What an event asks for the owner answers when it can, in the
//! order of the channel, with [`frame::put_method`] and the methods here that begin with `accept`.
//! An answer that is not due does nothing.
//!
//! Nothing is copied or allocated on the way of a message: events borrow from the bytes that were
//! read. A message comes as three kinds of event, [`Event::Publish`], [`Event::Header`] and
//! [`Event::Body`], so that its owner writes it where it is to be.
//!
//! After each event look at [`Connection::is_closed`].

mod channels;
mod closing;
mod handshake;
mod heartbeats;

pub use closing::Failure;
pub use handshake::{Capabilities, Options, server_properties};
pub use heartbeats::Heartbeats;

use channels::Channels;

use crate::frame::{self, Frame, Payload};
use crate::methods::{BasicPublish, ConnectionUpdateSecretOk};
use crate::{ContentHeader, Method, ReplyCode, ShortStr, Table};

/// What a client wants, or did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'b> {
    /// Nothing that the owner has to do with.
    Handled,
    /// The client logs in. Answer with [`Connection::accept_login`], [`Connection::challenge`] or
    /// [`Connection::refuse_login`].
    Login {
        /// The mechanism, one of those offered.
        mechanism: ShortStr<'b>,
        /// What it says; see [`sasl`](crate::sasl).
        response: &'b [u8],
        /// Who the client says it is.
        client_properties: Table<'b>,
    },
    /// The answer to a challenge. Answer it like [`Event::Login`].
    ChallengeAnswer(&'b [u8]),
    /// The client wants into this virtual host. Answer with [`Connection::accept_open`] or
    /// [`Connection::fail`].
    Open(ShortStr<'b>),
    /// The client renews its secret. Answer with [`Connection::accept_secret`] or
    /// [`Connection::fail`].
    UpdateSecret {
        /// The new secret.
        secret: &'b [u8],
        /// Why it is renewed.
        reason: ShortStr<'b>,
    },
    /// A channel was opened, and the client knows it.
    ChannelOpened(u16),
    /// A method for the owner to carry out. It is one that clients may send on a channel.
    Method {
        /// The open channel.
        channel: u16,
        /// The method.
        method: Method<'b>,
    },
    /// A message begins: where it is to go. Its header follows.
    Publish {
        /// The open channel.
        channel: u16,
        /// Where the message is to go.
        publish: BasicPublish<'b>,
    },
    /// The header of the message that began on the channel.
    Header {
        /// The open channel.
        channel: u16,
        /// Properties and the length of the body.
        header: ContentHeader<'b>,
        /// Whether the message ends with it, because its body is empty.
        ends: bool,
    },
    /// The next part of the body of the message that began on the channel.
    Body {
        /// The open channel.
        channel: u16,
        /// The part.
        part: &'b [u8],
        /// Whether the message ends with it.
        ends: bool,
    },
    /// The client closes a channel. A message that had begun on it is no message. Answer with
    /// [`Connection::accept_channel_close`] when what the channel held is released.
    ChannelClose(u16),
    /// The channel is closed because of the client's fault, and the client told so. A message that
    /// had begun on it is no message. Release what the channel held; there is nothing to answer.
    ChannelFailed(u16, Failure),
    /// The client closes the connection. Answer with [`Connection::accept_close`] when what the
    /// connection held is released.
    Close {
        /// The client's reason.
        reply_code: u16,
        /// The same in words.
        reply_text: ShortStr<'b>,
    },
    /// The connection is closed because of the client's fault, and the client told so if it has
    /// logged in. Release what the connection held; there is nothing to answer.
    Failed(Failure),
}

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The protocol header is due.
    Header,
    /// `connection.start-ok` is due.
    Start,
    /// The owner decides on a login.
    Login,
    /// `connection.secure-ok` is due.
    Challenge,
    /// `connection.tune-ok` is due.
    Tune,
    /// `connection.open` is due.
    Open,
    /// The owner decides on the virtual host.
    Opening,
    /// All is open.
    Running,
    /// The client sent `connection.close`; the owner is to answer.
    ClientCloses,
    /// `connection.close` was sent; its answer is due.
    ServerCloses,
    /// Nothing more is read or sent.
    Closed,
}

impl Phase {
    /// Whether the client is known, so that it is told why a connection is closed.
    fn is_logged_in(self) -> bool {
        !matches!(self, Phase::Header | Phase::Start | Phase::Login | Phase::Challenge)
    }
}

/// The server's end of one connection.
#[derive(Debug)]
pub struct Connection {
    options: Options,
    phase: Phase,
    /// What the client can do; nothing before it said so.
    capabilities: Capabilities,
    /// The limit for a frame in bytes, 0 for none.
    frame_max: u32,
    channels: Channels,
    heartbeats: Heartbeats,
    /// The time at the last call that had one.
    now_ms: u64,
    /// Until when the client must have logged in, or answered a close.
    deadline_ms: Option<u64>,
}

impl Connection {
    /// A connection that was just made; nothing is sent before the client's first eight octets.
    ///
    /// Times are in milliseconds of a clock that never goes back.
    pub fn new(options: Options, now_ms: u64) -> Connection {
        Connection {
            phase: Phase::Header,
            capabilities: Capabilities::default(),
            frame_max: frame::FRAME_MAX_BEFORE_TUNE,
            channels: Channels::default(),
            heartbeats: Heartbeats::new(now_ms),
            now_ms,
            deadline_ms: Some(now_ms.saturating_add(options.answer_timeout_ms)),
            options,
        }
    }

    /// Reads the frame with which `bytes` begin: the event and how many bytes it took, or `None`
    /// if more bytes are needed or the connection is closed. Answers of the protocol itself are
    /// appended to `out`.
    pub fn read<'b>(
        &mut self,
        bytes: &'b [u8],
        now_ms: u64,
        out: &mut Vec<u8>,
    ) -> Option<(Event<'b>, usize)> {
        self.now_ms = now_ms;
        if !bytes.is_empty() {
            self.heartbeats.heard(now_ms);
        }
        match self.phase {
            Phase::Closed => None,
            Phase::Header => {
                let is_ours = frame::is_protocol_header(bytes)?;
                self.begin(is_ours, out);
                Some((Event::Handled, bytes.len().min(frame::PROTOCOL_HEADER.len())))
            }
            _ => match frame::decode(bytes, self.frame_max) {
                Ok(None) => None,
                Ok(Some((frame, length))) => Some((self.handle(frame, out), length)),
                Err(error) => {
                    let failure = Failure::new(error.reply_code(), &error.to_string(), (0, 0));
                    let event = self.fail_with(failure, out);
                    // Where the next frame begins is not known, so no answer can be awaited.
                    self.phase = Phase::Closed;
                    Some((event, bytes.len()))
                }
            },
        }
    }

    /// Handles one frame that was cut from the stream with [`frame::decode`].
    fn handle<'b>(&mut self, frame: Frame<'b>, out: &mut Vec<u8>) -> Event<'b> {
        let is_heartbeat = frame.payload == Payload::Heartbeat && frame.channel == 0;
        if is_heartbeat || self.phase == Phase::ClientCloses {
            return Event::Handled;
        }
        if self.phase == Phase::ServerCloses {
            self.handle_while_closing(frame, out);
            return Event::Handled;
        }
        if frame.channel != 0 && self.phase == Phase::Running {
            return self.handle_on_channel(frame, out);
        }
        let result = match frame.payload {
            Payload::Method(payload) if frame.channel == 0 => Method::decode(payload)
                .map_err(Failure::from)
                .and_then(|method| self.handle_method(method, out)),
            _ => Err(Failure::new(
                ReplyCode::UnexpectedFrame,
                "a method on channel 0 was due",
                (0, 0),
            )),
        };
        result.unwrap_or_else(|failure| self.fail_with(failure, out))
    }

    /// Whether nothing more is read or sent: send what there is, then close the socket.
    pub fn is_closed(&self) -> bool {
        self.phase == Phase::Closed
    }

    /// Whether the client is in its virtual host and nothing is being closed. Only then may the
    /// owner send on channel 0.
    pub fn is_running(&self) -> bool {
        self.phase == Phase::Running
    }

    /// Whether the owner may send on this channel: it is open and nobody is closing it.
    pub fn is_open(&self, channel: u16) -> bool {
        self.is_running() && self.channels.is_open(channel)
    }

    /// The limit for frames to the client in bytes, 0 for none.
    pub fn frame_max(&self) -> u32 {
        self.frame_max
    }

    /// What the client can do.
    pub fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    /// The new secret holds.
    pub fn accept_secret(&mut self, out: &mut Vec<u8>) {
        if self.is_running() {
            frame::put_method(out, 0, &ConnectionUpdateSecretOk {});
        }
    }

    /// Says that bytes were sent, so that no heartbeat is needed.
    pub fn sent(&mut self, now_ms: u64) {
        self.heartbeats.sent(now_ms);
    }

    /// When to call [`handle_time`](Connection::handle_time) next, if nothing happens before.
    pub fn poll_time(&self) -> Option<u64> {
        let heartbeat = self.is_running().then(|| self.heartbeats.due_ms()).flatten();
        [self.deadline_ms, heartbeat].into_iter().flatten().min()
    }

    /// Appends a heartbeat if one is due. A client that has been silent for too long is given up:
    /// the connection is closed without a word, because nobody would hear it. Release what it held.
    pub fn handle_time(&mut self, now_ms: u64, out: &mut Vec<u8>) {
        self.now_ms = now_ms;
        let is_late = self.deadline_ms.is_some_and(|deadline| deadline <= now_ms);
        if is_late || self.is_running() && self.heartbeats.is_dead(now_ms) {
            self.phase = Phase::Closed;
        } else if self.is_running() && self.heartbeats.is_due(now_ms) {
            frame::put_heartbeat(out);
            self.heartbeats.sent(now_ms);
        }
        if self.is_closed() {
            self.deadline_ms = None;
        }
    }
}
