//! Binding and unbinding.

use crate::world::*;
use courant_broker::{Bind, Destination, Value};

#[test]
fn a_binding_is_told_from_others_by_all_its_parts() {
    let mut world = World::new();
    world.queues(&["q", "p"]);
    world.exchanges(&[("q", "fanout")]);
    let with = |arguments: &[(&str, Value)]| Bind {
        arguments: table(arguments),
        ..bind("amq.direct", "k", "q")
    };
    let all = [
        bind("amq.direct", "k", "q"),
        bind("amq.direct", "k", "p"),
        bind("amq.direct", "l", "q"),
        bind("amq.fanout", "k", "q"),
        bind_exchange("amq.direct", "k", "q"),
        with(&[("a", Value::Int(1))]),
        with(&[("a", Value::Long(1))]),
    ];
    for binding in &all {
        assert_eq!(world.bind(binding.clone()), Ok(true), "{binding:?}");
        assert_eq!(world.bind(binding.clone()), Ok(false), "{binding:?}");
    }
    let queue = world.broker.expect_queue("/", "q", ME).expect("it is there");
    let sources = world.broker.sources(Destination::Queue(queue));
    assert_eq!(sources.map(|(_, count)| count).collect::<Vec<_>>(), [4, 1]);
    // While one binding leads there, the queue gets the message.
    for (at, binding) in [0, 5, 6].map(|at| (at, all[at].clone())) {
        assert_eq!(world.routed("amq.direct", "k"), "q p", "before {at}");
        assert_eq!(world.unbind(binding.clone()), Ok(true));
        assert_eq!(world.unbind(binding), Ok(false));
    }
    assert_eq!(world.routed("amq.direct", "k"), "p");
    assert_eq!(world.broker.vhosts().next().expect("it is there").1.bindings_count(), 4);
}

#[test]
fn ends_must_be_there() {
    let mut world = World::new();
    world.queues(&["q"]);
    let default = "ACCESS_REFUSED - operation not permitted on the default exchange";
    for (binding, bound, unbound) in [
        (bind("none", "k", "q"), "NOT_FOUND - no exchange 'none' in vhost '/'", None),
        (bind("amq.direct", "k", "none"), "NOT_FOUND - no queue 'none' in vhost '/'", None),
        (bind("none", "k", "nothing"), "NOT_FOUND - no exchange 'none' in vhost '/'", None),
        (
            bind_exchange("amq.direct", "k", "none"),
            "NOT_FOUND - no exchange 'none' in vhost '/'",
            None,
        ),
        (bind("", "k", "q"), default, Some(default)),
        (bind_exchange("amq.direct", "k", ""), default, Some(default)),
    ] {
        assert_eq!(world.bind(binding.clone()), Err(bound.to_string()));
        let unbound = unbound.map_or(Ok(false), |text| Err(text.to_string()));
        assert_eq!(world.unbind(binding), unbound);
    }
}

#[test]
fn how_headers_match_is_checked() {
    let mut world = World::new();
    world.queues(&["q"]);
    let with = |source: &str, value: Value| Bind {
        arguments: table(&[("x-match", value)]),
        ..bind(source, "", "q")
    };
    for how in ["all", "any", "all-with-x", "any-with-x"] {
        assert_eq!(world.bind(with("amq.headers", text(how))), Ok(true));
    }
    let unknown = "PRECONDITION_FAILED - Invalid x-match field value <<\"some\">>; expected all, \
                   any, all-with-x, or any-with-x";
    assert_eq!(world.bind(with("amq.headers", text("some"))), Err(unknown.to_string()));
    let number = "PRECONDITION_FAILED - Invalid x-match field type signedint (value 5); expected \
                  longstr";
    assert_eq!(world.bind(with("amq.match", Value::Int(5))), Err(number.to_string()));
    assert_eq!(world.bind(with("amq.direct", Value::Int(5))), Ok(true), "only there");
}
