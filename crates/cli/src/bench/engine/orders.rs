//! Plain transfers in endless supply: which accounts, and under which ids.

use courant_engine::{Caller, Command};
use courant_ledger::{Amount, Currency, Order};
use courant_node::Request;
use fastrand::Rng;

use super::names::Name;

/// Every run makes the same payments.
const SEED: u64 = 0x00C0_FFEE;

/// Accounts that all payments of [`Shape::Hot`] are between.
pub(super) const HOT_ACCOUNTS: u32 = 10;

/// A prime above the number of accounts: multiplying by it scatters neighbours.
const SCATTER: u64 = 2_654_435_761;

/// The caller of every command here.
pub(super) const CALLER: Caller<'static> = Caller { key: 1, idempotency_key: None };

/// Which accounts payments are between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bench) enum Shape {
    /// All alike.
    Uniform,
    /// The n-th most used account 1/n as often as the most used one.
    Zipf,
    /// Ten alone.
    Hot,
}

impl Shape {
    pub(super) fn words(self) -> &'static str {
        match self {
            Shape::Uniform => "uniform",
            Shape::Zipf => "Zipf 1.0",
            Shape::Hot => "ten hot accounts",
        }
    }
}

/// Draws account numbers.
#[derive(Debug, Clone)]
pub(super) struct Picks {
    rng: Rng,
    accounts: u32,
    /// For Zipf: how much of all weight the accounts up to each rank have together; else empty.
    weights: Vec<f64>,
}

impl Picks {
    pub(super) fn new(shape: Shape, accounts: u32, seed: u64) -> Picks {
        let mut weights = Vec::new();
        if shape == Shape::Zipf {
            let each = (1..=accounts).map(|rank| 1.0 / f64::from(rank));
            weights.extend(each.scan(0.0, |sum, weight| {
                *sum += weight;
                Some(*sum)
            }));
        }
        let accounts = if shape == Shape::Hot { accounts.min(HOT_ACCOUNTS) } else { accounts };
        Picks { rng: Rng::with_seed(SEED ^ seed), accounts, weights }
    }

    /// Two different accounts.
    pub(super) fn pair(&mut self) -> (u32, u32) {
        let first = self.one();
        loop {
            let second = self.one();
            if second != first {
                return (first, second);
            }
        }
    }

    fn one(&mut self) -> u32 {
        let Some(all) = self.weights.last() else { return self.rng.u32(..self.accounts) };
        let point = self.rng.f64() * all;
        let rank = self.weights.partition_point(|weight| *weight <= point);
        let rank = (rank as u64).min(u64::from(self.accounts) - 1);
        (rank * SCATTER % u64::from(self.accounts)) as u32
    }
}

/// Makes payments under ids that nobody had.
#[derive(Debug, Clone)]
pub(in crate::bench) struct Orders {
    picks: Picks,
    next: u64,
}

/// A plain transfer of one cent, before it is put into words.
#[derive(Debug, Clone, Copy)]
pub(in crate::bench) struct Transfer {
    pub(in crate::bench) id: Name,
    pub(in crate::bench) debtor: Name,
    pub(in crate::bench) creditor: Name,
}

impl Transfer {
    pub(super) fn command(&self) -> Command<'_> {
        let cent = Amount::new(1, Currency::EUR);
        let (debtor, creditor) = (self.debtor.as_id(), self.creditor.as_id());
        Command::Pay(Order::transfer(self.id.as_id(), debtor, creditor, cent))
    }
}

impl Orders {
    /// `maker` keeps the ids of several makers apart.
    pub(in crate::bench) fn new(shape: Shape, accounts: u32, maker: u16) -> Orders {
        let picks = Picks::new(shape, accounts, u64::from(maker));
        Orders { picks, next: u64::from(maker) << 48 }
    }

    pub(in crate::bench) fn next(&mut self) -> Transfer {
        let (debtor, creditor) = self.picks.pair();
        let id = Name::payment(self.next);
        self.next += 1;
        Transfer { id, debtor: Name::account(debtor), creditor: Name::account(creditor) }
    }

    pub(super) fn request(&mut self, transfers: usize) -> Request {
        let mut request = Request::with_capacity(transfers);
        for _ in 0..transfers {
            request.push(CALLER, &self.next().command()).expect("a plain transfer breaks no rule");
        }
        request
    }
}

#[cfg(test)]
mod tests;
