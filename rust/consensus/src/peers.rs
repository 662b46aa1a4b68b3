//! The other servers: what is known of each, and what is about to be sent to it.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use synced_protocol::{
    id::{ReplicaId, ServerId},
    store::StoreWrite,
    time::Micros,
};

use crate::{
    codec::{BEAT_BYTES_MAX, Beat, Beats, Header, Hello, MAX_BEATS, Message, PeerVersions},
    output::{Lane, MAX_BEAT_BYTES, MAX_MESSAGE_BYTES, Output},
};

/// The heartbeats of one datagram, so that all of them fit whatever their numbers are.
const BEATS_MAX: usize = (MAX_BEAT_BYTES - HEAD_BYTES) / BEAT_BYTES_MAX;
/// What stands before the heartbeats of a datagram: the header, a tag, the time, the count.
const HEAD_BYTES: usize = 9 + 1 + 8 + 2;

const _: () = assert!(BEATS_MAX > 16 && BEATS_MAX <= MAX_BEATS);

/// Every other server that was ever heard of, and what is to be done for all of them.
#[derive(Debug)]
pub(crate) struct Peers {
    own: ReplicaId,
    versions: PeerVersions,
    links: BTreeMap<ServerId, Link>,
    /// Leaves before the writes: it does not depend on them.
    sends: VecDeque<Output>,
    writes: VecDeque<StoreWrite>,
    buffered: bool,
}

/// What is known of another server.
#[derive(Debug, Default)]
pub(crate) struct Link {
    up: bool,
    /// Its latest life that was heard of.
    incarnation: Option<u32>,
    /// What it understands.
    versions: Option<PeerVersions>,
    frame: Buffer,
    bulk: Buffer,
    beats: Beating,
    answers: Beating,
}

/// Messages that are to share a frame.
#[derive(Debug, Default)]
struct Buffer {
    header: Option<Header>,
    bytes: Vec<u8>,
}

/// Heartbeats that are to share a datagram.
#[derive(Debug, Default)]
struct Beating {
    header: Option<Header>,
    sent_at: Micros,
    beats: Vec<Beat>,
}

impl Peers {
    pub(crate) const fn new(own: ReplicaId, versions: PeerVersions) -> Self {
        Self {
            own,
            versions,
            links: BTreeMap::new(),
            sends: VecDeque::new(),
            writes: VecDeque::new(),
            buffered: false,
        }
    }

    pub(crate) fn is_up(&self, server: ServerId) -> bool {
        self.links.get(&server).is_some_and(|link| link.up)
    }

    /// The latest life of a server that was heard of; this server's own is this one.
    pub(crate) fn replica(&self, server: ServerId) -> Option<ReplicaId> {
        if server == self.own.server() {
            return Some(self.own);
        }
        let incarnation = self.links.get(&server)?.incarnation?;
        Some(ReplicaId::new(server, incarnation))
    }

    /// The versions that a server says it understands.
    pub(crate) fn versions(&self, server: ServerId) -> Option<PeerVersions> {
        self.links.get(&server)?.versions
    }

    pub(crate) fn up(&mut self, server: ServerId) {
        let link = self.links.entry(server).or_default();
        *link = Link {
            up: true,
            incarnation: link.incarnation,
            ..Link::default()
        };
        self.greet(server, true);
    }

    pub(crate) fn down(&mut self, server: ServerId) {
        let link = self.links.entry(server).or_default();
        *link = Link {
            incarnation: link.incarnation,
            ..Link::default()
        };
    }

    /// Says hello to whoever has not been heard, and to all when nobody has taken this server in yet.
    pub(crate) fn greet_again(&mut self, everybody: bool) {
        let unheard = |link: &Link| link.up && (everybody || link.versions.is_none());
        let servers: Vec<ServerId> = self
            .links
            .iter()
            .filter(|(_, link)| unheard(link))
            .map(|(server, _)| *server)
            .collect();
        for server in servers {
            self.greet(server, true);
        }
    }

    fn greet(&mut self, server: ServerId, answer: bool) {
        let hello = Hello {
            versions: self.versions,
            from: self.own.incarnation(),
            answer,
        };
        let bytes = hello.encode().into();
        self.sends.push_back(Output::Send {
            to: server,
            lane: Lane::Frame,
            bytes,
        });
    }

    /// Hears a hello. Of a life that is over it counts for nothing.
    pub(crate) fn hello(&mut self, from: ServerId, hello: Hello) -> bool {
        if !self.heard(from, hello.from) {
            return false;
        }
        if let Some(link) = self.links.get_mut(&from) {
            link.versions = Some(hello.versions);
        }
        if hello.answer {
            self.greet(from, false);
        }
        true
    }

    /// Notes that a life of a server was heard of; false when a later one was before.
    pub(crate) fn heard(&mut self, server: ServerId, incarnation: u32) -> bool {
        let link = self.links.entry(server).or_default();
        let latest = link.incarnation.get_or_insert(incarnation);
        *latest = incarnation.max(*latest);
        *latest == incarnation
    }

    /// Sends a message to a replica, if its server is within reach and that replica its latest life.
    pub(crate) fn send(&mut self, to: ReplicaId, lane: Lane, message: &Message) {
        let Some(header) = self.header(to) else {
            return;
        };
        let Some(link) = self.links.get_mut(&to.server()) else {
            return;
        };
        let buffer = if lane == Lane::Bulk {
            &mut link.bulk
        } else {
            &mut link.frame
        };
        if buffer.header != Some(header) {
            buffer.flush(to.server(), lane, &mut self.sends);
            buffer.begin(header);
        }
        let before = buffer.bytes.len();
        message.put(&mut buffer.bytes);
        if buffer.bytes.len() > MAX_MESSAGE_BYTES {
            let tail = buffer.bytes.split_off(before);
            buffer.flush(to.server(), lane, &mut self.sends);
            buffer.begin(header);
            buffer.bytes.extend_from_slice(&tail);
        }
        self.buffered = true;
    }

    /// Sends a heartbeat as of now.
    pub(crate) fn beat(&mut self, to: ReplicaId, now: Micros, beat: Beat) {
        let Some(header) = self.header(to) else {
            return;
        };
        let Some(link) = self.links.get_mut(&to.server()) else {
            return;
        };
        link.beats.add(
            to.server(),
            header,
            now,
            beat,
            Message::Beats,
            &mut self.sends,
        );
        self.buffered = true;
    }

    /// Answers a heartbeat that was sent at that time by the leader's clock.
    pub(crate) fn answer_beat(&mut self, to: ReplicaId, sent_at: Micros, beat: Beat) {
        let Some(header) = self.header(to) else {
            return;
        };
        let Some(link) = self.links.get_mut(&to.server()) else {
            return;
        };
        link.answers.add(
            to.server(),
            header,
            sent_at,
            beat,
            Message::BeatAnswers,
            &mut self.sends,
        );
        self.buffered = true;
    }

    fn header(&self, to: ReplicaId) -> Option<Header> {
        let link = self.links.get(&to.server())?;
        let latest = link
            .incarnation
            .is_none_or(|incarnation| incarnation == to.incarnation());
        let version = link.versions.map_or(Some(self.versions.min), |theirs| {
            self.versions.common(theirs)
        })?;
        let header = Header {
            version,
            from: self.own.incarnation(),
            to: to.incarnation(),
        };
        (link.up && latest).then_some(header)
    }

    pub(crate) fn connect(&mut self, peers: Vec<synced_protocol::peer::PeerAddress>) {
        self.sends.push_back(Output::Connect { peers });
    }

    pub(crate) fn write(&mut self, write: StoreWrite) {
        self.writes.push_back(write);
    }

    pub(crate) fn forget_writes(&mut self) {
        self.writes.clear();
    }

    /// The next output. What was sent goes before what is to be written: whatever depends on a write is not sent yet.
    pub(crate) fn poll(&mut self) -> Option<Output> {
        if self.buffered {
            self.buffered = false;
            self.flush();
        }
        self.sends
            .pop_front()
            .or_else(|| self.writes.pop_front().map(Output::Store))
    }

    fn flush(&mut self) {
        for (server, link) in &mut self.links {
            link.beats.flush(*server, Message::Beats, &mut self.sends);
            link.answers
                .flush(*server, Message::BeatAnswers, &mut self.sends);
            link.frame.flush(*server, Lane::Frame, &mut self.sends);
            link.bulk.flush(*server, Lane::Bulk, &mut self.sends);
        }
    }
}

impl Buffer {
    fn begin(&mut self, header: Header) {
        self.header = Some(header);
        header.put(&mut self.bytes);
    }

    fn flush(&mut self, to: ServerId, lane: Lane, sends: &mut VecDeque<Output>) {
        if self.header.take().is_some() {
            let bytes = Bytes::from(std::mem::take(&mut self.bytes));
            sends.push_back(Output::Send { to, lane, bytes });
        }
    }
}

impl Beating {
    fn add(
        &mut self,
        to: ServerId,
        header: Header,
        sent_at: Micros,
        beat: Beat,
        message: fn(Beats) -> Message,
        sends: &mut VecDeque<Output>,
    ) {
        let other = self.header != Some(header) || self.sent_at != sent_at;
        if other || self.beats.len() >= BEATS_MAX {
            self.flush(to, message, sends);
        }
        self.header = Some(header);
        self.sent_at = sent_at;
        self.beats.push(beat);
    }

    fn flush(&mut self, to: ServerId, message: fn(Beats) -> Message, sends: &mut VecDeque<Output>) {
        let Some(header) = self.header.take() else {
            return;
        };
        let mut bytes = Vec::with_capacity(HEAD_BYTES + self.beats.len() * BEAT_BYTES_MAX);
        header.put(&mut bytes);
        let beats = std::mem::take(&mut self.beats);
        message(Beats {
            sent_at: self.sent_at,
            beats,
        })
        .put(&mut bytes);
        sends.push_back(Output::Send {
            to,
            lane: Lane::Datagram,
            bytes: bytes.into(),
        });
    }
}
