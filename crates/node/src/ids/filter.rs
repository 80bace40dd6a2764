//! A blocked Bloom filter over tags: one cache line per question.
//!
//! Source: Putze, Sanders, Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", 2007. With
//! [`BITS_PER_ENTRY`] bits and [`PROBES`] probes about one in two thousand unknown tags is said to
//! be possible. Each costs a read of the disk, and for a batch it is the sum over all its ids and
//! all runs that counts: with twelve bits nearly every batch of a hundred had to wait for one.

/// Bits per entry.
const BITS_PER_ENTRY: usize = 20;
/// Bits set and asked per tag.
const PROBES: u32 = 9;
/// Bits of a block: one cache line.
const BLOCK_BITS: usize = 512;

/// What may be in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    blocks: Vec<[u64; BLOCK_BITS / 64]>,
}

impl Filter {
    /// An empty filter for so many entries.
    pub(crate) fn new(entries: usize) -> Filter {
        let blocks = (entries * BITS_PER_ENTRY).div_ceil(BLOCK_BITS).max(1);
        Filter { blocks: vec![[0; BLOCK_BITS / 64]; blocks] }
    }

    pub(crate) fn insert(&mut self, tag: u64) {
        let block = self.block(tag);
        for bit in bits(tag) {
            self.blocks[block][bit / 64] |= 1 << (bit % 64);
        }
    }

    /// False if the tag was never inserted.
    #[inline]
    pub(crate) fn may_hold(&self, tag: u64) -> bool {
        let block = &self.blocks[self.block(tag)];
        bits(tag).all(|bit| block[bit / 64] & (1 << (bit % 64)) != 0)
    }

    /// Bytes it takes in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.blocks.len() * BLOCK_BITS / 8
    }

    /// The filter as bytes.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.blocks.iter().flatten().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// A filter from its bytes, or `None` if their number is not that of a filter for so many
    /// entries.
    pub(crate) fn from_bytes(bytes: &[u8], entries: usize) -> Option<Filter> {
        let mut filter = Filter::new(entries);
        if bytes.len() != filter.bytes() {
            return None;
        }
        let words = bytes.as_chunks::<8>().0.iter().map(|b| u64::from_le_bytes(*b));
        filter.blocks.iter_mut().flatten().zip(words).for_each(|(slot, word)| *slot = word);
        Some(filter)
    }

    /// The high half of the tag picks the block; runs are sorted by tag, so building goes through
    /// memory in order.
    #[inline]
    fn block(&self, tag: u64) -> usize {
        (((tag >> 32) * self.blocks.len() as u64) >> 32) as usize
    }
}

/// The bits of a tag within its block, by double hashing of a mix of it.
#[inline]
fn bits(tag: u64) -> impl Iterator<Item = usize> {
    let mixed = tag.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let (first, step) = ((mixed >> 32) as u32, (mixed as u32) | 1);
    (0..PROBES).map(move |i| (first.wrapping_add(i.wrapping_mul(step)) >> 23) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(n: u64) -> u64 {
        // splitmix64: tags are keyed hashes, so test tags must look like them.
        let mut z = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    #[test]
    fn holds_what_was_inserted_and_rarely_anything_else() {
        let mut filter = Filter::new(50_000);
        (0..50_000).for_each(|n| filter.insert(tag(n)));
        assert!((0..50_000).all(|n| filter.may_hold(tag(n))));
        let wrong = (50_000..150_000).filter(|n| filter.may_hold(tag(*n))).count();
        assert!(wrong < 150, "{wrong} of 100000 unknown tags pass, expected about 50");
        let again = Filter::from_bytes(&filter.to_bytes(), 50_000).expect("same size");
        assert_eq!(again, filter);
        assert_eq!(Filter::from_bytes(&filter.to_bytes()[8..], 50_000), None);
    }
}
