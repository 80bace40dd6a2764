//! The people and shops of the demo, and what they do: pure, from a seed.
//!
//! A few merchants take most of the money (Zipf with exponent 1), payers are many and alike.

use fastrand::Rng;
use serde_json::{Value, json};

/// A currency's part of the world.
#[derive(Debug)]
pub(super) struct Market {
    pub(super) currency: &'static str,
    /// Decimals of the currency.
    exponent: u32,
    /// A usual purchase, in minor units.
    usual_minor: u64,
    merchants: usize,
    payers: usize,
    /// How much of all payments is here, out of [`SHARES`].
    share: u32,
}

/// The shares of all markets together.
const SHARES: u32 = 100;

const MARKETS: [Market; 5] = [
    Market::new("EUR", 2, 2_500, [40, 400, 55]),
    Market::new("CZK", 2, 45_000, [25, 250, 20]),
    Market::new("USD", 2, 3_000, [15, 150, 12]),
    Market::new("JPY", 0, 3_200, [12, 120, 8]),
    Market::new("KWD", 3, 6_500, [6, 60, 5]),
];

/// How many usual purchases a payer has to spend at the beginning.
const WEALTH: u64 = 40;

/// Where orders come from, out of ten.
const CHANNELS: [&str; 10] = [
    "pos",
    "pos",
    "pos",
    "pos",
    "mobile",
    "mobile",
    "mobile",
    "mobile",
    "online-banking",
    "online-banking",
];

const TRADES: [&str; 8] = [
    "Supermarket",
    "Fuel station",
    "Online shop",
    "Bakery",
    "Hotel",
    "Pharmacy",
    "Railway",
    "Café",
];

impl Market {
    const fn new(
        currency: &'static str,
        exponent: u32,
        usual_minor: u64,
        [merchants, payers, share]: [usize; 3],
    ) -> Market {
        Market { currency, exponent, usual_minor, merchants, payers, share: share as u32 }
    }

    fn merchant(&self, number: usize) -> String {
        format!("{}-shop-{:02}", self.currency.to_lowercase(), number + 1)
    }

    fn payer(&self, number: usize) -> String {
        format!("{}-payer-{:03}", self.currency.to_lowercase(), number + 1)
    }

    /// The account that takes the fees.
    pub(super) fn fees(&self) -> String {
        format!("{}-fees", self.currency.to_lowercase())
    }

    /// The decimal text of an amount.
    pub(super) fn decimal(&self, minor: u64) -> String {
        let unit = 10u64.pow(self.exponent);
        match self.exponent {
            0 => minor.to_string(),
            exponent => {
                format!("{}.{:0width$}", minor / unit, minor % unit, width = exponent as usize)
            }
        }
    }

    /// An account here, as the API opens it.
    fn account(&self, id: String, name: String) -> Value {
        json!({"id": id, "currency": self.currency, "name": name, "metadata": {"demo": "yes"}})
    }

    fn accounts(&self) -> impl Iterator<Item = Value> + '_ {
        let merchants = (0..self.merchants).map(|number| {
            let trade = TRADES[number % TRADES.len()];
            self.account(self.merchant(number), format!("{trade} {}", number + 1))
        });
        let payers =
            (0..self.payers).map(|n| self.account(self.payer(n), format!("Payer {}", n + 1)));
        let fees = std::iter::once(self.account(self.fees(), "Fees".to_owned()));
        merchants.chain(payers).chain(fees)
    }
}

/// All markets, with what is needed to choose in them.
#[derive(Debug)]
pub(super) struct World {
    /// For each market the running sums of its merchants' weights.
    merchant_weights: Vec<Vec<u64>>,
}

/// What somebody does next. Amounts are in minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Deed {
    /// Buys something.
    Purchase { payer: String, merchant: String, channel: &'static str, minor: u64, has_fee: bool },
    /// Has money held: at a hotel or a fuel station.
    Hold { payer: String, merchant: String, minor: u64 },
    /// Captures or cancels an earlier hold.
    EndHold,
    /// Gives back what was paid for an earlier purchase.
    Refund,
    /// Sends money to somebody else.
    Send { from: String, to: String, minor: u64 },
    /// Gets wages.
    TopUp { payer: String, minor: u64 },
    /// Takes cash.
    Withdraw { payer: String, minor: u64 },
    /// Sends the last order again, as after a lost answer.
    Repeat,
}

impl World {
    pub(super) fn new() -> World {
        let merchant_weights = MARKETS.iter().map(|market| zipf_sums(market.merchants)).collect();
        World { merchant_weights }
    }

    /// All accounts, as the API opens them.
    pub(super) fn accounts(&self) -> impl Iterator<Item = Value> + '_ {
        MARKETS.iter().flat_map(Market::accounts)
    }

    /// Every payer, with what they begin with in minor units.
    pub(super) fn wages(&self) -> impl Iterator<Item = (&'static Market, String, u64)> + '_ {
        MARKETS.iter().flat_map(|market| {
            let wage = market.usual_minor * WEALTH;
            (0..market.payers).map(move |number| (market, market.payer(number), wage))
        })
    }

    /// What happens next, and where.
    pub(super) fn next(&self, rng: &mut Rng) -> (&'static Market, Deed) {
        let (at, market) = choose_market(rng);
        let payer = market.payer(rng.usize(..market.payers));
        let merchant = market.merchant(choose(&self.merchant_weights[at], rng));
        let minor = amount(market.usual_minor, rng);
        let deed = match rng.u32(..100) {
            0..70 => {
                let channel = CHANNELS[rng.usize(..CHANNELS.len())];
                let has_fee = channel == "online-banking";
                Deed::Purchase { payer, merchant, channel, minor, has_fee }
            }
            70..77 => Deed::Hold { payer, merchant, minor: minor * 2 },
            77..83 => Deed::EndHold,
            83..86 => Deed::Refund,
            86..91 => {
                let to = market.payer(rng.usize(..market.payers));
                // Nobody pays themselves; a shop is as good.
                let to = if to == payer { merchant } else { to };
                Deed::Send { from: payer, to, minor }
            }
            91..96 => Deed::TopUp { payer, minor: market.usual_minor * WEALTH },
            96..98 => Deed::Withdraw { payer, minor: market.usual_minor * 4 },
            _ => Deed::Repeat,
        };
        (market, deed)
    }
}

fn choose_market(rng: &mut Rng) -> (usize, &'static Market) {
    let mut left = rng.u32(..SHARES);
    for (at, market) in MARKETS.iter().enumerate() {
        match left.checked_sub(market.share) {
            None => return (at, market),
            Some(rest) => left = rest,
        }
    }
    unreachable!("the shares of all markets add up to {SHARES}")
}

/// Running sums of the weights 1, 1/2, 1/3 ..., scaled to integers.
fn zipf_sums(count: usize) -> Vec<u64> {
    const SCALE: u64 = 1_000_000;
    let weights = (1..=count as u64).map(|rank| SCALE / rank);
    weights
        .scan(0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        })
        .collect()
}

/// An index, as often as its weight says.
pub(super) fn choose(sums: &[u64], rng: &mut Rng) -> usize {
    let total = *sums.last().expect("there is somebody to choose");
    let point = rng.u64(..total);
    sums.partition_point(|sum| *sum <= point)
}

/// Mostly small amounts, now and then a large one.
fn amount(usual_minor: u64, rng: &mut Rng) -> u64 {
    let small = rng.u64(usual_minor / 5..usual_minor * 2);
    if rng.u32(..50) == 0 { small * 20 } else { small }
}
