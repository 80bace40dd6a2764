//! Patterns of a topic exchange as a trie of words.
//!
//! All patterns are followed at once: after each word of a routing key stands a set of nodes, each
//! once, so no pattern can make a look-up take more than words × nodes steps, however many `#` it
//! has. A routing key without a byte has no words; otherwise dots separate words, which may be
//! empty.

use super::Destinations;
use crate::Destination;
use std::collections::BTreeMap;

const ROOT: u32 = 0;

/// A trie of patterns.
#[derive(Debug)]
pub(crate) struct Trie {
    nodes: Vec<Node>,
    /// Places in `nodes` that can be used again.
    free: Vec<u32>,
}

#[derive(Debug, Default)]
struct Node {
    words: BTreeMap<Box<str>, u32>,
    /// Behind `*`.
    any_word: Option<u32>,
    /// Behind `#`.
    any_words: Option<u32>,
    /// Whether this node is behind `#`, so that every word leads back to it.
    repeats: bool,
    here: Destinations,
}

/// What a look-up needs besides the trie; kept, so that none allocates.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    now: Vec<u32>,
    next: Vec<u32>,
    /// The step in which each node was last entered.
    entered: Vec<u64>,
    step: u64,
}

impl Default for Trie {
    fn default() -> Trie {
        Trie { nodes: vec![Node::default()], free: Vec::new() }
    }
}

fn words(key: &str) -> impl Iterator<Item = &str> {
    key.split('.').filter(move |_| !key.is_empty())
}

impl Node {
    fn child(&self, word: &str) -> Option<u32> {
        match word {
            "*" => self.any_word,
            "#" => self.any_words,
            _ => self.words.get(word).copied(),
        }
    }

    fn is_bare(&self) -> bool {
        self.here.is_empty()
            && self.words.is_empty()
            && self.any_word.is_none()
            && self.any_words.is_none()
    }
}

impl Trie {
    pub(crate) fn add(&mut self, pattern: &str, to: Destination) {
        let node = words(pattern).fold(ROOT, |node, word| match self.node(node).child(word) {
            Some(child) => child,
            None => self.add_child(node, word),
        });
        self.nodes[node as usize].here.add(to);
    }

    /// Removes what was added, and the nodes that only it needed.
    pub(crate) fn remove(&mut self, pattern: &str, to: Destination) {
        let mut path = Vec::new();
        let leaf = words(pattern).fold(ROOT, |node, word| {
            path.push((node, word));
            self.node(node).child(word).expect("a pattern that is removed is in the trie")
        });
        self.nodes[leaf as usize].here.remove(to);
        let mut node = leaf;
        while let Some((parent, word)) = path.pop()
            && self.node(node).is_bare()
        {
            let parent_node = &mut self.nodes[parent as usize];
            match word {
                "*" => parent_node.any_word = None,
                "#" => parent_node.any_words = None,
                _ => drop(parent_node.words.remove(word)),
            }
            self.free.push(node);
            node = parent;
        }
    }

    /// Adds the destinations of all patterns that match.
    pub(crate) fn collect(&self, key: &str, walk: &mut Walk, found: &mut Vec<Destination>) {
        walk.entered.resize(walk.entered.len().max(self.nodes.len()), 0);
        walk.begin_step();
        self.enter(ROOT, walk);
        std::mem::swap(&mut walk.now, &mut walk.next);
        for word in words(key) {
            walk.begin_step();
            for at in 0..walk.now.len() {
                let node = walk.now[at];
                let Node { words, any_word, repeats, .. } = self.node(node);
                let back = repeats.then_some(node);
                for next in [back, words.get(word).copied(), *any_word].into_iter().flatten() {
                    self.enter(next, walk);
                }
            }
            std::mem::swap(&mut walk.now, &mut walk.next);
        }
        walk.now.iter().for_each(|node| self.node(*node).here.collect(found));
    }

    /// Enters a node, and what is behind `#` from there, which may stand for no word.
    fn enter(&self, node: u32, walk: &mut Walk) {
        let mut at = Some(node);
        while let Some(node) = at
            && std::mem::replace(&mut walk.entered[node as usize], walk.step) != walk.step
        {
            walk.next.push(node);
            at = self.node(node).any_words;
        }
    }

    fn node(&self, node: u32) -> &Node {
        &self.nodes[node as usize]
    }

    fn add_child(&mut self, parent: u32, word: &str) -> u32 {
        let child = Node { repeats: word == "#", ..Node::default() };
        let at = match self.free.pop() {
            Some(at) => {
                self.nodes[at as usize] = child;
                at
            }
            None => {
                self.nodes.push(child);
                u32::try_from(self.nodes.len() - 1).expect("the limit on bindings is far lower")
            }
        };
        let parent = &mut self.nodes[parent as usize];
        match word {
            "*" => parent.any_word = Some(at),
            "#" => parent.any_words = Some(at),
            _ => drop(parent.words.insert(word.into(), at)),
        }
        at
    }
}

impl Walk {
    fn begin_step(&mut self) {
        self.step += 1;
        self.next.clear();
    }
}
