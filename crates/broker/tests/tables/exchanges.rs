//! Declaring and deleting exchanges.

use crate::world::*;
use courant_broker::{Command, DeclareExchange, DeleteExchange, Value};

#[test]
fn a_virtual_host_has_the_predeclared_exchanges() {
    let mut world = World::new();
    let (_, vhost) = world.broker.vhosts().next().expect("one was made");
    let names: Vec<&str> = vhost.exchanges().map(|(name, _)| name.as_str()).collect();
    let all = ["", "amq.direct", "amq.fanout", "amq.headers", "amq.match", "amq.topic"];
    assert_eq!(names, all);
    for (text, kind) in [
        ("amq.direct", "direct"),
        ("amq.fanout", "fanout"),
        ("amq.topic", "topic"),
        ("amq.headers", "headers"),
        ("amq.match", "headers"),
    ] {
        assert_eq!(world.exchange(exchange(text, kind)), Ok(false), "{text}");
        assert!(world.broker.expect_exchange("/", text).is_ok());
    }
    assert_eq!(world.ask(Command::CreateVHost(name("/"))), Ok(false));
}

#[test]
fn a_redeclaration_must_be_the_same() {
    let mut world = World::new();
    let with = |alternate: Option<Value>| {
        let arguments = alternate.map(|value| ("alternate-exchange", value));
        let arguments = table(arguments.as_slice());
        DeclareExchange { arguments, ..exchange("x", "direct") }
    };
    assert_eq!(world.exchange(with(Some(text("ae")))), Ok(true));
    let same = || with(Some(text("ae")));
    let inequivalent = |what: &str| Err(format!("PRECONDITION_FAILED - inequivalent arg {what}"));
    for (again, answer) in [
        (same(), Ok(false)),
        (
            DeclareExchange { kind: name("fanout"), ..same() },
            inequivalent(
                "'type' for exchange 'x' in vhost '/': received 'fanout' but current is 'direct'",
            ),
        ),
        (
            DeclareExchange { durable: false, ..same() },
            inequivalent(
                "'durable' for exchange 'x' in vhost '/': received 'false' but current is 'true'",
            ),
        ),
        (
            DeclareExchange { auto_delete: true, ..same() },
            inequivalent(
                "'auto_delete' for exchange 'x' in vhost '/': received 'true' but current is \
                 'false'",
            ),
        ),
        (
            DeclareExchange { internal: true, ..same() },
            inequivalent(
                "'internal' for exchange 'x' in vhost '/': received 'true' but current is 'false'",
            ),
        ),
        (
            with(None),
            inequivalent(
                "'alternate-exchange' for exchange 'x' in vhost '/': received none but current is \
                 the value 'ae' of type 'longstr'",
            ),
        ),
        (
            with(Some(text("other"))),
            inequivalent(
                "'alternate-exchange' for exchange 'x' in vhost '/': received 'other' but current \
                 is 'ae'",
            ),
        ),
        // Other arguments are not compared.
        (
            DeclareExchange {
                arguments: table(&[("alternate-exchange", text("ae")), ("x-any", Value::Int(1))]),
                ..same()
            },
            Ok(false),
        ),
    ] {
        assert_eq!(world.exchange(again.clone()), answer, "{again:?}");
    }
}

#[test]
fn what_cannot_be_declared_is_refused() {
    let mut world = World::new();
    let bad = DeclareExchange {
        arguments: table(&[("alternate-exchange", Value::Int(1))]),
        ..exchange("y", "direct")
    };
    for (declare, answer) in [
        (
            exchange("", "direct"),
            "ACCESS_REFUSED - operation not permitted on the default exchange",
        ),
        (
            exchange("amq.mine", "direct"),
            "ACCESS_REFUSED - exchange name 'amq.mine' contains reserved prefix 'amq.*'",
        ),
        (exchange("x", "round"), "PRECONDITION_FAILED - unknown exchange type 'round'"),
        (
            bad,
            "PRECONDITION_FAILED - invalid type 'signedint' for arg 'alternate-exchange' in \
             exchange 'y' in vhost '/'",
        ),
        (
            DeclareExchange { vhost: name("v"), ..exchange("x", "direct") },
            "NOT_ALLOWED - vhost v not found",
        ),
    ] {
        assert_eq!(world.exchange(declare), Err(answer.to_string()));
    }
    let expected = |name: &str| {
        world.broker.expect_exchange("/", name).map(drop).map_err(|refusal| refusal.to_string())
    };
    assert_eq!(expected("x"), Err("NOT_FOUND - no exchange 'x' in vhost '/'".to_string()));
    let refused = "ACCESS_REFUSED - operation not permitted on the default exchange";
    assert_eq!(expected(""), Err(refused.to_string()));
}

#[test]
fn exchanges_are_deleted() {
    let mut world = World::new();
    world.exchanges(&[("x", "direct")]);
    world.queues(&["q"]);
    assert_eq!(world.bind(bind("x", "k", "q")), Ok(true));
    let unused = |text: &str| {
        let (vhost, name) = (name("/"), name(text));
        Command::DeleteExchange(DeleteExchange { vhost, name, if_unused: true })
    };
    let refused = |text: &str| Err(text.to_string());
    for (command, answer) in [
        (unused("x"), refused("PRECONDITION_FAILED - exchange 'x' in vhost '/' in use")),
        (delete_exchange("none"), Ok(false)),
        (
            delete_exchange(""),
            refused("ACCESS_REFUSED - operation not permitted on the default exchange"),
        ),
        (
            delete_exchange("amq.topic"),
            refused(
                "ACCESS_REFUSED - deletion of system exchange 'amq.topic' in vhost '/' not allowed",
            ),
        ),
        (delete_exchange("x"), Ok(true)),
        (delete_exchange("x"), Ok(false)),
        (unused("x"), Ok(false)),
    ] {
        assert_eq!(world.ask(command), answer);
    }
    assert!(!world.has_exchange("x"));
    assert_eq!(world.broker.vhosts().next().expect("it is there").1.bindings_count(), 0);
}

/// Chains of auto-delete exchanges, and what makes them go.
#[test]
fn an_auto_delete_exchange_goes_with_its_last_binding() {
    let chain = || {
        let mut world = World::new();
        world.queues(&["q", "p"]);
        for text in ["a", "b", "c", "never-bound"] {
            let declare = DeclareExchange { auto_delete: true, ..exchange(text, "fanout") };
            assert_eq!(world.exchange(declare), Ok(true));
        }
        world.exchanges(&[("stays", "fanout")]);
        for (source, to) in [("a", "b"), ("b", "c"), ("stays", "a")] {
            assert_eq!(world.bind(bind_exchange(source, "", to)), Ok(true));
        }
        assert_eq!(world.bind(bind("c", "", "q")), Ok(true));
        world
    };
    let left = |world: &World| {
        let all = ["a", "b", "c", "never-bound", "stays"].into_iter();
        all.filter(|text| world.has_exchange(text)).collect::<Vec<_>>().join(" ")
    };
    type Then = fn(&mut World) -> Answer;
    let cases: [(Then, &str); 7] = [
        (|world| world.ask(delete_queue("q")), "never-bound stays"),
        (|world| world.unbind(bind("c", "", "q")), "never-bound stays"),
        (|world| world.unbind(bind_exchange("b", "", "c")), "c never-bound stays"),
        (|world| world.ask(delete_exchange("b")), "c never-bound stays"),
        (|world| world.ask(delete_exchange("stays")), "a b c never-bound"),
        (|world| world.unbind(bind_exchange("stays", "", "a")), "a b c never-bound stays"),
        (
            |world| {
                assert_eq!(world.bind(bind("b", "", "p")), Ok(true));
                world.ask(delete_queue("q"))
            },
            "a b never-bound stays",
        ),
    ];
    for (at, (then, expected)) in cases.into_iter().enumerate() {
        let mut world = chain();
        assert_eq!(then(&mut world), Ok(true), "case {at}");
        assert_eq!(left(&world), expected, "case {at}");
    }
}

#[test]
fn what_is_not_durable_goes_with_a_restart() {
    let mut world = World::new();
    world.exchanges(&[("durable", "fanout")]);
    let transient = DeclareExchange { durable: false, ..exchange("transient", "fanout") };
    assert_eq!(world.exchange(transient), Ok(true));
    let auto = DeclareExchange { auto_delete: true, ..exchange("auto", "fanout") };
    assert_eq!(world.exchange(auto), Ok(true));
    world.queues(&["q"]);
    let mut t = queue("t");
    t.durable = false;
    assert_eq!(world.queue(t), Ok(true));
    let mut e = queue("e");
    e.exclusive = true;
    assert_eq!(world.queue(e), Ok(true));
    for source in ["durable", "transient"] {
        for to in ["q", "t", "e"] {
            assert_eq!(world.bind(bind(source, "", to)), Ok(true));
        }
    }
    assert_eq!(world.bind(bind("auto", "", "t")), Ok(true));
    assert_eq!(world.ask(Command::Restart), Ok(true));
    assert_eq!(world.routed("durable", ""), "q");
    assert!(!world.has_exchange("transient") && !world.has_exchange("auto"));
    assert_eq!(world.ask(Command::Restart), Ok(false));
}

#[test]
fn virtual_hosts_are_spaces_of_their_own() {
    let mut world = World::new();
    assert_eq!(world.ask(Command::CreateVHost(name("v"))), Ok(true));
    world.queues(&["q"]);
    let mut there = queue("q");
    there.vhost = name("v");
    assert_eq!(world.queue(there), Ok(true));
    assert_eq!(world.routed("", "q"), "q");
    assert_eq!(world.routes.queues().len(), 1);
    let before = digest(&world.broker);
    assert_eq!(world.ask(Command::DeleteVHost(name("v"))), Ok(true));
    assert_ne!(digest(&world.broker), before);
    assert_eq!(world.broker.vhosts().count(), 1);
    assert_eq!(world.routed("", "q"), "q");
    let gone = world.ask(Command::DeleteVHost(name("v")));
    assert_eq!(gone, Err("NOT_ALLOWED - vhost v not found".to_string()));
}
