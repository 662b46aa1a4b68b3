//! What passes between the logic of a client or a node and the transport that carries its bytes.
//!
//! The logic never touches a socket or a clock. A driver calls [`Logic::handle`] for whatever happened, then takes
//! everything from [`Logic::poll_output`], then sleeps until [`Logic::poll_deadline`] or the next event. The driver may
//! be the QUIC transport or a simulator: the logic cannot tell.

use std::{fmt, net::SocketAddr};

use bytes::Bytes;

use crate::time::Micros;

/// One connection, named by a server's driver or by a client's logic; never reused within one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection {}", self.0)
    }
}

/// Something that happened, told to the logic.
#[derive(Debug)]
pub enum Event {
    /// A connection is up and its TLS handshake done; nothing is known of the peer yet but its address.
    Connected {
        /// The new connection.
        connection: ConnectionId,
        /// Where the peer is.
        remote: SocketAddr,
    },
    /// One whole frame of the confirmed lane, without its length prefix.
    Frame {
        /// The connection that it came by.
        connection: ConnectionId,
        /// The frame, at most [`MAX_FRAME_BYTES`](crate::limits::MAX_FRAME_BYTES).
        bytes: Bytes,
    },
    /// One datagram of the live lane.
    Datagram {
        /// The connection that it came by.
        connection: ConnectionId,
        /// The datagram, at most [`MAX_DATAGRAM_BYTES`](crate::limits::MAX_DATAGRAM_BYTES).
        bytes: Bytes,
    },
    /// The connection is gone, or never came up; its name will not be heard again.
    Closed {
        /// The connection.
        connection: ConnectionId,
        /// Why.
        reason: CloseReason,
    },
    /// The deadline has passed, or somebody left work for the logic.
    Woken,
}

/// Something to be done, asked by the logic.
#[derive(Debug, PartialEq, Eq)]
pub enum Output {
    /// Open a connection. Only clients ask this. It ends in [`Event::Connected`], or in [`Event::Closed`] alone.
    Connect {
        /// How the logic names it; a client names all of its connections, and none twice.
        connection: ConnectionId,
        /// Where to.
        to: Target,
    },
    /// Send one frame on the confirmed lane, in order.
    Frame {
        /// The connection to send by.
        connection: ConnectionId,
        /// The frame, at most [`MAX_FRAME_BYTES`](crate::limits::MAX_FRAME_BYTES).
        bytes: Bytes,
    },
    /// Send one datagram on the live lane; dropped if the path is full.
    Datagram {
        /// The connection to send by.
        connection: ConnectionId,
        /// The datagram, at most [`MAX_DATAGRAM_BYTES`](crate::limits::MAX_DATAGRAM_BYTES).
        bytes: Bytes,
    },
    /// Close the connection once the frames before have been sent, telling the peer why.
    Close {
        /// The connection.
        connection: ConnectionId,
        /// What the peer is told.
        code: CloseCode,
    },
}

/// Which server a client wants to reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Any of the servers that the driver was configured with.
    Configured,
    /// The one at this address, `host:port`, which must be as trustworthy as the configured ones.
    At(String),
}

/// Logic without I/O, as a driver meets it.
pub trait Logic {
    /// Takes one event at local time `now`.
    fn handle(&mut self, now: Micros, event: Event);

    /// The next thing to do, or `None` when all is done for now.
    fn poll_output(&mut self) -> Option<Output>;

    /// The local time at which [`Event::Woken`] is wanted at the latest.
    fn poll_deadline(&self) -> Option<Micros>;

    /// Whether the driver should stop once every output is delivered.
    fn is_finished(&self) -> bool;
}

/// Why a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CloseReason {
    /// The peer closed and said why.
    ByPeer(CloseCode),
    /// This side closed.
    ByUs(CloseCode),
    /// Nothing was heard for the idle timeout.
    TimedOut,
    /// The server could not be reached or would not talk; the text says what failed.
    Unreachable(String),
    /// The peer's certificate was not the one expected; the text says how.
    Untrusted(String),
    /// The peer broke QUIC or the framing; the text says how.
    Broken(String),
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByPeer(code) => write!(f, "the peer closed the connection: {code}"),
            Self::ByUs(code) => write!(f, "closed by this side: {code}"),
            Self::TimedOut => f.write_str("nothing was heard from the peer for the idle timeout"),
            Self::Unreachable(what) => write!(f, "the server could not be reached: {what}"),
            Self::Untrusted(what) => write!(f, "the server's certificate is not trusted: {what}"),
            Self::Broken(what) => write!(f, "the peer broke the protocol: {what}"),
        }
    }
}

macro_rules! close_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)+) => {
        /// Why one side closes a connection, as a QUIC application error code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum CloseCode {
            $($(#[$doc])* $name,)+
            /// A code that this version does not know.
            Other(u32),
        }

        impl CloseCode {
            /// The number on the wire.
            #[must_use]
            pub const fn code(self) -> u32 {
                match self { $(Self::$name => $code,)+ Self::Other(code) => code }
            }

            /// The meaning of a number from the wire.
            #[must_use]
            pub const fn from_code(code: u32) -> Self {
                match code { $($code => Self::$name,)+ other => Self::Other(other) }
            }
        }

        impl fmt::Display for CloseCode {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name => f.write_str($text),)+
                    Self::Other(code) => write!(f, "code {code}"),
                }
            }
        }
    };
}

close_codes! {
    /// An orderly end.
    Done = 0, "done";
    /// The handshake was refused; the refusal frame says why.
    Refused = 1, "refused at the handshake";
    /// A frame or datagram could not be decoded.
    Malformed = 2, "sent something that cannot be decoded";
    /// More frames, datagrams or bytes than a session may send.
    Flooding = 3, "sent more than its rate limit allows";
    /// The peer does not take what is sent to it.
    TooSlow = 4, "does not read what it is sent";
    /// The server is stopping.
    ServerStopping = 5, "the server is stopping";
    /// No handshake within its time.
    HandshakeTimeout = 6, "no handshake within the time for it";
    /// The same player came back by another connection.
    Superseded = 7, "the player came back by another connection";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_close_code_survives_the_wire() {
        for code in 0..20 {
            assert_eq!(CloseCode::from_code(code).code(), code);
        }
    }
}
