//! The connections of one session: the one that it plays by, and those by which it only hears who leads.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use synced_protocol::{
    control::{First, decode, decode_first, encode, encode_first},
    error::DecodeError,
    id::ServerId,
    link::ConnectionId,
    message::{ClientMessage, ServerMessage},
    time::Micros,
};

/// All connections that were asked for and are not closed.
#[derive(Debug)]
pub(crate) struct Links {
    open: BTreeMap<ConnectionId, Link>,
    /// Those that this side has closed, until the driver says that they are gone.
    closing: BTreeSet<ConnectionId>,
    last: ConnectionId,
}

impl Default for Links {
    fn default() -> Self {
        Self {
            open: BTreeMap::new(),
            closing: BTreeSet::new(),
            last: ConnectionId(0),
        }
    }
}

/// A connection, or an attempt at one.
#[derive(Debug, Default)]
pub(crate) struct Link {
    /// Whom it leads to, as far as that is known.
    pub(crate) server: Option<ServerId>,
    pub(crate) is_up: bool,
    /// How many hellos were sent by it that were not welcomed. Some of them may have been answered otherwise, which cannot be told
    /// from what the server says unasked.
    pub(crate) hellos: u32,
    /// By when the server must have said something, if that is not left to the driver.
    pub(crate) deadline: Option<Micros>,
    /// Whether the first frame was sent, and with it the preface.
    spoke: bool,
    /// Whether the first frame came.
    heard: bool,
}

impl Links {
    /// Names another connection.
    pub(crate) fn open(
        &mut self,
        server: Option<ServerId>,
        deadline: Option<Micros>,
    ) -> ConnectionId {
        self.last.0 += 1;
        let link = Link {
            server,
            deadline,
            ..Link::default()
        };
        self.open.insert(self.last, link);
        self.last
    }

    pub(crate) fn get(&self, connection: ConnectionId) -> Option<&Link> {
        self.open.get(&connection)
    }

    pub(crate) fn get_mut(&mut self, connection: ConnectionId) -> Option<&mut Link> {
        self.open.get_mut(&connection)
    }

    /// In the order in which they were opened.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ConnectionId, &Link)> {
        self.open.iter().map(|(id, link)| (*id, link))
    }

    /// A welcome has come by a connection. Returns whether there was a hello for it.
    pub(crate) fn welcomed(&mut self, connection: ConnectionId) -> bool {
        let hellos = self.open.get_mut(&connection).map(|link| &mut link.hellos);
        let Some((hellos, left)) = hellos.and_then(|it| it.checked_sub(1).map(|left| (it, left)))
        else {
            return false;
        };
        *hellos = left;
        true
    }

    /// The connection to a server, if there is one.
    pub(crate) fn to(&self, server: ServerId) -> Option<ConnectionId> {
        let mut links = self.iter();
        let found = links.find(|(_, link)| link.server == Some(server));
        found.map(|(id, _)| id)
    }

    /// The connection is gone. `None` when this side had closed it.
    pub(crate) fn gone(&mut self, connection: ConnectionId) -> Option<Link> {
        self.closing.remove(&connection);
        self.open.remove(&connection)
    }

    /// This side closes it; returns whether it still had to.
    pub(crate) fn close(&mut self, connection: ConnectionId) -> bool {
        self.open.remove(&connection);
        self.closing.insert(connection)
    }

    /// When the first of them is waited for no longer.
    pub(crate) fn poll_deadline(&self) -> Option<Micros> {
        self.open.values().filter_map(|link| link.deadline).min()
    }

    /// One that was waited for long enough.
    pub(crate) fn expired(&self, now: Micros) -> Option<ConnectionId> {
        let mut links = self.iter();
        let late = |link: &Link| link.deadline.is_some_and(|deadline| deadline <= now);
        links.find(|(_, link)| late(link)).map(|(id, _)| id)
    }

    /// A frame for a connection: the first one begins with the preface.
    pub(crate) fn encode(
        &mut self,
        connection: ConnectionId,
        message: &ClientMessage,
    ) -> Result<Bytes, DecodeError> {
        let spoke = self.open.get_mut(&connection).map(|link| &mut link.spoke);
        if spoke.is_none_or(|spoke| std::mem::replace(spoke, true)) {
            encode(message)
        } else {
            encode_first(message)
        }
    }

    /// The message of a frame, of which the first has the preface.
    pub(crate) fn decode(
        &mut self,
        connection: ConnectionId,
        bytes: &[u8],
    ) -> Result<First<ServerMessage>, DecodeError> {
        let link = self.open.get_mut(&connection);
        if link.is_none_or(|link| std::mem::replace(&mut link.heard, true)) {
            decode(bytes).map(First::SameVersion)
        } else {
            decode_first(bytes)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn just_the_first_frame_of_each_connection_has_the_preface() {
        let mut links = Links::default();
        let message = ClientMessage::Watch;
        for _ in 0..2 {
            let connection = links.open(None, None);
            let frames = [(); 3].map(|()| links.encode(connection, &message).unwrap());
            assert_eq!(frames[0], encode_first(&message).unwrap());
            assert_eq!(frames[1], encode(&message).unwrap());
            assert_eq!(frames[2], frames[1]);
        }
    }

    #[test]
    fn a_connection_is_closed_once_and_its_name_never_given_again() {
        let mut links = Links::default();
        let first = links.open(Some(ServerId(3)), Some(Micros(7)));
        assert_eq!(links.to(ServerId(3)), Some(first));
        assert_eq!(
            (links.expired(Micros(6)), links.expired(Micros(7))),
            (None, Some(first))
        );
        assert!(links.close(first));
        assert!(!links.close(first));
        assert!(links.gone(first).is_none());
        assert_eq!((links.to(ServerId(3)), links.poll_deadline()), (None, None));
        assert_ne!(links.open(None, None), first);
    }
}
