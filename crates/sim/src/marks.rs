//! "Sometimes" marks: rare paths that a large run must have taken, or it proves less than it seems
//! to.

macro_rules! marks {
    ($($mark:ident $name:literal;)*) => {
        /// A rare path.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Mark {
            $(#[doc = $name] $mark,)*
        }

        impl Mark {
            /// Every mark, in the order in which a run lists them.
            pub const ALL: &'static [Mark] = &[$(Mark::$mark,)*];

            /// What happened, in words.
            pub fn name(self) -> &'static str {
                match self { $(Mark::$mark => $name,)* }
            }
        }
    };
}

marks! {
    TornTailCut "a torn tail was cut off";
    NothingCut "the power failed and nothing had to be cut off";
    PowerCutInCommit "the power failed in a commit";
    PowerCutInRecovery "the power failed in a recovery (double crash)";
    PowerCutInSnapshot "the power failed while a snapshot was written";
    PowerCutWhileIdsWaited "the power failed while a generation of ids waited to be written";
    PowerCutWithTwoBatches "the power failed with one batch finished and another begun";
    PowerCutAtCreation "the power failed before anything was ever recorded";
    ProcessKilled "the process was killed and the page cache stayed";
    CommitFailed "a commit failed and the process stopped";
    TornWrite "a write was torn";
    LostSync "a failed sync forgot what was unsynced";
    ShortTransfer "a transfer was short";
    Interrupted "a call was interrupted";
    OpenFailed "opening failed by a fault and was tried again";
    PrepareFailed "preparing a segment failed and was tried again";
    SnapshotFailed "a snapshot failed and was tried again";
    SealFailed "writing a generation of ids failed and was tried again";
    MergeFailed "merging ids failed and was tried again";
    LookUpFailed "a look-up failed and the command was sent again";
    SegmentBegun "a second segment was begun";
    BatchFull "a record went to the next batch because the batch was full";
    BatchesOverlapped "a batch was filled while the one before was not committed";
    StorageFull "a command was refused because the disk was full";
    StorageFullOver "a command was recorded after the disk had been full";
    SnapshotMade "a snapshot was made";
    RecordsDuringSnapshot "records went on while a snapshot was made";
    SnapshotPruned "an old snapshot was removed";
    RestartFromSnapshot "a restart began from a snapshot";
    RestartWithoutSnapshot "a restart replayed everything";
    SnapshotUnsound "an unsound snapshot was left out for an older one";
    NoSnapshotSound "no snapshot was sound and everything was replayed";
    IdsSealed "a generation of ids was written";
    IdsSealedInReplay "a generation of ids was written while replaying";
    IdsMerged "runs of ids were merged";
    IdsRebuilt "runs of ids were lost and rebuilt";
    IdsBehind "too many generations of ids waited and commands had to wait too";
    LookedAgain "a generation of ids went to disk between look-up and decision";
    RepeatInMemory "a repeat was found by the ids in memory";
    RepeatOnDisk "a repeat was found by the ids on disk";
    RepeatOfUndurable "a repeat waited until the first was durable";
    RepeatAfterCrash "a repeat after a crash found its unacknowledged first";
    LostAndDoneAgain "a repeat after a crash found nothing and was done afresh";
    RepeatAfterRestart "a repeat of what was acknowledged before a restart got its first outcome";
    ConflictInMemory "a conflict was found by the ids in memory";
    ConflictOnDisk "a conflict was found by the ids on disk";
    ColdStep "a step found its final payment on disk";
    FalsePositive "the filter of a run said maybe and there was nothing";
    ChainBehind "the chain of hashes had more to do after a step";
    ChainFailed "the chain of hashes failed and rested until the next start";
    GroupRecorded "a group was recorded";
    GroupRefused "a group was refused whole";
    GroupTooLarge "a group did not fit into a record";
    ClockWentBack "the clock went back";
    HoldExpired "a hold expired";
    ExecutedByTheClock "a scheduled payment was executed";
    DueAfterRestart "a payment fell due in another life than it was made in";
    PaymentBusy "a step met a payment that had fallen due";
    BitFlipRefused "a flipped bit was refused at the start";
    BitFlipFoundByReading "a flipped bit was found by reading";
    BitFlipHarmless "a flipped bit harmed nothing";
    BitFlipRebuilt "a file with a flipped bit was left out and made again";
    HealedByRestart "a run of ids that was found damaged was made again by a restart";
    OpenPaymentsFull "a payment was refused because as many were open as may be";
    SegmentDropped "a segment of the journal was dropped";
    SegmentArchived "a segment of the journal was archived";
    HeldByIds "a segment stayed because its ids were only in memory";
    HeldBySnapshot "a segment stayed because a snapshot needed it";
    HeldByOpenPayment "a segment stayed because a payment that began in it was open";
    HeldByChain "a segment stayed because the chain of hashes was behind";
    RetireFailed "retiring a segment failed and was tried again";
    PowerCutInRetirement "the power failed while a segment was retired";
    RestartAfterRetirement "a restart found a journal whose beginning was retired";
    AnsweredRetired "a command was told that the record it needs was retired";
    RetiredAndLookedAgain "the index had only a retired record, and memory had a later one";
    ReadSeenAgain "an account was read and found as it was read";
}

/// How often each mark was taken.
#[derive(Clone, Debug)]
pub struct Marks {
    counts: Vec<u64>,
}

impl Default for Marks {
    fn default() -> Marks {
        Marks { counts: vec![0; Mark::ALL.len()] }
    }
}

impl Marks {
    /// The path was taken.
    pub fn take(&mut self, mark: Mark) {
        self.counts[mark as usize] += 1;
    }

    /// The path was taken if this holds.
    pub fn take_if(&mut self, taken: bool, mark: Mark) {
        self.counts[mark as usize] += u64::from(taken);
    }

    /// How often a path was taken.
    pub fn count(&self, mark: Mark) -> u64 {
        self.counts[mark as usize]
    }

    /// Adds another run's marks.
    pub fn add(&mut self, other: &Marks) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(mine, theirs)| *mine += theirs);
    }

    /// The paths that were never taken.
    pub fn missing(&self) -> Vec<Mark> {
        Mark::ALL.iter().copied().filter(|mark| self.count(*mark) == 0).collect()
    }
}
