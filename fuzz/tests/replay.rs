//! Every target on its seeds and on mutations of them, without libFuzzer and on any toolchain.
//!
//! The mutations follow from a fixed number, so a failure comes again. Set `FUZZ_SEED` to try
//! others. A failing input is printed as hexadecimal bytes.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use courant_fuzz::{TARGETS, Target};

/// Mutated inputs for each target.
const ROUNDS: u64 = 20_000;

/// Mutations never grow an input beyond this.
const INPUT_BYTES_MAX: usize = 16 * 1024;

const SEED_DEFAULT: u64 = 1_993;

/// SplitMix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to `end`, without `end`; 0 if `end` is 0.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).expect("less than a usize")
    }

    /// A byte: often one that decoders treat in a special way.
    fn byte(&mut self) -> u8 {
        const SPECIAL: &[u8] = b"\0\x01\x7f\x80\xff0919-+.,:;eE\"'{}[]\\/ \t\r\n";
        match self.below(2) {
            0 => SPECIAL[self.below(SPECIAL.len())],
            _ => self.next().to_le_bytes()[0],
        }
    }
}

fn mutate(random: &mut Random, input: &mut Vec<u8>, other: &[u8]) {
    let at = random.below(input.len() + 1);
    let length = random.below(input.len() - at + 1).min(64);
    match random.below(7) {
        0 if at < input.len() => input[at] ^= 1 << random.below(8),
        1 if at < input.len() => input[at] = random.byte(),
        2 => input.insert(at, random.byte()),
        3 => drop(input.drain(at..at + length)),
        4 => input.truncate(at),
        5 => {
            let piece = input[at..at + length].to_vec();
            input.splice(at..at, piece);
        }
        _ => {
            let start = random.below(other.len() + 1);
            let end = other.len().min(start + 64);
            input.splice(at..at, other[start..end].iter().copied());
        }
    }
    input.truncate(INPUT_BYTES_MAX);
}

fn try_input(target: &Target, input: &[u8], seed: u64) {
    if catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_err() {
        let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
        panic!("target {}, FUZZ_SEED={seed}, input {hex}: see the panic above", target.name);
    }
}

fn replay(target: &Target) {
    let seed = match std::env::var("FUZZ_SEED") {
        Ok(text) => text.parse().expect("FUZZ_SEED is a whole number"),
        Err(_) => SEED_DEFAULT,
    };
    let seeds = (target.seeds)();
    for input in &seeds {
        try_input(target, input, seed);
    }
    let mut random = Random(seed);
    for _ in 0..ROUNDS {
        let mut input = seeds[random.below(seeds.len())].clone();
        for _ in 0..=random.below(4) {
            let other = &seeds[random.below(seeds.len())];
            mutate(&mut random, &mut input, other);
        }
        try_input(target, &input, seed);
    }
}

#[test]
fn every_target_takes_its_seeds_and_their_mutations() {
    for target in TARGETS {
        replay(target);
    }
}

#[test]
fn every_target_has_its_libfuzzer_binary() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz_targets");
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let mut targets: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    targets.sort_unstable();
    assert_eq!(names, targets);
}
