//! A client that speaks to a connection, and an owner that notes what it was told.

use courant_amqp::connection::{Connection, Event, Options};
use courant_amqp::methods::*;
use courant_amqp::table::{TableBuf, Value};
use courant_amqp::{
    ContentHeader, Method, Payload, Properties, PropertyValues, ReplyCode, ShortStr, WireMethod,
    frame,
};

pub(crate) const ANSWER_TIMEOUT_MS: u64 = 10_000;

pub(crate) fn short(text: &'static str) -> ShortStr<'static> {
    ShortStr::literal(text)
}

pub(crate) fn options() -> Options {
    let mut server_properties = TableBuf::new();
    server_properties.put(short("product"), Value::Text(b"Courant"));
    Options {
        server_properties,
        channel_max: 4,
        message_bytes_max: 1_000,
        answer_timeout_ms: ANSWER_TIMEOUT_MS,
        ..Options::default()
    }
}

pub(crate) struct Client {
    pub(crate) connection: Connection,
    pub(crate) now_ms: u64,
    /// What the server sent and the client has not read.
    pub(crate) out: Vec<u8>,
}

impl Client {
    pub(crate) fn new() -> Client {
        Client { connection: Connection::new(options(), 0), now_ms: 0, out: Vec::new() }
    }

    /// A client that has sent its protocol header and read `connection.start`.
    pub(crate) fn started() -> Client {
        let mut client = Client::new();
        assert_eq!(client.bytes(&frame::PROTOCOL_HEADER), ["Handled"]);
        assert_eq!(client.replies(), ["0 connection.start"]);
        client
    }

    /// A client that is logged in, and is to choose limits.
    pub(crate) fn tuning() -> Client {
        let mut client = Client::started();
        client.send(0, &start_ok(false));
        client.connection.accept_login(&mut client.out);
        assert_eq!(client.replies(), ["0 connection.tune"]);
        client
    }

    /// A client in its virtual host, with the limits proposed.
    pub(crate) fn running() -> Client {
        let mut client = Client::tuning();
        client.send(0, &tune_ok(131_072, 4, 60));
        client.send(0, &ConnectionOpen { virtual_host: short("/"), ..Default::default() });
        client.connection.accept_open(&mut client.out);
        assert_eq!(client.replies(), ["0 connection.open-ok"]);
        assert!(client.connection.is_running());
        client
    }

    /// A client with channel 1 open.
    pub(crate) fn on_channel() -> Client {
        let mut client = Client::running();
        assert_eq!(client.send(1, &ChannelOpen::default()), ["ChannelOpened(1)"]);
        assert_eq!(client.replies(), ["1 channel.open-ok"]);
        client
    }

    /// Gives bytes to the connection; says what its owner is told.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut events = Vec::new();
        let mut rest = bytes;
        while let Some((event, length)) = self.connection.read(rest, self.now_ms, &mut self.out) {
            events.push(told(&event));
            rest = &rest[length..];
            if rest.is_empty() {
                break;
            }
        }
        events
    }

    pub(crate) fn send(&mut self, channel: u16, method: &impl WireMethod) -> Vec<String> {
        let mut bytes = Vec::new();
        frame::put_method(&mut bytes, channel, method);
        self.bytes(&bytes)
    }

    pub(crate) fn header(&mut self, channel: u16, body_bytes: u64) -> Vec<String> {
        let mut raw = Vec::new();
        PropertyValues { delivery_mode: Some(2), ..Default::default() }.put(&mut raw);
        let properties = Properties::new(&raw).expect("they were just written");
        let mut bytes = Vec::new();
        frame::put_header(&mut bytes, channel, &ContentHeader { body_bytes, properties });
        self.bytes(&bytes)
    }

    pub(crate) fn body(&mut self, channel: u16, part: &[u8]) -> Vec<String> {
        let mut bytes = Vec::new();
        frame::put_body(&mut bytes, channel, part, 0);
        self.bytes(&bytes)
    }

    /// What the server sent since this was asked last: channel and method, for a close also why.
    pub(crate) fn replies(&mut self) -> Vec<String> {
        let out = std::mem::take(&mut self.out);
        let mut rest = out.as_slice();
        let mut replies = Vec::new();
        while let Some((frame, length)) = frame::decode(rest, 0).expect("whole frames are sent") {
            let channel = frame.channel;
            replies.push(match frame.payload {
                Payload::Method(payload) => {
                    reply(channel, Method::decode(payload).expect("methods are sent"))
                }
                Payload::Heartbeat => format!("{channel} heartbeat"),
                payload => panic!("a connection sends no {payload:?}"),
            });
            rest = &rest[length..];
        }
        assert!(rest.is_empty(), "whole frames are sent");
        replies
    }
}

fn reply(channel: u16, method: Method<'_>) -> String {
    let why = match method {
        Method::ConnectionClose(ConnectionClose {
            reply_code,
            reply_text,
            class_id,
            method_id,
        })
        | Method::ChannelClose(ChannelClose { reply_code, reply_text, class_id, method_id }) => {
            let code = ReplyCode::from_number(reply_code).expect("a code that exists");
            assert!(reply_text.to_string().starts_with(&format!("{code} - ")), "{reply_text}");
            format!(" {reply_code} {class_id},{method_id}")
        }
        _ => String::new(),
    };
    format!("{channel} {}{why}", method.name())
}

/// An event in short, without what it borrows.
fn told(event: &Event<'_>) -> String {
    match event {
        Event::Method { channel, method } => format!("{channel} {}", method.name()),
        Event::Publish { channel, publish } => format!("{channel} publish {}", publish.routing_key),
        Event::Header { channel, header, ends } => {
            assert_eq!(header.properties.delivery_mode(), Some(2));
            format!("{channel} header {} {ends}", header.body_bytes)
        }
        Event::Body { channel, part, ends } => format!("{channel} body {} {ends}", part.len()),
        Event::Login { mechanism, .. } => format!("Login {mechanism}"),
        Event::ChannelFailed(channel, failure) => {
            format!("{channel} failed {}", failure.code.number())
        }
        Event::Failed(failure) => format!("failed {}", failure.code.number()),
        Event::Close { reply_code, .. } => format!("Close {reply_code}"),
        other => format!("{other:?}"),
    }
}

/// `connection.start-ok`, with or without the capability to be told of a refusal.
pub(crate) fn start_ok(is_told: bool) -> ConnectionStartOk<'static> {
    // { capabilities: { authentication_failure_close: true, connection.blocked: true } }
    const TOLD: &[u8] = b"\x0ccapabilitiesF\0\0\0\x34\x1cauthentication_failure_closet\x01\
                          \x12connection.blockedt\x01";
    let raw = if is_told { TOLD } else { &[] };
    ConnectionStartOk {
        client_properties: courant_amqp::Table::from_raw(raw),
        mechanism: short("PLAIN"),
        response: b"\0user\0pass",
        locale: short("en_US"),
    }
}

pub(crate) fn tune_ok(frame_max: u32, channel_max: u16, heartbeat: u16) -> ConnectionTuneOk {
    ConnectionTuneOk { channel_max, frame_max, heartbeat }
}
