//! Which arguments a queue may have, of which type and value, as RabbitMQ has it.
//!
//! One table: an argument, the kinds of queue that take it, and what its value must be. An argument
//! that stands in no line is accepted and means nothing, as in RabbitMQ; one that stands there for
//! other kinds is refused. What a value is refused with is an Erlang term in RabbitMQ's text, and
//! is written so here.

use super::QueueKind;
use super::terms::age_seconds;
use crate::refusal::{Described, Refusal};
use crate::{Name, Table, Value};

/// The longest time in an argument: ten years, in milliseconds.
const TIME_MS_MAX: i64 = 315_360_000_000;
const PRIORITY_MAX: i64 = 255;
const RETRY_FACTOR_MAX: i64 = 100;
const STREAM_SEGMENT_BYTES_MAX: i64 = 3_000_000_000;

/// Nothing, or the term that says what is wrong.
type Checked = Result<(), String>;

struct Rule {
    name: &'static str,
    /// The kinds that take it, or-ed.
    kinds: u8,
    check: fn(&Value, &Table) -> Checked,
}

const CLASSIC: u8 = QueueKind::Classic as u8;
const QUORUM: u8 = QueueKind::Quorum as u8;
const STREAM: u8 = QueueKind::Stream as u8;

const fn rule(name: &'static str, kinds: u8, check: fn(&Value, &Table) -> Checked) -> Rule {
    Rule { name, kinds, check }
}

const RULES: &[Rule] = &[
    rule("x-expires", CLASSIC | QUORUM, expires),
    rule("x-message-ttl", CLASSIC | QUORUM, time),
    rule("x-dead-letter-exchange", CLASSIC | QUORUM, exchange_name),
    rule("x-dead-letter-routing-key", CLASSIC | QUORUM, dead_letter_routing_key),
    rule("x-dead-letter-strategy", QUORUM, |value, _| {
        one_of(value, &["at-most-once", "at-least-once"], "invalid_dlx_strategy")
    }),
    rule("x-max-length", CLASSIC | QUORUM, not_negative),
    rule("x-max-length-bytes", CLASSIC | QUORUM | STREAM, not_negative),
    rule("x-max-in-memory-length", QUORUM, not_negative),
    rule("x-max-in-memory-bytes", QUORUM, not_negative),
    rule("x-max-priority", CLASSIC, priority),
    rule("x-overflow", CLASSIC | QUORUM, |value, _| {
        let known = ["drop-head", "reject-publish", "reject-publish-dlx"];
        one_of(value, &known, "invalid_overflow")
    }),
    rule("x-queue-mode", CLASSIC, queue_mode),
    rule("x-queue-version", CLASSIC, queue_version),
    rule("x-single-active-consumer", CLASSIC | QUORUM, truth),
    rule("x-consumer-timeout", CLASSIC | QUORUM, not_negative),
    rule("x-consumer-disconnected-timeout", QUORUM, not_negative),
    rule("x-queue-type", CLASSIC | QUORUM | STREAM, |_, _| Ok(())),
    rule("x-quorum-initial-group-size", QUORUM, positive),
    rule("x-max-age", STREAM, age),
    rule("x-stream-max-segment-size-bytes", STREAM, stream_segment),
    rule("x-stream-filter-size-bytes", STREAM, stream_filter),
    rule("x-initial-cluster-size", STREAM, positive),
    rule("x-queue-master-locator", CLASSIC, |_, _| Ok(())),
    rule("x-queue-leader-locator", CLASSIC | QUORUM | STREAM, |value, _| {
        let known = ["client-local", "balanced", "random", "least-leaders"];
        one_of(value, &known, "invalid_queue_locator_arg")
    }),
    rule("x-member-placement-tag", QUORUM, |value, _| {
        not_empty(value, "invalid_member_placement_tag_arg")
    }),
    rule("x-delivery-limit", QUORUM, integer),
    rule("x-delayed-retry-type", QUORUM, delayed_retry),
    rule("x-delayed-retry-min", QUORUM, positive_time),
    rule("x-delayed-retry-max", QUORUM, positive_time),
    rule("x-delayed-retry-factor", QUORUM, |value, _| within(value, 1, RETRY_FACTOR_MAX)),
    rule("x-delayed-retry-jitter", QUORUM, |value, _| within(value, 0, 100)),
    rule("x-group-key", CLASSIC | QUORUM, |value, _| not_empty(value, "invalid_group_key")),
];

/// Checks all arguments of a new queue; the kind that they ask for.
pub(crate) fn check(queue: &Described<'_>, arguments: &Table) -> Result<QueueKind, Refusal> {
    let refused = |name: &str, term: &str| {
        Refusal::precondition(format!("invalid arg '{name}' for {queue}: {term}"))
    };
    let kind = QueueKind::of(arguments).ok_or_else(|| {
        let value = arguments.get("x-queue-type").expect("without it the kind is known");
        let term = match value.as_text() {
            Some(kind) => format!("\"unsupported queue type '{kind}'\""),
            None => unacceptable(value),
        };
        refused("x-queue-type", &term)
    })?;
    for rule in RULES.iter().filter(|rule| rule.kinds & kind as u8 != 0) {
        if let Some(value) = arguments.get(rule.name) {
            (rule.check)(value, arguments).map_err(|term| refused(rule.name, &term))?;
        }
    }
    let is_foreign = |name: &Name| {
        let rule = RULES.iter().find(|rule| rule.name == name.as_str());
        rule.is_some_and(|rule| rule.kinds & kind as u8 == 0)
    };
    match arguments.iter().find(|(name, _)| is_foreign(name)) {
        Some((name, _)) => {
            let (name, module) = (name.as_str(), kind.module_name());
            let text = format!("invalid arg '{name}' for {queue} of queue type {module}");
            Err(Refusal::precondition(text))
        }
        None => Ok(kind),
    }
}

/// The arguments in which two declarations of one queue of this kind must agree.
pub(crate) fn compared(kind: QueueKind) -> impl Iterator<Item = &'static str> {
    RULES.iter().filter(move |rule| rule.kinds & kind as u8 != 0).map(|rule| rule.name)
}

fn unacceptable(value: &Value) -> String {
    format!("{{unacceptable_type,{}}}", value.type_name())
}

fn integer(value: &Value, _: &Table) -> Checked {
    number(value).map(|_| ())
}

fn number(value: &Value) -> Result<i64, String> {
    let term = || format!("\"expected integer, got {}\"", value.type_name());
    value.integer().ok_or_else(term)
}

fn not_negative(value: &Value, _: &Table) -> Checked {
    match number(value)? {
        0.. => Ok(()),
        negative => Err(format!("{{value_negative,{negative}}}")),
    }
}

fn positive(value: &Value, arguments: &Table) -> Checked {
    not_negative(value, arguments)?;
    if number(value)? == 0 { Err("{value_zero,0}".into()) } else { Ok(()) }
}

fn time(value: &Value, arguments: &Table) -> Checked {
    not_negative(value, arguments)?;
    match number(value)? {
        ..=TIME_MS_MAX => Ok(()),
        long => Err(format!("{{value_too_large,{long}}}")),
    }
}

fn expires(value: &Value, arguments: &Table) -> Checked {
    if number(value)? == 0 { Err("{value_zero,0}".into()) } else { time(value, arguments) }
}

fn positive_time(value: &Value, arguments: &Table) -> Checked {
    expires(value, arguments)
}

fn within(value: &Value, min: i64, max: i64) -> Checked {
    match number(value)? {
        number if number < min => Err(format!("{{min_value_not_reached,{number}}}")),
        number if number > max => Err(format!("{{max_value_exceeded,{number}}}")),
        _ => Ok(()),
    }
}

fn priority(value: &Value, arguments: &Table) -> Checked {
    not_negative(value, arguments)?;
    within(value, 0, PRIORITY_MAX)
}

fn truth(value: &Value, _: &Table) -> Checked {
    if matches!(value, Value::Bool(_)) { Ok(()) } else { Err(unacceptable(value)) }
}

fn long_string(value: &Value) -> Checked {
    if matches!(value, Value::Text(_)) { Ok(()) } else { Err(unacceptable(value)) }
}

fn one_of(value: &Value, known: &[&str], term: &str) -> Checked {
    long_string(value)?;
    let is_known = value.as_text().is_some_and(|text| known.contains(&text));
    if is_known { Ok(()) } else { Err(term.into()) }
}

/// A text that can be a name and is not empty.
fn not_empty(value: &Value, term: &str) -> Checked {
    long_string(value)?;
    let fits = |text: &str| !text.is_empty() && text.len() <= Name::BYTES_MAX;
    if value.as_text().is_some_and(fits) { Ok(()) } else { Err(term.into()) }
}

fn exchange_name(value: &Value, _: &Table) -> Checked {
    long_string(value)?;
    let fits = value.as_text().is_some_and(|text| text.len() <= Name::BYTES_MAX);
    if fits { Ok(()) } else { Err("invalid_name".into()) }
}

fn dead_letter_routing_key(value: &Value, arguments: &Table) -> Checked {
    exchange_name(value, arguments)?;
    match arguments.get("x-dead-letter-exchange") {
        Some(_) => Ok(()),
        None => Err("routing_key_but_no_dlx_defined".into()),
    }
}

fn queue_mode(value: &Value, _: &Table) -> Checked {
    long_string(value)?;
    match value.as_text() {
        Some("default" | "lazy") => Ok(()),
        _ => Err(format!("\"unsupported queue mode '{value}'\"")),
    }
}

fn queue_version(value: &Value, arguments: &Table) -> Checked {
    not_negative(value, arguments)?;
    match number(value)? {
        1 | 2 => Ok(()),
        other => Err(format!("\"unsupported queue version '{other}'\"")),
    }
}

fn age(value: &Value, _: &Table) -> Checked {
    long_string(value)?;
    match value.as_text().and_then(age_seconds) {
        Some(_) => Ok(()),
        None => Err("invalid_max_age".into()),
    }
}

fn stream_segment(value: &Value, arguments: &Table) -> Checked {
    not_negative(value, arguments)?;
    within(value, 0, STREAM_SEGMENT_BYTES_MAX)
}

fn stream_filter(value: &Value, arguments: &Table) -> Checked {
    not_negative(value, arguments)?;
    within(value, 16, 255)
}

/// A retry that would never wait is a mistake, which RabbitMQ lets pass in arguments and refuses
/// in policies.
fn delayed_retry(value: &Value, arguments: &Table) -> Checked {
    let known = ["all", "failed", "returned", "disabled"];
    one_of(value, &known, "invalid_delayed_retry_type")?;
    let time = |name: &str| arguments.get(name).and_then(Value::integer);
    match (time("x-delayed-retry-min"), time("x-delayed-retry-max")) {
        (None, _) if value.as_text() != Some("disabled") => {
            Err("delayed_retry_min_required".into())
        }
        (Some(min), Some(max)) if max < min => Err("delayed_retry_max_below_min".into()),
        _ => Ok(()),
    }
}
