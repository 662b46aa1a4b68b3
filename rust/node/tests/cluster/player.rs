//! A player as a client should behave: it watches every server, goes to the one that leads, resumes there by its cursor and
//! proposes again what was not decided. It checks that it hears each commit once and in order, and nothing older.

use std::collections::BTreeMap;

use bytes::Bytes;
use synced_protocol::{
    control::{self, Message},
    hlc::HlcTimestamp,
    id::{ClientSeq, LogIndex, NodeId, PlayerId, ServerId, Term},
    link::{CloseCode, CloseReason, ConnectionId},
    live::{Loss, Pong, encode_ping},
    message::{
        ClientMessage, Hello, Leader, LiveEntry, LivePose, Refusal, Resume, ResumeToken,
        SnapshotPart, Welcome,
    },
    mutation::{Mutation, Rejection, Transaction},
    time::Micros,
};
use synced_world::World;

use crate::{
    net::{Net, Said},
    words,
};

/// How long a player waits before it asks the same server again by itself.
pub const KNOCKS_EVERY: Micros = Micros::from_millis(500);
/// How often a player looks after connections that it misses.
pub const LOOKS_EVERY: Micros = Micros::from_millis(20);

#[derive(Debug, Default)]
pub struct Player {
    pub name: String,
    pub links: BTreeMap<ServerId, Link>,
    /// The server that serves it.
    pub home: Option<ServerId>,
    pub token: Option<ResumeToken>,
    pub id: PlayerId,
    pub world: Option<World>,
    pub last_seq: ClientSeq,
    pub pending: BTreeMap<ClientSeq, Transaction>,
    pub confirmed: BTreeMap<ClientSeq, LogIndex>,
    pub rejected: BTreeMap<ClientSeq, Rejection>,
    /// Every commit that it was told, and when.
    pub commits: Vec<(Micros, LogIndex, HlcTimestamp)>,
    pub live: Vec<LiveEntry>,
    pub poses: Vec<LivePose>,
    pub relayed: Vec<Bytes>,
    pub welcomes: Vec<(ServerId, Welcome)>,
    /// What it was told of leaders, by whom and when.
    pub told: Vec<(Micros, ServerId, Leader)>,
    /// Session time as its servers told it, and when they did.
    pub pongs: Vec<(Micros, ServerId, Pong)>,
    pub refused: Option<Refusal>,
    /// Servers that closed its connection, and why.
    pub closed: Vec<(ServerId, CloseCode)>,
    pub parts: Vec<SnapshotPart>,
    pub forged_cursor: Option<LogIndex>,
    pub helloed: Option<ServerId>,
    pub knocked_at: Micros,
    pub leader: Option<(Term, ServerId)>,
    /// Whether it stays away.
    pub is_away: bool,
}

#[derive(Debug)]
pub struct Link {
    pub connection: ConnectionId,
    pub has_answered: bool,
}

impl Player {
    /// A player who begins to play; returns its place.
    pub fn begin(net: &mut Net, name: &str) -> usize {
        let place = net.players.len();
        net.players.push(Self {
            name: name.to_owned(),
            ..Self::default()
        });
        Self::with(net, place, |player, net| player.look_around(net, place));
        place
    }

    /// A player who is served when this returns.
    pub fn join(net: &mut Net, name: &str) -> usize {
        let place = Self::begin(net, name);
        net.until(Micros::from_millis(300), |net| {
            net.players[place].is_served()
        });
        place
    }

    pub fn is_served(&self) -> bool {
        self.home.is_some() && self.world.is_some()
    }

    /// Proposes with the next number, and returns that.
    pub fn propose(net: &mut Net, place: usize, transaction: impl Into<Transaction>) -> ClientSeq {
        Self::with(net, place, |player, net| {
            player.last_seq = player.last_seq.next();
            let seq = player.last_seq;
            player.pending.insert(seq, transaction.into());
            player.send_pending(net, seq);
            seq
        })
    }

    /// Spawns an instance of the player's own, and returns its id.
    pub fn spawn(net: &mut Net, place: usize, counter: u32) -> NodeId {
        let spawn = words::instance(net.players[place].id, counter);
        let node = spawn.node;
        Self::propose(net, place, Mutation::Spawn(spawn));
        node
    }

    pub fn say(net: &mut Net, place: usize, to: ServerId, message: &ClientMessage) {
        Self::with(net, place, |player, net| player.send(net, to, message));
    }

    pub fn send_live(net: &mut Net, place: usize, datagram: Vec<u8>) {
        Self::with(net, place, |player, net| {
            let home = player.home.unwrap();
            net.send_datagram(home, player.links[&home].connection, datagram);
        });
    }

    /// Asks a server what time it is in the session.
    pub fn ping(net: &mut Net, place: usize, to: ServerId) {
        Self::with(net, place, |player, net| {
            let ping = encode_ping(net.now, Loss::NONE);
            net.send_datagram(to, player.links[&to].connection, ping.to_vec());
        });
    }

    /// All connections are lost, and no new ones made until it is back.
    pub fn go_away(net: &mut Net, place: usize) {
        Self::with(net, place, |player, net| {
            player.is_away = true;
            player.home = None;
            player.leader = None;
            player.helloed = None;
            for (server, link) in std::mem::take(&mut player.links) {
                net.lose(server, link.connection);
            }
        });
    }

    /// It has said that it leaves, and does not look back.
    pub fn retire(net: &mut Net, place: usize) {
        let player = &mut net.players[place];
        player.is_away = true;
        player.home = None;
    }

    pub fn come_back(net: &mut Net, place: usize) {
        net.players[place].is_away = false;
    }

    /// Claims to be at a place from now on; returns where it is.
    pub fn forge_cursor(net: &mut Net, place: usize, cursor: LogIndex) -> LogIndex {
        let player = &mut net.players[place];
        player.forged_cursor = Some(cursor);
        player.cursor()
    }

    fn cursor(&self) -> LogIndex {
        let world = self.world.as_ref();
        world.map_or(LogIndex(u64::MAX), World::log_index)
    }

    pub fn look_after(net: &mut Net) {
        for place in 0..net.players.len() {
            Self::with(net, place, |player, net| player.look_around(net, place));
        }
    }

    pub fn hear(net: &mut Net, place: usize, from: ServerId, said: Said) {
        Self::with(net, place, |player, net| match said {
            _ if player.is_away => {}
            Said::Frame(frame) => player.on_frame(net, from, &frame),
            Said::Datagram(datagram) => player.on_datagram(net, from, datagram),
            Said::Closed(reason) => {
                if let CloseReason::ByPeer(code) = reason {
                    player.closed.push((from, code));
                }
                player.on_closed(from);
            }
        });
    }

    fn with<T>(net: &mut Net, place: usize, act: impl FnOnce(&mut Self, &mut Net) -> T) -> T {
        let mut player = std::mem::take(&mut net.players[place]);
        let result = act(&mut player, net);
        net.players[place] = player;
        result
    }

    fn look_around(&mut self, net: &mut Net, place: usize) {
        if self.is_away {
            return;
        }
        for server in net.alive() {
            if !self.links.contains_key(&server)
                && let Some(connection) = net.connect(place, server)
            {
                let link = Link {
                    connection,
                    has_answered: false,
                };
                self.links.insert(server, link);
                let watch = control::encode_first(&ClientMessage::Watch).unwrap();
                net.send_frame(server, connection, watch);
            }
        }
        if net.now.since(self.knocked_at) >= KNOCKS_EVERY {
            self.helloed = None;
            self.knock(net);
        }
    }

    /// Says hello to the leader, if that is not done yet or was long ago.
    pub fn knock(&mut self, net: &mut Net) {
        let Some((_, leader)) = self.leader.filter(|(_, at)| self.home != Some(*at)) else {
            return;
        };
        if self.helloed == Some(leader) || !self.links.contains_key(&leader) {
            return;
        }
        self.helloed = Some(leader);
        self.knocked_at = net.now;
        let resume = self.token.map(|token| Resume {
            token,
            cursor: self.forged_cursor.unwrap_or(self.cursor()),
        });
        let hello = Hello {
            resume,
            ..words::hello(&self.name)
        };
        self.send(net, leader, &ClientMessage::Hello(hello));
    }

    fn send(&mut self, net: &mut Net, to: ServerId, message: &impl Message) {
        if let Some(link) = self.links.get(&to) {
            let frame = control::encode(message).unwrap();
            net.send_frame(to, link.connection, frame);
        }
    }

    pub fn send_pending(&mut self, net: &mut Net, seq: ClientSeq) {
        if let (Some(home), Some(transaction)) = (self.home, self.pending.get(&seq)) {
            let transaction = transaction.clone();
            self.send(net, home, &ClientMessage::Propose { seq, transaction });
        }
    }
}
