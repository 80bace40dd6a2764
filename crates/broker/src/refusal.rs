//! Refusals: an AMQP reply code, and a text that client libraries match on.
//!
//! The words are RabbitMQ's where it has the same refusal: they are part of its wire behaviour.

use std::fmt;

/// The longest reply text: an AMQP short string.
const REPLY_TEXT_BYTES_MAX: usize = 255;
const CUT: &str = "...";

/// What kind of refusal, by AMQP's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum ReplyCode {
    /// It is not allowed to anybody. Closes the channel.
    AccessRefused = 403,
    /// It does not exist. Closes the channel.
    NotFound = 404,
    /// Another connection has it for itself. Closes the channel.
    ResourceLocked = 405,
    /// An argument, a limit or a state is against it. Closes the channel.
    PreconditionFailed = 406,
    /// It is not allowed on this connection. Closes the connection.
    NotAllowed = 530,
}

impl ReplyCode {
    /// AMQP's number.
    pub fn number(self) -> u16 {
        self as u16
    }

    /// AMQP's name, as it begins the reply text.
    pub fn name(self) -> &'static str {
        match self {
            ReplyCode::AccessRefused => "ACCESS_REFUSED",
            ReplyCode::NotFound => "NOT_FOUND",
            ReplyCode::ResourceLocked => "RESOURCE_LOCKED",
            ReplyCode::PreconditionFailed => "PRECONDITION_FAILED",
            ReplyCode::NotAllowed => "NOT_ALLOWED",
        }
    }

    /// Whether the connection closes, and not the channel alone.
    pub fn closes_connection(self) -> bool {
        matches!(self, ReplyCode::NotAllowed)
    }
}

/// Why a command or a message was refused; nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of refusal.
    pub code: ReplyCode,
    /// What was wrong, in the words of RabbitMQ.
    pub explanation: String,
}

impl Refusal {
    pub(crate) fn access(explanation: impl Into<String>) -> Refusal {
        Refusal { code: ReplyCode::AccessRefused, explanation: explanation.into() }
    }

    pub(crate) fn precondition(explanation: impl Into<String>) -> Refusal {
        Refusal { code: ReplyCode::PreconditionFailed, explanation: explanation.into() }
    }

    /// There is no such queue or exchange.
    pub(crate) fn no(what: &Described<'_>) -> Refusal {
        Refusal { code: ReplyCode::NotFound, explanation: format!("no {what}") }
    }

    pub(crate) fn no_vhost(name: &str) -> Refusal {
        let explanation = format!("vhost {name} not found");
        Refusal { code: ReplyCode::NotAllowed, explanation }
    }

    pub(crate) fn locked(queue: &Described<'_>) -> Refusal {
        let explanation = format!(
            "cannot obtain exclusive access to locked {queue}. It could be originally declared on \
             another connection or the exclusive property value does not match that of the \
             original declaration."
        );
        Refusal { code: ReplyCode::ResourceLocked, explanation }
    }

    /// The reply text as it goes over the wire, cut to 255 bytes as RabbitMQ cuts it.
    pub fn reply_text(&self) -> String {
        let mut text = self.to_string();
        if text.len() > REPLY_TEXT_BYTES_MAX {
            text.truncate(text.floor_char_boundary(REPLY_TEXT_BYTES_MAX - CUT.len()));
            text.push_str(CUT);
        }
        text
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} - {}", self.code.name(), self.explanation)
    }
}

impl std::error::Error for Refusal {}

/// A queue or an exchange as refusals speak of it: `queue 'q' in vhost '/'`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Described<'a> {
    pub(crate) what: &'static str,
    pub(crate) name: &'a str,
    pub(crate) vhost: &'a str,
}

impl<'a> Described<'a> {
    pub(crate) fn queue(name: &'a str, vhost: &'a str) -> Described<'a> {
        Described { what: "queue", name, vhost }
    }

    pub(crate) fn exchange(name: &'a str, vhost: &'a str) -> Described<'a> {
        Described { what: "exchange", name, vhost }
    }
}

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} '{}' in vhost '{}'", self.what, self.name, self.vhost)
    }
}
