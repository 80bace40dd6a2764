//! From the protocol header to `connection.open-ok`.

use super::closing::Failure;
use super::{Connection, Event, Phase};
use crate::frame::{self, FRAME_MAX_DEFAULT, FRAME_MAX_LEAST, PROTOCOL_HEADER};
use crate::methods::{
    ConnectionCloseOk, ConnectionOpenOk, ConnectionSecure, ConnectionStart, ConnectionTune,
    ConnectionTuneOk,
};
use crate::table::{TableBuf, Value};
use crate::{Method, ReplyCode, ShortStr, Table, WireMethod};

/// What the server says of itself, and its limits.
#[derive(Debug, Clone)]
pub struct Options {
    /// What `connection.start` says of the server; see [`server_properties`].
    pub server_properties: TableBuf,
    /// The mechanisms offered, by spaces apart.
    pub mechanisms: String,
    /// The largest frame in bytes, 0 for no limit.
    pub frame_max: u32,
    /// The most channels at once, and the highest number of one; 0 for no limit.
    pub channel_max: u16,
    /// The proposed interval of heartbeats in seconds, 0 for none. The client's choice counts.
    pub heartbeat_seconds: u16,
    /// The longest body of a message in bytes.
    pub message_bytes_max: u64,
    /// For how long a client may take to log in, or to answer a close, in milliseconds.
    pub answer_timeout_ms: u64,
}

/// RabbitMQ's defaults.
impl Default for Options {
    fn default() -> Options {
        Options {
            server_properties: TableBuf::new(),
            mechanisms: "PLAIN AMQPLAIN".to_owned(),
            frame_max: FRAME_MAX_DEFAULT,
            channel_max: 2_047,
            heartbeat_seconds: 60,
            message_bytes_max: 16 * 1024 * 1024,
            answer_timeout_ms: 10_000,
        }
    }
}

/// The server's properties, with the capabilities that client libraries look for.
pub fn server_properties(product: &str, version: &str) -> TableBuf {
    const CAPABILITIES: [&str; 9] = [
        "publisher_confirms",
        "exchange_exchange_bindings",
        "basic.nack",
        "consumer_cancel_notify",
        "connection.blocked",
        "consumer_priorities",
        "authentication_failure_close",
        "per_consumer_qos",
        "direct_reply_to",
    ];
    let mut capabilities = TableBuf::new();
    for name in CAPABILITIES {
        capabilities.put(ShortStr::literal(name), Value::Bool(true));
    }
    let mut properties = TableBuf::new();
    properties
        .put(ShortStr::literal("capabilities"), Value::Table(capabilities.table()))
        .put(ShortStr::literal("product"), Value::Text(product.as_bytes()))
        .put(ShortStr::literal("version"), Value::Text(version.as_bytes()));
    properties
}

/// What a client says it can do, as far as it changes what a server sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// It wants `basic.cancel` when a queue goes away under a consumer.
    pub consumer_cancel_notify: bool,
    /// It wants `connection.blocked` and `connection.unblocked`.
    pub connection_blocked: bool,
    /// It wants `connection.close` when its login is refused.
    pub authentication_failure_close: bool,
}

impl Capabilities {
    fn of(client_properties: Table<'_>) -> Capabilities {
        let capabilities = match client_properties.get("capabilities") {
            Ok(Some(Value::Table(table))) => table,
            _ => Table::EMPTY,
        };
        let has = |name: &str| capabilities.get(name) == Ok(Some(Value::Bool(true)));
        Capabilities {
            consumer_cancel_notify: has("consumer_cancel_notify"),
            connection_blocked: has("connection.blocked"),
            authentication_failure_close: has("authentication_failure_close"),
        }
    }
}

impl Connection {
    /// The protocol header came, or something else.
    pub(super) fn begin(&mut self, is_ours: bool, out: &mut Vec<u8>) {
        if !is_ours {
            // Says which version is spoken here.
            out.extend_from_slice(&PROTOCOL_HEADER);
            self.phase = Phase::Closed;
            return;
        }
        let start = ConnectionStart {
            version_major: 0,
            version_minor: 9,
            server_properties: self.options.server_properties.table(),
            mechanisms: self.options.mechanisms.as_bytes(),
            locales: b"en_US",
        };
        frame::put_method(out, 0, &start);
        self.phase = Phase::Start;
    }

    /// A method on channel 0, while nothing is being closed.
    pub(super) fn handle_method<'b>(
        &mut self,
        method: Method<'b>,
        out: &mut Vec<u8>,
    ) -> Result<Event<'b>, Failure> {
        match (self.phase, method) {
            (Phase::Start, Method::ConnectionStartOk(start)) => {
                self.capabilities = Capabilities::of(start.client_properties);
                let mut offered = self.options.mechanisms.split(' ').map(str::as_bytes);
                if !offered.any(|offered| offered == start.mechanism.bytes()) {
                    let text = format!("unknown authentication mechanism '{}'", start.mechanism);
                    return Err(Failure::new(ReplyCode::CommandInvalid, &text, method.id()));
                }
                self.phase = Phase::Login;
                Ok(Event::Login {
                    mechanism: start.mechanism,
                    response: start.response,
                    client_properties: start.client_properties,
                })
            }
            (Phase::Challenge, Method::ConnectionSecureOk(secure)) => {
                self.phase = Phase::Login;
                Ok(Event::ChallengeAnswer(secure.response))
            }
            (Phase::Tune, Method::ConnectionTuneOk(tune)) => {
                self.tune(tune)?;
                self.phase = Phase::Open;
                Ok(Event::Handled)
            }
            (Phase::Open, Method::ConnectionOpen(open)) => {
                self.phase = Phase::Opening;
                Ok(Event::Open(open.virtual_host))
            }
            (Phase::Running, Method::ConnectionUpdateSecret(update)) => {
                Ok(Event::UpdateSecret { secret: update.new_secret, reason: update.reason })
            }
            (Phase::Running, Method::ConnectionClose(close)) => {
                self.await_close();
                let (reply_code, reply_text) = (close.reply_code, close.reply_text);
                Ok(Event::Close { reply_code, reply_text })
            }
            (_, Method::ConnectionClose(_)) => {
                frame::put_method(out, 0, &ConnectionCloseOk {});
                self.phase = Phase::Closed;
                Ok(Event::Handled)
            }
            (_, method) => {
                let text = format!("{} is not due on channel 0", method.name());
                Err(Failure::new(ReplyCode::ChannelError, &text, method.id()))
            }
        }
    }

    /// Takes over the client's choices. 0 means no limit, which is more than any limit.
    fn tune(&mut self, tune: ConnectionTuneOk) -> Result<(), Failure> {
        let Options { frame_max, channel_max, .. } = self.options;
        agree("frame_max", tune.frame_max, FRAME_MAX_LEAST, frame_max)?;
        agree("channel_max", tune.channel_max.into(), 1, channel_max.into())?;
        self.frame_max = tune.frame_max;
        self.channels.set_limit(tune.channel_max);
        self.heartbeats.set_interval(tune.heartbeat);
        Ok(())
    }

    /// The login is good: proposes limits.
    pub fn accept_login(&mut self, out: &mut Vec<u8>) {
        if self.phase == Phase::Login {
            let tune = ConnectionTune {
                channel_max: self.options.channel_max,
                frame_max: self.options.frame_max,
                heartbeat: self.options.heartbeat_seconds,
            };
            frame::put_method(out, 0, &tune);
            self.phase = Phase::Tune;
        }
    }

    /// The login needs another answer.
    pub fn challenge(&mut self, challenge: &[u8], out: &mut Vec<u8>) {
        if self.phase == Phase::Login {
            frame::put_method(out, 0, &ConnectionSecure { challenge });
            self.phase = Phase::Challenge;
        }
    }

    /// The login is refused. The client is told why if it can read that; the connection is closed.
    pub fn refuse_login(&mut self, text: &str, out: &mut Vec<u8>) {
        if self.phase != Phase::Login {
            return;
        }
        if self.capabilities.authentication_failure_close {
            // What is told to a client is told to one that is known.
            self.phase = Phase::Tune;
            self.fail(Failure::new(ReplyCode::AccessRefused, text, (0, 0)), out);
        } else {
            self.phase = Phase::Closed;
        }
    }

    /// The client may use the virtual host: all is open.
    pub fn accept_open(&mut self, out: &mut Vec<u8>) {
        if self.phase == Phase::Opening {
            frame::put_method(out, 0, &ConnectionOpenOk { known_hosts: ShortStr::EMPTY });
            self.phase = Phase::Running;
            self.deadline_ms = None;
            self.heartbeats.heard(self.now_ms);
        }
    }
}

/// Whether the client's choice is within what was proposed.
fn agree(name: &str, chosen: u32, least: u32, most: u32) -> Result<(), Failure> {
    let (word, bound) = if chosen != 0 && chosen < least {
        ("below the least", least)
    } else if most != 0 && (chosen == 0 || chosen > most) {
        ("above the greatest", most)
    } else {
        return Ok(());
    };
    let meaning = if chosen == 0 { " (no limit)" } else { "" };
    let text = format!("{name} = {chosen}{meaning} is {word} allowed value ({bound})");
    Err(Failure::new(ReplyCode::NotAllowed, &text, ConnectionTuneOk::default().id()))
}
