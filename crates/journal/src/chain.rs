//! The chain of hashes over all batches.

/// The file that holds the chain.
pub(crate) const CHAIN_FILE: &str = "chain.log";
