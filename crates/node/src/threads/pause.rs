//! When something that failed is tried again.

use super::LOOK_AROUND;
use crate::clock;
use std::time::{Duration, Instant};

/// The longest pause before something that failed is tried again.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// At first soon, later less often.
#[derive(Debug, Default)]
pub(super) struct Pause {
    until: Option<Instant>,
    length: Duration,
}

impl Pause {
    /// True if it is time to try.
    pub(super) fn is_over(&self) -> bool {
        self.until.is_none_or(|until| clock::instant() >= until)
    }

    /// Notes how a try ended; gives its error if it is the first in a row.
    pub(super) fn after<T, E>(&mut self, tried: Result<T, E>) -> Option<E> {
        match tried {
            Ok(_) => {
                *self = Pause::default();
                None
            }
            Err(error) => {
                let is_first = self.until.is_none();
                self.length = (self.length * 2).clamp(LOOK_AROUND, PAUSE_MAX);
                self.until = Some(clock::instant() + self.length);
                is_first.then_some(error)
            }
        }
    }
}
