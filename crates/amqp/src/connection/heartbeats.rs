//! When to send a sign of life, and when the other side has given none for too long.

/// Bookkeeping of heartbeats for either end of a connection. It has no clock: times are given.
#[derive(Debug, Clone, Copy)]
pub struct Heartbeats {
    /// 0: no heartbeats were agreed on.
    interval_ms: u64,
    heard_ms: u64,
    sent_ms: u64,
}

impl Heartbeats {
    /// Without heartbeats until an interval is set.
    pub fn new(now_ms: u64) -> Heartbeats {
        Heartbeats { interval_ms: 0, heard_ms: now_ms, sent_ms: now_ms }
    }

    /// The interval that was agreed on, in seconds as on the wire; 0 for none.
    pub fn set_interval(&mut self, seconds: u16) {
        self.interval_ms = u64::from(seconds) * 1_000;
    }

    /// Bytes came from the other side; any will do.
    pub fn heard(&mut self, now_ms: u64) {
        self.heard_ms = self.heard_ms.max(now_ms);
    }

    /// Bytes were sent to the other side.
    pub fn sent(&mut self, now_ms: u64) {
        self.sent_ms = self.sent_ms.max(now_ms);
    }

    /// When there will be something to do; never without heartbeats.
    pub fn due_ms(&self) -> Option<u64> {
        (self.interval_ms != 0).then(|| self.send_ms().min(self.dead_ms()))
    }

    /// Whether a heartbeat is to be sent.
    pub fn is_due(&self, now_ms: u64) -> bool {
        self.interval_ms != 0 && self.send_ms() <= now_ms
    }

    /// Whether the other side has been silent for two intervals.
    pub fn is_dead(&self, now_ms: u64) -> bool {
        self.interval_ms != 0 && self.dead_ms() <= now_ms
    }

    /// Half an interval after the last bytes, so that one arrives in each.
    fn send_ms(&self) -> u64 {
        self.sent_ms.saturating_add(self.interval_ms / 2)
    }

    fn dead_ms(&self) -> u64 {
        self.heard_ms.saturating_add(self.interval_ms * 2)
    }
}
