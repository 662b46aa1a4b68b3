//! A server of the engine: the consensus, the list, and no more around them than tells players what became of theirs.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use synced_consensus::{Consensus, Lane, MembersWanted, News, Output as Outcome};
use synced_protocol::{
    id::LogIndex,
    link::{CloseCode, ConnectionId, Event, Logic, Output},
    peer::{PeerAddress, PeerEvent, PeerLogic, PeerOutput, RequestId},
    store::MemberAddress,
    time::Micros,
};

use super::{
    state::{Append, State},
    words::{Ask, Tell},
};
use crate::system::{GROUP, Op, ServerBoot, Wish};

/// How many bytes an entry has beside what it says, at most.
const PADDING_MAX: u64 = 512;

/// One server.
#[derive(Debug)]
pub struct EngineServer {
    pub(super) consensus: Consensus,
    pub(super) state: State,
    pub(super) applied: LogIndex,
    leads: bool,
    /// Who has said hello by which connection.
    players: BTreeMap<ConnectionId, u64>,
    outputs: VecDeque<Output>,
    peer_outputs: VecDeque<PeerOutput>,
}

impl EngineServer {
    /// Begins with what the disk has.
    ///
    /// # Errors
    /// Why the consensus cannot begin.
    pub fn new(boot: ServerBoot) -> Result<Self, String> {
        let consensus = Consensus::new(boot.consensus, boot.now, boot.groups)
            .map_err(|error| error.to_string())?;
        let mut server = Self {
            consensus,
            state: State::default(),
            applied: LogIndex::ZERO,
            leads: false,
            players: BTreeMap::new(),
            outputs: VecDeque::new(),
            peer_outputs: VecDeque::new(),
        };
        server.take_news();
        Ok(server)
    }

    fn tell(&mut self, connection: ConnectionId, tell: Tell) {
        let bytes = tell.encode();
        self.outputs.push_back(Output::Frame { connection, bytes });
    }

    fn hear(&mut self, now: Micros, connection: ConnectionId, bytes: &[u8]) {
        match Ask::decode(bytes) {
            Some(Ask::Hello { player }) if self.serves(now) => {
                // Of two connections of one player, the older is dead.
                self.players.retain(|_, other| *other != player);
                self.players.insert(connection, player);
                let (index, last_seq) = (self.applied.0, self.state.last_seq(player));
                self.tell(connection, Tell::Welcome { index, last_seq });
            }
            Some(Ask::Append { seq, op }) => self.append(connection, seq, Op(op)),
            _ => self.send_away(connection),
        }
    }

    fn serves(&self, now: Micros) -> bool {
        self.leads && self.consensus.holds_lease(GROUP, now)
    }

    fn append(&mut self, connection: ConnectionId, seq: u64, op: Op) {
        let Some(player) = self.players.get(&connection).copied() else {
            return self.send_away(connection);
        };
        let padding = usize::try_from(op.0 % PADDING_MAX).unwrap_or(0);
        let entry = Append { player, seq, op }.encode(padding);
        if self.consensus.propose(GROUP, entry).is_err() {
            self.send_away(connection);
        }
    }

    fn send_away(&mut self, connection: ConnectionId) {
        self.players.remove(&connection);
        self.tell(connection, Tell::Elsewhere);
        let code = CloseCode::Done;
        self.outputs.push_back(Output::Close { connection, code });
    }

    fn take_news(&mut self) {
        while let Some((_, news)) = self.consensus.poll_news() {
            match news {
                News::Committed { index, data, .. } => self.committed(index, &data),
                News::Restored { index, parts } => {
                    let state = parts.first().and_then(|part| State::decode(part));
                    self.state = state.unwrap_or_default();
                    self.applied = index;
                }
                News::Leading { .. } => self.leads = true,
                News::Following { .. } => {
                    self.leads = false;
                    for connection in std::mem::take(&mut self.players).into_keys() {
                        self.send_away(connection);
                    }
                }
                News::MembersChanged(_) => {}
                News::SnapshotWanted => {
                    let parts = vec![self.state.encode()];
                    self.consensus.snapshot(GROUP, self.applied, parts);
                }
            }
        }
    }

    fn committed(&mut self, index: LogIndex, data: &[u8]) {
        self.applied = index;
        let Some(append) = Append::decode(data) else {
            return;
        };
        self.state.apply(append);
        let of_player = |(_, player): &(&ConnectionId, &u64)| **player == append.player;
        let connection = self.players.iter().find(of_player).map(|(id, _)| *id);
        if let Some(connection) = connection.filter(|_| self.leads) {
            let (index, seq) = (index.0, append.seq);
            self.tell(connection, Tell::Appended { index, seq });
        }
    }

    fn answer(&mut self, request: RequestId, bytes: &[u8]) {
        let answer = match serde_json::from_slice(bytes) {
            Ok(Wish::Transfer) => self.consensus.transfer(GROUP, None).map(drop),
            Ok(Wish::Add { servers }) => {
                let addresses = servers.into_iter().map(|newcomer| MemberAddress {
                    peer: PeerAddress {
                        server: newcomer.server,
                        address: newcomer.peer,
                    },
                    players: newcomer.players,
                });
                self.change(|members| members.extend(addresses))
            }
            Ok(Wish::Remove { servers }) => self.change(|members| {
                members.retain(|address| !servers.contains(&address.peer.server));
            }),
            Err(_) => return,
        };
        let answer = answer.map_or_else(|error| error.to_string(), |()| String::new());
        let bytes = Bytes::from(answer);
        let respond = PeerOutput::Respond { request, bytes };
        self.peer_outputs.push_back(respond);
    }

    fn change(
        &mut self,
        change: impl FnOnce(&mut Vec<MemberAddress>),
    ) -> Result<(), synced_consensus::ChangeError> {
        let status = self.consensus.status(GROUP);
        let mut servers = status.map_or_else(Vec::new, |status| status.members.addresses);
        change(&mut servers);
        self.consensus
            .change_members(GROUP, MembersWanted { servers })
    }

    fn take_outcomes(&mut self) {
        while let Some(outcome) = self.consensus.poll_output() {
            self.peer_outputs.push_back(match outcome {
                Outcome::Send {
                    to: server,
                    lane,
                    bytes,
                } => match lane {
                    Lane::Frame => PeerOutput::Frame { server, bytes },
                    Lane::Bulk => PeerOutput::Bulk { server, bytes },
                    Lane::Datagram => PeerOutput::Datagram { server, bytes },
                },
                Outcome::Store(write) => PeerOutput::Store(write),
                Outcome::Connect { peers } => PeerOutput::Connect { peers },
            });
        }
    }
}

impl Logic for EngineServer {
    fn handle(&mut self, now: Micros, event: Event) {
        match event {
            Event::Frame { connection, bytes } => self.hear(now, connection, &bytes),
            Event::Closed { connection, .. } => {
                self.players.remove(&connection);
            }
            Event::Woken => self.consensus.advance(now),
            Event::Connected { .. } | Event::Datagram { .. } => {}
        }
        self.take_news();
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn poll_deadline(&self) -> Option<Micros> {
        self.consensus.poll_deadline()
    }

    fn is_finished(&self) -> bool {
        false
    }
}

impl PeerLogic for EngineServer {
    fn handle_peer(&mut self, now: Micros, event: PeerEvent) {
        match event {
            PeerEvent::Up { server } => self.consensus.peer_up(now, server),
            PeerEvent::Down { server } => self.consensus.peer_down(now, server),
            PeerEvent::Frame { server, bytes }
            | PeerEvent::Bulk { server, bytes }
            | PeerEvent::Datagram { server, bytes } => {
                // The consensus counts what it refuses; nothing else is sent here.
                let _ = self.consensus.receive(now, server, bytes);
            }
            PeerEvent::Request { request, bytes } => self.answer(request, &bytes),
            PeerEvent::Stored { write } => self.consensus.stored(now, write),
            PeerEvent::StoreFailed { reason } => self.consensus.store_failed(now, reason),
        }
        self.take_news();
    }

    fn poll_peer_output(&mut self) -> Option<PeerOutput> {
        if self.peer_outputs.is_empty() {
            self.take_outcomes();
        }
        self.peer_outputs.pop_front()
    }
}
