//! What a seed decides once for its whole simulation: sizes, and how often what happens.

use crate::disk::Dice;
use courant_journal::Options;
use courant_node::{Keep, NodeOptions, OPEN_PAYMENTS_MAX, Retention};
use fastrand::Rng;
use std::time::Duration;

const SECOND_NS: u64 = 1_000_000_000;
const DAY_NS: u64 = 86_400 * SECOND_NS;

/// The directory of segments that were archived.
pub(crate) const ARCHIVE: &str = "archive";

/// The habits of one simulation.
#[derive(Debug)]
pub(crate) struct Habits {
    /// How the node is set up: everything small, so that what is rare happens often.
    pub(crate) options: NodeOptions,
    /// How calls of the disk fail while faults are allowed.
    pub(crate) dice: Dice,
    /// Lives before the last one.
    pub(crate) lives: usize,
    /// The most steps of a life.
    pub(crate) life_steps: usize,
    /// In percent: a life ends by a power cut at some call of the disk.
    pub(crate) power_cuts: u32,
    /// In percent: a bit is flipped while the node is stopped.
    pub(crate) bit_flips: u32,
    /// Weights of what happens in a step, see `world`.
    pub(crate) weights: [u32; 16],
    /// How far the clock goes in a step, in nanoseconds.
    pub(crate) pause_max_ns: u64,
    /// What clients ask.
    pub(crate) asks: Asks,
}

/// How often clients ask what.
#[derive(Debug, Clone)]
pub(crate) struct Asks {
    /// Weights: open an account, change one, pay, pay in a group, step, key.
    pub(crate) kinds: [u32; 6],
    /// In percent: an earlier request once more.
    pub(crate) repeated: u32,
    /// In percent: an earlier request with another body.
    pub(crate) altered: u32,
    /// In percent: an idempotency key.
    pub(crate) keyed: u32,
    /// In percent: a payment for later.
    pub(crate) scheduled: u32,
    /// In percent: a hold or wait that ends soon.
    pub(crate) expiring: u32,
    /// Payments in a group.
    pub(crate) group_max: usize,
    /// In percent of the groups: one that is too large for a record.
    pub(crate) group_too_large: u32,
    /// Minor units of a usual amount.
    pub(crate) amount_max: u64,
}

impl Habits {
    /// Draws the habits of a seed.
    pub(crate) fn draw(rng: &mut Rng) -> Habits {
        let any = |rng: &mut Rng, of: &[u32]| of[rng.usize(..of.len())];
        // A client acts, decide, commit, hand over, look up, prepare, seal, merge, snapshot, due,
        // clock, follow, show, chain, retire, space.
        let usual = [30, 30, 6, 3, 16, 6, 5, 3, 6, 4, 6, 2, 2, 2, 3, 1];
        Habits {
            options: options(rng),
            dice: if rng.u32(..3) == 0 { Dice::default() } else { Dice::draw(rng) },
            lives: rng.usize(2..16),
            life_steps: [200, 800, 3_000][rng.usize(..3)],
            power_cuts: any(rng, &[0, 40, 80]),
            bit_flips: any(rng, &[0, 30, 100]),
            weights: usual.map(|weight| (weight * any(rng, &[1, 2, 4, 8, 16])).div_ceil(4)),
            pause_max_ns: [1_000, SECOND_NS, 3_600 * SECOND_NS, 2 * DAY_NS][rng.usize(..4)],
            asks: Asks::draw(rng),
        }
    }
}

impl Asks {
    fn draw(rng: &mut Rng) -> Asks {
        let any = |rng: &mut Rng, of: &[u32]| of[rng.usize(..of.len())];
        Asks {
            kinds: [2, 2, 10 * any(rng, &[1, 2, 5]), any(rng, &[1, 4]), 10 * any(rng, &[1, 2]), 1],
            repeated: any(rng, &[2, 10, 25]),
            altered: any(rng, &[0, 3, 10]),
            keyed: any(rng, &[0, 10, 50]),
            scheduled: any(rng, &[0, 10, 30]),
            expiring: any(rng, &[0, 20, 60]),
            group_max: rng.usize(2..7),
            group_too_large: any(rng, &[0, 0, 10]),
            amount_max: [20, 1_000, 100_000][rng.usize(..3)],
        }
    }
}

/// A place in a list of weights.
pub(crate) fn weighted(rng: &mut Rng, weights: &[u32]) -> usize {
    let mut at = rng.u32(..weights.iter().sum::<u32>());
    let place = weights.iter().position(|weight| {
        let here = at < *weight;
        at = at.saturating_sub(*weight);
        here
    });
    place.expect("the place is below the sum of the weights")
}

fn options(rng: &mut Rng) -> NodeOptions {
    let journal = Options {
        segment_bytes: (64 << 10) * rng.u64(1..4),
        batch_bytes_max: (4 << 10) * rng.u64(2..7),
        segments_ready: rng.usize(1..3),
        cache_bytes_max: [0, 16 << 10, 128 << 10][rng.usize(..3)],
        reserve_bytes: 0,
    };
    NodeOptions {
        journal,
        recent_ids: rng.usize(8..80),
        snapshots_kept: rng.usize(1..4),
        snapshot_step_entries: rng.usize(1..12),
        read_ahead: false,
        open_payments_max: [OPEN_PAYMENTS_MAX, OPEN_PAYMENTS_MAX, 3, 12][rng.usize(..4)],
        retention: retention(rng),
        ..NodeOptions::small()
    }
}

/// Half of the nodes keep their whole journal.
fn retention(rng: &mut Rng) -> Retention {
    let bytes = [0, 64 << 10, 256 << 10][rng.usize(..3)];
    let time = [Duration::ZERO, Duration::from_secs(60)][rng.usize(..2)];
    let keep = Keep { bytes, time };
    match rng.u32(..4) {
        0 => Retention::Archive { directory: ARCHIVE.into(), keep },
        1 => Retention::Drop { keep },
        _ => Retention::KeepAll,
    }
}
