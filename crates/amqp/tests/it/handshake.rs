//! Logging in, agreeing on limits, heartbeats, and closing the connection.

use courant_amqp::connection::{Connection, Failure, server_properties};
use courant_amqp::frame::{self, PROTOCOL_HEADER};
use courant_amqp::methods::*;
use courant_amqp::table::Value;
use courant_amqp::{Method, Payload, ReplyCode, ShortStr};

use crate::client::{ANSWER_TIMEOUT_MS, Client, options, short, start_ok, tune_ok};

const NOTHING: [&str; 0] = [];

#[test]
fn a_client_comes_in_byte_by_byte() {
    let mut client = Client::new();
    let mut stream = PROTOCOL_HEADER.to_vec();
    frame::put_method(&mut stream, 0, &start_ok(false));
    frame::put_method(&mut stream, 0, &tune_ok(4_096, 4, 10));
    frame::put_method(
        &mut stream,
        0,
        &ConnectionOpen { virtual_host: short("payments"), ..Default::default() },
    );
    let (mut events, mut start) = (Vec::new(), 0);
    for end in 1..=stream.len() {
        let Some((event, length)) = client.connection.read(&stream[start..end], 0, &mut client.out)
        else {
            continue;
        };
        start += length;
        events.push(format!("{event:?}").chars().take(22).collect::<String>());
        // The owner answers at once; what is not asked for is not answered.
        client.connection.accept_login(&mut client.out);
        client.connection.accept_open(&mut client.out);
    }
    assert_eq!(start, stream.len());
    assert_eq!(events, ["Handled", "Login { mechanism: \"PL", "Handled", "Open(\"payments\")"]);
    let replies = ["0 connection.start", "0 connection.tune", "0 connection.open-ok"];
    assert_eq!(client.replies(), replies);
    assert_eq!(client.connection.frame_max(), 4_096);
}

#[test]
fn another_protocol_is_told_which_one_is_spoken() {
    for bytes in [&b"AMQP\x00\x01\x00\x00"[..], b"GET / HTTP/1.1\r\n", b"\x16\x03\x01"] {
        let mut client = Client::new();
        client.bytes(bytes);
        assert_eq!(client.out, PROTOCOL_HEADER);
        assert!(client.connection.is_closed());
    }
}

#[test]
fn start_offers_properties_and_mechanisms() {
    let mut client = Client::new();
    client.bytes(&PROTOCOL_HEADER);
    let (frame, _) = frame::decode(&client.out, 0).unwrap().unwrap();
    let Payload::Method(payload) = frame.payload else { panic!("{frame:?}") };
    let Ok(Method::ConnectionStart(start)) = Method::decode(payload) else { panic!("{frame:?}") };
    assert_eq!((start.version_major, start.version_minor), (0, 9));
    assert_eq!(start.mechanisms, b"PLAIN AMQPLAIN");
    assert_eq!(start.server_properties.get("product"), Ok(Some(Value::Text(b"Courant"))));

    let properties = server_properties("Courant", "1.0");
    let Ok(Some(Value::Table(capabilities))) = properties.table().get("capabilities") else {
        panic!("capabilities are a table")
    };
    // Client libraries refuse to confirm where these two are not announced.
    assert_eq!(capabilities.get("publisher_confirms"), Ok(Some(Value::Bool(true))));
    assert_eq!(capabilities.get("basic.nack"), Ok(Some(Value::Bool(true))));
}

#[test]
fn a_refused_login_is_told_to_those_who_can_read_it() {
    let mut client = Client::started();
    assert_eq!(client.send(0, &start_ok(false)), ["Login PLAIN"]);
    client.connection.refuse_login("wrong password", &mut client.out);
    assert_eq!(client.replies(), NOTHING);
    assert!(client.connection.is_closed());

    let mut client = Client::started();
    client.send(0, &start_ok(true));
    assert!(client.connection.capabilities().connection_blocked);
    assert!(!client.connection.capabilities().consumer_cancel_notify);
    client.connection.refuse_login("wrong password", &mut client.out);
    assert_eq!(client.replies(), ["0 connection.close 403 0,0"]);
    assert!(!client.connection.is_closed(), "its answer is awaited");
    assert_eq!(client.send(0, &ConnectionCloseOk {}), ["Handled"]);
    assert!(client.connection.is_closed());
}

#[test]
fn a_login_may_take_several_answers() {
    let mut client = Client::started();
    client.send(0, &start_ok(false));
    client.connection.challenge(b"who?", &mut client.out);
    assert_eq!(client.replies(), ["0 connection.secure"]);
    client.connection.accept_login(&mut client.out);
    assert_eq!(client.replies(), NOTHING, "an answer is due first");
    let events = client.send(0, &ConnectionSecureOk { response: b"me" });
    assert_eq!(events, ["ChallengeAnswer([109, 101])"]);
    client.connection.accept_login(&mut client.out);
    assert_eq!(client.replies(), ["0 connection.tune"]);
}

#[test]
fn who_is_not_logged_in_is_told_nothing() {
    let other = ConnectionStartOk { mechanism: short("SCRAM"), ..start_ok(true) };
    for (channel, method) in [
        (0, Method::from(other)),
        (0, tune_ok(0, 0, 0).into()),
        (0, ConnectionOpen::default().into()),
        (0, QueueDeclare::default().into()),
        (1, ChannelOpen::default().into()),
    ] {
        let mut client = Client::started();
        let events = client.send(channel, &method);
        assert!(events[0].starts_with("failed 50"), "{events:?}");
        assert_eq!(client.replies(), NOTHING);
        assert!(client.connection.is_closed());
    }
}

#[test]
fn the_clients_limits_must_be_within_those_proposed() {
    let refused = "0 connection.close 530 10,31";
    for (frame_max, channel_max, reply) in [
        (131_072, 4, None),
        (4_096, 1, None),
        (131_073, 4, Some(refused)),
        (4_095, 4, Some(refused)),
        (0, 4, Some(refused)),
        (131_072, 5, Some(refused)),
        (131_072, 0, Some(refused)),
    ] {
        let mut client = Client::tuning();
        client.send(0, &tune_ok(frame_max, channel_max, 0));
        assert_eq!(client.replies(), Vec::from_iter(reply), "{frame_max} {channel_max}");
    }
}

#[test]
fn a_server_without_limits_takes_any() {
    let unlimited = courant_amqp::connection::Options { frame_max: 0, channel_max: 0, ..options() };
    for (frame_max, channel_max) in [(0, 0), (4_096, 1), (u32::MAX, u16::MAX)] {
        let mut client = Client::new();
        client.connection = Connection::new(unlimited.clone(), 0);
        client.bytes(&PROTOCOL_HEADER);
        client.send(0, &start_ok(false));
        client.connection.accept_login(&mut client.out);
        client.send(0, &tune_ok(frame_max, channel_max, 0));
        client.send(0, &ConnectionOpen::default());
        client.connection.accept_open(&mut client.out);
        assert!(client.connection.is_running());
        assert_eq!(client.connection.frame_max(), frame_max);
        let highest = if channel_max == 0 { u16::MAX } else { channel_max };
        assert_eq!(client.send(highest, &ChannelOpen::default()).len(), 1);
        assert!(client.connection.is_open(highest));
    }
}

#[test]
fn frames_are_limited_before_and_after_tuning() {
    let header = |payload_bytes: u32| {
        let [a, b, c, d] = payload_bytes.to_be_bytes();
        [1, 0, 0, a, b, c, d]
    };
    let mut client = Client::started();
    assert_eq!(client.bytes(&header(8_192)), NOTHING, "it may still come");
    assert_eq!(client.bytes(&header(8_193)), ["failed 501"]);
    assert!(client.connection.is_closed());

    let mut client = Client::running();
    assert_eq!(client.bytes(&header(131_072)), NOTHING);
    assert_eq!(client.bytes(&header(131_073)), ["failed 501"]);
    assert_eq!(client.replies(), ["0 connection.close 501 0,0"]);
    assert!(client.connection.is_closed(), "the stream cannot be read on");
}

#[test]
fn the_client_closes_and_the_owner_answers_when_it_is_done() {
    let mut client = Client::on_channel();
    let close = ConnectionClose { reply_code: 200, ..Default::default() };
    assert_eq!(client.send(0, &close), ["Close 200"]);
    assert_eq!(client.send(1, &BasicQos::default()), ["Handled"], "nothing follows a close");
    assert!(!client.connection.is_open(1));
    assert_eq!(client.connection.poll_time(), None, "the client has nothing more to do");
    client.connection.accept_close(&mut client.out);
    assert_eq!(client.replies(), ["0 connection.close-ok"]);
    assert!(client.connection.is_closed());
}

#[test]
fn the_server_closes_and_swallows_what_still_comes() {
    let mut client = Client::on_channel();
    let failure = Failure::new(ReplyCode::ConnectionForced, "shutting down", (0, 0));
    client.connection.fail(failure.clone(), &mut client.out);
    client.connection.fail(failure, &mut client.out);
    assert_eq!(client.replies(), ["0 connection.close 320 0,0"], "once");
    assert_eq!(client.send(1, &BasicPublish::default()), ["Handled"]);
    assert_eq!(client.send(7, &QueueDeclare::default()), ["Handled"]);
    assert_eq!(client.replies(), NOTHING);
    // Both at once.
    assert_eq!(client.send(0, &ConnectionClose::default()), ["Handled"]);
    assert_eq!(client.replies(), ["0 connection.close-ok"]);
    assert!(!client.connection.is_closed());
    client.send(0, &ConnectionCloseOk {});
    assert!(client.connection.is_closed());
}

#[test]
fn who_does_not_answer_in_time_is_given_up() {
    let mut silent = Client::started();
    assert_eq!(silent.connection.poll_time(), Some(ANSWER_TIMEOUT_MS));
    silent.connection.handle_time(ANSWER_TIMEOUT_MS - 1, &mut silent.out);
    assert!(!silent.connection.is_closed());
    silent.connection.handle_time(ANSWER_TIMEOUT_MS, &mut silent.out);
    assert!(silent.connection.is_closed());

    let mut closing = Client::running();
    closing.connection.handle_time(1_000, &mut closing.out);
    let failure = Failure::new(ReplyCode::InternalError, "a fault", (0, 0));
    closing.connection.fail(failure, &mut closing.out);
    assert_eq!(closing.connection.poll_time(), Some(1_000 + ANSWER_TIMEOUT_MS));
    closing.connection.handle_time(1_000 + ANSWER_TIMEOUT_MS, &mut closing.out);
    assert!(closing.connection.is_closed());
    assert_eq!(closing.connection.poll_time(), None);
}

#[test]
fn heartbeats_are_sent_and_awaited() {
    let mut client = Client::running();
    let connection = &mut client.connection;
    assert_eq!(connection.poll_time(), Some(30_000), "half of 60 s after the last bytes");
    connection.handle_time(29_999, &mut client.out);
    assert!(client.out.is_empty());
    connection.handle_time(30_000, &mut client.out);
    assert_eq!(connection.poll_time(), Some(60_000));
    connection.sent(50_000);
    assert_eq!(connection.poll_time(), Some(80_000), "other bytes do as well");
    assert_eq!(client.replies(), ["0 heartbeat"]);

    // Any octet counts, even a part of a frame.
    client.now_ms = 70_000;
    assert_eq!(client.bytes(b"\x08"), NOTHING);
    client.connection.sent(180_000);
    client.connection.handle_time(189_999, &mut client.out);
    assert!(!client.connection.is_closed());
    client.connection.handle_time(190_000, &mut client.out);
    assert!(client.connection.is_closed(), "silent for two intervals");
    assert_eq!(client.replies(), NOTHING);
}

#[test]
fn without_heartbeats_a_silent_client_stays() {
    let mut client = Client::tuning();
    client.send(0, &tune_ok(131_072, 4, 0));
    client.send(0, &ConnectionOpen::default());
    client.connection.accept_open(&mut client.out);
    assert_eq!(client.connection.poll_time(), None);
    client.connection.handle_time(u64::MAX, &mut client.out);
    assert!(client.connection.is_running());
}

#[test]
fn blocking_is_told_to_those_who_want_to_know() {
    let mut client = Client::running();
    client.connection.block("low on memory", &mut client.out);
    client.connection.unblock(&mut client.out);
    assert_eq!(client.replies(), NOTHING);

    let mut client = Client::started();
    client.send(0, &start_ok(true));
    client.connection.accept_login(&mut client.out);
    client.send(0, &tune_ok(131_072, 4, 0));
    client.send(0, &ConnectionOpen::default());
    client.connection.accept_open(&mut client.out);
    client.replies();
    client.connection.block("low on memory", &mut client.out);
    client.connection.unblock(&mut client.out);
    assert_eq!(client.replies(), ["0 connection.blocked", "0 connection.unblocked"]);
}

#[test]
fn a_secret_is_renewed() {
    let mut client = Client::running();
    let update = ConnectionUpdateSecret { new_secret: b"s", reason: ShortStr::EMPTY };
    assert!(client.send(0, &update)[0].starts_with("UpdateSecret"));
    client.connection.accept_secret(&mut client.out);
    assert_eq!(client.replies(), ["0 connection.update-secret-ok"]);
}
