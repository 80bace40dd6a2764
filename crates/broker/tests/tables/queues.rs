//! Declaring and deleting queues, and whose they are.

use crate::world::*;
use courant_broker::{Command, ConnectionId, DeclareQueue, DeleteQueue, Value};

const LOCKED: &str = "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'e' in \
    vhost '/'. It could be originally declared on another connection or the exclusive property \
    value does not match that of the original declaration.";

#[test]
fn names_are_as_rabbitmq_has_them() {
    let mut world = World::new();
    let server = |text: &str| DeclareQueue { server_named: true, ..queue(text) };
    let of_type = |kind: &str| table(&[("x-queue-type", text(kind))]);
    let refused = |text: &str| Err(text.to_string());
    for (declare, answer) in [
        (
            queue("amq.mine"),
            refused("ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'"),
        ),
        (server("amq.gen-1"), Ok(true)),
        // Also where it exists.
        (
            queue("amq.gen-1"),
            refused("ACCESS_REFUSED - queue name 'amq.gen-1' contains reserved prefix 'amq.*'"),
        ),
        (
            DeclareQueue { arguments: of_type("quorum"), ..server("amq.gen-2") },
            refused(
                "PRECONDITION_FAILED - Cannot declare a server-named queue for type \
                 rabbit_quorum_queue",
            ),
        ),
        (queue(""), refused("PRECONDITION_FAILED - a queue needs a name")),
    ] {
        assert_eq!(world.queue(declare), answer);
    }
    let missing = world.broker.expect_queue("/", "q", ME).expect_err("it was not declared");
    assert_eq!(missing.to_string(), "NOT_FOUND - no queue 'q' in vhost '/'");
    assert!(world.broker.expect_queue("/", "amq.gen-1", OTHER).is_ok());
}

#[test]
fn a_redeclaration_must_be_the_same() {
    let mut world = World::new();
    let with =
        |arguments: &[(&str, Value)]| DeclareQueue { arguments: table(arguments), ..queue("q") };
    let ttl = |value| with(&[("x-message-ttl", value)]);
    assert_eq!(world.queue(ttl(Value::Int(1_000))), Ok(true));
    let differs = |what: &str| Err(format!("PRECONDITION_FAILED - inequivalent arg {what}"));
    for (again, answer) in [
        (ttl(Value::Int(1_000)), Ok(false)),
        (ttl(Value::Long(1_000)), Ok(false)),
        (ttl(Value::UnsignedShort(1_000)), Ok(false)),
        (ttl(Value::Timestamp(1_000)), Ok(false)),
        (
            ttl(Value::Int(2_000)),
            differs(
                "'x-message-ttl' for queue 'q' in vhost '/': received '2000' but current is '1000'",
            ),
        ),
        (
            ttl(text("1000")),
            differs(
                "'x-message-ttl' for queue 'q' in vhost '/': received '1000' but current is '1000'",
            ),
        ),
        (
            with(&[]),
            differs(
                "'x-message-ttl' for queue 'q' in vhost '/': received none but current is the \
                 value '1000' of type 'signedint'",
            ),
        ),
        (
            with(&[("x-message-ttl", Value::Int(1_000)), ("x-max-length", Value::Long(1))]),
            differs(
                "'x-max-length' for queue 'q' in vhost '/': received the value '1' of type 'long' \
                 but current is none",
            ),
        ),
        (
            with(&[("x-message-ttl", Value::Int(1_000)), ("x-queue-type", text("classic"))]),
            Ok(false),
        ),
        (
            with(&[("x-message-ttl", Value::Int(1_000)), ("x-queue-type", text("quorum"))]),
            differs(
                "'x-queue-type' for queue 'q' in vhost '/': received the value 'quorum' of type \
                 'longstr' but current is none",
            ),
        ),
        (
            DeclareQueue { durable: false, ..ttl(Value::Int(1_000)) },
            differs("'durable' for queue 'q' in vhost '/': received 'false' but current is 'true'"),
        ),
        (
            DeclareQueue { auto_delete: true, ..ttl(Value::Int(1_000)) },
            differs(
                "'auto_delete' for queue 'q' in vhost '/': received 'true' but current is 'false'",
            ),
        ),
        // An argument that means nothing is not compared.
        (with(&[("x-message-ttl", Value::Int(1_000)), ("x-any", Value::Void)]), Ok(false)),
    ] {
        assert_eq!(world.queue(again.clone()), answer, "{again:?}");
    }
}

#[test]
fn an_exclusive_queue_is_for_its_connection() {
    let mut world = World::new();
    let exclusive = |connection| DeclareQueue { exclusive: true, connection, ..queue("e") };
    assert_eq!(world.queue(exclusive(ME)), Ok(true));
    let locked = || Err(LOCKED.to_string());
    assert_eq!(world.queue(exclusive(ME)), Ok(false));
    assert_eq!(world.queue(exclusive(OTHER)), locked());
    assert_eq!(world.queue(queue("e")), locked());
    assert_eq!(world.queue(DeclareQueue { connection: OTHER, ..queue("e") }), locked());
    let expect = |connection: ConnectionId| {
        let found = world.broker.expect_queue("/", "e", connection);
        found.map(|_| true).map_err(|refusal| refusal.to_string())
    };
    assert_eq!((expect(ME), expect(OTHER)), (Ok(true), locked()));
    let mut theirs = bind("amq.direct", "k", "e");
    theirs.connection = OTHER;
    assert_eq!(world.bind(theirs.clone()), locked());
    assert_eq!(world.bind(bind("amq.direct", "k", "e")), Ok(true));
    assert_eq!(world.unbind(theirs), locked());
    let delete = DeleteQueue { connection: Some(OTHER), ..deletion("e") };
    assert_eq!(world.ask(Command::DeleteQueue(delete)), locked());
    assert_eq!(world.routed("amq.direct", "k"), "e", "but everybody may publish to it");
    assert_eq!(world.ask(Command::CloseConnection(OTHER)), Ok(false));
    assert_eq!(world.ask(Command::CloseConnection(ME)), Ok(true));
    assert!(world.broker.expect_queue("/", "e", ME).is_err());
    assert_eq!(world.ask(Command::CloseConnection(ME)), Ok(false));
    // One that is not exclusive cannot be declared as if it were.
    world.queues(&["q"]);
    let answer = world.queue(DeclareQueue { exclusive: true, ..queue("q") });
    assert_eq!(answer, Err(LOCKED.replace("'e'", "'q'")));
    // The broker itself is never locked out.
    assert_eq!(world.queue(exclusive(OTHER)), Ok(true));
    let delete = DeleteQueue { connection: None, ..deletion("e") };
    assert_eq!(world.ask(Command::DeleteQueue(delete)), Ok(true));
    assert_eq!(world.ask(Command::CloseConnection(OTHER)), Ok(false));
}

#[test]
fn a_queue_is_deleted_on_conditions() {
    let mut world = World::new();
    world.queues(&["q"]);
    let refused = |what: &str| Err(format!("PRECONDITION_FAILED - queue 'q' in vhost '/' {what}"));
    for (if_unused, consumers, if_empty, messages, answer) in [
        (true, 1, false, 0, refused("in use")),
        (false, 0, true, 1, refused("not empty")),
        (true, 1, true, 1, refused("not empty")),
        (true, 0, true, 1, refused("not empty")),
        (false, 1, false, 1, Ok(true)),
        (true, 0, true, 0, Ok(false)),
    ] {
        let delete = DeleteQueue { if_unused, consumers, if_empty, messages, ..deletion("q") };
        let shown = format!("{delete:?}");
        assert_eq!(world.ask(Command::DeleteQueue(delete)), answer, "{shown}");
    }
    // Its successor is another queue, and has none of its bindings.
    world.queues(&["q"]);
    assert_eq!(world.bind(bind("amq.fanout", "", "q")), Ok(true));
    let first = world.broker.expect_queue("/", "q", ME);
    assert_eq!(world.ask(delete_queue("q")), Ok(true));
    world.queues(&["q"]);
    assert_ne!(world.broker.expect_queue("/", "q", ME), first);
    assert_eq!(world.routed("amq.fanout", ""), "");
}
