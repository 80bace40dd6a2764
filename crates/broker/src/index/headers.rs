//! Bindings of a headers exchange, found by the headers that a message has.
//!
//! Each binding is posted under headers that a message must have to match it: one that wants any of
//! its headers under each, one that wants all under the one where the fewest others are. What is
//! found there is compared in full.

use crate::route::Headers;
use crate::{Binding, Destination, Name, Scalar, Table, Value};
use std::collections::BTreeMap;

/// Bindings by header name and value.
#[derive(Debug, Default)]
pub(crate) struct HeadersIndex {
    bindings: Vec<Option<Matcher>>,
    /// Places in `bindings` that can be used again.
    free: Vec<usize>,
    /// Those that want no header: all of none, which every message has, or any of none, which no
    /// message has.
    unconditional: Vec<usize>,
    by_name: BTreeMap<Name, Postings>,
}

/// The bindings that are posted under one header.
#[derive(Debug, Default)]
struct Postings {
    /// Those that want any value, or one that is no scalar.
    present: Vec<usize>,
    /// Those that want one value, by its bytes.
    equal: BTreeMap<Box<[u8]>, Vec<usize>>,
}

/// What a binding wants of a message's headers.
#[derive(Debug)]
struct Matcher {
    destination: Destination,
    arguments: Table,
    any: bool,
    with_x: bool,
}

impl Matcher {
    fn new(binding: &Binding) -> Matcher {
        let how = binding.arguments.get("x-match").and_then(Value::as_text);
        Matcher {
            destination: binding.destination,
            arguments: binding.arguments.clone(),
            any: matches!(how, Some("any" | "any-with-x")),
            with_x: matches!(how, Some("all-with-x" | "any-with-x")),
        }
    }

    /// The headers that it wants. Those that begin with `x-` do not count unless it says so.
    fn wanted(&self) -> impl Iterator<Item = (&Name, &Value)> {
        let counts = |name: &str| name != "x-match" && (self.with_x || !name.starts_with("x-"));
        self.arguments.iter().filter(move |(name, _)| counts(name))
    }

    fn matches(&self, headers: &dyn Headers) -> bool {
        let has = |(name, wanted): (&Name, &Value)| match headers.get(name) {
            None => false,
            Some(found) => matches!(wanted, Value::Void) || wanted.scalar() == found,
        };
        if self.any { self.wanted().any(has) } else { self.wanted().all(has) }
    }
}

/// The bytes under which a scalar is posted. Different scalars may share them.
fn bytes_of<'a>(scalar: Scalar<'a>, room: &'a mut [u8; 16]) -> Option<&'a [u8]> {
    *room = match scalar {
        Scalar::Bytes(bytes) => return Some(bytes),
        Scalar::Void | Scalar::Compound(_) | Scalar::Undecoded => return None,
        Scalar::Bool(value) => u128::from(value),
        Scalar::Int(number) => number as u128,
        Scalar::Float(bits) => u128::from(bits),
        Scalar::Double(bits) => u128::from(bits),
    }
    .to_le_bytes();
    Some(room)
}

impl Postings {
    fn list(&mut self, value: &Value) -> &mut Vec<usize> {
        match bytes_of(value.scalar(), &mut [0; 16]) {
            None => &mut self.present,
            Some(bytes) => self.equal.entry(bytes.into()).or_default(),
        }
    }

    fn posted(&self, value: &Value) -> &[usize] {
        match bytes_of(value.scalar(), &mut [0; 16]) {
            None => &self.present,
            Some(bytes) => self.equal.get(bytes).map_or(&[], Vec::as_slice),
        }
    }

    fn remove(&mut self, value: &Value, at: usize) {
        let list = self.list(value);
        list.retain(|posted| *posted != at);
        if list.is_empty()
            && let Some(bytes) = bytes_of(value.scalar(), &mut [0; 16])
        {
            self.equal.remove(bytes);
        }
    }

    fn is_empty(&self) -> bool {
        self.present.is_empty() && self.equal.is_empty()
    }
}

impl HeadersIndex {
    pub(crate) fn add(&mut self, binding: &Binding) {
        let matcher = Matcher::new(binding);
        let at = self.free.pop().unwrap_or_else(|| {
            self.bindings.push(None);
            self.bindings.len() - 1
        });
        let rarest = matcher.wanted().min_by_key(|(name, value)| self.posted(name, value).len());
        let under = |term: &(&Name, &Value)| matcher.any || Some(*term) == rarest;
        match rarest {
            None => self.unconditional.push(at),
            Some(_) => {
                for (name, value) in matcher.wanted().filter(under) {
                    self.by_name.entry(name.clone()).or_default().list(value).push(at);
                }
            }
        }
        self.bindings[at] = Some(matcher);
    }

    pub(crate) fn remove(&mut self, binding: &Binding) {
        let wanted = Matcher::new(binding);
        let is_it = |at: &&usize| {
            let matcher = self.bindings[**at].as_ref().expect("what is posted is there");
            matcher.destination == wanted.destination && matcher.arguments == wanted.arguments
        };
        let posted = wanted.wanted().flat_map(|(name, value)| self.posted(name, value));
        let found = posted.chain(&self.unconditional).find(is_it);
        let at = *found.expect("a binding that is removed is in the index");
        self.unconditional.retain(|posted| *posted != at);
        for (name, value) in wanted.wanted() {
            if let Some(postings) = self.by_name.get_mut(name) {
                postings.remove(value, at);
                if postings.is_empty() {
                    self.by_name.remove(name);
                }
            }
        }
        self.bindings[at] = None;
        self.free.push(at);
    }

    fn posted(&self, name: &Name, value: &Value) -> &[usize] {
        self.by_name.get(name).map_or(&[], |postings| postings.posted(value))
    }

    /// Adds the destinations of the bindings that match, some perhaps several times.
    pub(crate) fn collect(&self, headers: &dyn Headers, found: &mut Vec<Destination>) {
        let matcher = |at: &usize| self.bindings[*at].as_ref().expect("what is posted is there");
        let wanting_none = self.unconditional.iter().map(matcher);
        found.extend(wanting_none.filter(|it| !it.any).map(|it| it.destination));
        if self.by_name.is_empty() {
            return;
        }
        headers.each(&mut |name, value| {
            let Some(postings) = self.by_name.get(name) else { return };
            let equal = bytes_of(value, &mut [0; 16]).and_then(|bytes| postings.equal.get(bytes));
            for at in postings.present.iter().chain(equal.into_iter().flatten()) {
                if matcher(at).matches(headers) {
                    found.push(matcher(at).destination);
                }
            }
        });
    }
}
