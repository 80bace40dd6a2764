//! The rhythm of a day: how many payments a second at which hour. A day of the demo lasts two
//! minutes.

use std::time::{Duration, Instant};

/// How long a day of the demo lasts.
const DAY: Duration = Duration::from_secs(120);
/// The demo begins in the morning, so that there is something to see.
const FIRST_HOUR: u32 = 8;
/// Payments at each hour, in percent of the peak.
const PERCENT_AT_HOUR: [u32; 24] =
    [5, 3, 2, 2, 3, 8, 20, 45, 70, 85, 90, 100, 95, 85, 80, 85, 95, 100, 90, 70, 50, 35, 20, 10];

/// When the demo began and how busy it is at its busiest.
#[derive(Debug)]
pub(super) struct Rhythm {
    begin: Instant,
    peak_per_second: u32,
}

impl Rhythm {
    pub(super) fn new(begin: Instant, peak_per_second: u32) -> Rhythm {
        Rhythm { begin, peak_per_second: peak_per_second.max(1) }
    }

    pub(super) fn begin(&self) -> Instant {
        self.begin
    }

    /// Minutes since midnight of the demo's first day.
    fn minutes(&self, now: Instant) -> u32 {
        let passed = now.duration_since(self.begin).as_millis() * 24 * 60 / DAY.as_millis();
        FIRST_HOUR * 60 + passed as u32
    }

    /// Time between two payments of all actors together.
    pub(super) fn interval(&self, now: Instant) -> Duration {
        let hour = self.minutes(now) / 60 % 24;
        let percent = PERCENT_AT_HOUR[hour as usize];
        let per_second = (self.peak_per_second * percent / 100).max(1);
        Duration::from_secs(1) / per_second
    }

    /// `day 1 08:24`
    pub(super) fn clock(&self, now: Instant) -> String {
        let minutes = self.minutes(now);
        let (day, hour, minute) = (minutes / (24 * 60) + 1, minutes / 60 % 24, minutes % 60);
        format!("day {day} {hour:02}:{minute:02}")
    }
}
