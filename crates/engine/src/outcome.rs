//! Outcomes: what a decision was, complete enough that a reader of the journal needs no state.

pub(crate) mod codec;

use crate::Lsn;
use courant_ledger::{AccountNo, AccountStatus, Limits, MovedMinor, Payment};

/// What a command came to. Applied by `evolve`, written to the journal beside its command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// An account was opened.
    AccountOpened(AccountOpened),
    /// An account was changed.
    AccountChanged(AccountChanged),
    /// A payment was made, refused, or taken a step further.
    Payment(PaymentOutcome),
    /// The payments of an atomic group were made, in the order of the group.
    Group(GroupOutcome),
    /// An API key was made.
    KeyCreated {
        /// The key whose place it took, because there was no room: it had stopped to work.
        instead_of: Option<u32>,
    },
    /// An API key was revoked.
    KeyRevoked,
}

/// An account's number, and that of the currency's outside account if this opening made it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountOpened {
    /// The number of the account.
    pub no: AccountNo,
    /// The number of the outside account of its currency, if it was opened by this record.
    pub outside: Option<AccountNo>,
}

/// An account's properties after a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountChanged {
    /// The number of the account.
    pub no: AccountNo,
    /// Its status after.
    pub status: AccountStatus,
    /// Its limits after.
    pub limits: Limits,
    /// The record that touched the account before this one.
    pub previous: Lsn,
}

/// A payment after a step, and what the step did to accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentOutcome {
    /// The payment after.
    pub payment: Payment,
    /// The record that made the payment; [`Lsn::NONE`] if it is this one.
    pub origin: Lsn,
    /// The record of the payment before this one; [`Lsn::NONE`] if there is none.
    pub previous: Lsn,
    /// What the step posted for payees, in minor units; nothing where it only held or released.
    pub moved_minor: MovedMinor,
    /// The accounts it touched.
    pub accounts: AccountsAfter,
}

/// The payments of a group and the accounts that they touched together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupOutcome {
    /// The payments, in the order of the group.
    pub payments: Vec<Payment>,
    /// The accounts they touched, after all of them.
    pub accounts: AccountsAfter,
}

/// The accounts that a record touched, each as it is after it.
pub use courant_ledger::TouchedList as AccountsAfter;

/// An account after a record. `previous` is the LSN of the record that touched it before.
pub use courant_ledger::Touched as AccountAfter;

impl PaymentOutcome {
    /// True if this record made the payment.
    pub fn is_first(&self) -> bool {
        self.previous == Lsn::NONE
    }
}
