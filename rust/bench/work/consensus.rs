//! Servers agree on entries: from the proposal until every one of them knows it as committed. Nothing is lost or late, and disks take no
//! time.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use synced_consensus::{Config, Consensus, News, Output};
use synced_protocol::{
    id::{GroupId, LogIndex, ReplicaId, ServerId, Term},
    peer::PeerAddress,
    store::{HardState, LogSnapshot, MemberAddress, Members, StoredGroup},
    time::Micros,
};

use super::{Visitor, Work, words::opaque};

const GROUP: GroupId = GroupId(0);
/// What a mutation of the usual size takes in the log.
const ENTRY_BYTES: usize = 128;
const ELECTION_MAX: Micros = Micros::from_secs(1);

pub(crate) fn show(visitor: &mut impl Visitor) {
    for servers in [3, 5] {
        for entries in [1, 64] {
            visitor.visit(&format!("consensus/commit-{servers}/{entries}"), || {
                Agree::new(servers, entries)
            });
        }
    }
}

/// One round of agreement: entries that are proposed together.
struct Agree {
    servers: Vec<Server>,
    sent: VecDeque<Sent>,
    now: Micros,
    leader: usize,
    entries: usize,
    proposed: u64,
}

struct Server {
    consensus: Consensus,
    leads: bool,
    committed: u64,
    last: LogIndex,
}

struct Sent {
    from: ServerId,
    to: ServerId,
    bytes: Bytes,
}

impl Agree {
    fn new(servers: u16, entries: usize) -> Self {
        let founders: Vec<ServerId> = (1..=servers).map(ServerId).collect();
        let now = Micros::from_secs(1);
        let mut agree = Self {
            servers: founders
                .iter()
                .map(|id| Server::new(*id, &founders, now))
                .collect(),
            sent: VecDeque::new(),
            now,
            leader: 0,
            entries,
            proposed: 0,
        };
        agree.elect();
        agree
    }

    fn elect(&mut self) {
        let end = self.now + ELECTION_MAX;
        loop {
            self.settle();
            if let Some(leader) = self.servers.iter().position(|server| server.leads) {
                self.leader = leader;
                return;
            }
            assert!(self.now < end, "nobody leads");
            self.pass();
        }
    }

    /// Time goes on by a tick.
    fn pass(&mut self) {
        self.now = self.now + Micros::from_millis(1);
        for server in &mut self.servers {
            server.consensus.advance(self.now);
        }
    }

    /// Lets everyone do and hear everything until nothing is left.
    fn settle(&mut self) {
        loop {
            for server in &mut self.servers {
                server.settle(self.now, &mut self.sent);
            }
            if self.sent.is_empty() {
                return;
            }
            while let Some(Sent { from, to, bytes }) = self.sent.pop_front() {
                let server = &mut self.servers[usize::from(to.0) - 1];
                server.consensus.receive(self.now, from, bytes).unwrap();
            }
        }
    }
}

impl Work for Agree {
    type Input = Vec<Bytes>;
    type Output = ();

    const IN_TURN: bool = true;

    /// Between the rounds heartbeats go and are answered, as they are between a leader's rounds.
    fn input(&mut self) -> Vec<Bytes> {
        self.pass();
        self.settle();
        let proposed = self.proposed;
        self.proposed += self.entries as u64;
        let entry = |place| opaque(proposed + place, ENTRY_BYTES);
        (0..self.entries as u64).map(entry).collect()
    }

    fn run(&mut self, entries: Vec<Bytes>) {
        let leader = &mut self.servers[self.leader].consensus;
        for entry in entries {
            leader.propose(GROUP, entry).unwrap();
        }
        self.settle();
        assert_eq!(self.servers[self.leader].committed, self.proposed);
    }
}

impl Server {
    fn new(id: ServerId, founders: &[ServerId], now: Micros) -> Self {
        let config = Config::new(ReplicaId::new(id, 0));
        let mut consensus = Consensus::new(config, now, vec![founded(founders)]).unwrap();
        for other in founders.iter().filter(|other| **other != id) {
            consensus.peer_up(now, *other);
        }
        Self {
            consensus,
            leads: false,
            committed: 0,
            last: LogIndex::ZERO,
        }
    }

    fn settle(&mut self, now: Micros, sent: &mut VecDeque<Sent>) {
        let from = self.consensus.config().replica.server();
        loop {
            if let Some((_, news)) = self.consensus.poll_news() {
                self.hear(news);
            } else if let Some(output) = self.consensus.poll_output() {
                match output {
                    Output::Send { to, bytes, .. } => sent.push_back(Sent { from, to, bytes }),
                    Output::Store(write) => self.consensus.stored(now, write.id),
                    Output::Connect { .. } => {}
                }
            } else {
                return;
            }
        }
    }

    fn hear(&mut self, news: News) {
        match news {
            News::Committed { index, .. } => {
                self.last = index;
                self.committed += 1;
            }
            News::Leading { .. } => self.leads = true,
            News::Following { .. } => self.leads = false,
            News::SnapshotWanted => {
                let parts = vec![Bytes::from_static(b"all of it")];
                self.consensus.snapshot(GROUP, self.last, parts);
            }
            News::Restored { .. } | News::MembersChanged(_) => {}
        }
    }
}

/// What each of them finds in its folder when they are founded.
fn founded(founders: &[ServerId]) -> StoredGroup {
    let replica = |server: &ServerId| ReplicaId::new(*server, 0);
    let address = |server: &ServerId| MemberAddress {
        peer: PeerAddress {
            server: *server,
            address: format!("peer-{}:1", server.0),
        },
        players: format!("players-{}:2", server.0),
    };
    let members = Members {
        voters: founders.iter().map(replica).collect(),
        addresses: founders.iter().map(address).collect(),
        ..Members::default()
    };
    StoredGroup {
        group: GROUP,
        hard_state: HardState::default(),
        snapshot: Arc::new(LogSnapshot {
            index: LogIndex::ZERO,
            term: Term(0),
            members,
            parts: Vec::new(),
        }),
        entries: Vec::new(),
    }
}
