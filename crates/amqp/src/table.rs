//! Field tables: kept as the bytes they came in, read value by value.
//!
//! A table that is passed on is passed on as its bytes: nothing is reordered, merged or dropped,
//! and numbers keep their types. Reading is lazy: a malformed value is found when it is reached,
//! and ends the reading. [`Table::check`] looks at everything at once.
//!
//! The types are those of RabbitMQ, which differ from the specification's: `s` is a signed 16-bit
//! integer, and `l` and `L` are both signed 64-bit integers.

mod build;
mod value;

pub use build::{ArrayBuf, TableBuf};
pub use value::Value;

use std::fmt;

use crate::wire::Reader;
use crate::{Problem, ShortStr};

/// How deep tables and arrays may lie in each other; the outermost table is at depth 1.
///
/// What RabbitMQ itself writes (`x-death`, `CC`) is at most 3 deep.
pub const DEPTH_MAX: u8 = 32;

/// A field table: names with typed values, in order, as the bytes after its length.
///
/// Names may repeat. Two tables are equal if their bytes are.
#[derive(Clone, Copy, Default)]
pub struct Table<'a> {
    raw: &'a [u8],
    /// How many tables and arrays it lies in.
    depth: u8,
}

impl<'a> Table<'a> {
    /// The table without entries.
    pub const EMPTY: Table<'static> = Table { raw: &[], depth: 0 };

    /// The table that these bytes are, without a length in front; they are not looked at yet.
    #[inline]
    pub const fn from_raw(raw: &'a [u8]) -> Table<'a> {
        Table { raw, depth: 0 }
    }

    /// Its bytes, without a length in front.
    #[inline]
    pub const fn raw(self) -> &'a [u8] {
        self.raw
    }

    /// Whether it has no entries.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.raw.is_empty()
    }

    /// Its entries in order. After a problem there are no more.
    #[inline]
    pub fn entries(self) -> Entries<'a> {
        Entries { rest: self.raw, depth: self.depth }
    }

    /// The value of the first entry with this name.
    ///
    /// # Errors
    /// If an entry up to that one is malformed.
    pub fn get(self, name: impl AsRef<[u8]>) -> Result<Option<Value<'a>>, Problem> {
        for entry in self.entries() {
            let (found, value) = entry?;
            if found.bytes() == name.as_ref() {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    /// Whether all of it is well-formed, and at most [`DEPTH_MAX`] deep.
    ///
    /// # Errors
    /// The first problem.
    pub fn check(self) -> Result<(), Problem> {
        self.entries().try_for_each(|entry| entry?.1.check())
    }
}

impl PartialEq for Table<'_> {
    fn eq(&self, other: &Table<'_>) -> bool {
        self.raw == other.raw
    }
}

impl Eq for Table<'_> {}

impl fmt::Debug for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for entry in self.entries() {
            match entry {
                Ok((name, value)) => map.entry(&name, &value),
                Err(problem) => map.entry(&"malformed", &problem),
            };
        }
        map.finish()
    }
}

/// The entries of a [`Table`]: name and value, or what is wrong with the next one.
#[derive(Debug, Clone)]
pub struct Entries<'a> {
    rest: &'a [u8],
    depth: u8,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<(ShortStr<'a>, Value<'a>), Problem>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        step(&mut self.rest, |reader| Ok((reader.short()?, value::take(reader, self.depth)?)))
    }
}

/// A list of typed values, as the bytes after its length; two are equal if their bytes are.
#[derive(Clone, Copy, Default)]
pub struct Array<'a> {
    raw: &'a [u8],
    /// How many tables and arrays it lies in.
    depth: u8,
}

impl<'a> Array<'a> {
    /// The array that these bytes are, without a length in front; they are not looked at yet.
    #[inline]
    pub const fn from_raw(raw: &'a [u8]) -> Array<'a> {
        // The least depth that an array can have: it lies in a table.
        Array { raw, depth: 1 }
    }

    /// Its bytes, without a length in front.
    #[inline]
    pub const fn raw(self) -> &'a [u8] {
        self.raw
    }

    /// Its values in order. After a problem there are no more.
    #[inline]
    pub fn values(self) -> Values<'a> {
        Values { rest: self.raw, depth: self.depth }
    }
}

impl PartialEq for Array<'_> {
    fn eq(&self, other: &Array<'_>) -> bool {
        self.raw == other.raw
    }
}

impl Eq for Array<'_> {}

impl fmt::Debug for Array<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.values()).finish()
    }
}

/// The values of an [`Array`], or what is wrong with the next one.
#[derive(Debug, Clone)]
pub struct Values<'a> {
    rest: &'a [u8],
    depth: u8,
}

impl<'a> Iterator for Values<'a> {
    type Item = Result<Value<'a>, Problem>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        step(&mut self.rest, |reader| value::take(reader, self.depth))
    }
}

/// One step of an iterator over bytes: what `take` takes off them, and nothing after a problem.
#[inline]
fn step<'a, T>(
    rest: &mut &'a [u8],
    take: impl FnOnce(&mut Reader<'a>) -> Result<T, Problem>,
) -> Option<Result<T, Problem>> {
    if rest.is_empty() {
        return None;
    }
    let mut reader = Reader::new(rest);
    let taken = take(&mut reader);
    *rest = if taken.is_ok() { reader.rest() } else { &[] };
    Some(taken)
}
