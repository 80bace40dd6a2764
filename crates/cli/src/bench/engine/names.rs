//! Names of accounts and payments, made without an allocation.

use courant_ledger::Id;

/// Digits of a number in a name.
const DIGITS: usize = 16;

/// A letter and a number of 16 hexadecimal digits.
#[derive(Debug, Clone, Copy)]
pub(in crate::bench) struct Name([u8; DIGITS + 1]);

impl Name {
    pub(super) fn account(number: u32) -> Name {
        Name::new(b'a', u64::from(number))
    }

    pub(super) fn payment(number: u64) -> Name {
        Name::new(b'p', number)
    }

    fn new(letter: u8, number: u64) -> Name {
        let mut bytes = [letter; DIGITS + 1];
        for (at, byte) in bytes[1..].iter_mut().enumerate() {
            let digit = number >> (4 * (DIGITS - 1 - at)) & 15;
            *byte = b"0123456789abcdef"[digit as usize];
        }
        Name(bytes)
    }

    pub(in crate::bench) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a letter and digits")
    }

    pub(super) fn as_id(&self) -> Id<'_> {
        Id::parse("id", self.as_str()).expect("a letter and digits are a valid id")
    }
}
