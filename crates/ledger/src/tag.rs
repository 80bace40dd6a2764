//! Keyed hashes of client-made ids.
//!
//! A tag stands for an id in the tables, so that a table entry has a fixed size. The key belongs to
//! the data directory and is secret, so that nobody can make ids that collide on purpose.

use siphasher::sip::SipHasher13;
use std::hash::Hasher as _;

/// What kind of name a tag stands for: equal texts of different kinds have different tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum TagDomain {
    /// An account's id.
    Account = 1,
    /// A payment's id.
    Payment = 2,
    /// The id of a capture, refund, return or reversal, below its payment's id.
    Child = 3,
    /// An `Idempotency-Key`, below the key number of the caller.
    IdempotencyKey = 4,
    /// The number of an API key.
    ApiKey = 5,
}

impl TagDomain {
    const COUNT: usize = 5;
}

/// Makes tags: SipHash-1-3 under keys that come from the directory's secret, a pair for each
/// domain.
#[derive(Clone, Copy)]
pub struct Tagger {
    domains: [SipHasher13; TagDomain::COUNT],
}

impl Tagger {
    /// A tagger under a 128-bit secret.
    pub fn new(secret: u128) -> Tagger {
        let master = SipHasher13::new_with_keys(secret as u64, (secret >> 64) as u64);
        let key = |domain: usize, half: u8| master.hash(&[domain as u8 + 1, half]);
        let hasher = |domain| SipHasher13::new_with_keys(key(domain, 0), key(domain, 1));
        Tagger { domains: std::array::from_fn(hasher) }
    }

    /// The tag of a name.
    #[inline]
    pub fn tag(&self, domain: TagDomain, name: &[u8]) -> u64 {
        self.domains[domain as usize - 1].hash(name)
    }

    /// The tag of a name within a scope, such as a refund's id below its payment's. An empty scope
    /// is none.
    pub fn tag_below(&self, domain: TagDomain, scope: &[u8], name: &[u8]) -> u64 {
        if scope.is_empty() {
            return self.tag(domain, name);
        }
        let mut hasher = self.domains[domain as usize - 1];
        hasher.write(scope);
        hasher.write(name);
        // The scope's length keeps ("a", "bc") and ("ab", "c") apart.
        hasher.write_u64(scope.len() as u64);
        hasher.finish()
    }
}

impl std::fmt::Debug for Tagger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tagger { domains: *** }")
    }
}
