//! Frames: how methods, content headers, bodies and heartbeats lie in the stream of bytes.
//!
//! A frame is one octet of type, two of channel, four of payload length, the payload, and the octet
//! 0xCE. Nothing here copies a payload that is read. A connection begins with the eight octets of
//! [`PROTOCOL_HEADER`], which are no frame.

use std::fmt;

use crate::{ContentHeader, ReplyCode, WireMethod};

/// What a client sends first; also the answer to one that sends something else.
pub const PROTOCOL_HEADER: [u8; 8] = *b"AMQP\0\0\x09\x01";

/// Octets around a payload: seven before it and one behind it.
pub const FRAME_OVERHEAD_BYTES: usize = 8;

/// Octets before a payload.
const FRAME_HEADER_BYTES: usize = 7;

/// The largest frame that both sides take before they have agreed on a limit. The specification
/// asks for at least 4,096; like RabbitMQ since 4.1 this takes more, for long access tokens.
pub const FRAME_MAX_BEFORE_TUNE: u32 = 8_192;

/// The least limit that a client may choose, from the specification.
pub const FRAME_MAX_LEAST: u32 = 4_096;

/// The limit that is proposed if nothing else is configured.
pub const FRAME_MAX_DEFAULT: u32 = 131_072;

const TYPE_METHOD: u8 = 1;
const TYPE_HEADER: u8 = 2;
const TYPE_BODY: u8 = 3;
const TYPE_HEARTBEAT: u8 = 8;

const FRAME_END: u8 = 0xce;

/// A frame that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The channel; 0 is the connection itself.
    pub channel: u16,
    /// What it carries.
    pub payload: Payload<'a>,
}

/// The payload of a frame, by the frame's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload<'a> {
    /// For [`Method::decode`](crate::Method::decode).
    Method(&'a [u8]),
    /// For [`ContentHeader::decode`].
    Header(&'a [u8]),
    /// A part of a body.
    Body(&'a [u8]),
    /// A sign of life. Its payload should be empty and is not looked at.
    Heartbeat,
}

/// Why bytes are no frame. The stream cannot be read on after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameError {
    /// The first octet is no type of frame.
    UnknownType(u8),
    /// The frame is larger than what was agreed on.
    TooLarge {
        /// Bytes of its payload.
        payload_bytes: u32,
        /// The limit in bytes, for the whole frame.
        frame_max: u32,
    },
    /// Another octet than 0xCE stands at the end.
    BadEnd(u8),
}

impl FrameError {
    /// The code with which to close the connection.
    pub fn reply_code(&self) -> ReplyCode {
        ReplyCode::FrameError
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::UnknownType(octet) => write!(f, "unknown frame type {octet}"),
            FrameError::TooLarge { payload_bytes, frame_max } => write!(
                f,
                "a frame with {payload_bytes} bytes of payload; the frame_max of this connection \
                 is {frame_max}"
            ),
            FrameError::BadEnd(octet) => {
                write!(f, "a frame ends with 0x{octet:02x} instead of 0xce")
            }
        }
    }
}

impl std::error::Error for FrameError {}

/// Reads the frame with which `bytes` begin: it and its length, or `None` if more bytes are needed.
///
/// `frame_max` is the limit in bytes for a frame with all its octets, 0 for none. Like RabbitMQ,
/// this takes a payload of `frame_max` bytes too, because some clients forget the octets around it.
/// A frame that breaks the limit is refused as soon as its first seven octets are there.
///
/// # Errors
/// If the bytes can be no frame.
#[inline]
pub fn decode(bytes: &[u8], frame_max: u32) -> Result<Option<(Frame<'_>, usize)>, FrameError> {
    let Some((&octet, _)) = bytes.split_first() else { return Ok(None) };
    if !matches!(octet, TYPE_METHOD | TYPE_HEADER | TYPE_BODY | TYPE_HEARTBEAT) {
        return Err(FrameError::UnknownType(octet));
    }
    let Some((header, rest)) = bytes.split_first_chunk::<FRAME_HEADER_BYTES>() else {
        return Ok(None);
    };
    let [_, channel_high, channel_low, length @ ..] = *header;
    let payload_bytes = u32::from_be_bytes(length);
    if frame_max != 0 && payload_bytes > frame_max {
        return Err(FrameError::TooLarge { payload_bytes, frame_max });
    }
    let Ok(length) = usize::try_from(payload_bytes) else { return Ok(None) };
    let Some((payload, behind)) = rest.split_at_checked(length) else { return Ok(None) };
    match behind.first() {
        None => return Ok(None),
        Some(&FRAME_END) => {}
        Some(&end) => return Err(FrameError::BadEnd(end)),
    }
    let payload = match octet {
        TYPE_METHOD => Payload::Method(payload),
        TYPE_HEADER => Payload::Header(payload),
        TYPE_BODY => Payload::Body(payload),
        _ => Payload::Heartbeat,
    };
    let channel = u16::from_be_bytes([channel_high, channel_low]);
    Ok(Some((Frame { channel, payload }, length + FRAME_OVERHEAD_BYTES)))
}

/// Whether `bytes` begin with the protocol header; `None` while they may still become it.
///
/// RabbitMQ's clients of old send `AMQP\1\1\0\9`, which means the same and is taken too.
pub fn is_protocol_header(bytes: &[u8]) -> Option<bool> {
    const OLD: [u8; 8] = *b"AMQP\x01\x01\x00\x09";
    let begun = &bytes[..bytes.len().min(PROTOCOL_HEADER.len())];
    if !PROTOCOL_HEADER.starts_with(begun) && !OLD.starts_with(begun) {
        return Some(false);
    }
    (begun.len() == PROTOCOL_HEADER.len()).then_some(true)
}

/// Appends a method frame.
///
/// # Panics
/// If its payload has 4 GiB or more.
#[inline]
pub fn put_method(out: &mut Vec<u8>, channel: u16, method: &impl WireMethod) {
    put_frame(out, TYPE_METHOD, channel, |out| method.put(out));
}

/// Appends a header frame. It cannot be split: keep properties below the peer's `frame_max`.
///
/// # Panics
/// If its payload has 4 GiB or more.
#[inline]
pub fn put_header(out: &mut Vec<u8>, channel: u16, header: &ContentHeader<'_>) {
    put_frame(out, TYPE_HEADER, channel, |out| header.put(out));
}

/// Appends the frames of a body, each of at most `frame_max` bytes in all (0: no limit). An empty
/// body has none.
pub fn put_body(out: &mut Vec<u8>, channel: u16, body: &[u8], frame_max: u32) {
    for part in body_parts(body, frame_max) {
        put_frame(out, TYPE_BODY, channel, |out| out.extend_from_slice(part));
    }
}

/// Appends a heartbeat.
pub fn put_heartbeat(out: &mut Vec<u8>) {
    put_frame(out, TYPE_HEARTBEAT, 0, |_| {});
}

/// The parts of a body for frames of at most `frame_max` bytes in all (0: no limit), for those who
/// write frames around the body where it lies; see [`body_frame`].
///
/// # Panics
/// If `frame_max` leaves no room for a payload.
pub fn body_parts(body: &[u8], frame_max: u32) -> impl Iterator<Item = &[u8]> {
    let limit = if frame_max == 0 { u32::MAX } else { frame_max };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let part_bytes = limit.saturating_sub(FRAME_OVERHEAD_BYTES);
    assert!(part_bytes > 0, "frame_max {frame_max} leaves no room for a payload");
    body.chunks(part_bytes)
}

/// What stands before and behind a part of a body.
///
/// # Panics
/// If the part has 4 GiB or more.
pub fn body_frame(channel: u16, part: &[u8]) -> ([u8; 7], u8) {
    let [high, low] = channel.to_be_bytes();
    let [a, b, c, d] = payload_length(part.len());
    ([TYPE_BODY, high, low, a, b, c, d], FRAME_END)
}

fn payload_length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).expect("a payload is shorter than 4 GiB").to_be_bytes()
}

#[inline]
fn put_frame(out: &mut Vec<u8>, octet: u8, channel: u16, payload: impl FnOnce(&mut Vec<u8>)) {
    let [high, low] = channel.to_be_bytes();
    out.extend_from_slice(&[octet, high, low, 0, 0, 0, 0]);
    let start = out.len();
    payload(out);
    let length = payload_length(out.len() - start);
    out[start - length.len()..start].copy_from_slice(&length);
    out.push(FRAME_END);
}
