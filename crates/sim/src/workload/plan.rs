//! An order that owns its texts, and the order that borrows them.

use courant_ledger::{
    Bearer, Currency, Details, Fee, Id, Mode, Order, OrderKind, Payee, Timestamp, outside_account,
};

/// What is to be ordered.
#[derive(Debug, Clone)]
pub(super) struct OrderPlan {
    pub(super) name: String,
    pub(super) kind: OrderKind,
    pub(super) mode: Mode,
    pub(super) debtor: String,
    pub(super) payees: Vec<(String, u64)>,
    pub(super) fee: Option<(String, u64)>,
    pub(super) currency: Currency,
    pub(super) execute_at: Option<Timestamp>,
    pub(super) expires_at: Option<Timestamp>,
    /// What it is for; empty for nothing.
    pub(super) text: String,
}

impl Default for OrderPlan {
    fn default() -> OrderPlan {
        OrderPlan {
            name: String::new(),
            kind: OrderKind::Transfer,
            mode: Mode::Pay,
            debtor: String::new(),
            payees: Vec::new(),
            fee: None,
            currency: Currency::EUR,
            execute_at: None,
            expires_at: None,
            text: String::new(),
        }
    }
}

impl OrderPlan {
    /// Names the outside world where the kind asks for it, and no payee twice.
    pub(super) fn make_fit(&mut self) {
        let outside = outside_account(self.currency).to_string();
        match self.kind {
            OrderKind::Transfer => {}
            OrderKind::TopUp => self.debtor = outside,
            OrderKind::Withdrawal => self.payees[0].0 = outside,
        }
        let mut seen = Vec::new();
        self.payees.retain(|(name, _)| {
            let new = !seen.contains(name);
            seen.push(name.clone());
            new
        });
    }

    /// The order.
    pub(super) fn order(&self) -> Order<'_> {
        let payees = self.payees.iter();
        let payees =
            payees.map(|(name, amount)| Payee { creditor: id(name), amount_minor: *amount });
        let fees = self.fee.iter();
        let fees = fees.map(|(name, amount)| Fee {
            account: id(name),
            amount_minor: *amount,
            bearer: Bearer::Debtor,
        });
        let remittance = Some(self.text.as_str()).filter(|text| !text.is_empty());
        let details = Details { remittance, ..Details::default() };
        Order {
            id: id(&self.name),
            kind: self.kind,
            mode: self.mode,
            debtor: id(&self.debtor),
            payees: payees.collect(),
            fees: fees.collect(),
            currency: self.currency,
            execute_at: self.execute_at,
            expires_at: self.expires_at,
            details,
        }
    }
}

fn id(text: &str) -> Id<'_> {
    Id::parse_any("id", text).expect("the texts made here are ids")
}
