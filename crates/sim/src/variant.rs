//! Deliberately broken behaviour, to prove that the simulator notices it.

/// How the simulated node or its disk is broken. Product code has no such switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Variant {
    /// Not at all.
    #[default]
    Sound,
    /// Replies are seen before their batch is committed.
    ReplyBeforeCommit,
    /// Syncs succeed without doing anything.
    SyncSkipped,
    /// After a restart the ids that were only in memory are unknown.
    IdsForgotten,
    /// Snapshots leave out the payments that are open, and with them what is due.
    OpenPaymentsForgotten,
    /// A repeated payment is not recognised as one.
    RepeatPaid,
    /// A snapshot takes sections of records that are not durable yet.
    SnapshotAhead,
}

impl Variant {
    /// All that are broken, with their names on the command line.
    pub const BROKEN: [(&'static str, Variant); 6] = [
        ("reply-before-commit", Variant::ReplyBeforeCommit),
        ("sync-skipped", Variant::SyncSkipped),
        ("ids-forgotten", Variant::IdsForgotten),
        ("open-payments-forgotten", Variant::OpenPaymentsForgotten),
        ("repeat-paid", Variant::RepeatPaid),
        ("snapshot-ahead", Variant::SnapshotAhead),
    ];
}
