//! Every group of one server, as its driver meets them.

mod dispatch;
mod reach;

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
};

use bytes::Bytes;
use synced_protocol::{
    error::DecodeError,
    id::{GroupId, LogIndex, ServerId},
    peer::PeerAddress,
    store::{MemberAddress, StoredGroup, WriteId},
    time::Micros,
};

use crate::{
    codec::PeerVersions,
    config::Config,
    error::{ChangeError, ConsensusError, ProposeError},
    group::{Group, Io, loyalty},
    news::News,
    output::Output,
    peers::Peers,
    status::GroupStatus,
};

/// How often a server says again that it is there, while somebody may not have heard it.
const GREETING: Micros = Micros::from_millis(100);

/// Who is to vote in a group from now on, completely. Their number must be odd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MembersWanted {
    /// Each server and where it is.
    pub servers: Vec<MemberAddress>,
}

/// Every group of one server.
///
/// Its driver hands in whatever has happened, then calls [`Consensus::advance`], then takes everything from
/// [`Consensus::poll_news`] and [`Consensus::poll_output`], then sleeps until [`Consensus::poll_deadline`] or the next event.
pub struct Consensus {
    config: Config,
    now: Micros,
    groups: BTreeMap<GroupId, Group>,
    peers: Peers,
    news: VecDeque<(GroupId, News)>,
    last_write: WriteId,
    /// Where the founders were and others whom this server was told of, for as long as it takes no part itself.
    named: Vec<MemberAddress>,
    connected: Option<Vec<PeerAddress>>,
    next_greeting: Micros,
    /// Messages that could not be read, of no group.
    refused: u64,
    astray: u64,
}

impl fmt::Debug for Consensus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups: Vec<GroupStatus> = self
            .groups
            .keys()
            .filter_map(|group| self.status(*group))
            .collect();
        f.debug_struct("Consensus")
            .field("groups", &groups)
            .finish_non_exhaustive()
    }
}

impl Consensus {
    /// Begins with what was stored, at local time `now`. What is committed of it comes as news.
    ///
    /// # Errors
    /// A setting out of its range, or a stored log that cannot be.
    pub fn new(
        config: Config,
        now: Micros,
        groups: Vec<StoredGroup>,
    ) -> Result<Self, ConsensusError> {
        config.check().map_err(ConsensusError::Config)?;
        let mut consensus = Self {
            peers: Peers::new(config.replica, config.versions, loyalty(&config)),
            config,
            now,
            groups: BTreeMap::new(),
            news: VecDeque::new(),
            last_write: WriteId(0),
            named: Vec::new(),
            connected: None,
            next_greeting: now + GREETING,
            refused: 0,
            astray: 0,
        };
        for stored in groups {
            let id = stored.group;
            consensus
                .named
                .extend(stored.snapshot.members.addresses.iter().cloned());
            let group = Group::begin(stored, &mut consensus.split().1)?;
            if consensus.groups.insert(id, group).is_some() {
                return Err(ConsensusError::Stored(id, "it is there twice".to_owned()));
            }
        }
        consensus.connect();
        Ok(consensus)
    }

    fn split(&mut self) -> (&mut BTreeMap<GroupId, Group>, Io<'_>) {
        let io = Io {
            now: self.now,
            config: &self.config,
            peers: &mut self.peers,
            news: &mut self.news,
            last_write: &mut self.last_write,
        };
        (&mut self.groups, io)
    }

    fn each(&mut self, mut act: impl FnMut(&mut Group, &mut Io<'_>)) {
        let (groups, mut io) = self.split();
        for group in groups.values_mut() {
            act(group, &mut io);
        }
    }

    /// A connection with another server is up.
    pub fn peer_up(&mut self, now: Micros, server: ServerId) {
        self.now = now;
        self.peers.up(server);
    }

    /// The connection with another server is gone.
    pub fn peer_down(&mut self, now: Micros, server: ServerId) {
        self.now = now;
        self.peers.down(server);
        self.each(|group, io| group.peer_down(io, server));
    }

    /// Takes what another server's consensus sent, by whichever lane. `now` is a reading of the clock from after it had come.
    ///
    /// # Errors
    /// Bytes that are no message; they are counted, and change nothing from where they cannot be read.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "entries are kept as slices of it"
    )]
    pub fn receive(
        &mut self,
        now: Micros,
        from: ServerId,
        bytes: Bytes,
    ) -> Result<(), DecodeError> {
        self.now = now;
        let received = self.read(from, &bytes);
        self.refused += u64::from(received.is_err());
        received
    }

    /// Every write up to this one is as durable as was asked.
    pub fn stored(&mut self, now: Micros, write: WriteId) {
        self.now = now;
        self.each(|group, io| group.stored(io, write));
    }

    /// A write failed, and none after it will be tried: no group takes part any more. Where this server leads, the best of the others is
    /// asked to take over.
    #[expect(clippy::needless_pass_by_value, reason = "it comes in an event")]
    pub fn store_failed(&mut self, now: Micros, reason: String) {
        self.now = now;
        self.each(|group, io| group.fail(io, reason.clone()));
        self.peers.forget_writes();
    }

    /// Runs what is due. Call it when woken, after whatever had happened was handed in.
    pub fn advance(&mut self, now: Micros) {
        self.now = now;
        self.each(Group::advance);
        if now >= self.next_greeting {
            self.next_greeting = now + GREETING;
            let outside = self.groups.values().any(Group::is_outside);
            self.peers.greet_again(outside);
        }
        self.connect();
    }

    /// Proposes an entry, of 1 to [`MAX_FRAME_BYTES`](synced_protocol::limits::MAX_FRAME_BYTES) bytes. Its place is final unless
    /// the leadership is lost, which [`News::Following`] tells. What is proposed between two polls travels together.
    ///
    /// # Errors
    /// This server does not lead, or too much is in flight, or the size.
    pub fn propose(&mut self, group: GroupId, data: Bytes) -> Result<LogIndex, ProposeError> {
        match self.groups.get_mut(&group) {
            Some(group) => group.propose(&self.config, data),
            None => Err(ProposeError::NotLeading { leader: None }),
        }
    }

    /// The next thing to do, or `None` when all is done for now.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.peers.poll().or_else(|| {
            self.each(Group::propose_due);
            self.peers.poll()
        })
    }

    /// The next news, or `None` when all is told for now.
    pub fn poll_news(&mut self) -> Option<(GroupId, News)> {
        self.news.pop_front()
    }

    /// The local time at which [`Consensus::advance`] is wanted at the latest.
    #[must_use]
    pub fn poll_deadline(&self) -> Option<Micros> {
        let ticks = self.groups.values().map(Group::next_tick);
        ticks.chain([self.next_greeting]).min()
    }

    /// Answers [`News::SnapshotWanted`]: the state just after the last news told, of which `index` was the last with content. Any
    /// number of parts up to 4,096, each at most [`MAX_FRAME_BYTES`](synced_protocol::limits::MAX_FRAME_BYTES) and all together 64 MiB; a larger state is not
    /// taken, and counted.
    pub fn snapshot(&mut self, group: GroupId, index: LogIndex, parts: Vec<Bytes>) {
        let (groups, mut io) = self.split();
        if let Some(group) = groups.get_mut(&group) {
            group.take_snapshot(&mut io, index, parts);
        }
    }

    /// Hands leadership over to another server, or to the one that has most of the log, and says which. Nothing can be proposed meanwhile.
    ///
    /// # Errors
    /// This server does not lead, or that one cannot.
    pub fn transfer(
        &mut self,
        group: GroupId,
        to: Option<ServerId>,
    ) -> Result<ServerId, ChangeError> {
        let (groups, mut io) = self.split();
        let group = groups
            .get_mut(&group)
            .ok_or(ChangeError::NoSuchGroup(group))?;
        group.transfer(&mut io, to)
    }

    /// Changes who takes part. New servers learn first and vote once they have caught up, all in the background:
    /// [`News::MembersChanged`] tells each step.
    ///
    /// # Errors
    /// This server does not lead, or those cannot be the members.
    pub fn change_members(
        &mut self,
        group: GroupId,
        wanted: MembersWanted,
    ) -> Result<(), ChangeError> {
        let (groups, mut io) = self.split();
        let group = groups
            .get_mut(&group)
            .ok_or(ChangeError::NoSuchGroup(group))?;
        group.change_members(&mut io, wanted)?;
        self.connect();
        Ok(())
    }

    /// Whether this server leads and nobody else can have been elected since, at local time `now`.
    #[must_use]
    pub fn holds_lease(&self, group: GroupId, now: Micros) -> bool {
        self.groups
            .get(&group)
            .is_some_and(|group| group.holds_lease(now))
    }

    /// How a group stands; `None` for one that is not this server's.
    #[must_use]
    pub fn status(&self, group: GroupId) -> Option<GroupStatus> {
        let mut status = self.groups.get(&group)?.status(self.now);
        status.counters.messages_refused += self.refused;
        status.counters.messages_astray += self.astray;
        Some(status)
    }

    /// The versions of the peer protocol that another server says it understands, once it has said so.
    #[must_use]
    pub fn versions(&self, server: ServerId) -> Option<PeerVersions> {
        self.peers.versions(server)
    }

    /// What it was told when it began.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }
}
