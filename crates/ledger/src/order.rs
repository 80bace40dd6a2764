//! A payment order: what a caller asks for, checked field by field, before any account is looked
//! at.

use crate::text;
use crate::{Currency, FieldError, FieldProblem, Id, Timestamp};
use smallvec::SmallVec;
use std::borrow::Cow;

/// The most payees of one payment.
pub const PAYEES_MAX: usize = 100;
/// The most fees of one payment.
pub const FEES_MAX: usize = 16;

/// Where the money comes from and goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum OrderKind {
    /// From an account to one or more accounts.
    Transfer = 0,
    /// From the outside world to one account.
    TopUp = 1,
    /// From one account to the outside world.
    Withdrawal = 2,
}

/// How far the payment goes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Mode {
    /// Post the money.
    Pay = 0,
    /// Hold the money for later captures.
    Authorise = 1,
    /// Wait until the outside leg of a top-up or withdrawal is confirmed.
    AwaitConfirmation = 2,
}

/// Who bears a fee, in the sense of ISO 20022 charge bearers DEBT and CRED.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Bearer {
    /// The debtor pays it on top of the amount.
    Debtor = 0,
    /// It is taken from what the only payee receives.
    Creditor = 1,
}

/// One who is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payee<'a> {
    /// The account to credit.
    pub creditor: Id<'a>,
    /// How much, in minor units of the payment's currency.
    pub amount_minor: u64,
}

/// A fee, taken in full with the first money that is posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fee<'a> {
    /// The account that takes it.
    pub account: Id<'a>,
    /// How much, in minor units of the payment's currency.
    pub amount_minor: u64,
    /// Who bears it.
    pub bearer: Bearer,
}

/// Pairs of a key and a value that belong to the caller; see [`text::check_metadata`] for their
/// limits.
pub type Metadata<'a> = SmallVec<[(&'a str, &'a str); 0]>;

/// The texts that travel with a payment and are not interpreted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Details<'a> {
    /// Where the order came from, such as `mobile`.
    pub channel: Option<&'a str>,
    /// The debtor's own reference, carried to the creditor unchanged.
    pub end_to_end_id: Option<&'a str>,
    /// What the payment is for.
    pub remittance: Option<&'a str>,
    /// The caller's own pairs, keys unique.
    pub metadata: Metadata<'a>,
}

/// A payment order. [`Order::check`] holds for every order that is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order<'a> {
    /// The client's id of the payment: its idempotency key, forever.
    pub id: Id<'a>,
    /// Transfer, top-up or withdrawal.
    pub kind: OrderKind,
    /// Pay, authorise or await a confirmation.
    pub mode: Mode,
    /// The account to debit; for a top-up the currency's outside account.
    pub debtor: Id<'a>,
    /// Who is paid; for a withdrawal the currency's outside account.
    pub payees: SmallVec<[Payee<'a>; 1]>,
    /// Fees.
    pub fees: SmallVec<[Fee<'a>; 0]>,
    /// The currency of every amount.
    pub currency: Currency,
    /// Not before this time.
    pub execute_at: Option<Timestamp>,
    /// When a hold or an awaited confirmation lapses.
    pub expires_at: Option<Timestamp>,
    /// Texts.
    pub details: Details<'a>,
}

impl<'a> Order<'a> {
    /// A plain transfer with nothing optional.
    pub fn transfer(
        id: Id<'a>,
        debtor: Id<'a>,
        creditor: Id<'a>,
        amount: crate::Amount,
    ) -> Order<'a> {
        Order {
            id,
            kind: OrderKind::Transfer,
            mode: Mode::Pay,
            debtor,
            payees: SmallVec::from_buf([Payee { creditor, amount_minor: amount.minor() }]),
            fees: SmallVec::new(),
            currency: amount.currency(),
            execute_at: None,
            expires_at: None,
            details: Details::default(),
        }
    }

    /// A top-up of an account from the outside world.
    pub fn top_up(id: Id<'a>, creditor: Id<'a>, amount: crate::Amount) -> Order<'a> {
        let outside = outside_account(amount.currency());
        Order { kind: OrderKind::TopUp, ..Order::transfer(id, outside, creditor, amount) }
    }

    /// A withdrawal from an account to the outside world.
    pub fn withdrawal(id: Id<'a>, debtor: Id<'a>, amount: crate::Amount) -> Order<'a> {
        let outside = outside_account(amount.currency());
        Order { kind: OrderKind::Withdrawal, ..Order::transfer(id, debtor, outside, amount) }
    }

    /// What all payees together receive, before fees. `None` on overflow.
    pub fn total_minor(&self) -> Option<u64> {
        self.payees.iter().try_fold(0u64, |sum, p| sum.checked_add(p.amount_minor))
    }

    /// Checks what can be checked without accounts: counts, amounts, and which fields go together.
    pub fn check(&self) -> Result<(), FieldError> {
        self.check_payees()?;
        self.check_fees()?;
        self.check_kind()?;
        self.details.check()?;
        if self.mode == Mode::Pay && self.expires_at.is_some() {
            let why = "only a payment with mode authorise or await_confirmation can expire";
            return Err(not_allowed("expires_at", why));
        }
        match (self.execute_at, self.expires_at) {
            (Some(execute), Some(expires)) if expires <= execute => {
                Err(not_allowed("expires_at", "it must be later than execute_at"))
            }
            _ => Ok(()),
        }
    }

    fn check_payees(&self) -> Result<(), FieldError> {
        if self.payees.is_empty() {
            return Err(FieldError::missing("payees"));
        }
        if self.payees.len() > PAYEES_MAX {
            return Err(too_many("payees", PAYEES_MAX));
        }
        for (at, payee) in self.payees.iter().enumerate() {
            let field = |name: &str| match self.payees.len() {
                1 => name.to_string(),
                _ => format!("payees[{at}].{name}"),
            };
            if payee.amount_minor == 0 {
                return Err(zero(field("amount")));
            }
            if self.payees[..at].iter().any(|p| p.creditor == payee.creditor) {
                let why = "each payee may be named once";
                return Err(not_allowed(field("creditor"), why));
            }
        }
        Ok(())
    }

    fn check_fees(&self) -> Result<(), FieldError> {
        if self.fees.len() > FEES_MAX {
            return Err(too_many("fees", FEES_MAX));
        }
        for (at, fee) in self.fees.iter().enumerate() {
            if fee.amount_minor == 0 {
                return Err(zero(format!("fees[{at}].amount")));
            }
            if fee.account == outside_account(self.currency) {
                let why = "the outside world takes no fee: name an account";
                return Err(not_allowed(format!("fees[{at}].account"), why));
            }
            if fee.bearer == Bearer::Creditor && self.payees.len() > 1 {
                let why = "a fee borne by the creditor needs a payment with one payee";
                return Err(not_allowed(format!("fees[{at}].bearer"), why));
            }
        }
        Ok(())
    }

    fn check_kind(&self) -> Result<(), FieldError> {
        let outside = outside_account(self.currency);
        let (from_outside, to_outside) =
            (self.debtor == outside, self.payees.iter().any(|p| p.creditor == outside));
        let fits = match self.kind {
            OrderKind::Transfer => !from_outside && !to_outside,
            OrderKind::TopUp => from_outside && !to_outside,
            OrderKind::Withdrawal => to_outside && !from_outside,
        };
        if !fits {
            let why = "the outside world pays a top-up, takes a withdrawal, and no transfer";
            return Err(not_allowed("debtor", why));
        }
        if self.kind != OrderKind::Transfer && self.payees.len() > 1 {
            let why = "a top-up or withdrawal has one account";
            return Err(not_allowed("payees", why));
        }
        match (self.kind, self.mode) {
            (OrderKind::Transfer, Mode::AwaitConfirmation) => Err(not_allowed(
                "mode",
                "only a top-up or withdrawal awaits a confirmation from outside",
            )),
            (OrderKind::TopUp, Mode::Authorise) => {
                Err(not_allowed("mode", "a top-up cannot be authorised, only awaited"))
            }
            _ => Ok(()),
        }
    }
}

impl Details<'_> {
    fn check(&self) -> Result<(), FieldError> {
        let optional = |rule: text::TextRule, field, text: Option<&str>| match text {
            Some(text) => rule.check(field, text).map(|_| ()),
            None => Ok(()),
        };
        optional(text::CHANNEL, "channel", self.channel)?;
        optional(text::END_TO_END_ID, "end_to_end_id", self.end_to_end_id)?;
        optional(text::REMITTANCE, "remittance", self.remittance)?;
        text::check_metadata(&self.metadata)
    }
}

fn too_many(field: &'static str, limit: usize) -> FieldError {
    let sentence = format!("at most {limit} are allowed: split the payment");
    FieldError::new(field, FieldProblem::TooMany, sentence).with_limit(limit as u64)
}

fn zero(field: impl Into<Cow<'static, str>>) -> FieldError {
    FieldError::new(field, FieldProblem::Zero, "an amount must be above zero")
}

fn not_allowed(field: impl Into<Cow<'static, str>>, why: &'static str) -> FieldError {
    FieldError::new(field, FieldProblem::NotAllowed, why)
}

/// The id of the account that stands for the outside world in a currency, such as `@outside:EUR`.
pub fn outside_account(currency: Currency) -> Id<'static> {
    Id::parse_any("account", currency.outside_account()).expect("its form is valid for every code")
}
