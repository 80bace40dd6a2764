//! Target: AMQP from any bytes, as a stream of frames and, past the framing, as each thing that a
//! frame can carry, and as a session with a connection.
//!
//! The first byte says what the others are, so that a mutation need not find a frame's length and
//! end before it reaches a method or a table.

use courant_amqp::connection::{Connection, Failure, Options};
use courant_amqp::methods::{
    BasicConsume, BasicDeliver, BasicPublish, ChannelClose, ChannelCloseOk, ChannelOpen,
    ConnectionClose, ConnectionOpen, ConnectionStartOk, ConnectionTuneOk, QueueDeclare,
};
use courant_amqp::table::{ArrayBuf, TableBuf, Value};
use courant_amqp::{
    ContentHeader, Method, Payload, Properties, PropertyValues, ReplyCode, ShortStr, Table,
    WireMethod, frame, sasl,
};

/// The limit for frames in a stream; small, so that mutations break it.
const FRAME_MAX: u32 = 4_096;

const STREAM: u8 = 0;
const METHOD: u8 = 1;
const HEADER: u8 = 2;
const TABLE: u8 = 3;
const LOGIN: u8 = 4;
const SESSION: u8 = 5;

/// What happens in a session, apart from frames, whose types are other numbers.
const ACCEPT: u8 = 100;
const FAIL: u8 = 101;
const WAIT: u8 = 102;

const CHANNEL_MAX: u16 = 3;

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let arguments = arguments();
    let properties = properties(arguments.table());
    let properties = Properties::new(&properties).expect("they were just written");
    let header = ContentHeader { body_bytes: 5, properties };
    let mut header_payload = Vec::new();
    header.put(&mut header_payload);
    let methods = methods(arguments.table());
    let mut stream = Vec::new();
    for method in &methods {
        frame::put_method(&mut stream, 1, method);
        if method.has_content() {
            frame::put_header(&mut stream, 1, &header);
            frame::put_body(&mut stream, 1, b"hello", 11);
        }
    }
    frame::put_heartbeat(&mut stream);
    let mut seeds = vec![
        [&[STREAM], &stream[..]].concat(),
        [&[STREAM], &frame::PROTOCOL_HEADER[..]].concat(),
        [&[HEADER], &header_payload[..]].concat(),
        [&[TABLE], arguments.table().raw()].concat(),
        session_seed(&ContentHeader { body_bytes: 5, properties: Properties::EMPTY }),
        [&[LOGIN], &b"\0user\0pass"[..]].concat(),
    ];
    seeds.extend(methods.iter().map(|method| {
        let mut seed = vec![METHOD];
        method.put(&mut seed);
        seed
    }));
    seeds
}

fn short(text: &'static str) -> ShortStr<'static> {
    ShortStr::literal(text)
}

/// A table with a value of every kind that has something in it.
fn arguments() -> TableBuf {
    let mut death = TableBuf::new();
    death.put(short("reason"), Value::Text(b"expired")).put(short("count"), Value::I64(2));
    let mut deaths = ArrayBuf::new();
    deaths.put(Value::Table(death.table())).put(Value::Void);
    let mut arguments = TableBuf::new();
    arguments
        .put(short("x-death"), Value::Array(deaths.array()))
        .put(short("x-max-length"), Value::I32(10))
        .put(short("x-single-active-consumer"), Value::Bool(true))
        .put(short("price"), Value::Decimal { scale: 2, unscaled: 199 })
        .put(short("raw"), Value::Bytes(&[0xff]))
        .put(short("at"), Value::Timestamp(1))
        .put(short("rate"), Value::Double(0x3ff0_0000_0000_0000));
    arguments
}

fn properties(headers: Table<'_>) -> Vec<u8> {
    let mut raw = Vec::new();
    let values = PropertyValues {
        content_type: Some(short("application/json")),
        headers: Some(headers),
        delivery_mode: Some(2),
        expiration: Some(short("60000")),
        timestamp: Some(1),
        ..PropertyValues::default()
    };
    values.put(&mut raw);
    raw
}

fn methods(arguments: Table<'_>) -> Vec<Method<'_>> {
    let (exchange, routing_key) = (short("amq.topic"), short("a.b"));
    let start_ok = ConnectionStartOk {
        client_properties: arguments,
        mechanism: short("PLAIN"),
        response: b"\0user\0pass",
        locale: short("en_US"),
    };
    let deliver = BasicDeliver { consumer_tag: short("c"), exchange, ..BasicDeliver::default() };
    vec![
        start_ok.into(),
        ConnectionTuneOk { channel_max: 0, frame_max: FRAME_MAX, heartbeat: 60 }.into(),
        ConnectionOpen { virtual_host: short("/"), ..ConnectionOpen::default() }.into(),
        QueueDeclare { durable: true, arguments, ..QueueDeclare::default() }.into(),
        BasicConsume { queue: short("q"), arguments, ..BasicConsume::default() }.into(),
        BasicPublish { exchange, routing_key, ..BasicPublish::default() }.into(),
        deliver.into(),
    ]
}

pub(crate) fn run(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    match *kind % 6 {
        STREAM => stream(data),
        METHOD => method(data),
        HEADER => header(data),
        TABLE => table(Table::from_raw(data)),
        SESSION => session(data),
        _ => {
            let _ = sasl::plain(data);
            let _ = sasl::amqplain(data);
        }
    }
}

fn stream(data: &[u8]) {
    let _ = frame::is_protocol_header(data);
    let mut rest = data;
    while let Ok(Some((found, length))) = frame::decode(rest, FRAME_MAX) {
        // Cut anywhere before its end, it is not yet a frame.
        assert_eq!(frame::decode(&rest[..length - 1], FRAME_MAX), Ok(None));
        match found.payload {
            Payload::Method(payload) => method(payload),
            Payload::Header(payload) => header(payload),
            Payload::Body(body) => {
                let mut written = Vec::new();
                frame::put_body(&mut written, found.channel, body, 0);
                assert!(body.is_empty() || written == rest[..length]);
            }
            Payload::Heartbeat => {}
        }
        rest = &rest[length..];
    }
}

fn method(payload: &[u8]) {
    match Method::decode(payload) {
        Ok(method) => {
            let mut written = Vec::new();
            method.put(&mut written);
            assert_eq!(written.len(), payload.len());
            assert_eq!(Method::decode(&written), Ok(method), "written back it means the same");
        }
        Err(error) => {
            let _ = error.reply_code();
            assert!(!error.field.is_empty(), "{error} names no field");
        }
    }
}

fn header(payload: &[u8]) {
    let Ok(header) = ContentHeader::decode(payload) else { return };
    let mut written = Vec::new();
    header.put(&mut written);
    assert_eq!(written[12..], payload[12..], "properties are passed on as they are");
    let mut raw = Vec::new();
    header.properties.values().put(&mut raw);
    assert_eq!(raw, header.properties.raw(), "and made again from their values they are the same");
    if let Some(headers) = header.properties.headers() {
        table(headers);
    }
}

fn table(table: Table<'_>) {
    let _ = format!("{table:?}");
    if table.check().is_err() {
        return;
    }
    let mut again = TableBuf::new();
    for entry in table.entries() {
        let (name, value) = entry.expect("the table was checked");
        again.put(name, value);
    }
    assert_eq!(again.table().raw().len(), table.raw().len());
    assert_eq!(TableBuf::from(again.table()).table().check(), Ok(()));
}

/// A connection: pairs of bytes say what happens next, mostly a frame of the client.
fn session(data: &[u8]) {
    let options = Options { channel_max: CHANNEL_MAX, ..Options::default() };
    let mut connection = Connection::new(options, 0);
    let (mut stream, mut out, mut now_ms) = (frame::PROTOCOL_HEADER.to_vec(), Vec::new(), 0);
    let mut rest = data;
    loop {
        let mut at = 0;
        while let Some((event, length)) = connection.read(&stream[at..], now_ms, &mut out) {
            assert!(length > 0, "{event:?} takes bytes");
            at += length;
        }
        stream.drain(..at);
        let Some((&[what, which], more)) = rest.split_first_chunk() else { break };
        rest = more;
        let channel = u16::from(which % 4);
        match what {
            ACCEPT => {
                connection.accept_login(&mut out);
                connection.accept_open(&mut out);
                connection.accept_channel_close(channel, &mut out);
                connection.accept_close(&mut out);
            }
            FAIL => {
                let failure = Failure::new(ReplyCode::NotFound, "no queue 'q'", (50, 10));
                connection.fail_channel(channel, failure, &mut out);
            }
            WAIT => {
                now_ms += u64::from(which) * 1_000;
                connection.handle_time(now_ms, &mut out);
            }
            // A frame of this type on this channel, as long as the byte after them says.
            octet => {
                let Some((&length, more)) = rest.split_first() else { break };
                let (payload, more) = more.split_at(more.len().min(usize::from(length)));
                rest = more;
                let length = u32::try_from(payload.len()).expect("at most 255");
                stream.extend_from_slice(&[octet, 0, channel.to_be_bytes()[1]]);
                stream.extend_from_slice(&length.to_be_bytes());
                stream.extend_from_slice(payload);
                stream.push(0xce);
            }
        }
    }
    let mut sent = out.as_slice();
    while let Some((_, length)) = frame::decode(sent, 0).expect("whole frames are sent") {
        sent = &sent[length..];
    }
    assert!(sent.is_empty(), "whole frames are sent");
}

/// A session from login to a message, in the form that [`session`] reads.
fn session_seed(header: &ContentHeader<'_>) -> Vec<u8> {
    let mut seed = vec![SESSION];
    let frame = |seed: &mut Vec<u8>, octet: u8, channel: u8, payload: &[u8]| {
        let length = u8::try_from(payload.len()).expect("a payload of a seed is short");
        seed.extend_from_slice(&[octet, channel, length]);
        seed.extend_from_slice(payload);
    };
    let method = |seed: &mut Vec<u8>, channel: u8, method: Method<'_>| {
        let mut payload = Vec::new();
        method.put(&mut payload);
        frame(seed, 1, channel, &payload);
        seed.extend_from_slice(&[ACCEPT, channel]);
    };
    let start_ok = ConnectionStartOk { mechanism: short("PLAIN"), ..Default::default() };
    let tune_ok =
        ConnectionTuneOk { channel_max: CHANNEL_MAX, frame_max: FRAME_MAX, heartbeat: 60 };
    method(&mut seed, 0, start_ok.into());
    method(&mut seed, 0, tune_ok.into());
    method(&mut seed, 0, ConnectionOpen::default().into());
    method(&mut seed, 1, ChannelOpen::default().into());
    method(&mut seed, 1, BasicPublish::default().into());
    let mut payload = Vec::new();
    header.put(&mut payload);
    frame(&mut seed, 2, 1, &payload);
    frame(&mut seed, 3, 1, b"hel");
    frame(&mut seed, 3, 1, b"lo");
    seed.extend_from_slice(&[WAIT, 30, FAIL, 1]);
    method(&mut seed, 1, ChannelCloseOk {}.into());
    method(&mut seed, 1, ChannelOpen::default().into());
    method(&mut seed, 1, ChannelClose::default().into());
    method(&mut seed, 0, ConnectionClose::default().into());
    seed
}
