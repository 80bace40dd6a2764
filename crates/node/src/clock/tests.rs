//! Which steps of the time of day are followed, by clocks that are made up.

use super::*;

const SECOND_NS: i64 = 1_000_000_000;
const BEGIN_NS: u64 = 1_800_000_000 * SECOND_NS as u64;

/// A clock, and a look at it after so many seconds with the time of day so many nanoseconds ahead.
fn looks() -> impl FnMut(u64, i64) -> (i64, i64) {
    let begun = Duration::from_secs(12_345);
    let believed = (Timestamp(BEGIN_NS), begun);
    let mut clock = Clock { wall: WallClock::default(), believed };
    move |seconds, ahead_ns| {
        let even = BEGIN_NS + seconds * SECOND_NS as u64;
        let wall = Timestamp(even.saturating_add_signed(ahead_ns));
        let look = clock.compare(wall, begun + Duration::from_secs(seconds));
        (look.now.nanos() as i64 - even as i64, look.step_ns)
    }
}

#[test]
fn a_step_within_the_limit_is_followed_and_one_beyond_is_not() {
    let mut look = looks();
    let most = CLOCK_STEP_MAX.as_nanos() as i64;
    assert_eq!(look(1, 0), (0, 0));
    assert_eq!(look(2, most), (most, most));
    assert_eq!(look(3, most + 1), (0, most + 1));
    assert_eq!(look(3_000_000, i64::MAX / 2), (0, i64::MAX / 2), "however long it stays so");
    assert_eq!(look(3_000_001, 5), (5, 5), "until it is right again");
}

#[test]
fn a_clock_that_was_set_back_is_followed_and_may_come_again() {
    let mut look = looks();
    let day = 86_400 * SECOND_NS;
    assert_eq!(look(10, -day), (-day, -day));
    assert_eq!(look(100_000, -day), (-day, -day));
    assert_eq!(look(100_001, 0), (0, 0), "what was believed once is no step");
}

#[test]
fn small_steps_add_up_for_an_hour_and_no_longer() {
    let mut look = looks();
    let step = 40 * SECOND_NS;
    assert_eq!(look(1_800, step), (step, step));
    assert_eq!(look(1_801, 2 * step), (0, 2 * step), "two at once are too many");
    // After an hour the first is what is believed, so the second is small.
    assert_eq!(look(3_601, step), (step, step));
    assert_eq!(look(3_602, 2 * step), (2 * step, step));
}

#[test]
fn sleep_moves_both_clocks_and_is_no_step() {
    let slept_ns = Arc::new(AtomicU64::new(0));
    let mut clock = Clock::start(WallClock::after_sleep(Arc::clone(&slept_ns)));
    let before = clock.look();
    let night_ns = 8 * 3_600 * SECOND_NS as u64;
    slept_ns.store(night_ns, Relaxed);
    let after = clock.look();
    assert!(after.now.nanos() - before.now.nanos() >= night_ns);
    assert_eq!(complaint(after.step_ns), None, "{after:?}");
}

#[test]
fn a_complaint_says_which_way_and_what_to_do() {
    assert_eq!(complaint(CLOCK_STEP_MAX.as_nanos() as i64), None);
    let ahead = complaint(3_600 * SECOND_NS).expect("an hour is too far");
    assert!(ahead.contains("3600 s ahead") && ahead.contains("restart"), "{ahead}");
    let back = complaint(-61 * SECOND_NS).expect("a minute is too far");
    assert!(back.contains("set back by 61 s"), "{back}");
    assert!(complaint(i64::MIN).is_some());
}
