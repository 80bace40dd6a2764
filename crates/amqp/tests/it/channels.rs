//! Channels: opening and closing them, messages in parts, and what is refused.

use courant_amqp::connection::{Event, Failure};
use courant_amqp::methods::*;
use courant_amqp::table::{Table, Value};
use courant_amqp::{
    ContentHeader, Method, Properties, PropertyValues, ReplyCode, WireMethod, frame,
};

use crate::client::{Client, short};
use crate::golden;

const NOTHING: [&str; 0] = [];

fn publish() -> BasicPublish<'static> {
    BasicPublish { routing_key: short("orders"), ..Default::default() }
}

fn deliver() -> BasicDeliver<'static> {
    BasicDeliver { consumer_tag: short("c"), delivery_tag: 1, ..Default::default() }
}

fn failure(code: ReplyCode) -> Failure {
    Failure::new(code, "no queue 'q' in vhost '/'", (50, 10))
}

#[test]
fn a_channel_opens_once_and_its_number_is_free_after_its_close() {
    let mut client = Client::on_channel();
    assert_eq!(client.send(1, &ChannelClose::default()), ["ChannelClose(1)"]);
    assert_eq!(client.send(1, &BasicQos::default()), ["Handled"], "nothing follows a close");
    assert!(!client.connection.is_open(1));
    assert_eq!(client.replies(), NOTHING, "the owner answers when it is done");
    client.connection.accept_channel_close(1, &mut client.out);
    client.connection.accept_channel_close(1, &mut client.out);
    assert_eq!(client.replies(), ["1 channel.close-ok"], "once");
    assert_eq!(client.send(1, &ChannelOpen::default()), ["ChannelOpened(1)"]);
    client.replies();
    assert_eq!(client.send(1, &ChannelOpen::default()), ["failed 504"]);
    assert_eq!(client.replies(), ["0 connection.close 504 20,10"]);
}

#[test]
fn only_so_many_channels_open() {
    for number in [5, u16::MAX] {
        let mut client = Client::running();
        assert_eq!(client.send(number, &ChannelOpen::default()), ["failed 530"], "{number}");
        assert_eq!(client.replies(), ["0 connection.close 530 0,0"]);
    }
}

#[test]
fn a_method_on_a_channel_that_is_not_open_closes_the_connection() {
    let mut client = Client::on_channel();
    assert_eq!(client.send(2, &QueueDeclare::default()), ["failed 504"]);
    assert_eq!(client.replies(), ["0 connection.close 504 50,10"]);
}

#[test]
fn a_failed_channel_swallows_what_comes_until_its_close_is_answered() {
    let mut client = Client::on_channel();
    client.connection.fail_channel(1, failure(ReplyCode::NotFound), &mut client.out);
    client.connection.fail_channel(1, failure(ReplyCode::NotFound), &mut client.out);
    assert_eq!(client.replies(), ["1 channel.close 404 50,10"], "once");
    for events in [
        client.send(1, &publish()),
        client.header(1, 3),
        client.body(1, b"abc"),
        client.send(1, &QueueDeclare::default()),
        client.send(1, &ChannelClose::default()),
    ] {
        assert_eq!(events, ["Handled"]);
    }
    assert_eq!(client.replies(), ["1 channel.close-ok"], "both closed at once");
    assert_eq!(client.send(2, &ChannelOpen::default()), ["ChannelOpened(2)"], "others go on");
    client.send(1, &ChannelCloseOk {});
    assert_eq!(client.send(1, &ChannelOpen::default()), ["ChannelOpened(1)"]);
}

#[test]
fn a_hard_error_on_a_channel_closes_the_connection() {
    let mut client = Client::on_channel();
    client.connection.fail_channel(1, failure(ReplyCode::NotImplemented), &mut client.out);
    assert_eq!(client.replies(), ["0 connection.close 540 50,10"]);
    assert!(!client.connection.is_running());
    client.connection.fail_channel(1, failure(ReplyCode::NotFound), &mut client.out);
    assert_eq!(client.replies(), NOTHING);
}

#[test]
fn a_message_comes_in_parts_and_other_channels_in_between() {
    let mut client = Client::on_channel();
    client.send(2, &ChannelOpen::default());
    assert_eq!(client.send(1, &publish()), ["1 publish orders"]);
    assert_eq!(client.send(2, &BasicGet::default()), ["2 basic.get"]);
    assert_eq!(client.header(1, 5), ["1 header 5 false"]);
    assert_eq!(client.send(2, &publish()), ["2 publish orders"]);
    assert_eq!(client.body(1, b"abc"), ["1 body 3 false"]);
    assert_eq!(client.header(2, 0), ["2 header 0 true"]);
    assert_eq!(client.body(1, b"de"), ["1 body 2 true"]);
    assert_eq!(client.send(1, &BasicAck::default()), ["1 basic.ack"]);
    assert_eq!(client.send(1, &publish()), ["1 publish orders"]);
}

#[test]
fn a_message_allocates_nothing_on_its_way() {
    let mut client = Client::on_channel();
    let mut stream = Vec::new();
    let headers = Table::from_raw(b"\x01aS\0\0\0\x01b");
    let mut raw = Vec::new();
    PropertyValues { headers: Some(headers), ..Default::default() }.put(&mut raw);
    frame::put_method(&mut stream, 1, &publish());
    let properties = Properties::new(&raw).unwrap();
    frame::put_header(&mut stream, 1, &ContentHeader { body_bytes: 256, properties });
    frame::put_body(&mut stream, 1, &[7; 256], 136);
    frame::put_method(&mut stream, 1, &BasicAck { delivery_tag: 1, multiple: false });
    let mut out = Vec::with_capacity(1_024);
    let mut events = 0;
    let measured = allocation_counter::measure(|| {
        let mut rest = stream.as_slice();
        while let Some((event, length)) = client.connection.read(rest, 0, &mut out) {
            if let Event::Header { header, .. } = event {
                let headers = header.properties.headers().unwrap();
                assert_eq!(headers.get("a"), Ok(Some(Value::Text(b"b"))));
            }
            rest = &rest[length..];
            events += 1;
        }
        frame::put_method(&mut out, 1, &BasicDeliver { routing_key: short("k"), ..deliver() });
        frame::put_header(&mut out, 1, &ContentHeader { body_bytes: 256, properties });
        frame::put_body(&mut out, 1, &[7; 256], 136);
    });
    assert_eq!(events, 5);
    assert_eq!(measured.count_total, 0);
}

#[test]
fn a_frame_of_another_kind_than_the_one_due_closes_the_connection() {
    // p: basic.publish, h: a header for 3 bytes, b: a body of 4, t: a heartbeat on the channel,
    // 0: a header on channel 0. The last one is wrong.
    let cases = [
        ("h", 505, "0,0"),
        ("b", 505, "0,0"),
        ("pp", 505, "60,40"),
        ("pb", 505, "60,40"),
        ("phh", 505, "60,40"),
        ("php", 505, "60,40"),
        ("phb", 501, "60,40"),
        ("t", 505, "0,0"),
        ("0", 505, "0,0"),
    ];
    for (steps, code, method) in cases {
        let mut client = Client::on_channel();
        let mut events = Vec::new();
        for step in steps.chars() {
            events = match step {
                'p' => client.send(1, &publish()),
                'h' => client.header(1, 3),
                'b' => client.body(1, b"abcd"),
                't' => client.bytes(b"\x08\0\x01\0\0\0\0\xce"),
                _ => client.header(0, 3),
            };
        }
        assert_eq!(events, [format!("failed {code}")], "{steps}");
        assert_eq!(client.replies(), [format!("0 connection.close {code} {method}")], "{steps}");
    }
}

#[test]
fn a_message_that_is_too_large_closes_its_channel_before_its_body() {
    let mut client = Client::on_channel();
    client.send(1, &publish());
    assert_eq!(client.header(1, 1_000), ["1 header 1000 false"], "as large as may be");
    client.body(1, &[0; 1_000]);
    client.send(1, &publish());
    assert_eq!(client.header(1, 1_001), ["1 failed 406"]);
    assert_eq!(client.body(1, &[0; 1_001]), ["Handled"]);
    assert_eq!(client.replies(), ["1 channel.close 406 60,40"]);
    assert!(client.connection.is_running());
}

#[test]
fn clients_may_send_these_methods_on_a_channel_and_no_others() {
    let mut allowed = Vec::new();
    for payload in golden::payloads() {
        let method = Method::decode(&payload).unwrap();
        let mut client = Client::on_channel();
        let events = client.send(1, &method);
        if events == ["failed 503"] {
            let (class, number) = method.id();
            assert_eq!(client.replies(), [format!("0 connection.close 503 {class},{number}")]);
        } else {
            allowed.push(method.name());
        }
    }
    let expected = "channel.open channel.flow channel.flow-ok channel.close access.request \
        exchange.declare exchange.delete exchange.bind exchange.unbind queue.declare queue.bind \
        queue.purge queue.delete queue.unbind basic.qos basic.consume basic.cancel \
        basic.cancel-ok basic.publish basic.get basic.ack basic.reject basic.recover-async \
        basic.recover basic.nack confirm.select tx.select tx.commit tx.rollback";
    assert_eq!(allowed.join(" "), expected);
}

#[test]
fn a_malformed_method_closes_the_connection_and_names_it() {
    let mut client = Client::on_channel();
    let mut bytes = b"\x01\0\x01\0\0\0\x06\0\x32\0\x0a\0\0\xce".to_vec();
    assert_eq!(client.bytes(&bytes), ["failed 501"]);
    assert_eq!(client.replies(), ["0 connection.close 501 50,10"]);

    let mut client = Client::on_channel();
    bytes.clear();
    frame::put_method(&mut bytes, 1, &BasicQos::default());
    bytes[8] = 99;
    assert_eq!(client.bytes(&bytes), ["failed 540"]);
    assert_eq!(client.replies(), ["0 connection.close 540 99,10"]);
}
