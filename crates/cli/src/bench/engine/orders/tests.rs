//! Tests of the shapes of load.

use super::*;

fn counts(shape: Shape, accounts: u32, pairs: usize) -> Vec<u32> {
    let mut picks = Picks::new(shape, accounts, 7);
    let mut counts = vec![0; accounts as usize];
    for _ in 0..pairs {
        let (first, second) = picks.pair();
        assert_ne!(first, second);
        counts[first as usize] += 1;
        counts[second as usize] += 1;
    }
    counts.sort_unstable_by(|a, b| b.cmp(a));
    counts
}

#[test]
fn uniform_uses_all_accounts_alike() {
    let counts = counts(Shape::Uniform, 100, 50_000);
    assert!(counts[0] < 1_200 && counts[99] > 800, "{counts:?}");
}

#[test]
fn zipf_uses_the_second_account_half_as_often_as_the_first() {
    let counts = counts(Shape::Zipf, 1_000, 50_000);
    let ratio = f64::from(counts[0]) / f64::from(counts[1]);
    // Both of a pair are different, which takes a little from the first.
    assert!((1.6..2.1).contains(&ratio), "{ratio}");
    assert!(counts[999] < counts[0] / 100, "{} {}", counts[999], counts[0]);
}

#[test]
fn hot_uses_ten_accounts_alone() {
    let counts = counts(Shape::Hot, 1_000, 5_000);
    assert!(counts[9] > 800 && counts[10] == 0, "{:?}", &counts[..11]);
}

#[test]
fn ids_of_different_makers_differ() {
    let (mut one, mut two) = (Orders::new(Shape::Hot, 10, 1), Orders::new(Shape::Hot, 10, 2));
    let ids = [one.next().id, one.next().id, two.next().id];
    let ids = ids.each_ref().map(Name::as_str);
    assert_eq!(ids, ["p0001000000000000", "p0001000000000001", "p0002000000000000"]);
}
