//! All accounts of the ledger: dense numbers, found by id, never removed.

use crate::tag_table::TagTable;
use crate::{Account, AccountNo, Currency, Id, Sums, TagDomain, Tagger};
use std::collections::BTreeSet;

/// Accounts are kept in chunks, so that opening one never copies the others; chunks of 4 MiB, so
/// that the operating system can keep them in huge pages.
const CHUNK: usize = 16_384;

/// Accounts that the index takes before it first grows.
const INDEX_CAPACITY: usize = 1_024;

/// The most accounts a ledger can number.
pub const ACCOUNTS_MAX: u32 = u32::MAX - 1;

/// The table of accounts.
#[derive(Debug)]
pub struct Accounts {
    chunks: Vec<Vec<Account>>,
    by_id: TagTable,
    tagger: Tagger,
    totals: Totals,
    /// Currencies that have an account.
    currencies: BTreeSet<Currency>,
}

/// Sums over all accounts of each currency, at the place of its numeric code.
type Totals = Vec<Sums>;

/// ISO 4217 numeric codes have three digits.
const NUMERIC_CODES: usize = 1_000;

impl Accounts {
    /// An empty table whose index uses the directory's secret.
    pub fn new(tagger: Tagger) -> Accounts {
        let by_id = TagTable::with_capacity(INDEX_CAPACITY);
        Accounts {
            chunks: Vec::new(),
            by_id,
            tagger,
            totals: vec![Sums::default(); NUMERIC_CODES],
            currencies: BTreeSet::new(),
        }
    }

    /// How many accounts there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// True if no account was opened yet.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// The number the next account will have, or `None` if the ledger is full.
    pub fn next_no(&self) -> Option<AccountNo> {
        u32::try_from(self.len()).ok().filter(|no| *no <= ACCOUNTS_MAX).map(AccountNo)
    }

    /// The account with this number. Panics if there is none: numbers are given out by this table
    /// only.
    #[inline]
    pub fn get(&self, no: AccountNo) -> &Account {
        &self.chunks[no.0 as usize / CHUNK][no.0 as usize % CHUNK]
    }

    /// The number of the account with this id.
    #[inline]
    pub fn find(&self, id: Id<'_>) -> Option<AccountNo> {
        self.find_tagged(self.tag(id), id)
    }

    /// As [`Accounts::find`], with the tag of the id already made.
    #[inline]
    pub fn find_tagged(&self, tag: u64, id: Id<'_>) -> Option<AccountNo> {
        let number = |value: u64| AccountNo((value - 1) as u32);
        self.by_id.find(tag, |value| self.get(number(value)).has_id(id)).map(number)
    }

    /// The tag of an account's id.
    #[inline]
    pub fn tag(&self, id: Id<'_>) -> u64 {
        self.tagger.tag(TagDomain::Account, id.as_bytes())
    }

    /// Reads where the index would hold a tag, see [`TagTable::touch`].
    #[inline]
    pub fn touch_index(&self, tag: u64) -> u64 {
        self.by_id.touch(tag)
    }

    /// The account that probably has a tag: to be touched, and then asked for its id.
    #[inline]
    pub fn guess(&self, tag: u64) -> Option<AccountNo> {
        self.by_id.find(tag, |_| true).map(|value| AccountNo((value - 1) as u32))
    }

    /// Puts an account at a number: a new one at the next number, or the same one again with other
    /// values. Keeps the totals in step.
    ///
    /// Panics if the number is neither known nor the next, or if a known account's id or currency
    /// would change.
    pub fn put(&mut self, no: AccountNo, account: Account) {
        if no.0 as usize == self.len() {
            let tag = self.tagger.tag(TagDomain::Account, account.id().as_bytes());
            self.by_id.insert(tag, u64::from(no.0) + 1);
            self.currencies.insert(account.terms.currency);
            self.account_total(&Default::default(), &account);
            if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
                self.chunks.push(Vec::with_capacity(CHUNK));
            }
            self.chunks.last_mut().expect("a chunk was just made sure of").push(account);
        } else {
            let known = self.get(no);
            assert!(known.id() == account.id(), "account {} keeps its id", no.0);
            assert!(known.terms.currency == account.terms.currency, "and its currency");
            let before = known.sums;
            self.account_total(&before, &account);
            *self.get_mut(no) = account;
        }
    }

    /// Sets the sums of a known account and the position of the record that did it.
    #[inline]
    pub fn set_sums(&mut self, no: AccountNo, after: Sums, record: u64) {
        let account = &mut self.chunks[no.0 as usize / CHUNK][no.0 as usize % CHUNK];
        let before = std::mem::replace(&mut account.sums, after);
        account.last_record = record;
        let currency = account.terms.currency;
        shift(&mut self.totals, currency, &before, &after);
    }

    /// The accounts from a number on, in the order of their numbers.
    pub fn iter_from(&self, no: AccountNo) -> impl Iterator<Item = (AccountNo, &Account)> {
        (no.0..self.len() as u32).map(|n| (AccountNo(n), self.get(AccountNo(n))))
    }

    /// The sums over all accounts of each currency. In a sound ledger debits equal credits in each.
    pub fn totals(&self) -> impl Iterator<Item = (Currency, Sums)> + '_ {
        let total = |currency: &Currency| self.totals[usize::from(currency.numeric())];
        self.currencies.iter().map(move |currency| (*currency, total(currency)))
    }

    /// Panics if debits and credits differ over all accounts of this one's currency: then a record
    /// made or lost money, and going on would spread it.
    #[inline]
    pub fn assert_balanced(&self, no: AccountNo) {
        let currency = self.get(no).terms.currency;
        let total = &self.totals[usize::from(currency.numeric())];
        let balanced = total.debits_posted == total.credits_posted
            && total.debits_pending == total.credits_pending;
        assert!(balanced, "debits and credits differ in {}", currency.code());
    }

    /// The index's tagger.
    pub fn tagger(&self) -> Tagger {
        self.tagger
    }

    fn get_mut(&mut self, no: AccountNo) -> &mut Account {
        &mut self.chunks[no.0 as usize / CHUNK][no.0 as usize % CHUNK]
    }

    fn account_total(&mut self, before: &Sums, account: &Account) {
        shift(&mut self.totals, account.terms.currency, before, &account.sums);
    }
}

/// Moves a currency's totals by what one account changed. Wrapping: the totals of a whole record
/// are right once all its accounts are set, whatever their order.
#[inline]
fn shift(totals: &mut [Sums], currency: Currency, before: &Sums, after: &Sums) {
    let total = &mut totals[usize::from(currency.numeric())];
    let shifted =
        |total: u128, before: u128, after: u128| total.wrapping_add(after).wrapping_sub(before);
    total.debits_pending =
        shifted(total.debits_pending, before.debits_pending, after.debits_pending);
    total.debits_posted = shifted(total.debits_posted, before.debits_posted, after.debits_posted);
    total.credits_pending =
        shifted(total.credits_pending, before.credits_pending, after.credits_pending);
    total.credits_posted =
        shifted(total.credits_posted, before.credits_posted, after.credits_posted);
}
