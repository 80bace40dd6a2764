//! Channels: opening, the order of methods, headers and bodies on each, closing.

use super::closing::Failure;
use super::{Connection, Event};
use crate::frame::{self, Frame, Payload};
use crate::methods::{BasicPublish, ChannelCloseOk, ChannelOpenOk};
use crate::{ContentHeader, Method, ReplyCode, WireMethod};

/// How far a channel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Channel {
    /// The number is free.
    #[default]
    Free,
    /// A method is due.
    Method,
    /// `basic.publish` came; its header is due.
    Header,
    /// The header came; so many bytes of the body are due.
    Body(u64),
    /// The client sent `channel.close`; the owner is to answer.
    ClientCloses,
    /// `channel.close` was sent; its answer is due, and all else is swallowed.
    ServerCloses,
}

/// The channels of one connection, by number.
#[derive(Debug, Default)]
pub(super) struct Channels {
    /// At index `number - 1`.
    channels: Vec<Channel>,
    /// The highest number, and so the most at once; 0 for none.
    limit: u16,
}

impl Channels {
    pub(super) fn set_limit(&mut self, limit: u16) {
        self.limit = limit;
    }

    fn get(&self, number: u16) -> Channel {
        let at = usize::from(number).checked_sub(1);
        at.and_then(|at| self.channels.get(at)).copied().unwrap_or_default()
    }

    fn set(&mut self, number: u16, channel: Channel) {
        let at = usize::from(number).checked_sub(1).expect("channel 0 is the connection");
        if at >= self.channels.len() {
            self.channels.resize(at + 1, Channel::Free);
        }
        self.channels[at] = channel;
    }

    pub(super) fn is_open(&self, number: u16) -> bool {
        matches!(self.get(number), Channel::Method | Channel::Header | Channel::Body(_))
    }

    pub(super) fn server_closes(&mut self, number: u16) {
        self.set(number, Channel::ServerCloses);
    }

    /// Frees the number of a channel that the client closes; false if it does not.
    pub(super) fn end_client_close(&mut self, number: u16) -> bool {
        let ends = self.get(number) == Channel::ClientCloses;
        if ends {
            self.set(number, Channel::Free);
        }
        ends
    }

    /// Opens a channel whose number is free.
    fn open(&mut self, number: u16) -> Result<(), Failure> {
        if self.limit != 0 && number > self.limit {
            let limit = self.limit;
            let text = format!("channel {number} is above the negotiated channel_max ({limit})");
            return Err(Failure::new(ReplyCode::NotAllowed, &text, (0, 0)));
        }
        self.set(number, Channel::Method);
        Ok(())
    }
}

impl Connection {
    /// A frame on a channel, while the connection is running.
    pub(super) fn handle_on_channel<'b>(
        &mut self,
        frame: Frame<'b>,
        out: &mut Vec<u8>,
    ) -> Event<'b> {
        let Frame { channel, payload } = frame;
        let result = match (self.channels.get(channel), payload) {
            (Channel::ClientCloses, _) => Ok(Event::Handled),
            (Channel::ServerCloses, payload) => {
                self.swallow(channel, payload, out);
                Ok(Event::Handled)
            }
            (state @ (Channel::Free | Channel::Method), Payload::Method(payload)) => {
                Method::decode(payload).map_err(Failure::from).and_then(|method| {
                    if state == Channel::Free {
                        self.open_channel(channel, method, out)
                    } else {
                        self.handle_channel_method(channel, method)
                    }
                })
            }
            (Channel::Header, Payload::Header(payload)) => ContentHeader::decode(payload)
                .map_err(Failure::from)
                .map(|header| self.handle_header(channel, header, out)),
            (Channel::Body(due), Payload::Body(part)) => self.handle_body(channel, due, part),
            (state, _) => Err(unexpected(state)),
        };
        result.unwrap_or_else(|failure| self.fail_with(failure, out))
    }

    fn open_channel<'b>(
        &mut self,
        channel: u16,
        method: Method<'b>,
        out: &mut Vec<u8>,
    ) -> Result<Event<'b>, Failure> {
        if !matches!(method, Method::ChannelOpen(_)) {
            let text = format!("{} on channel {channel}, which is not open", method.name());
            return Err(Failure::new(ReplyCode::ChannelError, &text, method.id()));
        }
        self.channels.open(channel)?;
        frame::put_method(out, channel, &ChannelOpenOk::default());
        Ok(Event::ChannelOpened(channel))
    }

    fn handle_channel_method<'b>(
        &mut self,
        channel: u16,
        method: Method<'b>,
    ) -> Result<Event<'b>, Failure> {
        match method {
            Method::BasicPublish(publish) => {
                self.channels.set(channel, Channel::Header);
                Ok(Event::Publish { channel, publish })
            }
            Method::ChannelClose(_) => {
                self.channels.set(channel, Channel::ClientCloses);
                Ok(Event::ChannelClose(channel))
            }
            Method::ChannelOpen(_) => {
                let text = format!("channel {channel} is open already");
                Err(Failure::new(ReplyCode::ChannelError, &text, method.id()))
            }
            method if is_request(&method) => Ok(Event::Method { channel, method }),
            method => {
                let text = format!("{} is not for clients to send here", method.name());
                Err(Failure::new(ReplyCode::CommandInvalid, &text, method.id()))
            }
        }
    }

    fn handle_header<'b>(
        &mut self,
        channel: u16,
        header: ContentHeader<'b>,
        out: &mut Vec<u8>,
    ) -> Event<'b> {
        let limit = self.options.message_bytes_max;
        if header.body_bytes > limit {
            let text = format!(
                "message size {} is larger than configured max size {limit}",
                header.body_bytes
            );
            let publish = BasicPublish::default().id();
            let failure = Failure::new(ReplyCode::PreconditionFailed, &text, publish);
            return self.fail_channel_with(channel, failure, out);
        }
        let ends = header.body_bytes == 0;
        let next = if ends { Channel::Method } else { Channel::Body(header.body_bytes) };
        self.channels.set(channel, next);
        Event::Header { channel, header, ends }
    }

    fn handle_body<'b>(
        &mut self,
        channel: u16,
        due: u64,
        part: &'b [u8],
    ) -> Result<Event<'b>, Failure> {
        let Some(left) = due.checked_sub(part.len() as u64) else {
            let text =
                format!("a body frame of {} bytes, with {due} bytes of the body due", part.len());
            return Err(Failure::new(ReplyCode::FrameError, &text, BasicPublish::default().id()));
        };
        let ends = left == 0;
        self.channels.set(channel, if ends { Channel::Method } else { Channel::Body(left) });
        Ok(Event::Body { channel, part, ends })
    }

    /// After `channel.close` was sent on it: only closing counts.
    fn swallow(&mut self, channel: u16, payload: Payload<'_>, out: &mut Vec<u8>) {
        let Payload::Method(payload) = payload else { return };
        match Method::decode(payload) {
            Ok(Method::ChannelCloseOk(_)) => self.channels.set(channel, Channel::Free),
            // Both sides closed at once; the answer to ours still comes.
            Ok(Method::ChannelClose(_)) => frame::put_method(out, channel, &ChannelCloseOk {}),
            _ => {}
        }
    }
}

/// Another kind of frame was due.
fn unexpected(state: Channel) -> Failure {
    let due = match state {
        Channel::Header => "a content header",
        Channel::Body(_) => "a part of a body",
        _ => "a method",
    };
    let method = match state {
        Channel::Header | Channel::Body(_) => BasicPublish::default().id(),
        _ => (0, 0),
    };
    Failure::new(ReplyCode::UnexpectedFrame, &format!("{due} was due on the channel"), method)
}

/// Whether clients send this on an open channel, apart from what is handled here.
fn is_request(method: &Method<'_>) -> bool {
    matches!(
        method,
        Method::ChannelFlow(_)
            | Method::ChannelFlowOk(_)
            | Method::AccessRequest(_)
            | Method::ExchangeDeclare(_)
            | Method::ExchangeDelete(_)
            | Method::ExchangeBind(_)
            | Method::ExchangeUnbind(_)
            | Method::QueueDeclare(_)
            | Method::QueueBind(_)
            | Method::QueuePurge(_)
            | Method::QueueDelete(_)
            | Method::QueueUnbind(_)
            | Method::BasicQos(_)
            | Method::BasicConsume(_)
            | Method::BasicCancel(_)
            | Method::BasicCancelOk(_)
            | Method::BasicGet(_)
            | Method::BasicAck(_)
            | Method::BasicReject(_)
            | Method::BasicNack(_)
            | Method::BasicRecover(_)
            | Method::BasicRecoverAsync(_)
            | Method::ConfirmSelect(_)
            | Method::TxSelect(_)
            | Method::TxCommit(_)
            | Method::TxRollback(_)
    )
}
