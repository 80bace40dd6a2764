//! The bytes of every method, as the specification has them.

use courant_amqp::methods::*;
use courant_amqp::{Method, ShortStr, Table, WireMethod};

type Row = (Method<'static>, &'static str);

/// A table with the one entry `a`, which is true.
const TABLE: Table<'static> = Table::from_raw(&[1, b'a', b't', 1]);

fn short(text: &'static str) -> ShortStr<'static> {
    ShortStr::literal(text)
}

#[rustfmt::skip]
fn connection() -> Vec<Row> {
    vec![
        (
            ConnectionStart { version_major: 0, version_minor: 9, server_properties: TABLE,
                mechanisms: b"PLAIN", locales: b"en_US" }.into(),
            "000a 000a 00 09 00000004 0161 7401 00000005504c41494e 00000005656e5f5553",
        ),
        (
            ConnectionStartOk { client_properties: TABLE, mechanism: short("PLAIN"),
                response: b"\0u\0p", locale: short("en_US") }.into(),
            "000a 000b 00000004 0161 7401 05504c41494e 0000000400750070 05656e5f5553",
        ),
        (ConnectionSecure { challenge: b"?" }.into(), "000a 0014 000000013f"),
        (ConnectionSecureOk { response: b"\0u\0p" }.into(), "000a 0015 0000000400750070"),
        (
            ConnectionTune { channel_max: 2047, frame_max: 131072, heartbeat: 60 }.into(),
            "000a 001e 07ff 00020000 003c",
        ),
        (
            ConnectionTuneOk { channel_max: 2047, frame_max: 131072, heartbeat: 60 }.into(),
            "000a 001f 07ff 00020000 003c",
        ),
        (
            ConnectionOpen { virtual_host: short("/"), capabilities: short(""), insist: true
                }.into(),
            "000a 0028 012f 00 01",
        ),
        (ConnectionOpenOk { known_hosts: short("") }.into(), "000a 0029 00"),
        (
            ConnectionClose { reply_code: 200, reply_text: short("OK"), class_id: 50,
                method_id: 10 }.into(),
            "000a 0032 00c8 024f4b 0032 000a",
        ),
        (ConnectionCloseOk {}.into(), "000a 0033"),
        (ConnectionBlocked { reason: short("low") }.into(), "000a 003c 036c6f77"),
        (ConnectionUnblocked {}.into(), "000a 003d"),
        (
            ConnectionUpdateSecret { new_secret: b"n", reason: short("low") }.into(),
            "000a 0046 000000016e 036c6f77",
        ),
        (ConnectionUpdateSecretOk {}.into(), "000a 0047"),
    ]
}

#[rustfmt::skip]
fn channels_and_tickets() -> Vec<Row> {
    vec![
        (ChannelOpen { out_of_band: short("") }.into(), "0014 000a 00"),
        (ChannelOpenOk { channel_id: b"" }.into(), "0014 000b 00000000"),
        (ChannelFlow { active: true }.into(), "0014 0014 01"),
        (ChannelFlowOk { active: true }.into(), "0014 0015 01"),
        (
            ChannelClose { reply_code: 200, reply_text: short("OK"), class_id: 50, method_id: 10
                }.into(),
            "0014 0028 00c8 024f4b 0032 000a",
        ),
        (ChannelCloseOk {}.into(), "0014 0029"),
        (
            AccessRequest { realm: short("/data"), exclusive: true, passive: false, active: true,
                write: false, read: true }.into(),
            "001e 000a 052f64617461 15",
        ),
        (AccessRequestOk { ticket: 0 }.into(), "001e 000b 0000"),
    ]
}

#[rustfmt::skip]
fn exchanges() -> Vec<Row> {
    vec![
        (
            ExchangeDeclare { ticket: 0, exchange: short("x"), kind: short("topic"),
                passive: true, durable: false, auto_delete: true, internal: false, no_wait: true,
                arguments: TABLE }.into(),
            "0028 000a 0000 0178 05746f706963 15 00000004 0161 7401",
        ),
        (ExchangeDeclareOk {}.into(), "0028 000b"),
        (
            ExchangeDelete { ticket: 0, exchange: short("x"), if_unused: true, no_wait: false
                }.into(),
            "0028 0014 0000 0178 01",
        ),
        (ExchangeDeleteOk {}.into(), "0028 0015"),
        (
            ExchangeBind { ticket: 0, destination: short("d"), source: short("s"),
                routing_key: short("k"), no_wait: true, arguments: TABLE }.into(),
            "0028 001e 0000 0164 0173 016b 01 00000004 0161 7401",
        ),
        (ExchangeBindOk {}.into(), "0028 001f"),
        (
            ExchangeUnbind { ticket: 0, destination: short("d"), source: short("s"),
                routing_key: short("k"), no_wait: true, arguments: TABLE }.into(),
            "0028 0028 0000 0164 0173 016b 01 00000004 0161 7401",
        ),
        (ExchangeUnbindOk {}.into(), "0028 0033"),
    ]
}

#[rustfmt::skip]
fn queues() -> Vec<Row> {
    vec![
        (
            QueueDeclare { ticket: 0, queue: short("q"), passive: true, durable: false,
                exclusive: true, auto_delete: false, no_wait: true, arguments: TABLE }.into(),
            "0032 000a 0000 0171 15 00000004 0161 7401",
        ),
        (
            QueueDeclareOk { queue: short("q"), message_count: 7, consumer_count: 2 }.into(),
            "0032 000b 0171 00000007 00000002",
        ),
        (
            QueueBind { ticket: 0, queue: short("q"), exchange: short("x"),
                routing_key: short("k"), no_wait: true, arguments: TABLE }.into(),
            "0032 0014 0000 0171 0178 016b 01 00000004 0161 7401",
        ),
        (QueueBindOk {}.into(), "0032 0015"),
        (
            QueuePurge { ticket: 0, queue: short("q"), no_wait: true }.into(),
            "0032 001e 0000 0171 01",
        ),
        (QueuePurgeOk { message_count: 7 }.into(), "0032 001f 00000007"),
        (
            QueueDelete { ticket: 0, queue: short("q"), if_unused: true, if_empty: false,
                no_wait: true }.into(),
            "0032 0028 0000 0171 05",
        ),
        (QueueDeleteOk { message_count: 7 }.into(), "0032 0029 00000007"),
        (
            QueueUnbind { ticket: 0, queue: short("q"), exchange: short("x"),
                routing_key: short("k"), arguments: TABLE }.into(),
            "0032 0032 0000 0171 0178 016b 00000004 0161 7401",
        ),
        (QueueUnbindOk {}.into(), "0032 0033"),
    ]
}

#[rustfmt::skip]
fn messages() -> Vec<Row> {
    vec![
        (
            BasicQos { prefetch_size: 0, prefetch_count: 10, global: true }.into(),
            "003c 000a 00000000 000a 01",
        ),
        (BasicQosOk {}.into(), "003c 000b"),
        (
            BasicConsume { ticket: 0, queue: short("q"), consumer_tag: short("c"),
                no_local: true, no_ack: false, exclusive: true, no_wait: false,
                arguments: TABLE }.into(),
            "003c 0014 0000 0171 0163 05 00000004 0161 7401",
        ),
        (BasicConsumeOk { consumer_tag: short("c") }.into(), "003c 0015 0163"),
        (BasicCancel { consumer_tag: short("c"), no_wait: true }.into(), "003c 001e 0163 01"),
        (BasicCancelOk { consumer_tag: short("c") }.into(), "003c 001f 0163"),
        (
            BasicPublish { ticket: 0, exchange: short("x"), routing_key: short("k"),
                mandatory: true, immediate: false }.into(),
            "003c 0028 0000 0178 016b 01",
        ),
        (
            BasicReturn { reply_code: 200, reply_text: short("OK"), exchange: short("x"),
                routing_key: short("k") }.into(),
            "003c 0032 00c8 024f4b 0178 016b",
        ),
        (
            BasicDeliver { consumer_tag: short("c"), delivery_tag: 258, redelivered: true,
                exchange: short("x"), routing_key: short("k") }.into(),
            "003c 003c 0163 0000000000000102 01 0178 016b",
        ),
        (BasicGet { ticket: 0, queue: short("q"), no_ack: true }.into(), "003c 0046 0000 0171 01"),
        (
            BasicGetOk { delivery_tag: 258, redelivered: true, exchange: short("x"),
                routing_key: short("k"), message_count: 7 }.into(),
            "003c 0047 0000000000000102 01 0178 016b 00000007",
        ),
        (BasicGetEmpty { cluster_id: short("") }.into(), "003c 0048 00"),
        (BasicAck { delivery_tag: 258, multiple: true }.into(), "003c 0050 0000000000000102 01"),
        (BasicReject { delivery_tag: 258, requeue: true }.into(), "003c 005a 0000000000000102 01"),
        (BasicRecoverAsync { requeue: true }.into(), "003c 0064 01"),
        (BasicRecover { requeue: true }.into(), "003c 006e 01"),
        (BasicRecoverOk {}.into(), "003c 006f"),
        (
            BasicNack { delivery_tag: 258, multiple: true, requeue: false }.into(),
            "003c 0078 0000000000000102 01",
        ),
    ]
}

#[rustfmt::skip]
fn confirms_and_transactions() -> Vec<Row> {
    vec![
        (ConfirmSelect { no_wait: true }.into(), "0055 000a 01"),
        (ConfirmSelectOk {}.into(), "0055 000b"),
        (TxSelect {}.into(), "005a 000a"),
        (TxSelectOk {}.into(), "005a 000b"),
        (TxCommit {}.into(), "005a 0014"),
        (TxCommitOk {}.into(), "005a 0015"),
        (TxRollback {}.into(), "005a 001e"),
        (TxRollbackOk {}.into(), "005a 001f"),
    ]
}

fn rows() -> Vec<Row> {
    [
        connection(),
        channels_and_tickets(),
        exchanges(),
        queues(),
        messages(),
        confirms_and_transactions(),
    ]
    .concat()
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits: String = hex.split_whitespace().collect();
    let octet = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("two hex digits");
    (0..digits.len()).step_by(2).map(octet).collect()
}

fn payload(method: &impl WireMethod) -> Vec<u8> {
    let mut out = Vec::new();
    method.put(&mut out);
    out
}

/// The bytes of every method, for the tests that break them.
pub(crate) fn payloads() -> Vec<Vec<u8>> {
    rows().iter().map(|(_, hex)| unhex(hex)).collect()
}

#[test]
fn every_method_has_the_bytes_of_the_specification() {
    for (method, hex) in rows() {
        let bytes = unhex(hex);
        assert_eq!(payload(&method), bytes, "{} is written", method.name());
        assert_eq!(Method::decode(&bytes), Ok(method), "{} is read", method.name());
        let id =
            (u16::from_be_bytes([bytes[0], bytes[1]]), u16::from_be_bytes([bytes[2], bytes[3]]));
        assert_eq!(method.id(), id);
    }
}

#[test]
fn every_method_has_a_row() {
    let rows: Vec<_> =
        rows().iter().map(|(method, _)| (method.id().0, method.id().1, method.name())).collect();
    assert_eq!(rows, METHODS);
}

#[test]
fn these_methods_carry_a_message() {
    let rows = rows();
    let with_content: Vec<_> =
        rows.iter().filter(|(method, _)| method.has_content()).map(|row| row.0.name()).collect();
    assert_eq!(with_content, ["basic.publish", "basic.return", "basic.deliver", "basic.get-ok"]);
}

/// Each method with several bits: one with the first bit alone, one with the second, and so on.
#[rustfmt::skip]
fn single_bits() -> Vec<Vec<Method<'static>>> {
    vec![
        vec![
            AccessRequest { exclusive: true, ..AccessRequest::default() }.into(),
            AccessRequest { passive: true, ..AccessRequest::default() }.into(),
            AccessRequest { active: true, ..AccessRequest::default() }.into(),
            AccessRequest { write: true, ..AccessRequest::default() }.into(),
            AccessRequest { read: true, ..AccessRequest::default() }.into(),
        ],
        vec![
            ExchangeDeclare { passive: true, ..ExchangeDeclare::default() }.into(),
            ExchangeDeclare { durable: true, ..ExchangeDeclare::default() }.into(),
            ExchangeDeclare { auto_delete: true, ..ExchangeDeclare::default() }.into(),
            ExchangeDeclare { internal: true, ..ExchangeDeclare::default() }.into(),
            ExchangeDeclare { no_wait: true, ..ExchangeDeclare::default() }.into(),
        ],
        vec![
            ExchangeDelete { if_unused: true, ..ExchangeDelete::default() }.into(),
            ExchangeDelete { no_wait: true, ..ExchangeDelete::default() }.into(),
        ],
        vec![
            QueueDeclare { passive: true, ..QueueDeclare::default() }.into(),
            QueueDeclare { durable: true, ..QueueDeclare::default() }.into(),
            QueueDeclare { exclusive: true, ..QueueDeclare::default() }.into(),
            QueueDeclare { auto_delete: true, ..QueueDeclare::default() }.into(),
            QueueDeclare { no_wait: true, ..QueueDeclare::default() }.into(),
        ],
        vec![
            QueueDelete { if_unused: true, ..QueueDelete::default() }.into(),
            QueueDelete { if_empty: true, ..QueueDelete::default() }.into(),
            QueueDelete { no_wait: true, ..QueueDelete::default() }.into(),
        ],
        vec![
            BasicConsume { no_local: true, ..BasicConsume::default() }.into(),
            BasicConsume { no_ack: true, ..BasicConsume::default() }.into(),
            BasicConsume { exclusive: true, ..BasicConsume::default() }.into(),
            BasicConsume { no_wait: true, ..BasicConsume::default() }.into(),
        ],
        vec![
            BasicPublish { mandatory: true, ..BasicPublish::default() }.into(),
            BasicPublish { immediate: true, ..BasicPublish::default() }.into(),
        ],
        vec![
            BasicNack { multiple: true, ..BasicNack::default() }.into(),
            BasicNack { requeue: true, ..BasicNack::default() }.into(),
        ],
    ]
}

#[test]
fn bits_share_an_octet_lowest_first() {
    for bits in single_bits() {
        let none_at = |octets: &[u8], at: usize| octets[at] == 0;
        let all: Vec<Vec<u8>> = bits.iter().map(payload).collect();
        // Of two that differ in one bit each, the octet of bits is the one in which they differ.
        let at = (0..all[0].len()).find(|at| all[0][*at] != all[1][*at]).expect("they differ");
        for (number, octets) in all.iter().enumerate() {
            assert_eq!(octets[at], 1 << number, "{:?}", bits[number]);
            assert_eq!(octets.len(), all[0].len());
            assert!((4..octets.len()).filter(|other| *other != at).all(|at| none_at(octets, at)));
        }
    }
}
