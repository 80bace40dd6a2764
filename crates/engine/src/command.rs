//! Commands: what can be asked of the engine, as borrowed values, and their one encoding.
//!
//! Equal commands have equal bytes: a repeat of an idempotent request is recognised by comparing
//! the bytes of the command in its record with those of the new one.

pub(crate) mod codec;

pub use codec::{decode, encode};

use courant_ledger::{
    AccountTerms, Currency, FieldError, FieldProblem, GiveBack, Id, Limits, Metadata, Order,
    PAYEES_MAX, Portion, Timestamp, text,
};

/// The most payments in one atomic group.
pub const GROUP_PAYMENTS_MAX: usize = 10_000;

/// The most characters of an idempotency key.
pub const IDEMPOTENCY_KEY_LENGTH_MAX: usize = 128;

/// What can be asked of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command<'a> {
    /// Open an account.
    OpenAccount(OpenAccount<'a>),
    /// Freeze, unfreeze, close or re-limit an account.
    ChangeAccount(ChangeAccount<'a>),
    /// Make a payment.
    Pay(Order<'a>),
    /// Make all of these payments, or none.
    PayGroup(Vec<Order<'a>>),
    /// Take an existing payment a step further.
    Step(PaymentStep<'a>),
    /// Make an API key.
    CreateKey(CreateKey<'a>),
    /// Revoke an API key.
    RevokeKey {
        /// The number of the key.
        number: u32,
    },
    /// The time has come for a scheduled payment, a hold or a wait. Made by the engine itself only.
    Due {
        /// The payment whose time has come.
        payment: Id<'a>,
    },
}

/// Opens an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenAccount<'a> {
    /// The client's id of the account, forever.
    pub id: Id<'a>,
    /// Currency, side, limits, code.
    pub terms: AccountTerms,
    /// What people call it.
    pub name: Option<&'a str>,
    /// The caller's own pairs.
    pub metadata: Metadata<'a>,
}

/// Changes an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeAccount<'a> {
    /// Which account.
    pub id: Id<'a>,
    /// What changes.
    pub change: AccountChange,
    /// Why, for the audit trail.
    pub reason: Option<&'a str>,
}

/// What can change about an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountChange {
    /// No new movements.
    Freeze,
    /// Movements again.
    Unfreeze,
    /// No movements ever again.
    Close,
    /// Other limits.
    Limit(Limits),
}

/// A step of an existing payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentStep<'a> {
    /// Which payment.
    pub payment: Id<'a>,
    /// What is to be done.
    pub step: Step<'a>,
    /// Why, for the audit trail and the other party.
    pub reason: Option<&'a str>,
}

/// What can be done with an existing payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<'a> {
    /// Post held money: a child with its own id.
    Capture {
        /// The child's id, its idempotency key within the payment.
        child: Id<'a>,
        /// Which money.
        portion: Money<'a>,
        /// Give up what is left after it.
        release_rest: bool,
    },
    /// Give up held money.
    Release {
        /// Which money.
        portion: Money<'a>,
    },
    /// Hold more.
    Increment {
        /// The currency of the amount.
        currency: Currency,
        /// How much more, in minor units.
        amount_minor: u64,
    },
    /// Take the payment back.
    Cancel,
    /// The outside leg succeeded.
    Confirm,
    /// The outside leg failed.
    RefuseOutside,
    /// The outcome outside is not known.
    Inquire,
    /// Refund, return or reverse captured money: a child with its own id.
    GiveBack {
        /// The child's id, its idempotency key within the payment.
        child: Id<'a>,
        /// Refund, return or reversal.
        why: GiveBack,
        /// Which money.
        portion: Money<'a>,
    },
}

impl<'a> Step<'a> {
    /// The id of the child that this step makes, if it makes one.
    pub fn child(&self) -> Option<Id<'a>> {
        match self {
            Step::Capture { child, .. } | Step::GiveBack { child, .. } => Some(*child),
            Step::Release { .. }
            | Step::Increment { .. }
            | Step::Cancel
            | Step::Confirm
            | Step::RefuseOutside
            | Step::Inquire => None,
        }
    }
}

/// A portion of a payment, with the currency its amounts were written in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Money<'a> {
    /// The currency of the amounts; not needed to say "all".
    pub currency: Option<Currency>,
    /// Which money.
    pub portion: Portion<'a>,
}

/// Makes an API key. The engine never sees the secret, only its keyed hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateKey<'a> {
    /// The number of the key, from 1.
    pub number: u32,
    /// What people call it.
    pub name: &'a str,
    /// Bits of what it may do; their meaning is the server's.
    pub scopes: u32,
    /// The keyed hash of the secret.
    pub hash: [u8; 32],
    /// When it stops to work.
    pub expires_at: Option<Timestamp>,
}

/// Who asks, and under which idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Caller<'a> {
    /// The number of the API key; 0 for the machine's own.
    pub key: u32,
    /// The `Idempotency-Key` of the request.
    pub idempotency_key: Option<&'a str>,
}

impl Command<'_> {
    /// Checks what can be checked without the state. Holds for every command that is decided.
    pub fn check(&self) -> Result<(), FieldError> {
        match self {
            Command::OpenAccount(open) => {
                if let Some(name) = open.name {
                    text::ACCOUNT_NAME.check("name", name)?;
                }
                text::check_metadata(&open.metadata)
            }
            Command::ChangeAccount(change) => check_reason(change.reason),
            Command::Pay(order) => order.check(),
            Command::PayGroup(orders) => check_group(orders),
            Command::Step(step) => {
                check_reason(step.reason)?;
                step.step.check()
            }
            Command::CreateKey(key) => text::ACCOUNT_NAME.check("name", key.name).map(|_| ()),
            Command::RevokeKey { .. } | Command::Due { .. } => Ok(()),
        }
    }
}

impl Step<'_> {
    fn check(&self) -> Result<(), FieldError> {
        match self {
            Step::Capture { portion, .. }
            | Step::Release { portion }
            | Step::GiveBack { portion, .. } => portion.check(),
            Step::Increment { amount_minor: 0, .. } => Err(zero("amount")),
            Step::Increment { .. }
            | Step::Cancel
            | Step::Confirm
            | Step::RefuseOutside
            | Step::Inquire => Ok(()),
        }
    }
}

impl Money<'_> {
    fn check(&self) -> Result<(), FieldError> {
        match &self.portion {
            Portion::All => return Ok(()),
            Portion::Total(0) => return Err(zero("amount")),
            Portion::Total(_) => {}
            Portion::Parts(parts) if parts.is_empty() => {
                return Err(FieldError::missing("parts"));
            }
            Portion::Parts(parts) if parts.len() > PAYEES_MAX => {
                let sentence = format!("there are at most {PAYEES_MAX} parts, one for each payee");
                return Err(FieldError::new("parts", FieldProblem::TooMany, sentence)
                    .with_limit(PAYEES_MAX as u64));
            }
            Portion::Parts(parts) if parts.iter().any(|p| p.amount_minor == 0) => {
                return Err(zero("parts.amount"));
            }
            Portion::Parts(_) => {}
        }
        match self.currency {
            Some(_) => Ok(()),
            None => Err(FieldError::missing("currency")),
        }
    }
}

fn check_reason(reason: Option<&str>) -> Result<(), FieldError> {
    match reason {
        Some(reason) => text::REASON.check("reason", reason).map(|_| ()),
        None => Ok(()),
    }
}

fn check_group(orders: &[Order<'_>]) -> Result<(), FieldError> {
    if orders.is_empty() {
        return Err(FieldError::missing("payments"));
    }
    if orders.len() > GROUP_PAYMENTS_MAX {
        let sentence = format!("an atomic group has at most {GROUP_PAYMENTS_MAX} payments");
        return Err(FieldError::new("payments", FieldProblem::TooMany, sentence)
            .with_limit(GROUP_PAYMENTS_MAX as u64));
    }
    for (at, order) in orders.iter().enumerate() {
        order.check().map_err(|e| e.within(format_args!("payments[{at}]")))?;
    }
    Ok(())
}

fn zero(field: &'static str) -> FieldError {
    FieldError::new(field, FieldProblem::Zero, "an amount must be above zero")
}
