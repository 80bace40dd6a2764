//! The demo's world without a server: what it consists of and how it is distributed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fastrand::Rng;

use super::rhythm::Rhythm;
use super::world::{Deed, World};
use crate::clock;

#[test]
fn one_seed_gives_one_course_of_events() {
    let world = World::new();
    let course = |seed| {
        let mut rng = Rng::with_seed(seed);
        (0..100).map(|_| world.next(&mut rng).1).collect::<Vec<_>>()
    };
    assert_eq!(course(1), course(1));
    assert_ne!(course(1), course(2));
}

#[test]
fn everybody_who_pays_or_is_paid_has_an_account() {
    let world = World::new();
    let accounts: BTreeSet<String> =
        world.accounts().map(|a| a["id"].as_str().unwrap().to_owned()).collect();
    assert!(accounts.len() > 1_000, "{}", accounts.len());
    let mut rng = Rng::with_seed(7);
    for _ in 0..20_000 {
        let (market, deed) = world.next(&mut rng);
        let named = match deed {
            Deed::Purchase { payer, merchant, .. } | Deed::Hold { payer, merchant, .. } => {
                vec![payer, merchant, market.fees()]
            }
            Deed::Send { from, to, .. } => {
                assert_ne!(from, to);
                vec![from, to]
            }
            Deed::TopUp { payer, .. } | Deed::Withdraw { payer, .. } => vec![payer],
            Deed::EndHold | Deed::Refund | Deed::Repeat => vec![],
        };
        assert!(named.iter().all(|id| accounts.contains(id)), "{named:?}");
    }
}

#[test]
fn a_few_merchants_take_most_of_the_money() {
    let world = World::new();
    let mut rng = Rng::with_seed(7);
    let mut sales: BTreeMap<String, u32> = BTreeMap::new();
    for _ in 0..50_000 {
        if let Deed::Purchase { merchant, .. } = world.next(&mut rng).1 {
            *sales.entry(merchant).or_default() += 1;
        }
    }
    let (first, tenth) = (sales["eur-shop-01"], sales["eur-shop-10"]);
    assert!(first > tenth * 7 && first < tenth * 14, "{first} and {tenth}");
}

#[test]
fn amounts_have_the_decimals_of_their_currency() {
    let world = World::new();
    let mut rng = Rng::with_seed(1);
    let decimals: BTreeMap<&str, String> = (0..1_000)
        .map(|_| world.next(&mut rng).0)
        .map(|market| (market.currency, market.decimal(1_234_005)))
        .collect();
    let expected = [
        ("CZK", "12340.05"),
        ("EUR", "12340.05"),
        ("JPY", "1234005"),
        ("KWD", "1234.005"),
        ("USD", "12340.05"),
    ];
    assert_eq!(decimals, expected.map(|(c, a)| (c, a.to_owned())).into());
}

#[test]
fn noon_is_busier_than_night() {
    let begin = clock::now();
    let rhythm = Rhythm::new(begin, 100);
    let at = |seconds| begin + Duration::from_secs(seconds);
    assert_eq!(rhythm.clock(begin), "day 1 08:00");
    assert_eq!(rhythm.clock(at(120)), "day 2 08:00");
    assert_eq!(rhythm.interval(at(15)), Duration::from_millis(10));
    assert_eq!(rhythm.interval(at(90)), Duration::from_millis(500));
}
