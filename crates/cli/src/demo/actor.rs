//! One client of the demo: does one thing after another, at the pace of the day, and measures each.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::meter::{self, Ending, Meter};
use super::rhythm::Rhythm;
use super::world::{Deed, Market, World};
use crate::client::{Client, Method};
use crate::clock;
use crate::commands::new_id;

/// Holds and purchases that an actor remembers, to end or refund them.
const REMEMBERED_MAX: usize = 200;

pub(super) struct Actor<'a> {
    client: Client,
    world: &'a World,
    rhythm: &'a Rhythm,
    rng: Rng,
    holds: VecDeque<Made>,
    purchases: VecDeque<Made>,
    last: Option<Value>,
}

/// A payment that was made.
struct Made {
    id: String,
    market: &'static Market,
    minor: u64,
}

impl<'a> Actor<'a> {
    pub(super) fn new(
        client: Client,
        world: &'a World,
        rhythm: &'a Rhythm,
        seed: u64,
    ) -> Actor<'a> {
        Actor {
            client,
            world,
            rhythm,
            rng: Rng::with_seed(seed),
            holds: VecDeque::new(),
            purchases: VecDeque::new(),
            last: None,
        }
    }

    /// Works until told to stop. Latency counts from when a deed was due, so a slow answer is not
    /// hidden by the ones that had to wait for it.
    pub(super) fn work(
        mut self,
        number: u64,
        actors: u64,
        meter: &Mutex<Meter>,
        stop: &AtomicBool,
    ) {
        let mut due = self.rhythm.begin() + self.rhythm.interval(clock::now()) * number as u32;
        while !stop.load(Ordering::Relaxed) {
            clock::pause_until(due);
            let ending = self.act();
            if ending == Ending::Failed && stop.load(Ordering::Relaxed) {
                break;
            }
            meter::lock(meter).add(clock::now().duration_since(due), ending);
            due += self.rhythm.interval(due) * actors as u32;
        }
    }

    fn act(&mut self) -> Ending {
        let (market, deed) = self.world.next(&mut self.rng);
        match deed {
            Deed::Purchase { payer, merchant, channel, minor, has_fee } => {
                let mut order = order(market, minor);
                order.extend(members(json!({"debtor": payer, "creditor": merchant,
                    "channel": channel, "remittance": "Purchase"})));
                if has_fee {
                    let amount = market.decimal(minor / 100 + 1);
                    let fee = json!({"account": market.fees(), "amount": amount,
                        "bearer": "creditor"});
                    order.insert("fees".to_owned(), json!([fee]));
                }
                self.pay(order, market, minor, false)
            }
            Deed::Hold { payer, merchant, minor } => {
                let mut order = order(market, minor);
                order.extend(members(json!({"debtor": payer, "creditor": merchant,
                    "mode": "authorise", "channel": "pos"})));
                self.pay(order, market, minor, true)
            }
            Deed::Send { from, to, minor } => {
                let mut order = order(market, minor);
                order.extend(members(json!({"debtor": from, "creditor": to,
                    "channel": "mobile"})));
                self.pay(order, market, minor, false)
            }
            Deed::TopUp { payer, minor } => {
                let order = top_up((market, payer, minor));
                self.post("/v1/payments", &Value::Object(order))
            }
            Deed::Withdraw { payer, minor } => {
                let mut order = order(market, minor);
                order.extend(members(json!({"type": "withdrawal", "debtor": payer,
                    "channel": "atm"})));
                self.post("/v1/payments", &Value::Object(order))
            }
            Deed::EndHold => self.end_hold(),
            Deed::Refund => self.refund(),
            Deed::Repeat => match self.last.take() {
                Some(order) => self.post("/v1/payments", &order),
                None => Ending::Accepted,
            },
        }
    }

    fn pay(
        &mut self,
        order: Map<String, Value>,
        market: &'static Market,
        minor: u64,
        is_hold: bool,
    ) -> Ending {
        let id = order["id"].as_str().unwrap_or_default().to_owned();
        let order = Value::Object(order);
        let ending = self.post("/v1/payments", &order);
        self.last = Some(order);
        if ending == Ending::Accepted {
            let made = if is_hold { &mut self.holds } else { &mut self.purchases };
            made.push_back(Made { id, market, minor });
            if made.len() > REMEMBERED_MAX {
                made.pop_front();
            }
        }
        ending
    }

    /// Most guests pay a part of what was held, some leave.
    fn end_hold(&mut self) -> Ending {
        let Some(hold) = self.holds.pop_front() else { return Ending::Accepted };
        if self.rng.u32(..5) == 0 {
            return self.post(&format!("/v1/payments/{}/cancel", hold.id), &json!({}));
        }
        let minor = self.rng.u64(hold.minor / 2..=hold.minor);
        let body = json!({"id": new_id(), "amount": hold.market.decimal(minor),
            "currency": hold.market.currency, "release_rest": true});
        self.post(&format!("/v1/payments/{}/captures", hold.id), &body)
    }

    fn refund(&mut self) -> Ending {
        let Some(purchase) = self.purchases.pop_front() else { return Ending::Accepted };
        let body = json!({"id": new_id(), "amount": purchase.market.decimal(purchase.minor / 2),
            "currency": purchase.market.currency});
        self.post(&format!("/v1/payments/{}/refunds", purchase.id), &body)
    }

    fn post(&self, path: &str, body: &Value) -> Ending {
        match self.client.send(Method::Post, path, body, None) {
            Ok(answer) if answer.is_repeat => Ending::Repeated,
            Ok(answer) if answer.body["status"] == "rejected" => Ending::Rejected,
            Ok(_) => Ending::Accepted,
            // A step that the payment's state does not allow is an answer too.
            Err(error) if error.is_refusal() => Ending::Rejected,
            Err(_) => Ending::Failed,
        }
    }
}

/// Wages, from outside.
pub(super) fn top_up((market, payer, minor): (&Market, String, u64)) -> Map<String, Value> {
    let mut order = order(market, minor);
    order.extend(members(json!({"type": "top_up", "creditor": payer, "remittance": "Wages"})));
    order
}

fn order(market: &Market, minor: u64) -> Map<String, Value> {
    members(json!({"id": new_id(), "amount": market.decimal(minor), "currency": market.currency}))
}

fn members(object: Value) -> Map<String, Value> {
    match object {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
