//! What an exchange looks its bindings up in, by its kind: made from them, and never stored.
//!
//! A look-up takes, for `b` bindings of which `m` match: direct `log b + m`; fanout `m`; topic
//! `w · s · log b + m` for `w` words of the routing key and `s` beginnings of patterns that still
//! can match, which without `#` are few; headers `h · log b + c` for `h` headers of the message and
//! `c` bindings posted under one that it has. Then the matches are sorted. Nothing here allocates
//! once the buffers have grown.

mod headers;
mod topic;

pub(crate) use topic::Walk;

use crate::route::Headers;
use crate::{Binding, Destination, ExchangeKind, Name};
use headers::HeadersIndex;
use std::collections::BTreeMap;
use topic::Trie;

/// The bindings of one exchange, for routing.
#[derive(Debug)]
pub(crate) enum Index {
    Direct(BTreeMap<Name, Destinations>),
    Fanout(Destinations),
    Topic(Trie),
    Headers(HeadersIndex),
}

/// Destinations in their order, each with how many bindings lead to it.
#[derive(Debug, Default)]
pub(crate) struct Destinations(Vec<(Destination, usize)>);

impl Destinations {
    fn add(&mut self, to: Destination) {
        match self.0.binary_search_by_key(&to, |(destination, _)| *destination) {
            Ok(at) => self.0[at].1 += 1,
            Err(at) => self.0.insert(at, (to, 1)),
        }
    }

    fn remove(&mut self, to: Destination) {
        let found = self.0.binary_search_by_key(&to, |(destination, _)| *destination);
        let at = found.expect("a binding that is removed is in the index");
        self.0[at].1 -= 1;
        if self.0[at].1 == 0 {
            self.0.remove(at);
        }
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn collect(&self, found: &mut Vec<Destination>) {
        found.extend(self.0.iter().map(|(destination, _)| *destination));
    }
}

impl Index {
    pub(crate) fn new(kind: ExchangeKind) -> Index {
        match kind {
            ExchangeKind::Direct => Index::Direct(BTreeMap::new()),
            ExchangeKind::Fanout => Index::Fanout(Destinations::default()),
            ExchangeKind::Topic => Index::Topic(Trie::default()),
            ExchangeKind::Headers => Index::Headers(HeadersIndex::default()),
        }
    }

    pub(crate) fn add(&mut self, binding: &Binding) {
        match self {
            Index::Direct(keys) => {
                keys.entry(binding.key.clone()).or_default().add(binding.destination);
            }
            Index::Fanout(all) => all.add(binding.destination),
            Index::Topic(trie) => trie.add(&binding.key, binding.destination),
            Index::Headers(headers) => headers.add(binding),
        }
    }

    /// Removes a binding that was added.
    pub(crate) fn remove(&mut self, binding: &Binding) {
        match self {
            Index::Direct(keys) => {
                let to = keys.get_mut(&binding.key).expect("its key is in the index");
                to.remove(binding.destination);
                if to.is_empty() {
                    keys.remove(&binding.key);
                }
            }
            Index::Fanout(all) => all.remove(binding.destination),
            Index::Topic(trie) => trie.remove(&binding.key, binding.destination),
            Index::Headers(headers) => headers.remove(binding),
        }
    }

    /// Adds the destinations that match, some perhaps several times.
    pub(crate) fn collect<'k>(
        &self,
        keys: impl Iterator<Item = &'k str>,
        headers: &dyn Headers,
        walk: &mut Walk,
        found: &mut Vec<Destination>,
    ) {
        match self {
            Index::Direct(by_key) => {
                let matching = keys.filter_map(|key| by_key.get(key));
                matching.for_each(|to| to.collect(found));
            }
            Index::Fanout(all) => all.collect(found),
            Index::Topic(trie) => keys.for_each(|key| trie.collect(key, walk, found)),
            Index::Headers(index) => index.collect(headers, found),
        }
    }
}
