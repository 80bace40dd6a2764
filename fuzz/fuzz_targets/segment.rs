//! Drives the target `segment` with libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (courant_fuzz::SEGMENT.run)(data));
