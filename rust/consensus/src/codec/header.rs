//! What stands before the messages, and the one message that every version understands.

use synced_protocol::{bytes_io::Reader, error::DecodeError};

use super::{number::flag, versions::PeerVersions};

/// Stands where else a version stands, before a [`Hello`].
const HELLO: u8 = 0;

/// Who speaks to whom: lives of two servers that the connection names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Header {
    /// The layout of what follows, from 1.
    pub(crate) version: u8,
    /// The sender's incarnation.
    pub(crate) from: u32,
    /// The incarnation that is meant.
    pub(crate) to: u32,
}

/// The first that two servers say to each other. No version may change its layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hello {
    /// What the sender understands.
    pub(crate) versions: PeerVersions,
    /// The sender's incarnation.
    pub(crate) from: u32,
    /// Whether the sender has not heard the other's yet.
    pub(crate) answer: bool,
}

/// How a frame or a datagram begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beginning {
    /// This is all of it.
    Hello(Hello),
    /// Messages follow to the end.
    Messages(Header),
}

impl Header {
    pub(crate) fn put(self, out: &mut Vec<u8>) {
        out.push(self.version);
        out.extend_from_slice(&self.from.to_le_bytes());
        out.extend_from_slice(&self.to.to_le_bytes());
    }
}

impl Hello {
    pub(crate) fn encode(self) -> Vec<u8> {
        let mut out = vec![HELLO, self.versions.min, self.versions.max];
        out.extend_from_slice(&self.from.to_le_bytes());
        out.push(u8::from(self.answer));
        out
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (min, max) = (reader.u8()?, reader.u8()?);
        if min == HELLO || min > max {
            return Err(DecodeError::OutOfRange { what: "version" });
        }
        let hello = Self {
            versions: PeerVersions { min, max },
            from: reader.u32()?,
            answer: flag(reader, "hello")?,
        };
        reader.finish().map(|()| hello)
    }
}

impl Beginning {
    /// Reads a beginning; a version that is not among `versions` is refused.
    pub(crate) fn read(
        reader: &mut Reader<'_>,
        versions: PeerVersions,
    ) -> Result<Self, DecodeError> {
        match reader.u8()? {
            HELLO => Hello::read(reader).map(Self::Hello),
            version if versions.contains(version) => Ok(Self::Messages(Header {
                version,
                from: reader.u32()?,
                to: reader.u32()?,
            })),
            tag => Err(DecodeError::BadTag {
                what: "version of the peer protocol",
                tag,
            }),
        }
    }
}
