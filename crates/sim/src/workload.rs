//! What clients ask: few accounts, so that things meet; old requests again, unchanged and changed.

mod plan;

use crate::auditor::Auditor;
use crate::habits::{Asks, weighted};
use courant_engine::command::{
    AccountChange, ChangeAccount, CreateKey, Money, OpenAccount, PaymentStep, Step,
};
use courant_engine::{Caller, Command};
use courant_ledger::{
    AccountTerms, Currency, GiveBack, Id, Limits, Metadata, Mode, OrderKind, Payment, Portion,
    Side, Status, Timestamp,
};
use courant_node::Request;
use fastrand::Rng;
use plan::OrderPlan;
use std::rc::Rc;

const CURRENCIES: [Currency; 2] = [Currency::EUR, Currency::JPY];

/// Accounts that clients open.
const ACCOUNTS_MAX: usize = 12;

/// Above this many open payments, only steps that end some are asked for.
const OPEN_MAX: usize = 60;

/// Payments of a group that is too large for any record of the simulation.
const GROUP_TOO_LARGE: usize = 400;

/// Makes requests.
#[derive(Debug)]
pub(crate) struct Workload {
    rng: Rng,
    asks: Asks,
    pause_max_ns: u64,
    now_ns: u64,
    serial: u64,
    past: Vec<Rc<Request>>,
    payments: Vec<String>,
}

impl Workload {
    /// The requests of a seed.
    pub(crate) fn new(seed: u64, asks: Asks, pause_max_ns: u64) -> Workload {
        let rng = Rng::with_seed(seed);
        let (past, payments) = (Vec::new(), Vec::new());
        Workload { rng, asks, pause_max_ns, now_ns: 0, serial: 0, past, payments }
    }

    /// The next request of some client, who knows what was visible so far.
    pub(crate) fn next(&mut self, now: Timestamp, known: &Auditor) -> Rc<Request> {
        self.now_ns = now.nanos();
        let request = if !self.past.is_empty() && self.percent(self.asks.repeated) {
            return self.past_one();
        } else if !self.past.is_empty() && self.percent(self.asks.altered) {
            self.altered()
        } else {
            self.fresh(known)
        };
        let request = Rc::new(request);
        self.past.push(Rc::clone(&request));
        request
    }

    /// An earlier request, at random.
    pub(crate) fn earlier(&mut self) -> Option<Rc<Request>> {
        let count = self.past.len();
        (count > 0).then(|| Rc::clone(&self.past[self.rng.usize(..count)]))
    }

    /// An earlier request, often a late one.
    fn past_one(&mut self) -> Rc<Request> {
        let back = if self.rng.bool() { 20 } else { self.past.len() };
        let at = self.past.len() - 1 - self.rng.usize(..back.min(self.past.len()));
        Rc::clone(&self.past[at])
    }

    fn percent(&mut self, percent: u32) -> bool {
        self.rng.u32(..100) < percent
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.rng.usize(..from.len())]
    }

    fn new_text(&mut self, what: &str) -> String {
        self.serial += 1;
        format!("{what}{}", self.serial)
    }

    fn request(&mut self, command: &Command<'_>) -> Request {
        let text = match self.percent(self.asks.keyed) {
            true if self.percent(95) => Some(self.new_text("key")),
            true => Some("same-key".to_string()),
            false => None,
        };
        let caller = Caller { key: self.rng.u32(1..4), idempotency_key: text.as_deref() };
        Request::new(caller, command).expect("what is made here keeps the rules of its form")
    }

    /// An earlier request with another body under the same ids.
    fn altered(&mut self) -> Request {
        let past = self.past_one();
        let asked = past.asked(0);
        let mut command = asked.command();
        match &mut command {
            Command::OpenAccount(open) => open.terms.code = open.terms.code.wrapping_add(1),
            Command::Pay(order) => order.payees[0].amount_minor += 1,
            Command::PayGroup(orders) => {
                let at = self.rng.usize(..orders.len());
                match self.rng.bool() {
                    true => orders[at].payees[0].amount_minor += 1,
                    false => command = Command::Pay(orders.swap_remove(at)),
                }
            }
            Command::Step(step) => step.reason = Some("once more"),
            _ => {}
        }
        Request::new(asked.caller, &command).expect("it still keeps the rules of its form")
    }

    fn fresh(&mut self, known: &Auditor) -> Request {
        let book = known.book();
        if book.accounts.len() < 4 {
            return self.open_account();
        }
        if book.open.len() > OPEN_MAX {
            return self.step(known, true);
        }
        let weights = self.asks.kinds;
        match weighted(&mut self.rng, &weights) {
            0 => self.open_account(),
            1 => self.change_account(known),
            2 => {
                let plan = self.order(known);
                self.request(&Command::Pay(plan.order()))
            }
            3 => self.group(known),
            4 => self.step(known, false),
            _ => self.key(),
        }
    }

    fn open_account(&mut self) -> Request {
        let number = self.rng.usize(..ACCOUNTS_MAX);
        let name = format!("account-{number}");
        let limits = match self.rng.u32(..6) {
            0 => Limits { floor: Some(-500), ceiling: None },
            1 => Limits { floor: None, ceiling: None },
            2 => Limits { floor: Some(0), ceiling: Some(1_000_000) },
            _ => Limits::NOT_NEGATIVE,
        };
        // Mostly the same terms for the same name, so that opening twice is mostly a repeat.
        let limits = if self.percent(80) { Limits::NOT_NEGATIVE } else { limits };
        let currency = CURRENCIES[number % CURRENCIES.len()];
        let terms = AccountTerms { currency, side: Side::Credit, limits, code: 0 };
        let metadata = Metadata::new();
        let open = OpenAccount { id: id(&name), terms, name: None, metadata };
        self.request(&Command::OpenAccount(open))
    }

    fn change_account(&mut self, known: &Auditor) -> Request {
        let name = self.account(known, None);
        let change = match self.rng.u32(..20) {
            0..3 => AccountChange::Freeze,
            3..15 => AccountChange::Unfreeze,
            15 => AccountChange::Close,
            _ => AccountChange::Limit(Limits { floor: Some(-100), ceiling: None }),
        };
        let change = ChangeAccount { id: id(&name), change, reason: None };
        self.request(&Command::ChangeAccount(change))
    }

    fn group(&mut self, known: &Auditor) -> Request {
        let plans: Vec<OrderPlan> = match self.percent(self.asks.group_too_large) {
            true => self.top_ups(known),
            false => {
                let count = self.rng.usize(1..=self.asks.group_max);
                (0..count).map(|_| self.order(known)).collect()
            }
        };
        let orders = plans.iter().map(OrderPlan::order).collect();
        self.request(&Command::PayGroup(orders))
    }

    /// So many payments to one account that no record can hold them.
    fn top_ups(&mut self, known: &Auditor) -> Vec<OrderPlan> {
        let currency = self.pick(&CURRENCIES);
        let payee = self.account(known, Some(currency));
        let mut top_up = || {
            let (name, payees) = (self.new_text("g"), vec![(payee.clone(), 1)]);
            let kind = OrderKind::TopUp;
            let mut plan = OrderPlan { name, kind, payees, currency, ..OrderPlan::default() };
            plan.make_fit();
            plan
        };
        (0..GROUP_TOO_LARGE).map(|_| top_up()).collect()
    }

    fn key(&mut self) -> Request {
        let number = self.rng.u32(1..12);
        if self.percent(40) {
            return self.request(&Command::RevokeKey { number });
        }
        let scopes = self.rng.u32(..4);
        let key = CreateKey { number, name: "key", scopes, hash: [7; 32], expires_at: None };
        self.request(&Command::CreateKey(key))
    }

    /// The id of an account that is open to clients, of a currency if one is asked for.
    fn account(&mut self, known: &Auditor, currency: Option<Currency>) -> String {
        let fits = |terms: &AccountTerms| currency.is_none_or(|c| terms.currency == c);
        let accounts = known.book().accounts.iter();
        let ids: Vec<&str> = accounts
            .filter(|account| fits(&account.terms) && !account.id.starts_with('@'))
            .map(|account| account.id.as_str())
            .collect();
        match ids.is_empty() || self.percent(2) {
            true => "nobody".to_string(),
            false => ids[self.rng.usize(..ids.len())].to_string(),
        }
    }

    fn step(&mut self, known: &Auditor, ending: bool) -> Request {
        let (name, payment) = self.payment(known);
        let step = match payment {
            _ if ending => {
                if self.rng.bool() {
                    Ask::Cancel
                } else {
                    Ask::RefuseOutside
                }
            }
            Some(payment) if self.percent(85) => self.fitting(&payment),
            _ => self.pick(&Ask::ALL),
        };
        let child = match self.percent(5) {
            true => "child".to_string(),
            false => self.new_text("c"),
        };
        let currency =
            known.book().payments.get(&name).map_or(Currency::EUR, |p| p.payment.currency);
        let portion = match self.percent(40) {
            true => Portion::All,
            false => Portion::Total(self.amount()),
        };
        let portion = Money { currency: Some(currency), portion };
        let step = match step {
            Ask::Capture => {
                let release_rest = self.percent(20);
                Step::Capture { child: id(&child), portion, release_rest }
            }
            Ask::Release => Step::Release { portion },
            Ask::Increment => Step::Increment { currency, amount_minor: self.amount() },
            Ask::Cancel => Step::Cancel,
            Ask::Confirm => Step::Confirm,
            Ask::RefuseOutside => Step::RefuseOutside,
            Ask::Inquire => Step::Inquire,
            Ask::GiveBack => {
                let why = self.pick(&[GiveBack::Refund, GiveBack::Return, GiveBack::Reversal]);
                Step::GiveBack { child: id(&child), why, portion }
            }
        };
        let step = PaymentStep { payment: id(&name), step, reason: None };
        self.request(&Command::Step(step))
    }

    /// A payment to step: mostly an open one, else any that was ever asked for.
    fn payment(&mut self, known: &Auditor) -> (String, Option<Payment>) {
        let open = known.book().open.len();
        let name = match open > 0 && self.percent(65) {
            true => {
                let nth = self.rng.usize(..open);
                known.open_payment(nth).map(|id| id.to_string())
            }
            false => None,
        };
        let any = || self.payments.get(self.rng.usize(..self.payments.len().max(1))).cloned();
        let name = name.or_else(any).unwrap_or_else(|| "nothing".to_string());
        let payment = known.book().payments.get(&name).map(|known| known.payment.clone());
        (name, payment)
    }

    fn fitting(&mut self, payment: &Payment) -> Ask {
        use Ask::{Cancel, Capture, Confirm, GiveBack, Increment, Inquire, RefuseOutside, Release};
        match payment.status {
            Status::Authorised => self.pick(&[Capture, Capture, Release, Increment, Cancel]),
            Status::Processing => self.pick(&[Confirm, RefuseOutside, Inquire]),
            Status::Pending => self.pick(&[Cancel, Confirm, RefuseOutside]),
            Status::Received => Cancel,
            Status::Completed => GiveBack,
            Status::Rejected | Status::Cancelled | Status::Expired => self.pick(&Ask::ALL),
        }
    }

    fn order(&mut self, known: &Auditor) -> OrderPlan {
        let name = self.new_text("p");
        self.payments.push(name.clone());
        let currency = self.pick(&CURRENCIES);
        let kind = match self.rng.u32(..10) {
            0..3 => OrderKind::TopUp,
            3 => OrderKind::Withdrawal,
            _ => OrderKind::Transfer,
        };
        let modes: &[Mode] = match kind {
            OrderKind::Transfer => &[Mode::Pay, Mode::Pay, Mode::Authorise],
            OrderKind::TopUp => &[Mode::Pay, Mode::Pay, Mode::AwaitConfirmation],
            OrderKind::Withdrawal => &[Mode::Pay, Mode::Authorise, Mode::AwaitConfirmation],
        };
        let mode = self.pick(modes);
        let payees = if kind == OrderKind::Transfer && self.percent(15) { 3 } else { 1 };
        // Money comes in by large amounts, or nobody ever has any.
        let scale = if kind == OrderKind::TopUp { 50 } else { 1 };
        let payees = 0..payees;
        let payees = payees.map(|_| (self.account(known, Some(currency)), scale * self.amount()));
        let payees = payees.collect();
        let debtor = self.account(known, Some(currency));
        let fee = self.percent(10).then(|| (self.account(known, Some(currency)), 1));
        let mut plan =
            OrderPlan { name, kind, mode, debtor, payees, fee, currency, ..OrderPlan::default() };
        let words = if self.percent(60) { self.rng.usize(1..16) } else { 0 };
        plan.text = "for goods".repeat(words);
        plan.make_fit();
        let scheduled = self.percent(self.asks.scheduled);
        plan.execute_at = scheduled.then(|| self.time());
        let expiring = mode != Mode::Pay && self.percent(self.asks.expiring);
        let begin = plan.execute_at.map_or(0, |at| at.nanos());
        plan.expires_at = expiring.then(|| Timestamp(begin.max(self.now_ns) + self.ahead()));
        plan
    }

    fn amount(&mut self) -> u64 {
        self.rng.u64(1..=self.asks.amount_max)
    }

    fn ahead(&mut self) -> u64 {
        1 + self.rng.u64(..20 * self.pause_max_ns)
    }

    fn time(&mut self) -> Timestamp {
        Timestamp(self.now_ns + self.ahead() - 1)
    }
}

/// The steps that can be asked for.
#[derive(Debug, Clone, Copy)]
enum Ask {
    Capture,
    Release,
    Increment,
    Cancel,
    Confirm,
    RefuseOutside,
    Inquire,
    GiveBack,
}

impl Ask {
    const ALL: [Ask; 8] = [
        Ask::Capture,
        Ask::Release,
        Ask::Increment,
        Ask::Cancel,
        Ask::Confirm,
        Ask::RefuseOutside,
        Ask::Inquire,
        Ask::GiveBack,
    ];
}

fn id(text: &str) -> Id<'_> {
    Id::parse("id", text).expect("the texts made here are ids")
}
