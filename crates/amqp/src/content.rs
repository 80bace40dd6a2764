//! The content header: how long the body is, and the properties of the message.
//!
//! Properties stay the bytes they came in. They are stepped over once, when they are read, so that
//! each can be looked at later without an error; the table of headers is looked into only when
//! somebody asks for a header.

use std::fmt;

use crate::wire::{Field, Reader, Width, Writer};
use crate::{DecodeError, Problem, ShortStr, Table};

/// The class `basic`, the only one with content.
pub const CLASS_BASIC: u16 = 60;

/// The content header of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentHeader<'a> {
    /// Bytes of the body, over all its frames.
    pub body_bytes: u64,
    /// The properties.
    pub properties: Properties<'a>,
}

impl<'a> ContentHeader<'a> {
    /// Reads the payload of a header frame.
    ///
    /// # Errors
    /// If it is not of class `basic`, or if a property is malformed; says which.
    pub fn decode(payload: &'a [u8]) -> Result<ContentHeader<'a>, DecodeError> {
        let mut reader = Reader::new(payload);
        let class_id = reader.u16().map_err(|problem| at(0, "class id", problem))?;
        if class_id != CLASS_BASIC {
            return Err(at(class_id, "the content header", Problem::UnknownClass));
        }
        let mut sizes = || {
            let _weight_unused = reader.u16()?;
            reader.u64()
        };
        let body_bytes = sizes().map_err(|problem| at(class_id, "body size", problem))?;
        Ok(ContentHeader { body_bytes, properties: Properties::new(reader.rest())? })
    }

    /// Appends the payload of its frame.
    pub fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&CLASS_BASIC.to_be_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&self.body_bytes.to_be_bytes());
        out.extend_from_slice(self.properties.raw());
    }
}

fn at(class_id: u16, field: &'static str, problem: Problem) -> DecodeError {
    DecodeError { class_id, method_id: 0, field, problem }
}

/// The properties of a message, as their flags and values on the wire.
///
/// Two are equal if their bytes are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Properties<'a> {
    raw: &'a [u8],
}

impl<'a> Properties<'a> {
    /// No property at all.
    pub const EMPTY: Properties<'static> = Properties { raw: &[0, 0] };

    /// The properties that these bytes are.
    ///
    /// # Errors
    /// If they end within a property, go on after the last, or announce one that does not exist.
    /// What lies in the table of headers is not looked at.
    pub fn new(raw: &'a [u8]) -> Result<Properties<'a>, DecodeError> {
        let mut reader = Reader::new(raw);
        let flags = reader.u16().map_err(|problem| at(CLASS_BASIC, "property flags", problem))?;
        // The two lowest are not those of properties; one would say that more flags follow.
        if flags & 0b11 != 0 {
            return Err(at(CLASS_BASIC, "property flags", Problem::UnknownProperty));
        }
        for (at_bit, name, width) in Self::ALL {
            if flags & 1 << at_bit != 0 {
                skip(&mut reader, *width).map_err(|problem| at(CLASS_BASIC, name, problem))?;
            }
        }
        reader.end().map_err(|problem| at(CLASS_BASIC, "the last property", problem))?;
        Ok(Properties { raw })
    }

    /// The bytes: flags, then the values of those that are there.
    pub const fn raw(self) -> &'a [u8] {
        self.raw
    }

    /// Which are there; bit 15 is the first.
    #[inline]
    fn flags(self) -> u16 {
        u16::from_be_bytes([self.raw[0], self.raw[1]])
    }

    /// The property at this bit of the flags.
    #[inline]
    fn get<F: Field<'a>>(self, bit: u32) -> Option<F> {
        let flags = self.flags();
        if flags & 1 << bit == 0 {
            return None;
        }
        let mut reader = Reader::new(&self.raw[2..]);
        let before = Self::ALL.iter().take_while(|(at_bit, ..)| *at_bit > bit);
        for (_, _, width) in before.filter(|(at_bit, ..)| flags & 1 << at_bit != 0) {
            skip(&mut reader, *width).expect(STEPPED_OVER);
        }
        Some(F::take(&mut reader).expect(STEPPED_OVER))
    }
}

/// Why a property that is there can be read.
const STEPPED_OVER: &str = "properties were stepped over when they were made";

#[inline]
fn skip(reader: &mut Reader<'_>, width: Width) -> Result<(), Problem> {
    match width {
        Width::Octets(count) => reader.take(count).map(drop),
        Width::Short => reader.short().map(drop),
        Width::Long => reader.long().map(drop),
    }
}

impl Default for Properties<'_> {
    fn default() -> Self {
        Properties::EMPTY
    }
}

impl fmt::Debug for Properties<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.values().fmt(f)
    }
}

/// Makes the readers and the writer of properties out of their table.
macro_rules! properties {
    (<$a:lifetime> $( $(#[$doc:meta])* $bit:literal $name:ident: $type:ty, )*) => {
        impl<$a> Properties<$a> {
            /// Each property: its bit in the flags, its name, how to step over it. First to last.
            const ALL: &'static [(u32, &'static str, Width)] =
                &[$(($bit, stringify!($name), <$type as Field<$a>>::WIDTH)),*];

            $(
                $(#[$doc])*
                #[inline]
                pub fn $name(self) -> Option<$type> {
                    self.get($bit)
                }
            )*

            /// All of them, to look at or to write anew with some changed.
            pub fn values(self) -> PropertyValues<$a> {
                PropertyValues { $($name: self.$name()),* }
            }
        }

        /// The properties of a message, one by one; those that are `None` are not written.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct PropertyValues<$a> {
            $( $(#[$doc])* pub $name: Option<$type>, )*
        }

        impl PropertyValues<'_> {
            /// Appends flags and values, from which [`Properties::new`] makes properties.
            pub fn put(&self, out: &mut Vec<u8>) {
                let flags = 0u16 $(| u16::from(self.$name.is_some()) << $bit)*;
                out.extend_from_slice(&flags.to_be_bytes());
                let mut writer = Writer::new(out);
                $(
                    if let Some(value) = &self.$name {
                        value.put(&mut writer);
                    }
                )*
            }
        }
    };
}

properties! {
    <'a>
    /// The media type of the body, such as `application/json`.
    15 content_type: ShortStr<'a>,
    /// How the body is compressed, such as `gzip`.
    14 content_encoding: ShortStr<'a>,
    /// The headers.
    13 headers: Table<'a>,
    /// 2 for a message that outlives a restart, 1 for one that need not.
    12 delivery_mode: u8,
    /// The priority; a higher one goes first.
    11 priority: u8,
    /// What ties a reply to its request.
    10 correlation_id: ShortStr<'a>,
    /// The queue that waits for a reply.
    9 reply_to: ShortStr<'a>,
    /// For how many milliseconds the message is of use, in decimal digits.
    8 expiration: ShortStr<'a>,
    /// The publisher's id of the message.
    7 message_id: ShortStr<'a>,
    /// When the message was made, in seconds since 1970.
    6 timestamp: u64,
    /// The name of the kind of message; `type` in the protocol.
    5 kind: ShortStr<'a>,
    /// Who published it; must be the user of the connection.
    4 user_id: ShortStr<'a>,
    /// Which program published it.
    3 app_id: ShortStr<'a>,
    /// From before 0-9-1.
    2 cluster_id: ShortStr<'a>,
}
