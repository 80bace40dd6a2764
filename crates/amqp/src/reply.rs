//! Reply codes: why a channel or a connection is closed.

use std::fmt;

/// A reply code of AMQP 0-9-1, with the meaning it has in RabbitMQ.
///
/// Client libraries match on the number and on the name with which reply texts begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum ReplyCode {
    /// Closed in the ordinary way.
    Success = 200,
    /// A message is larger than what is taken.
    ContentTooLarge = 311,
    /// A mandatory message has no queue to go to. Stands in `basic.return`.
    NoRoute = 312,
    /// An immediate message has no consumer to go to. Stands in `basic.return`.
    NoConsumers = 313,
    /// An operator closed the connection.
    ConnectionForced = 320,
    /// The virtual host is unknown.
    InvalidPath = 402,
    /// The user may not do that.
    AccessRefused = 403,
    /// The queue, exchange or virtual host is not there.
    NotFound = 404,
    /// The queue is exclusive to another connection.
    ResourceLocked = 405,
    /// Something is not as the request requires it, such as the arguments of an existing queue.
    PreconditionFailed = 406,
    /// A frame is malformed.
    FrameError = 501,
    /// A field has a value it may not have.
    SyntaxError = 502,
    /// A method came that may not come now.
    CommandInvalid = 503,
    /// A channel is used that is not open.
    ChannelError = 504,
    /// A frame of another kind was due.
    UnexpectedFrame = 505,
    /// A limit of the server is reached.
    ResourceError = 506,
    /// That is never allowed here.
    NotAllowed = 530,
    /// The server does not have that.
    NotImplemented = 540,
    /// The fault is the server's.
    InternalError = 541,
}

/// What a reply code closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Nothing: it reports success.
    None,
    /// A soft error: the channel is closed, the connection goes on.
    Channel,
    /// A hard error: the connection is closed.
    Connection,
}

impl ReplyCode {
    /// Every code, by number.
    pub const ALL: [ReplyCode; 19] = [
        ReplyCode::Success,
        ReplyCode::ContentTooLarge,
        ReplyCode::NoRoute,
        ReplyCode::NoConsumers,
        ReplyCode::ConnectionForced,
        ReplyCode::InvalidPath,
        ReplyCode::AccessRefused,
        ReplyCode::NotFound,
        ReplyCode::ResourceLocked,
        ReplyCode::PreconditionFailed,
        ReplyCode::FrameError,
        ReplyCode::SyntaxError,
        ReplyCode::CommandInvalid,
        ReplyCode::ChannelError,
        ReplyCode::UnexpectedFrame,
        ReplyCode::ResourceError,
        ReplyCode::NotAllowed,
        ReplyCode::NotImplemented,
        ReplyCode::InternalError,
    ];

    /// The code with this number.
    pub fn from_number(number: u16) -> Option<ReplyCode> {
        ReplyCode::ALL.into_iter().find(|code| code.number() == number)
    }

    /// The number on the wire.
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// What it closes.
    pub const fn severity(self) -> Severity {
        match self {
            ReplyCode::Success => Severity::None,
            ReplyCode::ContentTooLarge
            | ReplyCode::NoRoute
            | ReplyCode::NoConsumers
            | ReplyCode::AccessRefused
            | ReplyCode::NotFound
            | ReplyCode::ResourceLocked
            | ReplyCode::PreconditionFailed => Severity::Channel,
            _ => Severity::Connection,
        }
    }

    /// The name with which a reply text begins: `NOT_FOUND - no queue 'orders' in vhost '/'`.
    pub const fn name(self) -> &'static str {
        match self {
            ReplyCode::Success => "OK",
            ReplyCode::ContentTooLarge => "CONTENT_TOO_LARGE",
            ReplyCode::NoRoute => "NO_ROUTE",
            ReplyCode::NoConsumers => "NO_CONSUMERS",
            ReplyCode::ConnectionForced => "CONNECTION_FORCED",
            ReplyCode::InvalidPath => "INVALID_PATH",
            ReplyCode::AccessRefused => "ACCESS_REFUSED",
            ReplyCode::NotFound => "NOT_FOUND",
            ReplyCode::ResourceLocked => "RESOURCE_LOCKED",
            ReplyCode::PreconditionFailed => "PRECONDITION_FAILED",
            ReplyCode::FrameError => "FRAME_ERROR",
            ReplyCode::SyntaxError => "SYNTAX_ERROR",
            ReplyCode::CommandInvalid => "COMMAND_INVALID",
            ReplyCode::ChannelError => "CHANNEL_ERROR",
            ReplyCode::UnexpectedFrame => "UNEXPECTED_FRAME",
            ReplyCode::ResourceError => "RESOURCE_ERROR",
            ReplyCode::NotAllowed => "NOT_ALLOWED",
            ReplyCode::NotImplemented => "NOT_IMPLEMENTED",
            ReplyCode::InternalError => "INTERNAL_ERROR",
        }
    }
}

impl fmt::Display for ReplyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
