//! What a client knows, by what it heard. It checks that it hears each commit once and in order.

use bytes::Bytes;
use synced_node::Log;
use synced_protocol::{
    control::{self, First},
    id::{ClientSeq, LogIndex, NodeId, PlayerId},
    link::{CloseCode, ConnectionId},
    message::{
        ClientMessage, Commit, Hello, JoinKey, Leader, LiveEntry, LivePose, Refusal, Resume,
        ResumeToken, ServerMessage, Welcome,
    },
    mutation::{Rejection, Transaction},
};
use synced_world::{Effect, Outcome, SnapshotReader, World};

use super::{Table, words};

#[derive(Debug, Default, Clone)]
pub struct Client {
    key: u128,
    token: Option<ResumeToken>,
    pub welcome: Option<Welcome>,
    pub refused: Option<Refusal>,
    pub closed: Option<CloseCode>,
    pub datagrams: Vec<Bytes>,
    /// Commits heard one by one, since this connection came up.
    pub commits: Vec<Commit>,
    pub effects: Vec<Effect>,
    pub rejected: Vec<(ClientSeq, LogIndex, Rejection)>,
    pub live: Vec<LiveEntry>,
    pub poses: Vec<LivePose>,
    pub snapshot_frames: usize,
    /// Who leads, by the word of its server.
    pub told: Vec<Leader>,
    parts: Vec<synced_protocol::message::SnapshotPart>,
    world: Option<World>,
    is_answered: bool,
    pub last_seq: ClientSeq,
}

impl Client {
    pub fn new(key: u64) -> Self {
        Self {
            key: key.into(),
            ..Self::default()
        }
    }

    pub fn world(&self) -> &World {
        self.world.as_ref().expect("the snapshot is complete")
    }

    pub fn has_world(&self) -> bool {
        self.world.is_some()
    }

    pub fn welcome(&self) -> &Welcome {
        self.welcome.as_ref().expect("it was welcomed")
    }

    pub fn player(&self) -> PlayerId {
        self.welcome().player
    }

    pub fn hello(&self, name: &str) -> Hello {
        Hello {
            key: JoinKey(self.key.to_le_bytes()),
            ..words::hello(name)
        }
    }

    pub fn hello_again(&self) -> Hello {
        let cursor = self
            .world
            .as_ref()
            .map_or(LogIndex(u64::MAX), World::log_index);
        Hello {
            resume: self.token.map(|token| Resume { token, cursor }),
            ..self.hello("again")
        }
    }

    /// It comes back as one that holds no world.
    pub fn forget_world(&mut self) {
        self.world = None;
    }

    /// What is left of it when its connection is replaced.
    pub fn reborn(self) -> Self {
        Self {
            key: self.key,
            token: self.token,
            world: self.world,
            last_seq: self.last_seq,
            ..Self::default()
        }
    }

    /// What is left of it when it is to be welcomed again by the connection that it has.
    pub fn reborn_where_it_is(self) -> Self {
        Self {
            is_answered: self.is_answered,
            ..self.reborn()
        }
    }

    pub fn on_frame(&mut self, frame: &[u8]) {
        let message = if !std::mem::replace(&mut self.is_answered, true) {
            match control::decode_first(frame).unwrap() {
                First::SameVersion(message) => message,
                First::OtherVersion(version) => panic!("version {version}"),
            }
        } else {
            control::decode(frame).unwrap()
        };
        self.on_message(message);
    }

    fn on_message(&mut self, message: ServerMessage) {
        match message {
            ServerMessage::Welcome(welcome) => {
                assert!(self.welcome.is_none());
                self.last_seq = self.last_seq.max(welcome.last_seq);
                if !welcome.resumed {
                    self.world = None;
                }
                self.token = Some(welcome.token);
                self.welcome = Some(welcome);
            }
            ServerMessage::Refused(refusal) => self.refused = Some(refusal),
            ServerMessage::Snapshot(mut part) => {
                assert!(!self.has_world(), "a snapshot is only for who needs it");
                self.snapshot_frames += 1;
                self.live.append(&mut part.live);
                self.poses.append(&mut part.poses);
                let last = part.last;
                self.parts.push(part);
                if last {
                    self.read_snapshot();
                }
            }
            ServerMessage::Commit(commit) => self.on_commit(commit),
            ServerMessage::Rejected {
                seq,
                log_index,
                reason,
            } => self.rejected.push((seq, log_index, reason)),
            ServerMessage::Leader(leader) => self.told.push(leader),
        }
    }

    fn read_snapshot(&mut self) {
        let mut reader = SnapshotReader::default();
        for part in self.parts.drain(..) {
            reader.add(part).unwrap();
        }
        let world = reader.finish().unwrap();
        assert_eq!(world.log_index(), self.welcome().log_index);
        self.world = Some(world);
    }

    fn on_commit(&mut self, commit: Commit) {
        let world = self.world.as_mut().expect("commits follow the snapshot");
        let outcome = world.apply(commit.log_index, &commit.entry, &mut self.effects);
        assert_eq!(outcome, Ok(Outcome::Applied), "{commit:?}");
        self.commits.push(commit);
    }
}

/// What a client says.
impl<L: Log> Table<L> {
    /// Proposes with the next number, and returns that.
    pub fn propose(&mut self, id: ConnectionId, transaction: impl Into<Transaction>) -> ClientSeq {
        let client = self.client_mut(id);
        client.last_seq = client.last_seq.next();
        let seq = client.last_seq;
        self.propose_as(id, seq, transaction);
        seq
    }

    pub fn propose_as(
        &mut self,
        id: ConnectionId,
        seq: ClientSeq,
        transaction: impl Into<Transaction>,
    ) {
        let transaction = transaction.into();
        self.send(id, &ClientMessage::Propose { seq, transaction });
    }

    /// Spawns an instance of the client's own, and returns its id.
    pub fn spawn(&mut self, id: ConnectionId, counter: u32) -> NodeId {
        let player = self.client(id).player();
        let spawn = words::instance(player, counter);
        let node = spawn.node;
        self.propose(id, synced_protocol::mutation::Mutation::Spawn(spawn));
        node
    }

    pub fn player(&self, id: ConnectionId) -> PlayerId {
        self.client(id).player()
    }

    pub fn world_of(&self, id: ConnectionId) -> &World {
        self.client(id).world()
    }
}
