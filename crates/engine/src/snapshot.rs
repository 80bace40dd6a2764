//! Snapshots: the state as sections of bytes, made a little at a time while records go on.
//!
//! A snapshot is not of one instant. Each section shows its part as it was when the section was
//! made; replaying the records from the snapshot's begin to its end makes the whole exact, because
//! records hold values after, not differences. Ids are not in it: they are in the index on disk.

use crate::command::codec::{known_currency, limits, put_limits, put_time, side, time};
use crate::engine::Engine;
use crate::outcome::codec::{account_status, payment, put_payment, put_sums, sums};
use crate::state::OpenPayment;
use crate::wire::{DecodeError, Reader, put_bytes, put_fixed, put_text, put_u64};
use crate::{Key, Lsn};
use courant_ledger::{Account, AccountNo, AccountTerms, Id, IdBuf, Timestamp};

/// How far a snapshot has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(Next);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Head,
    Accounts(u32),
    Open(Option<IdBuf>),
    Keys,
}

/// What follows a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// More sections: go on at this cursor.
    More(Cursor),
    /// That was the last one.
    Last,
}

const HEAD: u8 = 1;
const ACCOUNTS: u8 = 2;
const OPEN: u8 = 3;
const KEYS: u8 = 4;

/// The most entries in one section, so that reading one is bounded.
const SECTION_ENTRIES_MAX: usize = 1 << 20;

impl Cursor {
    /// The beginning of a snapshot.
    pub const BEGIN: Cursor = Cursor(Next::Head);
}

impl Engine {
    /// Appends one section of at most `entries_max` entries (at least one) to `out`, and says what
    /// follows.
    pub fn snapshot_section(&self, at: Cursor, entries_max: usize, out: &mut Vec<u8>) -> Section {
        let entries_max = entries_max.clamp(1, SECTION_ENTRIES_MAX);
        match at.0 {
            Next::Head => {
                self.put_head(out);
                Section::More(Cursor(Next::Accounts(0)))
            }
            Next::Accounts(no) => self.put_accounts(no, entries_max, out),
            Next::Open(after) => self.put_open(after, entries_max, out),
            Next::Keys => {
                self.put_keys(out);
                Section::Last
            }
        }
    }

    /// Loads one section into an engine that was empty before the first. Sections are loaded in the
    /// order they were made.
    pub fn load_section(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let mut r = Reader::new(bytes);
        match r.u8()? {
            HEAD => self.load_head(&mut r)?,
            ACCOUNTS => {
                let count = r.count("number of accounts", SECTION_ENTRIES_MAX)?;
                (0..count).try_for_each(|_| self.load_account(&mut r))?;
            }
            OPEN => {
                let count = r.count("number of payments", SECTION_ENTRIES_MAX)?;
                (0..count).try_for_each(|_| self.load_open(&mut r))?;
            }
            KEYS => {
                let count = r.count("number of keys", crate::KEYS_MAX)?;
                (0..count).try_for_each(|_| self.load_key(&mut r))?;
            }
            _ => return Err(DecodeError::BadValue("kind of section")),
        }
        r.end()
    }

    fn put_head(&self, out: &mut Vec<u8>) {
        out.push(HEAD);
        put_fixed(out, self.state.now.nanos());
        put_fixed(out, self.state.last.0);
        put_u64(out, self.state.records_count);
        put_u64(out, self.state.payments_count);
    }

    fn load_head(&mut self, r: &mut Reader<'_>) -> Result<(), DecodeError> {
        self.state.now = Timestamp(r.fixed()?);
        self.state.last = Lsn(r.fixed()?);
        self.state.records_count = r.u64()?;
        self.state.payments_count = r.u64()?;
        Ok(())
    }

    fn put_accounts(&self, from: u32, entries_max: usize, out: &mut Vec<u8>) -> Section {
        let count = (self.accounts_count() - from as usize).min(entries_max);
        out.push(ACCOUNTS);
        put_u64(out, count as u64);
        for (no, account) in self.accounts_from(AccountNo(from)).take(count) {
            put_account(no, account, out);
        }
        let next = from + count as u32;
        match next as usize == self.accounts_count() {
            true => Section::More(Cursor(Next::Open(None))),
            false => Section::More(Cursor(Next::Accounts(next))),
        }
    }

    fn load_account(&mut self, r: &mut Reader<'_>) -> Result<(), DecodeError> {
        let no = AccountNo(r.u32()?);
        let id = id(r)?;
        let terms = AccountTerms {
            currency: known_currency(r.u16()?)?,
            side: side(r.u8()?)?,
            limits: limits(r)?,
            code: r.u16()?,
        };
        let mut account = Account::new(id, terms);
        account.status = account_status(r.u8()?)?;
        account.sums = sums(r)?;
        account.last_record = r.u64()?;
        account.opened_record = r.u64()?;
        if no.0 as usize != self.accounts_count() || self.account(id).is_some() {
            return Err(DecodeError::BadValue("account number"));
        }
        self.state.accounts.put(no, account);
        Ok(())
    }

    fn put_open(&self, after: Option<IdBuf>, entries_max: usize, out: &mut Vec<u8>) -> Section {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = after.map_or(Unbounded, Excluded);
        let range = || self.state.open.range((from, Unbounded)).take(entries_max);
        out.push(OPEN);
        put_u64(out, range().count() as u64);
        let mut last = None;
        for (id, open) in range() {
            put_bytes(out, id.as_bytes());
            put_payment(&open.payment, Timestamp::default(), out);
            put_u64(out, open.origin.0);
            put_u64(out, open.latest.0);
            last = Some(*id);
        }
        match last {
            Some(id) => Section::More(Cursor(Next::Open(Some(id)))),
            None => Section::More(Cursor(Next::Keys)),
        }
    }

    fn load_open(&mut self, r: &mut Reader<'_>) -> Result<(), DecodeError> {
        let id = id(r)?;
        let open = OpenPayment {
            payment: payment(r, Timestamp::default())?,
            origin: Lsn(r.u64()?),
            latest: Lsn(r.u64()?),
        };
        if open.payment.status.is_final() {
            return Err(DecodeError::BadValue("status of an open payment"));
        }
        self.state.set_open(id.into(), Some(open));
        Ok(())
    }

    fn put_keys(&self, out: &mut Vec<u8>) {
        out.push(KEYS);
        put_u64(out, self.state.keys.len() as u64);
        for key in self.keys() {
            put_u64(out, u64::from(key.number));
            put_text(out, &key.name);
            put_u64(out, u64::from(key.scopes));
            out.extend_from_slice(&key.hash);
            put_fixed(out, key.created_at.nanos());
            put_time(out, key.expires_at);
            put_time(out, key.revoked_at);
        }
    }

    fn load_key(&mut self, r: &mut Reader<'_>) -> Result<(), DecodeError> {
        let number = r.u32()?;
        let name = r.text()?.to_string();
        let scopes = r.u32()?;
        let hash = r.take(32)?.try_into().expect("32 bytes were taken");
        let created_at = Timestamp(r.fixed()?);
        let (expires_at, revoked_at) = (time(r)?, time(r)?);
        let key = Key { number, name, scopes, hash, created_at, expires_at, revoked_at };
        self.state.keys.insert(number, key);
        Ok(())
    }
}

fn put_account(no: AccountNo, account: &Account, out: &mut Vec<u8>) {
    put_u64(out, u64::from(no.0));
    put_bytes(out, account.id().as_bytes());
    put_u64(out, u64::from(account.terms.currency.numeric()));
    out.push(account.terms.side as u8);
    put_limits(out, account.terms.limits);
    put_u64(out, u64::from(account.terms.code));
    out.push(account.status as u8);
    put_sums(&account.sums, out);
    put_u64(out, account.last_record);
    put_u64(out, account.opened_record);
}

fn id<'a>(r: &mut Reader<'a>) -> Result<Id<'a>, DecodeError> {
    Id::recorded(r.bytes()?).ok_or(DecodeError::BadValue("id"))
}
