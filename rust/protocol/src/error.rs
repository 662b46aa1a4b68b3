//! What can be wrong with bytes from the network.

use std::fmt;

/// Why bytes are no value of the protocol. Always the peer's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes end before the value does.
    Truncated,
    /// Bytes are left over behind the value.
    Trailing,
    /// A tag that names nothing.
    BadTag {
        /// What was to be decoded.
        what: &'static str,
        /// The tag found.
        tag: u8,
    },
    /// A count or length beyond its limit.
    TooLong {
        /// What is too long.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// Values nested deeper than [`MAX_VALUE_DEPTH`](crate::limits::MAX_VALUE_DEPTH).
    TooDeep,
    /// Text that is not UTF-8.
    BadText,
    /// A number outside the range of its meaning.
    OutOfRange {
        /// Which number.
        what: &'static str,
    },
    /// A control message that does not follow its layout.
    BadMessage,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the bytes end too early"),
            Self::Trailing => f.write_str("bytes are left over at the end"),
            Self::BadTag { what, tag } => write!(f, "{tag} is no tag of a {what}"),
            Self::TooLong { what, limit } => {
                write!(f, "{what} is longer than its limit of {limit}")
            }
            Self::TooDeep => f.write_str("values are nested too deeply"),
            Self::BadText => f.write_str("text is not UTF-8"),
            Self::OutOfRange { what } => write!(f, "{what} is out of range"),
            Self::BadMessage => f.write_str("the message does not follow its layout"),
        }
    }
}

impl std::error::Error for DecodeError {}
