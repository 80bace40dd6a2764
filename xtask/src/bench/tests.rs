//! Tests of reading what the measured programs print.

use serde_json::json;

use super::*;

#[test]
fn rates_and_latencies_of_pgbench_are_read() {
    let said = "number of clients: 1\nlatency average = 0.5 ms\n\
                tps = 1975.250913 (without initial connection time)\n";
    assert_eq!(pgbench::transactions_per_second(said), Some(1975.250913));
    assert_eq!(pgbench::transactions_per_second("connection failed"), None);
    assert_eq!(pgbench::latency_us("0 199 2241 0 1175850568 995598"), Some(2241));
    assert_eq!(pgbench::latency_us("0 199 skipped 0 1175850568 995598"), None);
}

#[test]
fn runs_of_courant_are_found_by_their_name() {
    let runs = json!([
        { "name": "disk_4_kib", "per_second": 1.0 },
        { "name": "one_caller", "per_second": 9.0, "p50_us": 2.0, "p99_us": 3.0 },
    ]);
    let figures = Figures { transfers_per_second: 9.0, p50_us: 2.0, p99_us: 3.0 };
    assert_eq!(courant::find(&runs, "one_caller").expect("it is there"), figures);
    let missing = courant::find(&runs, "disk_4_kib").expect_err("it has no latencies");
    assert_eq!(missing.to_string(), "the run disk_4_kib has no number p50_us");
    assert!(courant::find(&json!({}), "one_caller").is_err());
}
