//! The other servers: what is known of each, and what is about to be sent to it.

use std::collections::{BTreeMap, VecDeque};

use synced_protocol::{
    id::{ReplicaId, ServerId},
    peer::PeerAddress,
    store::StoreWrite,
    time::Micros,
};

use crate::{
    codec::{Beat, Header, Hello, Message, PeerVersions},
    outbox::{Datagram, Frame},
    output::{Lane, Output},
};

/// Every other server that was ever heard of, and what is to be done for all of them.
#[derive(Debug)]
pub(crate) struct Peers {
    own: ReplicaId,
    versions: PeerVersions,
    /// For how long this server elects nobody else when it has heard a leader.
    promise: Micros,
    links: BTreeMap<ServerId, Link>,
    /// Leave first: who waits for a heartbeat is not to wait for what others are sent.
    datagrams: VecDeque<Output>,
    /// Leaves before the writes: it does not depend on them.
    sends: VecDeque<Output>,
    writes: VecDeque<StoreWrite>,
    /// Whether anything waits to be packed into frames and datagrams.
    unpacked: bool,
}

/// What is known of another server.
#[derive(Debug)]
struct Link {
    up: bool,
    /// Its latest life that was heard of.
    incarnation: Option<u32>,
    /// What it understands.
    versions: Option<PeerVersions>,
    frame: Frame,
    bulk: Frame,
    beats: Datagram,
    answers: Datagram,
}

impl Link {
    const fn new(promise: Micros, incarnation: Option<u32>) -> Self {
        Self {
            up: false,
            incarnation,
            versions: None,
            frame: Frame::new(Lane::Frame),
            bulk: Frame::new(Lane::Bulk),
            beats: Datagram::of_beats(),
            answers: Datagram::of_answers(promise),
        }
    }
}

impl Peers {
    pub(crate) const fn new(own: ReplicaId, versions: PeerVersions, promise: Micros) -> Self {
        Self {
            own,
            versions,
            promise,
            links: BTreeMap::new(),
            datagrams: VecDeque::new(),
            sends: VecDeque::new(),
            writes: VecDeque::new(),
            unpacked: false,
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
        self.begin(server).up = true;
        self.greet(server, true);
    }

    pub(crate) fn down(&mut self, server: ServerId) {
        self.begin(server);
    }

    /// Knows of a server no more than which life of it was the latest.
    fn begin(&mut self, server: ServerId) -> &mut Link {
        let promise = self.promise;
        let link = self.link(server);
        *link = Link::new(promise, link.incarnation);
        link
    }

    fn link(&mut self, server: ServerId) -> &mut Link {
        let new = || Link::new(self.promise, None);
        self.links.entry(server).or_insert_with(new)
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
        let latest = self.link(server).incarnation.get_or_insert(incarnation);
        *latest = incarnation.max(*latest);
        *latest == incarnation
    }

    /// Sends a message to a replica, if its server is within reach and that replica its latest life.
    pub(crate) fn send(&mut self, to: ReplicaId, lane: Lane, message: &Message) {
        let (own, versions) = (self.own, self.versions);
        let Some(link) = self.links.get_mut(&to.server()) else {
            return;
        };
        let Some(header) = link.header(own, versions, to) else {
            return;
        };
        let frame = if lane == Lane::Bulk {
            &mut link.bulk
        } else {
            &mut link.frame
        };
        frame.add(to.server(), header, message, &mut self.sends);
        self.unpacked = true;
    }

    /// Sends a heartbeat as of now.
    pub(crate) fn beat(&mut self, to: ReplicaId, now: Micros, beat: Beat) {
        self.add_beat(to, |link| &mut link.beats, now, beat);
    }

    /// Answers a heartbeat that was sent at that time by the leader's clock.
    pub(crate) fn answer_beat(&mut self, to: ReplicaId, sent_at: Micros, beat: Beat) {
        self.add_beat(to, |link| &mut link.answers, sent_at, beat);
    }

    fn add_beat(
        &mut self,
        to: ReplicaId,
        which: fn(&mut Link) -> &mut Datagram,
        sent_at: Micros,
        beat: Beat,
    ) {
        let (own, versions) = (self.own, self.versions);
        let Some(link) = self.links.get_mut(&to.server()) else {
            return;
        };
        let Some(header) = link.header(own, versions, to) else {
            return;
        };
        which(link).add(to.server(), header, sent_at, beat, &mut self.datagrams);
        self.unpacked = true;
    }

    pub(crate) fn connect(&mut self, peers: Vec<PeerAddress>) {
        self.sends.push_back(Output::Connect { peers });
    }

    pub(crate) fn write(&mut self, write: StoreWrite) {
        self.writes.push_back(write);
    }

    pub(crate) fn forget_writes(&mut self) {
        self.writes.clear();
    }

    /// The next output: heartbeats before everything else. What was sent goes before what is to be written: whatever depends on a
    /// write is not sent yet.
    pub(crate) fn poll(&mut self) -> Option<Output> {
        if std::mem::take(&mut self.unpacked) {
            self.pack();
        }
        self.datagrams
            .pop_front()
            .or_else(|| self.sends.pop_front())
            .or_else(|| self.writes.pop_front().map(Output::Store))
    }

    fn pack(&mut self) {
        for (server, link) in &mut self.links {
            for datagram in [&mut link.beats, &mut link.answers] {
                datagram.pack(*server, &mut self.datagrams);
            }
            for frame in [&mut link.frame, &mut link.bulk] {
                frame.pack(*server, &mut self.sends);
            }
        }
    }
}

impl Link {
    /// What stands before a message to a replica; `None` where none can reach it.
    fn header(&self, own: ReplicaId, ours: PeerVersions, to: ReplicaId) -> Option<Header> {
        let latest = self
            .incarnation
            .is_none_or(|incarnation| incarnation == to.incarnation());
        let version = self
            .versions
            .map_or(Some(ours.min), |theirs| ours.common(theirs))?;
        let header = Header {
            version,
            from: own.incarnation(),
            to: to.incarnation(),
        };
        (self.up && latest).then_some(header)
    }
}
