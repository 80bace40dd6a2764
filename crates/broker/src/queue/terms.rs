//! What the arguments of a queue mean, typed.
//!
//! Reading never fails: arguments were checked when the queue was declared, and what an older
//! release let pass and this one cannot read counts as not given.

use super::QueueKind;
use crate::{Name, Table, Value};

/// What happens to a message that finds its queue full.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Overflow {
    /// The oldest messages give way.
    #[default]
    DropHead,
    /// The publisher's confirm is negative.
    RejectPublish,
    /// As [`Overflow::RejectPublish`], and the message is dead-lettered.
    RejectPublishDeadLetter,
}

/// What is promised of dead letters. Here both move a message in the record that removes it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DeadLetterStrategy {
    /// One may be lost where nothing takes it.
    #[default]
    AtMostOnce,
    /// One stays until something takes it.
    AtLeastOnce,
}

/// Where dead letters go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The exchange, by its name; it need not exist.
    pub exchange: Name,
    /// Their routing key; their own if none is given.
    pub routing_key: Option<Name>,
    /// What is promised.
    pub strategy: DeadLetterStrategy,
}

/// Which returned messages wait before they are delivered again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DelayedRetryType {
    /// All of them.
    All,
    /// Those whose delivery counts as failed.
    Failed,
    /// Those that were handed back without a failure.
    Returned,
}

/// How long a returned message waits: `min × count`, or with a factor `min × factor^(count − 1)`,
/// and never more than `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DelayedRetry {
    /// Which messages wait.
    pub applies_to: DelayedRetryType,
    /// The first wait, in milliseconds.
    pub min_ms: u64,
    /// The longest wait, in milliseconds.
    pub max_ms: u64,
    /// Each wait is this many times the one before; `None` grows in equal steps, as RabbitMQ does.
    pub factor: Option<u32>,
    /// By how many per cent of itself a wait may be shortened, so that retries spread.
    pub jitter_percent: u8,
}

/// What a queue's arguments mean. `None` is no limit, and no such feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueTerms {
    /// `x-queue-type`.
    pub kind: QueueKind,
    /// `x-expires`: how long it stays unused before it is deleted, in milliseconds.
    pub expires_ms: Option<u64>,
    /// `x-message-ttl`, in milliseconds.
    pub message_ttl_ms: Option<u64>,
    /// `x-dead-letter-exchange` and what belongs to it.
    pub dead_letter: Option<DeadLetter>,
    /// `x-max-length`, in messages.
    pub length_max: Option<u64>,
    /// `x-max-length-bytes`.
    pub length_bytes_max: Option<u64>,
    /// `x-overflow`.
    pub overflow: Overflow,
    /// `x-max-priority`.
    pub priority_max: Option<u8>,
    /// `x-single-active-consumer`.
    pub single_active_consumer: bool,
    /// `x-delivery-limit`, as it was given: negative is without limit.
    pub delivery_limit: Option<i64>,
    /// `x-delayed-retry-*`.
    pub delayed_retry: Option<DelayedRetry>,
    /// `x-group-key`: the header whose value is a message's key.
    pub group_key: Option<Name>,
    /// `x-consumer-timeout`, in milliseconds.
    pub consumer_timeout_ms: Option<u64>,
    /// `x-max-age` of a stream, in seconds.
    pub age_max_seconds: Option<u64>,
    /// `x-stream-max-segment-size-bytes`.
    pub stream_segment_bytes_max: Option<u64>,
}

impl QueueTerms {
    /// Reads them.
    pub fn of(arguments: &Table) -> QueueTerms {
        let number = |name: &str| u64::try_from(arguments.get(name)?.integer()?).ok();
        QueueTerms {
            kind: QueueKind::of(arguments).unwrap_or(QueueKind::Classic),
            expires_ms: number("x-expires"),
            message_ttl_ms: number("x-message-ttl"),
            dead_letter: dead_letter(arguments),
            length_max: number("x-max-length"),
            length_bytes_max: number("x-max-length-bytes"),
            overflow: match text(arguments, "x-overflow") {
                Some("reject-publish") => Overflow::RejectPublish,
                Some("reject-publish-dlx") => Overflow::RejectPublishDeadLetter,
                _ => Overflow::DropHead,
            },
            priority_max: number("x-max-priority").and_then(|max| u8::try_from(max).ok()),
            single_active_consumer: arguments.get("x-single-active-consumer")
                == Some(&Value::Bool(true)),
            delivery_limit: arguments.get("x-delivery-limit").and_then(Value::integer),
            delayed_retry: delayed_retry(arguments),
            group_key: name(arguments, "x-group-key").filter(|header| !header.is_empty()),
            consumer_timeout_ms: number("x-consumer-timeout"),
            age_max_seconds: text(arguments, "x-max-age").and_then(age_seconds),
            stream_segment_bytes_max: number("x-stream-max-segment-size-bytes"),
        }
    }
}

fn text<'a>(arguments: &'a Table, name: &str) -> Option<&'a str> {
    arguments.get(name)?.as_text()
}

fn name(arguments: &Table, argument: &str) -> Option<Name> {
    Name::new(text(arguments, argument)?).ok()
}

fn dead_letter(arguments: &Table) -> Option<DeadLetter> {
    let strategy = match text(arguments, "x-dead-letter-strategy") {
        Some("at-least-once") => DeadLetterStrategy::AtLeastOnce,
        _ => DeadLetterStrategy::AtMostOnce,
    };
    Some(DeadLetter {
        exchange: name(arguments, "x-dead-letter-exchange")?,
        routing_key: name(arguments, "x-dead-letter-routing-key"),
        strategy,
    })
}

fn delayed_retry(arguments: &Table) -> Option<DelayedRetry> {
    let applies_to = match text(arguments, "x-delayed-retry-type")? {
        "all" => DelayedRetryType::All,
        "failed" => DelayedRetryType::Failed,
        "returned" => DelayedRetryType::Returned,
        _ => return None,
    };
    let number = |name: &str| {
        let number = arguments.get(name).and_then(Value::integer)?;
        u64::try_from(number).ok().filter(|number| *number > 0)
    };
    let min_ms = number("x-delayed-retry-min")?;
    let factor = number("x-delayed-retry-factor").and_then(|factor| u32::try_from(factor).ok());
    let jitter = number("x-delayed-retry-jitter").filter(|percent| *percent <= 100);
    Some(DelayedRetry {
        applies_to,
        min_ms,
        max_ms: number("x-delayed-retry-max").unwrap_or(min_ms),
        factor,
        jitter_percent: jitter.unwrap_or(0) as u8,
    })
}

/// The seconds of an age such as `7D`: a whole number and one of `Y M D h m s`.
pub(crate) fn age_seconds(text: &str) -> Option<u64> {
    const DAY: u64 = 24 * 3_600;
    let unit = text.chars().next_back()?;
    let seconds = match unit {
        'Y' => 365 * DAY,
        'M' => 30 * DAY,
        'D' => DAY,
        'h' => 3_600,
        'm' => 60,
        's' => 1,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = digits.parse().ok().filter(|number| is_number && *number > 0)?;
    number.checked_mul(seconds)
}
