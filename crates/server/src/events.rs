//! Events: what happened, as CloudEvents 1.0, derived from the records of the journal in their
//! order.
//!
//! A record that puts a payment into another status gives `payment.<status>`. A capture, release,
//! increment, refund, return or reversal gives its own event, and `payment.<status>` after it if it
//! changed the status too. The id of an event is the place of its record, with a dot and a number
//! where a record gives several; where the journal lost its end and was written anew, the number of
//! the incarnation stands before it.

mod follower;
mod id;
mod render;

pub(crate) use follower::{Batch, Follower, Limits};
pub(crate) use id::{EventId, cursor_place};

use crate::input::query::Place;
use courant_engine::command::{AccountChange, Step};
use courant_engine::{Command, Lsn, Outcome, Record};
use courant_ledger::{FieldError, FieldProblem, GiveBack, Payment, Status};

macro_rules! event_types {
    ($($variant:ident $name:literal $says:literal;)*) => {
        /// What an event tells.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum EventType { $(#[doc = $says] $variant,)* }

        impl EventType {
            pub(crate) const ALL: &'static [EventType] = &[$(EventType::$variant,)*];

            /// The `type` of the CloudEvent.
            pub(crate) fn name(self) -> &'static str {
                match self { $(EventType::$variant => $name,)* }
            }
        }
    };
}

event_types! {
    AccountOpened "account.opened" "An account was opened.";
    AccountFrozen "account.frozen" "An account was frozen.";
    AccountUnfrozen "account.unfrozen" "An account was unfrozen.";
    AccountClosed "account.closed" "An account was closed.";
    AccountLimited "account.limited" "An account got other limits.";
    PaymentReceived "payment.received" "A payment waits for its time of execution.";
    PaymentPending "payment.pending" "A payment waits for something that its reason names.";
    PaymentAuthorised "payment.authorised" "The money of a payment is held.";
    PaymentProcessing "payment.processing" "The instruction of a payment is outside.";
    PaymentCompleted "payment.completed" "The money of a payment is posted.";
    PaymentRejected "payment.rejected" "A payment was refused.";
    PaymentCancelled "payment.cancelled" "A payment was taken back.";
    PaymentExpired "payment.expired" "A payment lapsed.";
    PaymentCaptured "payment.captured" "Held money of a payment was posted.";
    PaymentReleased "payment.released" "Held money of a payment was given up.";
    PaymentIncremented "payment.incremented" "More money of a payment is held.";
    PaymentRefunded "payment.refunded" "A payee gave money back.";
    PaymentReturned "payment.returned" "Money was sent back because it could not be applied.";
    PaymentReversed "payment.reversed" "Money was taken back to correct an error.";
    KeyCreated "key.created" "An API key was made.";
    KeyRevoked "key.revoked" "An API key was revoked.";
}

impl EventType {
    fn of_status(status: Status) -> EventType {
        match status {
            Status::Received => EventType::PaymentReceived,
            Status::Pending => EventType::PaymentPending,
            Status::Authorised => EventType::PaymentAuthorised,
            Status::Processing => EventType::PaymentProcessing,
            Status::Completed => EventType::PaymentCompleted,
            Status::Rejected => EventType::PaymentRejected,
            Status::Cancelled => EventType::PaymentCancelled,
            Status::Expired => EventType::PaymentExpired,
        }
    }
}

/// The events of one record.
#[derive(Debug, Clone, Copy)]
pub(crate) enum EventsOf<'r> {
    /// One, whose id is the record's place.
    One(EventType),
    /// What a step did, and the status it led to.
    Two(EventType, EventType),
    /// One for each payment of a group.
    Group(&'r [Payment]),
}

impl<'r> EventsOf<'r> {
    pub(crate) fn record(record: &'r Record<'_>) -> EventsOf<'r> {
        match (&record.command, &record.outcome) {
            (_, Outcome::Group(group)) => EventsOf::Group(&group.payments),
            (Command::Step(step), Outcome::Payment(after)) => of_step(&step.step, &after.payment),
            (_, Outcome::Payment(after)) => {
                EventsOf::One(EventType::of_status(after.payment.status))
            }
            (Command::ChangeAccount(change), _) => EventsOf::One(match change.change {
                AccountChange::Freeze => EventType::AccountFrozen,
                AccountChange::Unfreeze => EventType::AccountUnfrozen,
                AccountChange::Close => EventType::AccountClosed,
                AccountChange::Limit(_) => EventType::AccountLimited,
            }),
            (_, Outcome::KeyCreated { .. }) => EventsOf::One(EventType::KeyCreated),
            (_, Outcome::KeyRevoked) => EventsOf::One(EventType::KeyRevoked),
            (_, Outcome::AccountOpened(_) | Outcome::AccountChanged(_)) => {
                EventsOf::One(EventType::AccountOpened)
            }
        }
    }

    pub(crate) fn count(self) -> u32 {
        match self {
            EventsOf::One(_) => 1,
            EventsOf::Two(..) => 2,
            EventsOf::Group(payments) => payments.len() as u32,
        }
    }

    /// The type of the event at an index below [`EventsOf::count`].
    pub(crate) fn kind(self, index: u32) -> EventType {
        match self {
            EventsOf::One(kind) => kind,
            EventsOf::Two(first, second) => [first, second][index as usize],
            EventsOf::Group(payments) => EventType::of_status(payments[index as usize].status),
        }
    }

    /// The place of the event at an index.
    pub(crate) fn place(self, lsn: Lsn, index: u32) -> Place {
        match self {
            EventsOf::One(_) => Place::whole(lsn),
            EventsOf::Two(..) | EventsOf::Group(_) => Place::part(lsn, index),
        }
    }

    /// Which payment of a group the event at an index is about; 0 for all else.
    pub(crate) fn payment_index(self, index: u32) -> usize {
        match self {
            EventsOf::One(_) | EventsOf::Two(..) => 0,
            EventsOf::Group(_) => index as usize,
        }
    }
}

fn of_step<'r>(step: &Step<'_>, after: &Payment) -> EventsOf<'r> {
    let status = EventType::of_status(after.status);
    let held = |kind| match after.status {
        // Only an authorised payment is captured, released or incremented.
        Status::Authorised => EventsOf::One(kind),
        _ => EventsOf::Two(kind, status),
    };
    match step {
        Step::Capture { .. } => held(EventType::PaymentCaptured),
        Step::Release { .. } => held(EventType::PaymentReleased),
        Step::Increment { .. } => held(EventType::PaymentIncremented),
        Step::GiveBack { why: GiveBack::Refund, .. } => EventsOf::One(EventType::PaymentRefunded),
        Step::GiveBack { why: GiveBack::Return, .. } => EventsOf::One(EventType::PaymentReturned),
        Step::GiveBack { why: GiveBack::Reversal, .. } => EventsOf::One(EventType::PaymentReversed),
        Step::Cancel | Step::Confirm | Step::RefuseOutside | Step::Inquire => EventsOf::One(status),
    }
}

/// Which types of events are wanted.
#[derive(Debug, Clone)]
pub(crate) struct Wanted(Option<Vec<EventType>>);

impl Wanted {
    /// Reads names separated by commas; nothing means all.
    pub(crate) fn parse(names: Option<&str>) -> Result<Wanted, FieldError> {
        let Some(names) = names else { return Ok(Wanted(None)) };
        let known = |name: &str| EventType::ALL.iter().copied().find(|kind| kind.name() == name);
        let unknown = || {
            let names: Vec<&str> = EventType::ALL.iter().map(|kind| kind.name()).collect();
            let sentence = format!("there is no such type: use {}", names.join(", "));
            FieldError::new("type", FieldProblem::NotAllowed, sentence)
        };
        let kinds: Option<Vec<EventType>> = names.split(',').map(known).collect();
        Ok(Wanted(Some(kinds.ok_or_else(unknown)?)))
    }

    fn has(&self, kind: EventType) -> bool {
        self.0.as_ref().is_none_or(|kinds| kinds.contains(&kind))
    }
}
