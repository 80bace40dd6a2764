//! Where messages go: over exchanges, alternates and copies, each queue once.

use crate::world::*;
use courant_broker::{Command, DeclareExchange, Message, Name, NoHeaders, Table, Value};

#[test]
fn each_kind_has_its_own_way() {
    let mut world = World::new();
    world.queues(&["z", "y", "x"]);
    world.exchanges(&[("d", "direct"), ("f", "fanout")]);
    for (source, key, to) in [("d", "k", "x"), ("d", "k", "z"), ("d", "l", "y"), ("f", "k", "y")] {
        assert_eq!(world.bind(bind(source, key, to)), Ok(true));
    }
    for (exchange, key, queues) in [
        ("", "x", "x"),
        ("", "none", ""),
        ("", "", ""),
        // By the order of declaration, not of names or of bindings.
        ("d", "k", "z x"),
        ("d", "l", "y"),
        ("d", "", ""),
        ("f", "anything", "y"),
    ] {
        assert_eq!(world.routed(exchange, key), queues, "{exchange} {key}");
    }
}

#[test]
fn exchanges_pass_messages_on_and_cycles_end() {
    let mut world = World::new();
    world.queues(&["q", "p"]);
    world.exchanges(&[("a", "fanout"), ("b", "topic"), ("c", "direct")]);
    for binding in [
        bind_exchange("a", "", "b"),
        bind_exchange("b", "k.#", "c"),
        bind_exchange("c", "k.l", "a"),
        bind_exchange("a", "", "a"),
        bind("a", "", "q"),
        bind("b", "k.*", "q"),
        bind("c", "k.l", "p"),
    ] {
        assert_eq!(world.bind(binding), Ok(true));
    }
    for (exchange, key, queues) in [
        ("a", "k.l", "q p"),
        ("a", "k.m", "q"),
        ("b", "k.l", "q p"),
        ("c", "k.l", "q p"),
        ("c", "k.m", ""),
    ] {
        assert_eq!(world.routed(exchange, key), queues, "{exchange} {key}");
    }
    assert_eq!(world.ask(delete_exchange("b")), Ok(true));
    assert_eq!(world.routed("a", "k.l"), "q");
}

#[test]
fn what_no_binding_takes_goes_to_the_alternate() {
    let mut world = World::new();
    world.queues(&["q", "lost"]);
    for (text, alternate) in [("a", "b"), ("b", "a"), ("c", "not-there"), ("d", "e"), ("e", "lost")]
    {
        let arguments = table(&[("alternate-exchange", Value::text(alternate))]);
        let declare = DeclareExchange { arguments, ..exchange(text, "direct") };
        assert_eq!(world.exchange(declare), Ok(true));
    }
    world.exchanges(&[("lost", "fanout")]);
    for binding in [bind("a", "k", "q"), bind("lost", "", "lost"), bind_exchange("d", "x", "c")] {
        assert_eq!(world.bind(binding), Ok(true));
    }
    for (exchange, key, queues) in [
        ("a", "k", "q"),
        ("b", "k", "q"),
        ("a", "none", ""),
        ("c", "k", ""),
        ("d", "k", "lost"),
        // A binding to an exchange takes it, whatever comes of it there.
        ("d", "x", ""),
    ] {
        assert_eq!(world.routed(exchange, key), queues, "{exchange} {key}");
    }
}

#[test]
fn copies_are_further_routing_keys() {
    let mut world = World::new();
    world.queues(&["q", "p", "o"]);
    world.exchanges(&[("t", "topic")]);
    assert_eq!(world.bind(bind("t", "o.#", "o")), Ok(true));
    let list = |keys: &[&str]| Value::List(keys.iter().map(|key| Value::text(key)).collect());
    let both = table(&[("CC", list(&["p", "q"])), ("BCC", list(&["o"]))]);
    assert_eq!(world.route("", "q", &both).as_deref(), Ok("q p o"));
    let topic = table(&[("CC", list(&["o.1", "o.2"]))]);
    assert_eq!(world.route("t", "x", &topic).as_deref(), Ok("o"));
    let mixed = table(&[("BCC", Value::List(vec![Value::Int(1), Value::text("p")]))]);
    assert_eq!(world.route("", "none", &mixed).as_deref(), Ok("p"));
    let wrong = table(&[("CC", Value::text("p"))]);
    let refused = "PRECONDITION_FAILED - invalid message: \
                   {unacceptable_type_in_header,\"CC\",longstr}";
    assert_eq!(world.route("", "q", &wrong), Err(refused.to_string()));
    assert!(world.routes.queues().is_empty(), "nothing of an earlier message is left");
    assert_eq!(world.routed("", "q"), "q");
}

#[test]
fn what_cannot_be_published_to_is_refused() {
    let mut world = World::new();
    world.queues(&["q"]);
    let internal = DeclareExchange { internal: true, ..exchange("inner", "fanout") };
    assert_eq!(world.exchange(internal), Ok(true));
    for binding in [bind("inner", "", "q"), bind_exchange("amq.fanout", "", "inner")] {
        assert_eq!(world.bind(binding), Ok(true));
    }
    let none = Table::new();
    let refused = "ACCESS_REFUSED - cannot publish to internal exchange 'inner' in vhost '/'";
    assert_eq!(world.route("inner", "", &none), Err(refused.to_string()));
    assert_eq!(world.routed("amq.fanout", ""), "q");
    let refused = "NOT_FOUND - no exchange 'none' in vhost '/'";
    assert_eq!(world.route("none", "", &none), Err(refused.to_string()));
    let vhost = world.broker.vhost_id("/").expect("it is there");
    assert_eq!(world.ask(Command::DeleteVHost(Name::new("/").expect("short"))), Ok(true));
    let message = Message { vhost, exchange: "", routing_key: "q", headers: &NoHeaders };
    assert!(world.broker.route(&message, &mut world.routes).is_err());
}

/// Ten thousand bindings in one exchange: the first message makes room, no other allocates.
#[test]
fn routing_allocates_nothing() {
    let mut world = World::new();
    let names: Vec<String> = (0..100).map(|at| format!("q{at}")).collect();
    names.iter().for_each(|name| world.queues(&[name]));
    for at in 0..10_000 {
        let to = &names[at % names.len()];
        for (source, key) in [
            ("amq.topic", format!("orders.{at}.*")),
            ("amq.topic", format!("#.{}", at % 50)),
            ("amq.direct", format!("k{at}")),
            ("amq.fanout", String::new()),
        ] {
            world.bind(bind(source, &key, to)).expect("within the limits");
        }
        let mut matching = bind("amq.headers", "", to);
        matching.arguments = table(&[("type", text("order")), ("n", Value::Int(at as i32))]);
        assert_eq!(world.bind(matching), Ok(true));
    }
    let headers = table(&[
        ("type", text("order")),
        ("n", Value::Int(77)),
        ("CC", Value::List(vec![text("k8"), text("orders.3.x")])),
    ]);
    let vhost = world.broker.vhost_id("/").expect("it is there");
    for (exchange, count) in
        [("amq.topic", 4), ("amq.direct", 1), ("amq.fanout", 100), ("amq.headers", 1), ("", 0)]
    {
        let message = Message { vhost, exchange, routing_key: "orders.7.1", headers: &headers };
        let mut route = || world.broker.route(&message, &mut world.routes).expect("it is there");
        route();
        let measured = allocation_counter::measure(route);
        assert_eq!(measured.count_total, 0, "{exchange}");
        assert_eq!(world.routes.queues().len(), count, "{exchange}");
    }
}
