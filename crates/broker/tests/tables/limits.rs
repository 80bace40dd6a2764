//! Limits: what reaches one is refused, and the refusal names it.

use crate::world::*;
use courant_broker::{Command, DeclareQueue, Limits, Name, NameTooLong, Table, Value};

#[test]
fn each_limit_is_named() {
    let limits = Limits {
        vhosts_max: 1,
        exchanges_max: 7,
        queues_max: 2,
        bindings_max: 2,
        arguments_bytes_max: 32,
    };
    let mut world = World::with(limits);
    world.exchanges(&[("x", "fanout")]);
    world.queues(&["q", "p"]);
    for to in ["q", "p"] {
        assert_eq!(world.bind(bind("x", "", to)), Ok(true));
    }
    let refused = |text: &str| Err(format!("PRECONDITION_FAILED - {text}"));
    for (answer, expected) in [
        (
            world.ask(Command::CreateVHost(name("v"))),
            "cannot create vhost 'v': vhost limit of 1 is reached",
        ),
        (
            world.exchange(exchange("y", "fanout")),
            "cannot declare exchange 'y' in vhost '/': exchange limit of 7 is reached",
        ),
        (
            world.queue(queue("o")),
            "cannot declare queue 'o': queue limit in vhost '/' (2) is reached",
        ),
        (
            world.bind(bind("x", "k", "q")),
            "cannot bind exchange 'x' in vhost '/': binding limit in vhost '/' (2) is reached",
        ),
    ] {
        assert_eq!(answer, refused(expected));
    }
    // What is there already is no more.
    assert_eq!(world.exchange(exchange("x", "fanout")), Ok(false));
    assert_eq!(world.queue(queue("q")), Ok(false));
    assert_eq!(world.bind(bind("x", "", "q")), Ok(false));
    assert_eq!(world.ask(delete_queue("p")), Ok(true));
    let long = DeclareQueue { arguments: table(&[("k", text(&"v".repeat(30)))]), ..queue("o") };
    let expected = "arguments of queue 'o' in vhost '/' have 35 bytes, more than the limit \
                    arguments_bytes_max (32)";
    assert_eq!(world.queue(long), refused(expected));
    let fitting = DeclareQueue { arguments: table(&[("k", text(&"v".repeat(27)))]), ..queue("o") };
    assert_eq!(world.queue(fitting), Ok(true));
    assert_eq!(world.bind(bind("x", "", "o")), Ok(true));
}

#[test]
fn values_lie_at_most_16_deep() {
    let deep = |depth: usize| (0..depth).fold(Value::Void, |inner, _| Value::List(vec![inner]));
    let tables = |depth: usize| {
        (0..depth).fold(Value::Void, |inner, _| Value::Table(table(&[("t", inner)])))
    };
    let mut world = World::new();
    for (value, fits) in
        [(deep(16), true), (deep(17), false), (tables(16), true), (tables(17), false)]
    {
        let mut binding = bind("amq.direct", "", "q");
        world.queue(queue("q")).expect("it can be declared");
        binding.arguments = table(&[("a", value)]);
        let expected = "PRECONDITION_FAILED - arguments of a binding of exchange 'amq.direct' in \
                        vhost '/' lie more than 16 deep in each other";
        let expected = if fits { Ok(true) } else { Err(expected.to_string()) };
        assert_eq!(world.bind(binding), expected);
    }
}

#[test]
fn a_name_has_at_most_255_bytes() {
    assert!(Name::new(&"n".repeat(255)).is_ok());
    assert_eq!(Name::new(&"n".repeat(256)), Err(NameTooLong(256)));
    assert_eq!(Name::new(&"é".repeat(128)), Err(NameTooLong(256)));
    let text = NameTooLong(256).to_string();
    assert_eq!(text, "a name has at most 255 bytes, not 256");
    assert!(Table::new().is_empty());
}
