//! Random orders and groups of them.

use super::{CURRENCIES, Command, Commands, DAY, Id, Order, Payee, Reference, Timestamp};
use courant_ledger::{Bearer, Currency, Details, Fee, Mode, OrderKind, outside_account};
use smallvec::SmallVec;

impl Commands {
    pub(super) fn group(&mut self, known: &Reference) -> Command<'static> {
        let count = self.rng.usize(1..=self.habits.group_max);
        let mut orders: Vec<Order<'static>> = (0..count).map(|_| self.order(known)).collect();
        if count > 1 && self.percent(self.habits.strange) {
            orders[count - 1].id = orders[0].id;
        }
        Command::PayGroup(orders)
    }

    pub(super) fn order(&mut self, known: &Reference) -> Order<'static> {
        let id = self.payment_id();
        let debtor = self.account(known);
        let currency = self.currency_of(known, debtor);
        let outside = outside_account(currency);
        let mut order = Order {
            id,
            kind: OrderKind::Transfer,
            mode: Mode::Pay,
            debtor,
            payees: self.payees(known, currency),
            fees: SmallVec::new(),
            currency,
            execute_at: None,
            expires_at: None,
            details: Details::default(),
        };
        // Money comes in more often than it goes out, or nobody has any.
        order.kind = match self.rng.u32(..10) {
            0..3 => OrderKind::TopUp,
            3 => OrderKind::Withdrawal,
            _ => OrderKind::Transfer,
        };
        match order.kind {
            OrderKind::TopUp => {
                order.debtor = outside;
                order.payees.truncate(1);
            }
            OrderKind::Withdrawal => {
                order.payees.truncate(1);
                order.payees[0].creditor = outside;
            }
            OrderKind::Transfer => {}
        }
        self.repair(&mut order);
        order.mode = self.mode(order.kind);
        self.fees(known, &mut order);
        self.times(&mut order);
        if self.percent(10) {
            order.details.channel = Some("mobile");
            order.details.metadata.push(("order", "17"));
        }
        order
    }

    /// Gives an order that is not allowed by its form a form that is.
    fn repair(&mut self, order: &mut Order<'static>) {
        let outside = outside_account(order.currency);
        let nobody = Self::id("nobody");
        if order.kind != OrderKind::TopUp && order.debtor == outside {
            order.debtor = nobody;
        }
        if order.kind != OrderKind::Withdrawal {
            for payee in order.payees.iter_mut().filter(|p| p.creditor == outside) {
                payee.creditor = nobody;
            }
        }
        let mut seen = Vec::new();
        order.payees.retain(|p| {
            let new = !seen.contains(&p.creditor);
            seen.push(p.creditor);
            new
        });
    }

    fn payment_id(&mut self) -> Id<'static> {
        let known = !self.payments.is_empty() && self.percent(2);
        let id = match known {
            true => self.payments[self.rng.usize(..self.payments.len())],
            false => Self::id(self.new_text("p")),
        };
        self.payments.push(id);
        id
    }

    fn currency_of(&mut self, known: &Reference, account: Id<'static>) -> Currency {
        match known.book.get(account.as_str()) {
            Some(account) if !self.percent(self.habits.strange) => account.terms.currency,
            _ => self.pick(&CURRENCIES),
        }
    }

    fn payees(&mut self, known: &Reference, currency: Currency) -> SmallVec<[Payee<'static>; 1]> {
        let count = match self.percent(70) {
            true => 1,
            false => self.rng.usize(1..=self.habits.payees_max),
        };
        let mut payee = || {
            let creditor = self.account_in(known, currency);
            Payee { creditor, amount_minor: self.amount() }
        };
        (0..count).map(|_| payee()).collect()
    }

    fn account_in(&mut self, known: &Reference, currency: Currency) -> Id<'static> {
        let mut account = self.account(known);
        for _ in 0..4 {
            let found = known.book.get(account.as_str());
            if found.is_some_and(|a| a.terms.currency == currency) {
                break;
            }
            account = self.account(known);
        }
        account
    }

    fn mode(&mut self, kind: OrderKind) -> Mode {
        let modes: &[Mode] = match kind {
            OrderKind::Transfer => &[Mode::Pay, Mode::Pay, Mode::Authorise],
            OrderKind::TopUp => &[Mode::Pay, Mode::Pay, Mode::AwaitConfirmation],
            OrderKind::Withdrawal => &[Mode::Pay, Mode::Authorise, Mode::AwaitConfirmation],
        };
        self.pick(modes)
    }

    fn fees(&mut self, known: &Reference, order: &mut Order<'static>) {
        if self.habits.fees_max == 0 || !self.percent(30) {
            return;
        }
        let outside = outside_account(order.currency);
        for _ in 0..self.rng.usize(1..=self.habits.fees_max) {
            let nobody = self.percent(3);
            let found = self.account_in(known, order.currency);
            let account = if nobody { Self::id("nobody") } else { found };
            let one = order.payees.len() == 1;
            let bearer = if one && self.percent(50) { Bearer::Creditor } else { Bearer::Debtor };
            let amount = self.amount();
            let amount_minor = match bearer {
                // Hardly any capture reaches it, and hardly any payee has it.
                Bearer::Creditor if order.mode == Mode::Authorise && self.percent(70) => {
                    amount.saturating_mul(50)
                }
                _ if self.percent(70) => 1 + amount % 5,
                _ => amount,
            };
            if account != outside {
                order.fees.push(Fee { account, amount_minor, bearer });
            }
        }
    }

    fn times(&mut self, order: &mut Order<'static>) {
        if self.percent(self.habits.scheduled) {
            order.execute_at = Some(self.time());
        }
        if order.mode != Mode::Pay && self.percent(self.habits.expiring) {
            let expires = self.time();
            let late = order.execute_at.is_some_and(|at| at >= expires);
            let after = order.execute_at.map_or(0, |at| at.0) + self.habits.pause_max;
            order.expires_at = Some(if late { Timestamp(after) } else { expires });
        }
    }

    fn time(&mut self) -> Timestamp {
        let soon = self.habits.pause_max;
        Timestamp(match self.rng.u32(..20) {
            0 => self.now,
            1 => self.now - self.rng.u64(..soon),
            2 => self.now + self.rng.u64(365 * DAY..368 * DAY),
            3..10 => self.now + self.rng.u64(..200 * soon),
            _ => self.now + self.rng.u64(..10 * soon),
        })
    }
}
