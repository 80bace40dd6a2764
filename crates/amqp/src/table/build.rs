//! Writing tables and arrays.

use super::{Array, Table, Value};
use crate::ShortStr;
use crate::wire::put_short;

/// A table that is being written, entry by entry.
///
/// Entries stay in the order in which they are put; a name may be put again.
///
/// ```
/// use courant_amqp::table::{TableBuf, Value};
/// use courant_amqp::ShortStr;
///
/// let mut capabilities = TableBuf::new();
/// capabilities.put(ShortStr::literal("basic.nack"), Value::Bool(true));
/// let mut table = TableBuf::new();
/// table.put(ShortStr::literal("capabilities"), Value::Table(capabilities.table()));
/// assert_eq!(table.table().raw().len(), 1 + 12 + 1 + 4 + (1 + 10 + 1 + 1));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableBuf {
    raw: Vec<u8>,
}

impl TableBuf {
    /// A table without entries.
    pub const fn new() -> TableBuf {
        TableBuf { raw: Vec::new() }
    }

    /// Appends an entry.
    pub fn put(&mut self, name: ShortStr<'_>, value: Value<'_>) -> &mut TableBuf {
        put_short(&mut self.raw, name);
        value.put(&mut self.raw);
        self
    }

    /// The table so far.
    pub fn table(&self) -> Table<'_> {
        Table::from_raw(&self.raw)
    }
}

/// Begins with the entries of another table.
impl From<Table<'_>> for TableBuf {
    fn from(table: Table<'_>) -> TableBuf {
        TableBuf { raw: table.raw().to_vec() }
    }
}

/// An array that is being written, value by value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ArrayBuf {
    raw: Vec<u8>,
}

impl ArrayBuf {
    /// An array without values.
    pub const fn new() -> ArrayBuf {
        ArrayBuf { raw: Vec::new() }
    }

    /// Appends a value.
    pub fn put(&mut self, value: Value<'_>) -> &mut ArrayBuf {
        value.put(&mut self.raw);
        self
    }

    /// The array so far.
    pub fn array(&self) -> Array<'_> {
        Array::from_raw(&self.raw)
    }
}
