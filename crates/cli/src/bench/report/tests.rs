//! Tests of what a run says about itself.

use super::*;

fn run_of_two() -> Run {
    let mut run = Run::new("batch_1", "one at a time", Loop::Closed).with("ratio", 0.5);
    run.count = 4;
    run.spent = Spent { wall: Duration::from_secs(2), cpu: Duration::from_secs(1) };
    run.latencies.record(Duration::from_micros(100));
    run.latencies.record(Duration::from_micros(300));
    run
}

#[test]
fn a_run_names_its_figures_with_their_units() {
    let json = run_of_two().json();
    let number = |name: &str| json[name].as_f64().expect(name);
    assert_eq!(json["name"], "batch_1");
    assert_eq!(json["loop"], "closed");
    assert_eq!((number("per_second"), number("cpu_us_per_op")), (2.0, 250_000.0));
    assert!((99.0..101.0).contains(&number("p50_us")), "{}", number("p50_us"));
    assert!((299.0..301.0).contains(&number("max_us")), "{}", number("max_us"));
    assert_eq!(number("ratio"), 0.5);
}

#[test]
fn latencies_that_were_not_taken_are_null() {
    let json = Run::new("restart", "", Loop::None).json();
    assert!(json["p50_us"].is_null() && json["max_us"].is_null());
}

#[test]
fn thousands_stand_apart() {
    let shown = [0.4, 999.0, 1_000.0, 1_234_567.0, -1_234.0].map(whole);
    assert_eq!(shown, ["0", "999", "1,000", "1,234,567", "-1,234"]);
}
