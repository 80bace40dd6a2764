//! Reads the tables: a few accounts, one command a line, and what must come of it.
//!
//! ```text
//! account NAME credit|debit [floor N|none] [ceiling N] [has DP D CP C]
//! freeze|close|unfreeze NAME
//! post|force|hold|capture|release FROM TO N               => ok | REASON
//! sums NAME                               => DP D CP C (debits pending, posted, credits alike)
//! available NAME                                          => N | unlimited
//! now SECONDS
//! KIND ID FROM TO:N,TO:N [fee TO:N:debtor|creditor]... [at SECONDS] [until SECONDS]
//!                                                         => STATUS [REASON] | REASON
//!    with KIND one of pay, authorise, top_up, await_top_up, withdraw, authorise_withdrawal,
//!    await_withdrawal
//! ID capture|refund|return|reverse PORTION [rest]         => STATUS MOVED [REASON] | REASON
//!    with PORTION one of all, N, TO:N,TO:N
//! ID release PORTION, ID increment N, ID cancel|confirm|refuse|inquire|expire|execute
//!                                                         => STATUS [REASON] | REASON
//! expires ID                                              => SECONDS | never
//! legs ID   => TO amount captured released refunded returned reversed, ...
//! ```
//! `max` stands for the largest amount, `outside` for the outside account.

use courant_ledger::{
    Account, AccountNo, AccountStatus, AccountTerms, Accounts, Bearer, Currency, Details, Draft,
    Fee, Force, GiveBack, Id, Limits, Mode, Move, Order, OrderKind, Part, Payee, Payment, Portion,
    Reason, Side, Status, Sums, Tagger, Timestamp, outside_account,
};
use std::collections::BTreeMap;

/// Runs a table on fresh accounts.
pub(crate) fn check(table: &str) {
    let mut bench = Bench::new();
    for (at, line) in table.lines().map(str::trim).enumerate().filter(|(_, l)| !l.is_empty()) {
        let (command, expected) = line.split_once("=>").unwrap_or((line, ""));
        let words: Vec<&str> = command.split_whitespace().collect();
        let found = bench.run(&words).unwrap_or_else(|reason| reason.name().to_string());
        assert_eq!(found, expected.trim(), "line {}: {line}", at + 1);
        bench.assert_balanced();
    }
}

struct Bench {
    accounts: Accounts,
    payments: BTreeMap<String, Payment>,
    now: Timestamp,
}

type Outcome = Result<String, Reason>;

/// What makes a payment go a step further, and what it moved.
type Stepped = Result<(Payment, Option<u64>), Reason>;

impl Bench {
    fn new() -> Bench {
        let mut accounts = Accounts::new(Tagger::new(7));
        let terms = terms(Side::Debit, Limits::NONE);
        accounts.put(AccountNo(0), Account::new(outside_account(Currency::EUR), terms));
        Bench { accounts, payments: BTreeMap::new(), now: Timestamp::from_seconds(1_000) }
    }

    fn run(&mut self, words: &[&str]) -> Outcome {
        match words {
            ["account", name, rest @ ..] => self.account(name, rest),
            ["freeze", name] => self.status(name, AccountStatus::Frozen),
            ["unfreeze", name] => self.status(name, AccountStatus::Open),
            ["close", name] => self.status(name, AccountStatus::Closed),
            ["sums", name] => Ok(self.sums(name)),
            ["available", name] => {
                let available = self.accounts.get(self.no(name)).available();
                Ok(available.map_or("unlimited".into(), |minor| minor.to_string()))
            }
            ["now", seconds] => {
                self.now = time(seconds);
                Ok(String::new())
            }
            ["legs", id] => Ok(self.legs(id)),
            ["expires", id] => {
                let at = self.payments[*id].expires_at;
                Ok(at.map_or("never".into(), |at| (at.nanos() / 1_000_000_000).to_string()))
            }
            [kind @ ("post" | "force" | "hold" | "capture" | "release"), from, to, minor] => {
                let (debit, credit) = (self.no(from), self.no(to));
                self.posting(kind, Move { debit, credit, amount_minor: amount(minor) })
            }
            [id, step, rest @ ..] if self.payments.contains_key(*id) => self.step(id, step, rest),
            [kind, id, rest @ ..] => self.begin(kind, id, rest),
            _ => panic!("no such command: {words:?}"),
        }
    }

    fn account(&mut self, name: &str, mut rest: &[&str]) -> Outcome {
        let mut limits = Limits::NONE;
        let mut sums = Sums::default();
        let side = if rest[0] == "credit" { Side::Credit } else { Side::Debit };
        rest = &rest[1..];
        while !rest.is_empty() {
            rest = match rest {
                ["floor", floor, rest @ ..] => {
                    limits.floor = Some(floor.parse().expect("a floor"));
                    rest
                }
                ["ceiling", ceiling, rest @ ..] => {
                    limits.ceiling = Some(ceiling.parse().expect("a ceiling"));
                    rest
                }
                ["has", dp, d, cp, c, rest @ ..] => {
                    let [dp, d, cp, c] = [dp, d, cp, c].map(|s| sum(s));
                    sums.debits_pending = dp;
                    sums.debits_posted = d;
                    sums.credits_pending = cp;
                    sums.credits_posted = c;
                    rest
                }
                _ => panic!("no such property: {rest:?}"),
            };
        }
        let mut account = Account::new(id(name), terms(side, limits));
        account.sums = sums;
        let no = self.accounts.next_no().expect("there is room");
        self.accounts.put(no, account);
        // What an account begins with comes from outside.
        let outside = self.accounts.get(AccountNo(0)).sums;
        let outside = Sums {
            debits_pending: outside.debits_pending + sums.credits_pending,
            debits_posted: outside.debits_posted + sums.credits_posted,
            credits_pending: outside.credits_pending + sums.debits_pending,
            credits_posted: outside.credits_posted + sums.debits_posted,
        };
        self.accounts.set_sums(AccountNo(0), outside, 0);
        Ok(String::new())
    }

    fn status(&mut self, name: &str, status: AccountStatus) -> Outcome {
        let no = self.no(name);
        let mut account = self.accounts.get(no).clone();
        account.status = status;
        self.accounts.put(no, account);
        Ok(String::new())
    }

    fn no(&self, name: &str) -> AccountNo {
        self.accounts.find(id(name)).unwrap_or_else(|| panic!("there is no account {name}"))
    }

    fn sums(&self, name: &str) -> String {
        let sums = self.accounts.get(self.no(name)).sums;
        let Sums { debits_pending, debits_posted, credits_pending, credits_posted } = sums;
        format!("{debits_pending} {debits_posted} {credits_pending} {credits_posted}")
    }

    fn legs(&self, id: &str) -> String {
        let leg = |leg: &courant_ledger::Leg| {
            assert!(leg.is_sound(), "{leg:?}");
            let to = self.accounts.get(leg.credit).id().to_string();
            let back = [leg.refunded_minor, leg.returned_minor, leg.reversed_minor];
            let ended = [leg.amount_minor, leg.captured_minor, leg.released_minor];
            ended.iter().chain(&back).fold(to, |text, minor| format!("{text} {minor}"))
        };
        self.payments[id].legs.iter().map(leg).collect::<Vec<_>>().join(", ")
    }

    fn posting(&mut self, kind: &str, step: Move) -> Outcome {
        let mut draft = Draft::new(&self.accounts);
        match kind {
            "post" => draft.post(step, Force::No)?,
            "force" => draft.post(step, Force::OverLimits)?,
            "hold" => draft.hold(step)?,
            "capture" => draft.post_held(step)?,
            _ => draft.release(step),
        }
        let touched = draft.finish();
        self.apply(touched);
        Ok("ok".into())
    }

    fn apply(&mut self, touched: courant_ledger::TouchedList) {
        for t in touched {
            self.accounts.set_sums(t.no, t.after, 0);
        }
    }

    fn begin(&mut self, kind: &str, id_text: &str, words: &[&str]) -> Outcome {
        let (kind, mode) = match kind {
            "pay" => (OrderKind::Transfer, Mode::Pay),
            "authorise" => (OrderKind::Transfer, Mode::Authorise),
            "top_up" => (OrderKind::TopUp, Mode::Pay),
            "await_top_up" => (OrderKind::TopUp, Mode::AwaitConfirmation),
            "withdraw" => (OrderKind::Withdrawal, Mode::Pay),
            "authorise_withdrawal" => (OrderKind::Withdrawal, Mode::Authorise),
            "await_withdrawal" => (OrderKind::Withdrawal, Mode::AwaitConfirmation),
            _ => panic!("no such command: {kind}"),
        };
        let order = order(kind, mode, id_text, words);
        order.check().expect("the orders of the tables have a valid form");
        let mut draft = Draft::new(&self.accounts);
        let payment =
            Payment::begin(&mut draft, &order, courant_ledger::Parties::default(), self.now)?;
        let touched = draft.finish();
        self.apply(touched);
        let text = [Some(payment.status.name()), payment.reason.map(Reason::name)];
        self.payments.insert(id_text.into(), payment);
        Ok(text.into_iter().flatten().collect::<Vec<_>>().join(" "))
    }

    fn step(&mut self, id: &str, step: &str, rest: &[&str]) -> Outcome {
        let payment = &self.payments[id];
        let mut draft = Draft::new(&self.accounts);
        let (after, moved) = take(payment, &mut draft, step, rest, self.now)?;
        after.assert_sound();
        let touched = draft.finish();
        let still = |t: &courant_ledger::Touched| self.accounts.get(t.no).sums == t.after;
        assert!(!touched.iter().any(still), "an account is touched although nothing moves");
        self.apply(touched);
        let mut text = after.status.name().to_string();
        text.extend(moved.map(|moved| format!(" {moved}")));
        text.extend(after.reason.map(|reason| format!(" {reason}")));
        self.payments.insert(id.into(), after);
        Ok(text)
    }

    fn assert_balanced(&self) {
        for (_, s) in self.accounts.totals() {
            assert_eq!(s.debits_posted, s.credits_posted, "posted");
            assert_eq!(s.debits_pending, s.credits_pending, "pending");
        }
    }
}

fn take(
    payment: &Payment,
    draft: &mut Draft<'_>,
    step: &str,
    rest: &[&str],
    now: Timestamp,
) -> Stepped {
    let moved = |(payment, moved)| (payment, Some(moved));
    let unmoved = |payment| (payment, None);
    let give_back = |draft: &mut Draft<'_>, why| payment.give_back(draft, why, &portion(rest[0]));
    match step {
        "capture" => {
            payment.capture(draft, &portion(rest[0]), rest.get(1) == Some(&"rest")).map(moved)
        }
        "release" => payment.release(draft, &portion(rest[0])).map(unmoved),
        "refund" => give_back(draft, GiveBack::Refund).map(moved),
        "return" => give_back(draft, GiveBack::Return).map(moved),
        "reverse" => give_back(draft, GiveBack::Reversal).map(moved),
        "increment" => payment.increment(draft, amount(rest[0])).map(unmoved),
        "cancel" => payment.cancel(draft).map(unmoved),
        "confirm" => payment.confirm(draft).map(unmoved),
        "refuse" => payment.refuse_outside(draft).map(unmoved),
        "inquire" => payment.inquire().map(unmoved),
        "expire" => Ok(unmoved(payment.expire(draft))),
        "execute" => payment.execute(draft, now).map(unmoved),
        _ => panic!("no such step: {step}"),
    }
}

fn order<'a>(kind: OrderKind, mode: Mode, id_text: &'a str, words: &[&'a str]) -> Order<'a> {
    let payee = |text: &'a str| {
        let (to, minor) = text.split_once(':').expect("a payee is TO:N");
        Payee { creditor: id(to), amount_minor: amount(minor) }
    };
    let mut order = Order {
        id: id(id_text),
        kind,
        mode,
        debtor: id(words[0]),
        payees: words[1].split(',').map(payee).collect(),
        fees: Default::default(),
        currency: Currency::EUR,
        execute_at: None,
        expires_at: None,
        details: Details::default(),
    };
    for pair in words[2..].chunks(2) {
        match pair {
            ["fee", fee] => {
                let parts: Vec<&str> = fee.split(':').collect();
                let bearer = if parts[2] == "debtor" { Bearer::Debtor } else { Bearer::Creditor };
                let (account, amount_minor) = (id(parts[0]), amount(parts[1]));
                order.fees.push(Fee { account, amount_minor, bearer });
            }
            ["at", seconds] => order.execute_at = Some(time(seconds)),
            ["until", seconds] => order.expires_at = Some(time(seconds)),
            _ => panic!("no such part of an order: {pair:?}"),
        }
    }
    order
}

fn portion(text: &str) -> Portion<'_> {
    let part = |text| {
        let (to, minor) = str::split_once(text, ':').expect("a part is TO:N");
        Part { payee: id(to), amount_minor: amount(minor) }
    };
    match text {
        "all" => Portion::All,
        _ if text.contains(':') => Portion::Parts(text.split(',').map(part).collect()),
        _ => Portion::Total(amount(text)),
    }
}

fn terms(side: Side, limits: Limits) -> AccountTerms {
    AccountTerms { currency: Currency::EUR, side, limits, code: 0 }
}

fn id(text: &str) -> Id<'_> {
    match text {
        "outside" => outside_account(Currency::EUR),
        _ => Id::parse("id", text).expect("the names of the tables are ids"),
    }
}

fn amount(text: &str) -> u64 {
    if text == "max" { u64::MAX } else { text.parse().expect("an amount") }
}

/// A sum; `top` is the largest there can be.
fn sum(text: &str) -> u128 {
    if text == "top" { courant_ledger::SUM_LIMIT - 1 } else { text.parse().expect("a sum") }
}

fn time(text: &str) -> Timestamp {
    Timestamp::from_seconds(text.parse().expect("seconds"))
}

/// The status names of the tables, for the matrix of steps.
pub(crate) fn is_status(name: &str) -> bool {
    Status::ALL.iter().any(|status| status.name() == name)
}
