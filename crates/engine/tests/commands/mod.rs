//! Random commands: few accounts, so that things meet; every habit of a world is drawn from its
//! seed.

mod orders;
mod steps;

use crate::reference::{Asker, Reference};
use courant_engine::command::{
    AccountChange, ChangeAccount, Command, CreateKey, OpenAccount, PaymentStep, Step,
};
use courant_ledger::{
    AccountTerms, Currency, Id, Limits, Metadata, Order, Payee, Portion, Side, Timestamp,
};
use fastrand::Rng;

const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 86_400 * SECOND;

/// Above this many open payments, only steps that end some are made, so that a world stays small.
const OPEN_MAX: usize = 200;

/// From this many accounts on, only the names of the first ones are used to open another.
const ACCOUNTS_MAX: usize = 20;

/// How often what happens in a world: drawn once for each.
#[derive(Debug)]
struct Habits {
    /// Weights of opening an account, changing one, paying, paying in a group, stepping, keys.
    kinds: [u32; 6],
    /// Weights of capture, release, increment, cancel, confirm, refuse, inquire, give back.
    steps: [u32; 8],
    names: usize,
    currencies: usize,
    amount_scale: u64,
    payees_max: usize,
    fees_max: usize,
    group_max: usize,
    /// All in percent.
    repeated: u32,
    keyed: u32,
    strange: u32,
    scheduled: u32,
    expiring: u32,
    pause_max: u64,
}

impl Habits {
    fn draw(rng: &mut Rng) -> Habits {
        let any = |rng: &mut Rng| [1, 3, 10][rng.usize(..3)];
        let scales = [10, 100, 100_000, u64::MAX / 2];
        let pauses = [3, SECOND, 3_600 * SECOND, 2 * DAY];
        Habits {
            kinds: [any(rng), any(rng), 20 * any(rng), 3 * any(rng), 20 * any(rng), 1],
            steps: std::array::from_fn(|_| any(rng)),
            names: rng.usize(3..10),
            currencies: rng.usize(1..4),
            amount_scale: scales[rng.usize(..scales.len())],
            payees_max: rng.usize(1..5),
            fees_max: rng.usize(0..4),
            group_max: rng.usize(1..6),
            repeated: rng.u32(0..20),
            keyed: rng.u32(0..40),
            strange: rng.u32(0..8),
            scheduled: rng.u32(0..30),
            expiring: rng.u32(0..60),
            pause_max: pauses[rng.usize(..pauses.len())],
        }
    }
}

/// Makes the commands of one world.
#[derive(Debug)]
pub(crate) struct Commands {
    rng: Rng,
    habits: Habits,
    now: u64,
    serial: u64,
    past: Vec<(Asker, Command<'static>)>,
    payments: Vec<Id<'static>>,
}

const CURRENCIES: [Currency; 3] = [Currency::EUR, Currency::JPY, Currency::KWD];

impl Commands {
    pub(crate) fn new(seed: u64) -> Commands {
        let mut rng = Rng::with_seed(seed);
        let habits = Habits::draw(&mut rng);
        let now = 1_700_000_000 * SECOND;
        let (past, payments) = (Vec::new(), Vec::new());
        Commands { rng, habits, now, serial: 0, past, payments }
    }

    /// The owner's clock: it mostly goes on, stands still now and then, and sometimes goes back.
    pub(crate) fn clock(&mut self) -> u64 {
        match self.rng.u32(..50) {
            0 => self.now - self.rng.u64(..3_600 * SECOND),
            1..10 => self.now,
            _ => {
                self.now += self.rng.u64(..=self.habits.pause_max);
                self.now
            }
        }
    }

    /// Who asks for what next. It has passed its checks of form.
    pub(crate) fn next(&mut self, known: &Reference) -> (Asker, Command<'static>) {
        let (asker, command) = match self.percent(self.habits.repeated) && !self.past.is_empty() {
            true => self.again(known),
            false => (self.asker(), self.fresh(known)),
        };
        self.past.push((asker, command.clone()));
        (asker, command)
    }

    fn percent(&mut self, percent: u32) -> bool {
        self.rng.u32(..100) < percent
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.rng.usize(..from.len())]
    }

    /// A place in a list of weights.
    fn weighted(&mut self, weights: &[u32]) -> usize {
        let mut at = self.rng.u32(..weights.iter().sum::<u32>());
        let place = weights.iter().position(|weight| {
            let here = at < *weight;
            at = at.saturating_sub(*weight);
            here
        });
        place.unwrap_or(0)
    }

    /// A text that nobody made before. It lives as long as the test.
    fn new_text(&mut self, what: &str) -> &'static str {
        self.serial += 1;
        format!("{what}{}", self.serial).leak()
    }

    fn id(text: &'static str) -> Id<'static> {
        Id::parse("id", text).expect("the texts made here are ids")
    }

    fn asker(&mut self) -> Asker {
        let caller = self.rng.u32(..3);
        match self.percent(self.habits.keyed) {
            true if self.percent(90) => (caller, Some(self.new_text("key"))),
            true => (caller, Some(self.pick(&["one", "two", "three"]))),
            false => (caller, None),
        }
    }

    /// An earlier command: the same, by another caller, or with another body.
    fn again(&mut self, known: &Reference) -> (Asker, Command<'static>) {
        let back = if self.percent(50) { 20 } else { self.past.len() };
        let at = self.past.len() - 1 - self.rng.usize(..back.min(self.past.len()));
        let (asker, mut command) = self.past[at].clone();
        match self.rng.u32(..10) {
            0..4 => (asker, command),
            4..6 => (self.asker(), command),
            6 => (asker, self.fresh(known)),
            _ => {
                self.alter(&mut command);
                (if self.percent(50) { asker } else { self.asker() }, command)
            }
        }
    }

    fn alter(&mut self, command: &mut Command<'static>) {
        match command {
            Command::OpenAccount(open) => open.terms.code = open.terms.code.wrapping_add(1),
            Command::Pay(order) => self.alter_order(order),
            Command::PayGroup(orders) => {
                let at = self.rng.usize(..orders.len());
                match self.percent(50) {
                    true => self.alter_order(&mut orders[at]),
                    false => *command = Command::Pay(orders[at].clone()),
                }
            }
            Command::Step(step) => step.reason = Some("once more"),
            _ => {}
        }
    }

    fn alter_order(&mut self, order: &mut Order<'static>) {
        match self.percent(50) {
            true => order.details.remittance = Some("another text"),
            false => order.payees[0].amount_minor ^= 2,
        }
        if order.payees[0].amount_minor == 0 {
            order.payees[0].amount_minor = 1;
        }
    }

    fn fresh(&mut self, known: &Reference) -> Command<'static> {
        if known.open.len() > OPEN_MAX {
            return self.ending(known);
        }
        if known.names.len() < 4 {
            return self.open_account(known);
        }
        match self.weighted(&self.habits.kinds.clone()) {
            0 => self.open_account(known),
            1 => self.change_account(known),
            2 => Command::Pay(self.order(known)),
            3 => self.group(known),
            4 => Command::Step(self.step(known)),
            _ => self.key(),
        }
    }

    fn open_account(&mut self, known: &Reference) -> Command<'static> {
        let name = match known.names.len() < ACCOUNTS_MAX && self.percent(10) {
            true => self.new_text("account"),
            false => ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]
                [self.rng.usize(..self.habits.names)],
        };
        let strange = self.percent(self.habits.strange);
        let id = match strange && self.percent(20) {
            true => courant_ledger::outside_account(Currency::EUR),
            false => Self::id(name),
        };
        let currency = CURRENCIES[id.as_str().len() % self.habits.currencies];
        let currency = if self.percent(70) {
            currency
        } else {
            self.pick(&CURRENCIES[..self.habits.currencies])
        };
        let side = if self.percent(80) { Side::Credit } else { Side::Debit };
        let terms = AccountTerms { currency, side, limits: self.limits(), code: 7 };
        Command::OpenAccount(OpenAccount { id, terms, name: None, metadata: Metadata::new() })
    }

    fn limits(&mut self) -> Limits {
        let amount = i128::from(self.amount());
        match self.rng.u32(..10) {
            0..4 => Limits::NOT_NEGATIVE,
            4..6 => Limits { floor: Some(-amount), ceiling: None },
            6 => Limits { floor: Some(amount), ceiling: None },
            7 => Limits { floor: None, ceiling: Some(amount * 20) },
            8 => Limits { floor: Some(-amount), ceiling: Some(i128::from(self.amount()) * 8) },
            _ => Limits { floor: Some(amount), ceiling: Some(i128::from(self.amount())) },
        }
    }

    fn account(&mut self, known: &Reference) -> Id<'static> {
        let any = self.percent(self.habits.strange);
        let clients: Vec<&'static str> =
            known.names.iter().copied().filter(|name| any || !name.starts_with('@')).collect();
        let name = match any && self.percent(30) {
            true => "nobody",
            false => self.pick(&clients),
        };
        Id::parse_any("id", name).expect("it was used before")
    }

    fn change_account(&mut self, known: &Reference) -> Command<'static> {
        let id = self.account(known);
        let change = match self.rng.u32(..20) {
            0..3 => AccountChange::Freeze,
            3..15 => AccountChange::Unfreeze,
            15..17 => AccountChange::Close,
            _ => AccountChange::Limit(self.limits()),
        };
        Command::ChangeAccount(ChangeAccount { id, change, reason: None })
    }

    fn key(&mut self) -> Command<'static> {
        let number = self.rng.u32(..8);
        if self.percent(50) {
            return Command::RevokeKey { number };
        }
        let expires_at = match self.rng.u32(..4) {
            0 => Some(Timestamp(self.now + self.rng.u64(..10 * self.habits.pause_max))),
            1 => Some(Timestamp(self.rng.u64(..2))),
            _ => None,
        };
        let scopes = self.rng.u32(..4);
        Command::CreateKey(CreateKey { number, name: "key", scopes, hash: [7; 32], expires_at })
    }

    /// Mostly small; sometimes at the limits.
    fn amount(&mut self) -> u64 {
        match self.rng.u32(..200) {
            0 => u64::MAX,
            1 => u64::MAX / 2,
            2 => self.rng.u64(1..=u64::MAX),
            _ => self.rng.u64(1..=self.habits.amount_scale),
        }
    }
}
