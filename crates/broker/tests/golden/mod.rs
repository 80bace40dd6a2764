//! The bytes of format 1, committed: every kind of change and a snapshot.
//!
//! Today's encoder must make them, and today's decoder must read them, whatever else changes. A
//! change of the format takes a new format number and a new file beside this one, which stays.

use crate::world::*;
use courant_broker::{
    Bind, Broker, Change, Command, DeclareExchange, DeclareQueue, Limits, Table, Value,
};

const GOLDEN: &str = include_str!("format-1.hex");

/// Few, so that the snapshot has several sections of a kind.
const ENTRIES_PER_SECTION: usize = 2;

/// A value of every type.
fn every_type() -> Table {
    table(&[
        ("array", Value::List(vec![Value::Int(-1), Value::text("x"), Value::List(Vec::new())])),
        ("binary", Value::Binary([0, 255].as_slice().into())),
        ("bool", Value::Bool(true)),
        ("byte", Value::Byte(-128)),
        ("decimal", Value::Decimal { scale: 2, digits: 1_234 }),
        ("double", Value::Double(0x4045_0000_0000_0000)),
        ("float", Value::Float(0x4228_0000)),
        ("int", Value::Int(-2)),
        ("long", Value::Long(i64::MIN)),
        ("short", Value::Short(-300)),
        ("table", Value::Table(table(&[("inner", Value::Void)]))),
        ("text", Value::text("Žofie")),
        ("timestamp", Value::Timestamp(1_800_000_000)),
        ("unsigned-byte", Value::UnsignedByte(200)),
        ("unsigned-int", Value::UnsignedInt(u32::MAX)),
        ("unsigned-short", Value::UnsignedShort(60_000)),
        ("void", Value::Void),
    ])
}

/// Every kind of change, every kind of exchange and queue.
fn commands() -> Vec<(&'static str, Command)> {
    let arguments = every_type();
    let queue_of = |kind: &str| DeclareQueue {
        arguments: table(&[("x-queue-type", text(kind))]),
        ..queue(kind)
    };
    let exclusive = DeclareQueue { exclusive: true, connection: OTHER, ..queue("exclusive") };
    let auto = DeclareExchange { auto_delete: true, durable: false, ..exchange("auto", "topic") };
    let internal = DeclareExchange { internal: true, ..exchange("internal", "headers") };
    let full = DeclareExchange { arguments: arguments.clone(), ..exchange("full", "direct") };
    let matching = Bind { arguments, ..bind("internal", "", "plain") };
    vec![
        ("vhost-created", Command::CreateVHost(name("/"))),
        ("vhost-created", Command::CreateVHost(name("v"))),
        ("vhost-deleted", Command::DeleteVHost(name("v"))),
        ("exchange-declared", Command::DeclareExchange(full)),
        ("exchange-declared", Command::DeclareExchange(exchange("fanout", "fanout"))),
        ("exchange-declared", Command::DeclareExchange(auto)),
        ("exchange-declared", Command::DeclareExchange(internal)),
        ("queue-declared", Command::DeclareQueue(queue("plain"))),
        ("queue-declared", Command::DeclareQueue(queue_of("quorum"))),
        ("queue-declared", Command::DeclareQueue(queue_of("stream"))),
        ("queue-declared", Command::DeclareQueue(exclusive)),
        ("queue-declared", Command::DeclareQueue(queue("gone"))),
        ("bound", Command::Bind(matching)),
        ("bound", Command::Bind(bind("amq.topic", "a.*.#", "plain"))),
        ("bound", Command::Bind(bind_exchange("fanout", "", "internal"))),
        ("bound", Command::Bind(bind("auto", "k", "quorum"))),
        ("bound", Command::Bind(bind("fanout", "", "gone"))),
        ("unbound", Command::Unbind(bind("auto", "k", "quorum"))),
        ("deleted", delete_queue("gone")),
        ("deleted", delete_exchange("full")),
    ]
}

fn scene() -> Vec<String> {
    let (mut world, mut lines) = (World::empty(Limits::default()), Vec::new());
    for (what, command) in commands() {
        assert_eq!(world.ask(command), Ok(true), "{what}");
        lines.push(format!("change {what} {}", hex(world.journal.last().expect("one was made"))));
    }
    for section in sections(&world.broker, ENTRIES_PER_SECTION) {
        lines.push(format!("section - {}", hex(&section)));
    }
    lines
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hex digits");
    (0..text.len()).step_by(2).map(digits).collect()
}

/// The bytes of all lines of a kind.
pub(crate) fn golden(kind: &str) -> Vec<Vec<u8>> {
    let words = GOLDEN.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    words.filter(|words| words[0] == kind).map(|words| unhex(words[2])).collect()
}

#[test]
fn todays_encoder_makes_the_bytes_of_format_1() {
    let made = scene().join("\n") + "\n";
    if made != GOLDEN {
        let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("format-1.hex");
        std::fs::write(&path, &made).expect("the directory for test files can be written");
        let same = made.lines().zip(GOLDEN.lines()).take_while(|(made, old)| made == old).count();
        let line = made.lines().nth(same).unwrap_or_default();
        panic!("line {} differs: {line}\nall of it is in {}", same + 1, path.display());
    }
}

#[test]
fn todays_decoder_reads_the_bytes_of_format_1() {
    let mut replayed = Broker::new(Limits::default());
    for bytes in golden("change") {
        replayed.evolve(&Change::decode(&bytes).expect("the golden changes can be read"));
    }
    let loaded = loaded(&golden("section"));
    assert_eq!(sections(&replayed, ENTRIES_PER_SECTION), golden("section"));
    assert_eq!(sections(&loaded, ENTRIES_PER_SECTION), golden("section"));
}
