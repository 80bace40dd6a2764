//! How channels and connections end: who says so, and what is swallowed until the other side has
//! answered.

use super::{Connection, Event, Phase};
use crate::frame::{self, Frame, Payload};
use crate::methods::{
    ChannelClose, ChannelCloseOk, ConnectionBlocked, ConnectionClose, ConnectionCloseOk,
    ConnectionUnblocked,
};
use crate::reply::Severity;
use crate::{DecodeError, Method, ReplyCode, ShortStr};

/// Why a channel or the connection was closed, as the client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The code.
    pub code: ReplyCode,
    /// The text: the code's name, and what was wrong.
    pub text: String,
    /// The method that is to blame: class and number, or zeros.
    pub method: (u16, u16),
}

impl Failure {
    /// Puts the code's name in front of what was wrong.
    pub fn new(code: ReplyCode, text: &str, method: (u16, u16)) -> Failure {
        Failure { code, text: format!("{} - {text}", code.name()), method }
    }
}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Failure {
        let method = (error.class_id, error.method_id);
        Failure::new(error.reply_code(), &error.to_string(), method)
    }
}

impl Connection {
    /// Closes the connection and says why, if the client has logged in. From now on all that comes
    /// is swallowed. Does nothing if the connection is being closed for a failure already.
    pub fn fail(&mut self, failure: Failure, out: &mut Vec<u8>) {
        let _event = self.fail_with(failure, out);
    }

    pub(super) fn fail_with<'b>(&mut self, failure: Failure, out: &mut Vec<u8>) -> Event<'b> {
        if matches!(self.phase, Phase::ServerCloses | Phase::Closed) {
            return Event::Handled;
        }
        if self.phase.is_logged_in() {
            let close = ConnectionClose {
                reply_code: failure.code.number(),
                reply_text: ShortStr::cut(&failure.text),
                class_id: failure.method.0,
                method_id: failure.method.1,
            };
            frame::put_method(out, 0, &close);
            self.phase = Phase::ServerCloses;
            self.deadline_ms = Some(self.now_ms.saturating_add(self.options.answer_timeout_ms));
        } else {
            // Nothing is told to one who has not said who he is.
            self.phase = Phase::Closed;
        }
        Event::Failed(failure)
    }

    /// Closes what the failure's code closes, the channel or the connection, and says why. From now
    /// on all that comes there is swallowed. Does nothing if the channel is not open.
    pub fn fail_channel(&mut self, channel: u16, failure: Failure, out: &mut Vec<u8>) {
        let _event = self.fail_channel_with(channel, failure, out);
    }

    pub(super) fn fail_channel_with<'b>(
        &mut self,
        channel: u16,
        failure: Failure,
        out: &mut Vec<u8>,
    ) -> Event<'b> {
        if !self.is_open(channel) {
            return Event::Handled;
        }
        if failure.code.severity() == Severity::Connection {
            return self.fail_with(failure, out);
        }
        let close = ChannelClose {
            reply_code: failure.code.number(),
            reply_text: ShortStr::cut(&failure.text),
            class_id: failure.method.0,
            method_id: failure.method.1,
        };
        frame::put_method(out, channel, &close);
        self.channels.server_closes(channel);
        Event::ChannelFailed(channel, failure)
    }

    /// Answers [`Event::ChannelClose`]: the channel's number is free.
    pub fn accept_channel_close(&mut self, channel: u16, out: &mut Vec<u8>) {
        if self.is_running() && self.channels.end_client_close(channel) {
            frame::put_method(out, channel, &ChannelCloseOk {});
        }
    }

    /// Answers [`Event::Close`]: nothing more is sent.
    pub fn accept_close(&mut self, out: &mut Vec<u8>) {
        if self.phase == Phase::ClientCloses {
            frame::put_method(out, 0, &ConnectionCloseOk {});
            self.phase = Phase::Closed;
            self.deadline_ms = None;
        }
    }

    /// The client closes: only the owner's answer is due, for which it has all the time it needs.
    pub(super) fn await_close(&mut self) {
        self.phase = Phase::ClientCloses;
        self.deadline_ms = None;
    }

    /// After `connection.close` was sent: only closing counts.
    pub(super) fn handle_while_closing(&mut self, frame: Frame<'_>, out: &mut Vec<u8>) {
        let Payload::Method(payload) = frame.payload else { return };
        if frame.channel != 0 {
            return;
        }
        match Method::decode(payload) {
            Ok(Method::ConnectionCloseOk(_)) => {
                self.phase = Phase::Closed;
                self.deadline_ms = None;
            }
            // Both sides closed at once; the answer to ours still comes.
            Ok(Method::ConnectionClose(_)) => frame::put_method(out, 0, &ConnectionCloseOk {}),
            _ => {}
        }
    }

    /// Tells the client, if it wants to know, that nothing is read from publishers for now.
    pub fn block(&self, reason: &str, out: &mut Vec<u8>) {
        if self.is_running() && self.capabilities.connection_blocked {
            frame::put_method(out, 0, &ConnectionBlocked { reason: ShortStr::cut(reason) });
        }
    }

    /// Tells the client, if it wants to know, that publishers are read again.
    pub fn unblock(&self, out: &mut Vec<u8>) {
        if self.is_running() && self.capabilities.connection_blocked {
            frame::put_method(out, 0, &ConnectionUnblocked {});
        }
    }
}
