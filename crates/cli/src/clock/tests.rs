//! How far the clock is from the last record, in words.

use super::*;

#[test]
fn a_gap_says_how_long_and_whether_to_doubt_the_clock() {
    let last = Duration::from_secs(1_800_000_000);
    let gap = |seconds| Gap::between(last, last + Duration::from_secs(seconds));
    assert_eq!(gap(3).to_string(), "the last record is 3 s old");
    assert_eq!(gap(86_400).to_string(), "the last record is 1 d 0 h old");
    assert!(!gap(86_400).is_doubtful() && gap(86_401).is_doubtful());
    let doubted = gap(40 * 86_400 + 7_200).to_string();
    assert!(doubted.starts_with("the last record is 40 d 2 h old: if"), "{doubted}");
    let behind = Gap::between(last, last - Duration::from_secs(3_660));
    assert!(behind.is_doubtful());
    assert!(behind.to_string().contains("the clock is 1 h 1 min behind"), "{behind}");
    let within_one = Gap::between(last, last - Duration::from_millis(999));
    assert!(!within_one.is_doubtful(), "clocks are not as fine as that");
}
