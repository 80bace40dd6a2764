//! Why bytes are not what they should be, and which reply code that leads to.

use std::fmt;

use crate::ReplyCode;
use crate::methods;

/// What is wrong with the bytes of a method, of a content header or of a field table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// The bytes end within the field, or its length reaches beyond them.
    Truncated,
    /// Bytes follow after the last field.
    TrailingBytes,
    /// There is no method of this class and number.
    UnknownMethod,
    /// Messages of this class do not exist; only those of class `basic` do.
    UnknownClass,
    /// A value of a table has a type that does not exist.
    UnknownType(u8),
    /// Tables and arrays lie in each other deeper than
    /// [`DEPTH_MAX`](crate::table::DEPTH_MAX).
    TooDeep,
    /// A property is announced that does not exist.
    UnknownProperty,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Truncated => f.write_str("ends too early"),
            Problem::TrailingBytes => f.write_str("is followed by bytes that belong to nothing"),
            Problem::UnknownMethod => f.write_str("does not exist"),
            Problem::UnknownClass => f.write_str("is no class of messages"),
            Problem::UnknownType(tag) => write!(f, "has a value of unknown type 0x{tag:02x}"),
            Problem::TooDeep => {
                write!(f, "has tables in tables, more than {} deep", crate::table::DEPTH_MAX)
            }
            Problem::UnknownProperty => f.write_str("announces a property that does not exist"),
        }
    }
}

impl std::error::Error for Problem {}

/// Where in a method or content header which problem is.
///
/// `channel.close` and `connection.close` name class and method, and the reply code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeError {
    /// The class; 0 if the bytes end before it.
    pub class_id: u16,
    /// The method; 0 for a content header, or if the bytes end before it.
    pub method_id: u16,
    /// The field as the protocol names it, with `_` for `-`; what else is wrong otherwise.
    pub field: &'static str,
    /// What is wrong.
    pub problem: Problem,
}

impl DecodeError {
    /// The code with which to close the connection.
    ///
    /// Bytes that are not even fields are a frame error; fields with bad values a syntax error.
    pub fn reply_code(&self) -> ReplyCode {
        match self.problem {
            Problem::Truncated | Problem::TrailingBytes => ReplyCode::FrameError,
            Problem::UnknownMethod => ReplyCode::NotImplemented,
            Problem::UnknownClass
            | Problem::UnknownType(_)
            | Problem::TooDeep
            | Problem::UnknownProperty => ReplyCode::SyntaxError,
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DecodeError { class_id, method_id, field, problem } = self;
        match methods::name_of(*class_id, *method_id) {
            Some(name) => write!(f, "{name}: {field} {problem}"),
            None if *method_id == 0 => write!(f, "class {class_id}: {field} {problem}"),
            None => write!(f, "class {class_id}, method {method_id}: {field} {problem}"),
        }
    }
}

impl std::error::Error for DecodeError {}
