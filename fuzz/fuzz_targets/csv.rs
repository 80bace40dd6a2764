//! Drives the target `csv` with libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (courant_fuzz::CSV.run)(data));
