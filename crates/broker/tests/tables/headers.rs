//! The headers exchange.

use crate::world::*;
use courant_broker::{Bind, Value};

#[test]
fn headers_match_as_rabbitmq_has_it() {
    let a1 = || ("a", Value::Int(1));
    let b2 = || ("b", text("2"));
    let x = || ("x-c", Value::Int(3));
    let how = |how: &str| ("x-match", text(how));
    let present = || ("a", Value::Void);
    // What the binding wants; the message's headers; whether it matches.
    for (wanted, headers, matches) in [
        (vec![how("all"), a1(), b2()], vec![a1(), b2()], true),
        (vec![how("all"), a1(), b2()], vec![a1(), b2(), x()], true),
        (vec![how("all"), a1(), b2()], vec![a1()], false),
        (vec![how("all"), a1(), b2()], vec![a1(), ("b", text("3"))], false),
        (vec![a1(), b2()], vec![a1(), b2()], true),
        (vec![a1(), b2()], vec![b2()], false),
        (vec![how("any"), a1(), b2()], vec![b2()], true),
        (vec![how("any"), a1(), b2()], vec![("a", Value::Int(2)), b2()], true),
        (vec![how("any"), a1(), b2()], vec![x()], false),
        (vec![how("any"), a1(), b2()], vec![], false),
        // Of no headers all are there, and none is.
        (vec![how("all")], vec![], true),
        (vec![], vec![a1()], true),
        (vec![how("any")], vec![a1()], false),
        // Those that begin with x- count only where the binding says so.
        (vec![how("all"), a1(), x()], vec![a1()], true),
        (vec![how("any"), x()], vec![x()], false),
        (vec![how("all-with-x"), a1(), x()], vec![a1()], false),
        (vec![how("all-with-x"), a1(), x()], vec![a1(), x()], true),
        (vec![how("any-with-x"), a1(), x()], vec![x()], true),
        (vec![how("any-with-x")], vec![how("any-with-x")], false),
        // No value wants any value.
        (vec![how("all"), present()], vec![a1()], true),
        (vec![how("all"), present()], vec![("a", Value::List(vec![]))], true),
        (vec![how("all"), present()], vec![b2()], false),
        (vec![how("any"), present(), b2()], vec![("a", Value::Void)], true),
        // Values are equal whatever their type's width, and never over kinds of value.
        (vec![a1()], vec![("a", Value::Long(1))], true),
        (vec![a1()], vec![("a", Value::UnsignedByte(1))], true),
        (vec![a1()], vec![("a", Value::Bool(true))], false),
        (vec![a1()], vec![("a", text("1"))], false),
        (vec![b2()], vec![("b", Value::Binary(b"2".as_slice().into()))], true),
        (vec![("a", Value::Bool(true))], vec![("a", Value::Bool(true))], true),
        (vec![("a", Value::Bool(true))], vec![("a", Value::Bool(false))], false),
        (vec![("a", Value::Int(-1))], vec![("a", Value::Short(-1))], true),
        (vec![("a", Value::Double(5))], vec![("a", Value::Double(5))], true),
        (vec![("a", Value::List(vec![Value::Int(1)]))], vec![("a", Value::List(vec![]))], false),
        // A text whose bytes are those of a number is not the number.
        (vec![a1()], vec![("a", Value::Text(1i128.to_le_bytes().as_slice().into()))], false),
    ] {
        let mut world = World::new();
        world.queues(&["q"]);
        let binding = Bind { arguments: table(&wanted), ..bind("amq.headers", "ignored", "q") };
        assert_eq!(world.bind(binding.clone()), Ok(true));
        let routed = world.route("amq.headers", "", &table(&headers));
        let expected = if matches { "q" } else { "" };
        assert_eq!(routed.as_deref(), Ok(expected), "{wanted:?} and {headers:?}");
        assert_eq!(world.unbind(binding), Ok(true));
        assert_eq!(world.route("amq.headers", "", &table(&headers)).as_deref(), Ok(""));
    }
}

#[test]
fn many_bindings_share_a_header() {
    let mut world = World::new();
    world.queues(&["q", "p"]);
    let bound = |to: &str, number: i32| Bind {
        arguments: table(&[("type", text("order")), ("n", Value::Int(number))]),
        ..bind("amq.headers", "", to)
    };
    for number in 0..200 {
        assert_eq!(world.bind(bound(["q", "p"][number as usize % 2], number)), Ok(true));
    }
    let headers = |number| table(&[("type", text("order")), ("n", Value::Int(number))]);
    assert_eq!(world.route("amq.headers", "", &headers(7)).as_deref(), Ok("p"));
    assert_eq!(world.unbind(bound("p", 7)), Ok(true));
    assert_eq!(world.route("amq.headers", "", &headers(7)).as_deref(), Ok(""));
    assert_eq!(world.route("amq.headers", "", &headers(8)).as_deref(), Ok("q"));
    assert_eq!(world.route("amq.headers", "", &headers(200)).as_deref(), Ok(""));
}
