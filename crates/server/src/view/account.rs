//! What the API shows of an account.

use super::{Decimal, PairsView, SumsView, Time};
use courant_engine::{Command, Lsn, Record};
use courant_ledger::{Account, AccountStatus, AccountTerms, Limits, Side, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

/// An account. Amounts are decimal texts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub(crate) struct AccountView<'a> {
    /// Its id.
    id: &'a str,
    /// What stays as it was at the opening.
    #[serde(flatten)]
    fixed: FixedView<'a>,
    /// What an account is allowed.
    #[serde(flatten)]
    rules: RulesView,
    /// The posted balance, as seen from the normal side.
    #[schema(value_type = String)]
    balance: Decimal,
    /// What can still be drawn: balance less holds less floor; `null`: without limit.
    #[schema(value_type = Option<String>)]
    available: Option<Decimal>,
    #[serde(flatten)]
    sums: SumsView,
    /// The last record that touched it.
    version: u64,
    /// True in the answer to a request that had been answered before.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    repeat: bool,
}

/// What stays as it was at the opening of an account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccountTerms)]
pub(crate) struct FixedView<'a> {
    /// The currency of all its money.
    currency: &'static str,
    /// How many decimals its amounts have.
    exponent: u8,
    /// Where its balance grows: `credit` or `debit`.
    side: &'static str,
    /// The owner's classification.
    code: u16,
    /// What people call it.
    name: Option<&'a str>,
    /// The owner's pairs.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    metadata: PairsView<'a>,
    /// When it was opened.
    #[schema(value_type = String, format = DateTime)]
    opened_at: Time,
}

/// What an account is allowed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccountRules)]
pub(crate) struct RulesView {
    /// `open`, `frozen` or `closed`.
    status: &'static str,
    /// The lowest balance; `null`: none.
    #[schema(value_type = Option<String>)]
    floor: Option<Decimal>,
    /// The highest balance; `null`: none.
    #[schema(value_type = Option<String>)]
    ceiling: Option<Decimal>,
}

impl RulesView {
    pub(crate) fn new(status: AccountStatus, limits: Limits, terms: &AccountTerms) -> RulesView {
        let decimal = |minor| Decimal::signed(minor, terms.currency);
        RulesView {
            status: match status {
                AccountStatus::Open => "open",
                AccountStatus::Frozen => "frozen",
                AccountStatus::Closed => "closed",
            },
            floor: limits.floor.map(decimal),
            ceiling: limits.ceiling.map(decimal),
        }
    }
}

/// What only the record that opened an account knows.
#[derive(Debug)]
pub(crate) struct Opening<'a> {
    name: Option<&'a str>,
    metadata: &'a [(&'a str, &'a str)],
    at: Timestamp,
}

impl<'a> Opening<'a> {
    /// Reads it from the record. An outside account was opened by another account's record and has
    /// no name and no metadata of its own.
    pub(crate) fn of(record: &'a Record<'_>, id: &str) -> Opening<'a> {
        match &record.command {
            Command::OpenAccount(open) if open.id.as_str() == id => {
                Opening { name: open.name, metadata: &open.metadata, at: record.at }
            }
            _ => Opening { name: None, metadata: &[], at: record.at },
        }
    }
}

impl<'a> FixedView<'a> {
    pub(crate) fn new(terms: &AccountTerms, opening: Opening<'a>) -> FixedView<'a> {
        FixedView {
            currency: terms.currency.code(),
            exponent: terms.currency.exponent(),
            side: match terms.side {
                Side::Credit => "credit",
                Side::Debit => "debit",
            },
            code: terms.code,
            name: opening.name,
            metadata: PairsView(opening.metadata),
            opened_at: Time(opening.at),
        }
    }
}

impl<'a> AccountView<'a> {
    pub(crate) fn new(account: &'a Account, opening: Opening<'a>) -> AccountView<'a> {
        let terms = &account.terms;
        AccountView {
            id: account.id().as_str(),
            fixed: FixedView::new(terms, opening),
            rules: RulesView::new(account.status, terms.limits, terms),
            balance: Decimal::signed(account.balance(), terms.currency),
            // A floor may be as low as 128 bits go, so this may be more than any sum.
            available: account.available().map(|minor| {
                let minor = i128::try_from(minor).unwrap_or(i128::MAX);
                Decimal::signed(minor, terms.currency)
            }),
            sums: SumsView::new(account.sums, terms.currency),
            version: Lsn(account.last_record).0,
            repeat: false,
        }
    }

    pub(crate) fn repeated(self, repeat: bool) -> AccountView<'a> {
        AccountView { repeat, ..self }
    }
}
