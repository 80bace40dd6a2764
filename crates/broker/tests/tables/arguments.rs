//! Arguments of queues: which are taken, with what values, and what they mean.

use crate::world::*;
use courant_broker::{
    DeadLetter, DeadLetterStrategy, DeclareQueue, DelayedRetry, DelayedRetryType, Overflow,
    QueueKind, QueueTerms, Value,
};

/// What declaring a queue `q` with these arguments is refused with, behind `invalid arg `.
fn refused(arguments: &[(&str, Value)]) -> Option<String> {
    let declare = DeclareQueue { arguments: table(arguments), ..queue("q") };
    let refused = World::new().queue(declare).err()?;
    let begin = "PRECONDITION_FAILED - invalid arg ";
    Some(refused.strip_prefix(begin).unwrap_or_else(|| panic!("{refused}")).to_string())
}

fn kind(kind: &str) -> (&'static str, Value) {
    ("x-queue-type", text(kind))
}

#[test]
fn values_are_checked() {
    let ten_years = 315_360_000_000;
    let int = Value::Int;
    for (of, name, value, term) in [
        ("classic", "x-expires", int(1), ""),
        ("classic", "x-expires", int(0), "{value_zero,0}"),
        ("classic", "x-expires", int(-1), "{value_negative,-1}"),
        ("classic", "x-expires", Value::Long(ten_years), ""),
        ("classic", "x-expires", Value::Long(ten_years + 1), "{value_too_large,315360000001}"),
        ("classic", "x-expires", text("5"), "\"expected integer, got longstr\""),
        ("classic", "x-message-ttl", int(0), ""),
        ("classic", "x-message-ttl", Value::Short(-2), "{value_negative,-2}"),
        ("classic", "x-message-ttl", Value::Double(0), "\"expected integer, got double\""),
        ("classic", "x-dead-letter-exchange", text(""), ""),
        ("classic", "x-dead-letter-routing-key", text("k"), "routing_key_but_no_dlx_defined"),
        ("classic", "x-dead-letter-routing-key", int(1), "{unacceptable_type,signedint}"),
        ("quorum", "x-dead-letter-strategy", text("at-least-once"), ""),
        ("quorum", "x-dead-letter-strategy", text("twice"), "invalid_dlx_strategy"),
        ("classic", "x-max-length", int(0), ""),
        ("classic", "x-max-length", int(-1), "{value_negative,-1}"),
        ("classic", "x-max-length-bytes", Value::Bool(true), "\"expected integer, got bool\""),
        ("classic", "x-overflow", text("drop-head"), ""),
        ("classic", "x-overflow", text("reject-publish"), ""),
        ("classic", "x-overflow", text("reject-publish-dlx"), ""),
        ("classic", "x-overflow", text("drop-tail"), "invalid_overflow"),
        ("classic", "x-overflow", int(1), "{unacceptable_type,signedint}"),
        ("classic", "x-max-priority", Value::UnsignedByte(255), ""),
        ("classic", "x-max-priority", int(256), "{max_value_exceeded,256}"),
        ("classic", "x-max-priority", int(-1), "{value_negative,-1}"),
        ("classic", "x-single-active-consumer", Value::Bool(true), ""),
        ("classic", "x-single-active-consumer", text("yes"), "{unacceptable_type,longstr}"),
        ("classic", "x-queue-mode", text("lazy"), ""),
        ("classic", "x-queue-mode", text("busy"), "\"unsupported queue mode 'busy'\""),
        ("classic", "x-queue-version", int(2), ""),
        ("classic", "x-queue-version", int(3), "\"unsupported queue version '3'\""),
        ("quorum", "x-delivery-limit", int(-1), ""),
        ("quorum", "x-delivery-limit", text("5"), "\"expected integer, got longstr\""),
        ("quorum", "x-consumer-timeout", int(-1), "{value_negative,-1}"),
        ("classic", "x-consumer-timeout", int(60_000), ""),
        ("quorum", "x-quorum-initial-group-size", int(0), "{value_zero,0}"),
        ("quorum", "x-queue-leader-locator", text("balanced"), ""),
        ("quorum", "x-queue-leader-locator", text("mine"), "invalid_queue_locator_arg"),
        ("quorum", "x-delayed-retry-type", text("often"), "invalid_delayed_retry_type"),
        ("quorum", "x-delayed-retry-type", text("all"), "delayed_retry_min_required"),
        ("quorum", "x-delayed-retry-type", text("disabled"), ""),
        ("quorum", "x-delayed-retry-min", int(0), "{value_zero,0}"),
        ("quorum", "x-delayed-retry-factor", int(0), "{min_value_not_reached,0}"),
        ("quorum", "x-delayed-retry-factor", int(101), "{max_value_exceeded,101}"),
        ("quorum", "x-delayed-retry-jitter", int(101), "{max_value_exceeded,101}"),
        ("classic", "x-group-key", text("account"), ""),
        ("classic", "x-group-key", text(""), "invalid_group_key"),
        ("stream", "x-max-age", text("7D"), ""),
        ("stream", "x-max-age", text("7"), "invalid_max_age"),
        ("stream", "x-max-age", text("0s"), "invalid_max_age"),
        ("stream", "x-max-age", text("D"), "invalid_max_age"),
        ("stream", "x-max-age", text("+1D"), "invalid_max_age"),
        ("stream", "x-max-age", text("1é"), "invalid_max_age"),
        ("stream", "x-stream-filter-size-bytes", int(15), "{min_value_not_reached,15}"),
        ("stream", "x-max-length-bytes", Value::Long(1 << 40), ""),
        ("stream", "x-any", Value::Void, ""),
    ] {
        let expected = match term {
            "" => None,
            term => Some(format!("'{name}' for queue 'q' in vhost '/': {term}")),
        };
        assert_eq!(refused(&[kind(of), (name, value)]), expected, "{name}");
    }
}

#[test]
fn a_kind_takes_its_own_arguments() {
    for (of, name, value) in [
        ("classic", "x-delivery-limit", Value::Int(5)),
        ("classic", "x-delayed-retry-type", text("all")),
        ("classic", "x-max-age", text("1D")),
        ("quorum", "x-max-priority", Value::Int(5)),
        ("quorum", "x-queue-mode", text("lazy")),
        ("stream", "x-expires", Value::Int(5)),
        ("stream", "x-max-length", Value::Int(5)),
        ("stream", "x-dead-letter-exchange", text("x")),
        ("stream", "x-group-key", text("x")),
    ] {
        let expected =
            format!("'{name}' for queue 'q' in vhost '/' of queue type rabbit_{of}_queue");
        assert_eq!(refused(&[kind(of), (name, value)]), Some(expected));
    }
    for (of, expected) in [
        (text("classic"), None),
        (text(""), None),
        (text("fast"), Some("\"unsupported queue type 'fast'\"")),
        (Value::Int(1), Some("{unacceptable_type,signedint}")),
    ] {
        let expected =
            expected.map(|term| format!("'x-queue-type' for queue 'q' in vhost '/': {term}"));
        assert_eq!(refused(&[("x-queue-type", of)]), expected);
    }
}

#[test]
fn a_kind_has_its_own_properties() {
    let invalid = |property: &str| {
        Err(format!(
            "PRECONDITION_FAILED - invalid property '{property}' for queue 'q' in vhost '/'"
        ))
    };
    for of in ["quorum", "stream"] {
        let declare = || DeclareQueue { arguments: table(&[kind(of)]), ..queue("q") };
        let mut world = World::new();
        let non_durable = world.queue(DeclareQueue { durable: false, ..declare() });
        assert_eq!(non_durable, invalid("non-durable"));
        let auto_delete = world.queue(DeclareQueue { auto_delete: true, ..declare() });
        assert_eq!(auto_delete, invalid("auto-delete"));
        let exclusive = world.queue(DeclareQueue { exclusive: true, ..declare() });
        assert_eq!(exclusive, invalid("exclusive-owner"));
        assert_eq!(world.queue(declare()), Ok(true));
    }
    let arguments = table(&[("x-dead-letter-exchange", Value::Int(1))]);
    let answer = World::new().queue(DeclareQueue { arguments, ..queue("q") });
    let expected = "PRECONDITION_FAILED - invalid type 'signedint' for arg \
                    'x-dead-letter-exchange' in queue 'q' in vhost '/'";
    assert_eq!(answer, Err(expected.to_string()));
}

#[test]
fn delays_of_retries_fit_together() {
    let retry = |min, max| {
        refused(&[
            kind("quorum"),
            ("x-delayed-retry-type", text("failed")),
            ("x-delayed-retry-min", Value::Int(min)),
            ("x-delayed-retry-max", Value::Int(max)),
        ])
    };
    assert_eq!((retry(1_000, 1_000), retry(1_000, 60_000)), (None, None));
    let term = "'x-delayed-retry-type' for queue 'q' in vhost '/': delayed_retry_max_below_min";
    assert_eq!(retry(1_000, 999), Some(term.to_string()));
}

#[test]
fn arguments_are_read() {
    let arguments = table(&[
        kind("quorum"),
        ("x-expires", Value::Int(1)),
        ("x-message-ttl", Value::Long(0)),
        ("x-dead-letter-exchange", text("")),
        ("x-dead-letter-routing-key", text("dead")),
        ("x-dead-letter-strategy", text("at-least-once")),
        ("x-max-length", Value::Byte(3)),
        ("x-max-length-bytes", Value::UnsignedInt(4)),
        ("x-overflow", text("reject-publish")),
        ("x-single-active-consumer", Value::Bool(true)),
        ("x-delivery-limit", Value::Int(-1)),
        ("x-delayed-retry-type", text("returned")),
        ("x-delayed-retry-min", Value::Int(500)),
        ("x-delayed-retry-max", Value::Int(60_000)),
        ("x-delayed-retry-factor", Value::Int(2)),
        ("x-delayed-retry-jitter", Value::Int(20)),
        ("x-group-key", text("account")),
        ("x-consumer-timeout", Value::Int(7)),
    ]);
    assert_eq!(
        World::new().queue(DeclareQueue { arguments: arguments.clone(), ..queue("q") }),
        Ok(true)
    );
    let expected = QueueTerms {
        kind: QueueKind::Quorum,
        expires_ms: Some(1),
        message_ttl_ms: Some(0),
        dead_letter: Some(DeadLetter {
            exchange: name(""),
            routing_key: Some(name("dead")),
            strategy: DeadLetterStrategy::AtLeastOnce,
        }),
        length_max: Some(3),
        length_bytes_max: Some(4),
        overflow: Overflow::RejectPublish,
        priority_max: None,
        single_active_consumer: true,
        delivery_limit: Some(-1),
        delayed_retry: Some(DelayedRetry {
            applies_to: DelayedRetryType::Returned,
            min_ms: 500,
            max_ms: 60_000,
            factor: Some(2),
            jitter_percent: 20,
        }),
        group_key: Some(name("account")),
        consumer_timeout_ms: Some(7),
        age_max_seconds: None,
        stream_segment_bytes_max: None,
    };
    assert_eq!(QueueTerms::of(&arguments), expected);
    for (age, seconds) in [("1Y", 31_536_000), ("2M", 5_184_000), ("3h", 10_800), ("4m", 240)] {
        let terms = QueueTerms::of(&table(&[kind("stream"), ("x-max-age", text(age))]));
        assert_eq!(terms.age_max_seconds, Some(seconds));
    }
}

/// What an older release let pass is read without a word.
#[test]
fn unreadable_arguments_count_as_not_given() {
    let nothing = QueueTerms::of(&table(&[]));
    let bad = Value::List(vec![Value::Void]);
    for name in ["x-queue-type", "x-expires", "x-dead-letter-exchange", "x-overflow", "x-max-age"] {
        assert_eq!(QueueTerms::of(&table(&[(name, bad.clone())])), nothing, "{name}");
    }
    assert_eq!(QueueTerms::of(&table(&[("x-expires", Value::Int(-1))])), nothing);
}
