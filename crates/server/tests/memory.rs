//! What the largest batch costs in memory; in a process of its own, whose peak is the batch's.

use courant_server::forms::batch_protobuf;

/// The largest batch body.
const BODY_BYTES: usize = 8 << 20;
/// A peak that a small machine has to spare for one request.
const PEAK_BYTES_MAX: usize = 256 << 20;

/// The most memory that this process ever had.
fn peak_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("a Linux system");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the peak");
    let kib = line.trim().strip_suffix(" kB").expect("in kilobytes");
    kib.parse::<usize>().expect("a number") * 1024
}

/// A field with a length: its number, then as many bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length >= 128 {
        field.push((length % 128 + 128) as u8);
        length /= 128;
    }
    field.push(length as u8);
    [field, bytes.to_vec()].concat()
}

#[test]
fn a_batch_of_what_is_empty_is_refused_before_it_takes_memory() {
    let empty_payments = field(1, b"").repeat(BODY_BYTES / 2);
    let refusal = batch_protobuf(&empty_payments).expect_err("too many payments");
    assert_eq!((refusal.code.as_str(), refusal.field.as_deref()), ("too_many", Some("payments")));
    for (number, name) in [(6, "payees"), (9, "fees"), (15, "metadata")] {
        let body = field(1, &field(number, b"").repeat(BODY_BYTES / 2 - 4));
        let results = batch_protobuf(&body).expect("a batch of one payment");
        let refusal = results[0].as_ref().expect_err("too many of them");
        assert_eq!((refusal.code.as_str(), refusal.field.as_deref()), ("too_many", Some(name)));
    }
    // As many payees as may be, in as many payments as fit.
    let payment = field(1, &field(6, b"").repeat(100));
    let body = payment.repeat(10_000);
    assert!(body.len() < BODY_BYTES);
    assert_eq!(batch_protobuf(&body).expect("a batch").len(), 10_000);
    let peak = peak_bytes();
    assert!(peak < PEAK_BYTES_MAX, "the peak was {} MiB", peak >> 20);
}
