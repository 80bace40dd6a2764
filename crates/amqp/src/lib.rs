//! AMQP 0-9-1 on the wire, with the extensions of RabbitMQ: bytes in, bytes out.
//!
//! Pure: no clock, no entropy, no I/O, no threads. What is read borrows from the bytes it was read
//! from; what is written is appended to a vector. Both ends of a connection are covered, so that a
//! client can be built on it as well as a server.
//!
//! A [`Connection`](connection::Connection) is the server's end of a connection as a state machine.
//! Below it, [`frame`] cuts the stream of bytes into frames, [`methods`] is the whole protocol as
//! one table, [`content`] is the header of a message, [`table`] are the field tables in both.
#![forbid(unsafe_code)]

pub mod connection;
pub mod content;
mod error;
pub mod frame;
pub mod methods;
pub mod reply;
pub mod sasl;
mod short;
pub mod table;
mod wire;

pub use content::{ContentHeader, Properties, PropertyValues};
pub use error::{DecodeError, Problem};
pub use frame::{Frame, FrameError, Payload};
pub use methods::{Method, WireMethod};
pub use reply::ReplyCode;
pub use short::ShortStr;
pub use table::{Table, Value};
