//! Several servers and their players in virtual time. The servers say who leads as those of a cluster do; behind them is one
//! node, to which only the true leader hands what it hears: so what one leader has confirmed, the next knows.

use std::collections::BTreeMap;

use bytes::Bytes;
use synced_client::{Session, SessionConfig, command::Command};
use synced_node::{Node, NodeConfig};
use synced_protocol::{
    control::{First, decode, decode_first, encode, encode_first},
    id::{ClientSeq, LogIndex, PlayerId, ServerId, Term},
    link::{CloseCode, CloseReason, ConnectionId, Event, Logic, Output, Target},
    message::{ClientMessage, JoinKey, Leader, ServerEntry, ServerMessage},
    mutation::Transaction,
    time::Micros,
};
use synced_world::World;

use super::{
    mirror::Mirror,
    ms,
    network::{EPOCH_OFFSET, node_config},
};

/// The way of anything between a player and a server, or between two servers.
pub const WAY: Micros = Micros::from_millis(2);
/// After what silence a player's driver gives a connection or an attempt up.
pub const PATIENCE: Micros = Micros::from_millis(1_000);

pub struct Fronts {
    pub now: Micros,
    pub node: Node,
    pub players: Vec<Player>,
    servers: Vec<Server>,
    /// By player and connection.
    links: BTreeMap<(usize, ConnectionId), Link>,
    in_flight: BTreeMap<(Micros, u64), Arrival>,
    count: u64,
    node_connections: u64,
    /// Where the next attempt at any server begins.
    rotation: usize,
}

pub struct Player {
    pub session: Session,
    pub game: Mirror,
    /// The most connections and attempts at one time.
    pub links_max: usize,
    /// When each attempt was begun.
    pub attempts: Vec<Micros>,
    pub log_index_max: LogIndex,
    proposed: u64,
}

#[derive(Debug, Clone)]
struct Server {
    is_alive: bool,
    /// What it knows.
    term: Term,
    leader: Option<ServerId>,
}

#[derive(Debug)]
struct Link {
    server: usize,
    is_up: bool,
    /// The server has ended since: nothing comes by it any more.
    is_dead: bool,
    /// Set while the player goes by it.
    at_node: Option<ConnectionId>,
    /// Whether the first frame each way has passed.
    heard: bool,
    spoke: bool,
    /// Whether it wants to know who leads.
    watches: bool,
}

#[derive(Debug)]
enum Arrival {
    Up(usize, ConnectionId),
    AtPlayer(usize, ConnectionId, Item),
    AtServer(usize, ConnectionId, Item),
    Gone(usize, ConnectionId, CloseReason),
    /// Another server leads.
    News(usize, Term, Option<ServerId>),
}

#[derive(Debug)]
enum Item {
    Frame(Bytes),
    Datagram(Bytes),
}

pub const fn server_id(place: usize) -> ServerId {
    ServerId(place as u16 + 1)
}

impl Fronts {
    /// So many servers, of which the first leads in term 1.
    pub fn new(count: usize) -> Self {
        let server = Server {
            is_alive: true,
            term: Term(1),
            leader: Some(server_id(0)),
        };
        // Whoever begins to lead gives everybody the time to come back anew; the one node here does not know when that is.
        let patient = NodeConfig {
            resume_grace: Micros::from_secs(60),
            ..node_config()
        };
        Self {
            now: Micros::from_secs(1),
            node: Node::new(patient, [1; 32]),
            players: Vec::new(),
            servers: vec![server; count],
            links: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            count: 0,
            node_connections: 0,
            rotation: 0,
        }
    }

    pub fn join(&mut self, config: SessionConfig) -> usize {
        let place = self.players.len();
        self.players.push(Player {
            session: Session::new(config, JoinKey([place as u8; 16]), place as u64 + 7),
            game: Mirror::default(),
            links_max: 0,
            attempts: Vec::new(),
            log_index_max: LogIndex::ZERO,
            proposed: 0,
        });
        self.tell(place, Event::Woken);
        place
    }

    pub fn me(&self, player: usize) -> PlayerId {
        self.players[player].game.player()
    }

    pub fn world(&self, player: usize) -> &World {
        self.players[player].session.world().expect("joined")
    }

    pub fn propose(&mut self, player: usize, transaction: impl Into<Transaction>) -> ClientSeq {
        let seq = ClientSeq(self.players[player].proposed + 1);
        self.players[player].proposed = seq.0;
        let transaction = Box::new(transaction.into());
        self.command(player, Command::Propose { seq, transaction });
        seq
    }

    pub fn command(&mut self, player: usize, command: Command) {
        let now = self.now;
        self.players[player].session.command(now, command);
        self.tell(player, Event::Woken);
    }

    /// The server is gone without a word.
    pub fn kill(&mut self, server: usize) {
        self.servers[server].is_alive = false;
        let cut: Vec<_> = self.links_of(server).collect();
        for (player, connection) in cut {
            self.leave_node((player, connection));
            let link = self.links.get_mut(&(player, connection)).expect("a link");
            link.is_dead = true;
            let gone = Arrival::Gone(player, connection, CloseReason::TimedOut);
            self.send(PATIENCE, gone);
        }
    }

    pub fn start(&mut self, server: usize) {
        self.servers[server].is_alive = true;
        self.servers[server].leader = None;
    }

    /// A server that lives wins an election; the others that live hear of it.
    pub fn elect(&mut self, server: usize) {
        self.elect_to_serve(server, Micros::ZERO);
    }

    /// As [`elect`](Self::elect), but the new leader serves only after a while, and says so.
    pub fn elect_to_serve(&mut self, server: usize, after: Micros) {
        let term = self.servers.iter().map(|server| server.term).max();
        let term = Term(term.unwrap_or_default().0 + 1);
        let before = self.true_leader();
        for place in (0..self.servers.len()).filter(|place| *place != server) {
            self.send(WAY, Arrival::News(place, term, Some(server_id(server))));
        }
        self.send(Micros::ZERO, Arrival::News(server, term, None));
        self.send(after, Arrival::News(server, term, Some(server_id(server))));
        // From now on what the one before takes is confirmed no more.
        if let Some(before) = before {
            let joined: Vec<_> = self.links_of(before).collect();
            joined.into_iter().for_each(|link| self.leave_node(link));
        }
        self.arrive_all();
    }

    /// The one that leads in the latest term.
    pub fn true_leader(&self) -> Option<usize> {
        let leads = |place: &usize| {
            let server = &self.servers[*place];
            server.is_alive && server.leader == Some(server_id(*place))
        };
        let leaders = (0..self.servers.len()).filter(leads);
        let latest = leaders.max_by_key(|place| self.servers[*place].term)?;
        let term = self.servers.iter().map(|server| server.term).max()?;
        (self.servers[latest].term == term).then_some(latest)
    }

    pub fn is_alive(&self, server: usize) -> bool {
        self.servers[server].is_alive
    }

    /// The servers to which a player has connections, up or not.
    pub fn linked(&self, player: usize) -> Vec<usize> {
        let links = self.links.range((player, ConnectionId(0))..);
        let own = links.take_while(|((owner, _), _)| *owner == player);
        own.map(|(_, link)| link.server).collect()
    }

    pub fn run_for(&mut self, span: Micros) {
        self.run_until(self.now + span, |_| false);
    }

    /// Runs until something is so, or `end` has come; says whether it was.
    pub fn run_until(&mut self, end: Micros, is_done: impl Fn(&Self) -> bool) -> bool {
        self.carry();
        while !is_done(self) {
            let Some(next) = self.next_time().filter(|next| *next <= end) else {
                self.now = end;
                return false;
            };
            self.step(next);
        }
        true
    }

    fn step(&mut self, next: Micros) {
        self.now = self.now.max(next);
        let now = self.now;
        if self.node.poll_deadline().is_some_and(|at| at <= now) {
            self.node.handle(now, Event::Woken);
        }
        for place in 0..self.players.len() {
            let session = &self.players[place].session;
            if session.poll_deadline().is_some_and(|at| at <= now) {
                self.tell(place, Event::Woken);
            }
        }
        self.arrive_all();
    }

    fn next_time(&self) -> Option<Micros> {
        let players = self.players.iter();
        let first = self.in_flight.first_key_value().map(|((at, _), _)| *at);
        let deadlines = players.filter_map(|player| player.session.poll_deadline());
        deadlines
            .chain(first)
            .chain(self.node.poll_deadline())
            .min()
    }

    fn arrive_all(&mut self) {
        self.carry();
        while let Some(entry) = self.in_flight.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            let arrival = entry.remove();
            self.arrive(arrival);
            self.carry();
        }
    }

    fn arrive(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Up(player, connection) => self.come_up(player, connection),
            Arrival::AtPlayer(player, connection, item) => {
                if self.links.contains_key(&(player, connection)) {
                    self.tell(player, item.event(connection));
                }
            }
            Arrival::AtServer(player, connection, item) => self.hear((player, connection), item),
            Arrival::Gone(player, connection, reason) => {
                self.leave_node((player, connection));
                if self.links.remove(&(player, connection)).is_some() {
                    self.tell(player, Event::Closed { connection, reason });
                }
            }
            Arrival::News(server, term, leader) => self.learn(server, term, leader),
        }
    }

    fn come_up(&mut self, player: usize, connection: ConnectionId) {
        let Some(link) = self.links.get_mut(&(player, connection)) else {
            return;
        };
        if !self.servers[link.server].is_alive {
            let reason = CloseReason::Unreachable("nobody answers".into());
            return self.send(PATIENCE, Arrival::Gone(player, connection, reason));
        }
        link.is_up = true;
        let remote = ([127, 0, 0, 1], 7_000).into();
        self.tell(player, Event::Connected { connection, remote });
    }

    fn learn(&mut self, place: usize, term: Term, leader: Option<ServerId>) {
        let server = &mut self.servers[place];
        if !server.is_alive || server.term > term {
            return;
        }
        (server.term, server.leader) = (term, leader);
        let links: Vec<_> = self.links_of(place).collect();
        for key in links {
            let link = self.links.get_mut(&key).expect("a link");
            // Who was with a leader that is none any more is told.
            if link.watches {
                self.say_leader(key);
            }
        }
    }

    /// A server hears something.
    fn hear(&mut self, key: (usize, ConnectionId), item: Item) {
        let Some(link) = self.links.get_mut(&key) else {
            return;
        };
        if link.is_dead {
            return;
        }
        match item {
            Item::Datagram(bytes) => self.pass_on(key, Item::Datagram(bytes)),
            Item::Frame(bytes) => {
                let was_first = !std::mem::replace(&mut link.heard, true);
                let message = if was_first {
                    match decode_first(&bytes) {
                        Ok(First::SameVersion(message)) => message,
                        other => panic!("{other:?}"),
                    }
                } else {
                    decode(&bytes).expect("a frame")
                };
                self.hear_message(key, message);
            }
        }
    }

    fn hear_message(&mut self, key: (usize, ConnectionId), message: ClientMessage) {
        let leads = self.true_leader() == Some(self.links[&key].server);
        let link = self.links.get_mut(&key).expect("a link");
        match message {
            ClientMessage::Hello(hello) if leads => {
                // Who says hello twice is welcomed twice.
                link.watches = true;
                self.leave_node(key);
                self.node_connections += 1;
                let connection = ConnectionId(self.node_connections);
                self.links.get_mut(&key).expect("a link").at_node = Some(connection);
                let remote = ([127, 0, 0, 1], 7_000).into();
                let now = self.now;
                self.node
                    .handle(now, Event::Connected { connection, remote });
                let first = encode_first(&ClientMessage::Hello(hello)).expect("a hello");
                self.pass_on(key, Item::Frame(first));
            }
            ClientMessage::Hello(_) | ClientMessage::Watch => {
                link.watches = true;
                self.say_leader(key);
            }
            other => self.pass_on(key, Item::Frame(encode(&other).expect("a frame"))),
        }
    }

    /// Without a joined connection what comes is lost, as with a leader that was deposed and does not know.
    fn pass_on(&mut self, key: (usize, ConnectionId), item: Item) {
        let at_node = self.links.get(&key).and_then(|link| link.at_node);
        if let Some(connection) = at_node {
            let now = self.now;
            self.node.handle(now, item.event(connection));
        }
    }

    fn leave_node(&mut self, key: (usize, ConnectionId)) {
        let at_node = self
            .links
            .get_mut(&key)
            .and_then(|link| link.at_node.take());
        if let Some(connection) = at_node {
            let (now, reason) = (self.now, CloseReason::TimedOut);
            self.node.handle(now, Event::Closed { connection, reason });
        }
    }

    fn say_leader(&mut self, key: (usize, ConnectionId)) {
        let place = self.links[&key].server;
        let said = self.word_of(place);
        // Without being the true leader nobody claims to serve.
        let said = Leader {
            leader: said
                .leader
                .filter(|leader| *leader != server_id(place) || self.true_leader() == Some(place)),
            ..said
        };
        self.say(key, &ServerMessage::Leader(said));
    }

    fn word_of(&self, place: usize) -> Leader {
        let server = &self.servers[place];
        let all = 0..self.servers.len();
        let mut servers: Vec<_> = all
            .map(|place| ServerEntry {
                server: server_id(place),
                address: place.to_string(),
            })
            .collect();
        // The leader comes last.
        servers.sort_by_key(|entry| (Some(entry.server) == server.leader, entry.server));
        Leader {
            from: server_id(place),
            term: server.term,
            leader: server.leader,
            servers,
        }
    }

    fn say(&mut self, key: (usize, ConnectionId), message: &ServerMessage) {
        let link = self.links.get_mut(&key).expect("a link");
        let is_first = !std::mem::replace(&mut link.spoke, true);
        let frame = if is_first {
            encode_first(message)
        } else {
            encode(message)
        };
        let item = Item::Frame(frame.expect("a frame"));
        self.send(WAY, Arrival::AtPlayer(key.0, key.1, item));
    }

    /// Carries whatever anybody wants to have carried.
    fn carry(&mut self) {
        for place in 0..self.players.len() {
            while let Some(output) = self.players[place].session.poll_output() {
                self.carry_from_player(place, output);
            }
        }
        while let Some(output) = self.node.poll_output() {
            self.carry_from_node(output);
        }
    }

    fn carry_from_player(&mut self, player: usize, output: Output) {
        match output {
            Output::Connect { connection, to } => self.connect(player, connection, &to),
            Output::Frame { connection, bytes } => {
                let link = self.links.get(&(player, connection));
                assert!(
                    link.is_some_and(|link| link.is_up),
                    "{connection} is not up"
                );
                let item = Item::Frame(bytes);
                self.send(WAY, Arrival::AtServer(player, connection, item));
            }
            Output::Datagram { connection, bytes } => {
                assert!(self.links[&(player, connection)].is_up);
                let item = Item::Datagram(bytes);
                self.send(WAY, Arrival::AtServer(player, connection, item));
            }
            Output::Close { connection, code } => {
                self.leave_node((player, connection));
                let closed = self.links.remove(&(player, connection));
                assert!(closed.is_some(), "{connection} is closed once");
                let reason = CloseReason::ByUs(code);
                self.tell(player, Event::Closed { connection, reason });
            }
        }
    }

    fn connect(&mut self, player: usize, connection: ConnectionId, to: &Target) {
        let server = match to {
            Target::At(address) => address.parse().expect("an address of a server"),
            Target::Configured => self.any_server(),
        };
        let link = Link {
            server,
            is_up: false,
            is_dead: false,
            at_node: None,
            heard: false,
            spoke: false,
            watches: false,
        };
        let before = self.links.insert((player, connection), link);
        assert!(before.is_none(), "a name is given once");
        let count = self.linked(player).len();
        let attempt = self.now;
        let player_of = &mut self.players[player];
        player_of.links_max = player_of.links_max.max(count);
        player_of.attempts.push(attempt);
        self.send(WAY + WAY, Arrival::Up(player, connection));
    }

    /// The first that lives, from another one on with each attempt.
    fn any_server(&mut self) -> usize {
        let count = self.servers.len();
        self.rotation += 1;
        let order = (0..count).map(|place| (self.rotation + place) % count);
        let alive = order.clone().find(|place| self.servers[*place].is_alive);
        alive.unwrap_or(self.rotation % count)
    }

    fn carry_from_node(&mut self, output: Output) {
        match output {
            Output::Connect { .. } => panic!("a node does not connect"),
            Output::Frame { connection, bytes } => {
                if let Some(key) = self.link_at_node(connection) {
                    self.carry_frame(key, bytes);
                }
            }
            Output::Datagram { connection, bytes } => {
                if let Some((player, connection)) = self.link_at_node(connection) {
                    let item = Item::Datagram(bytes);
                    self.send(WAY, Arrival::AtPlayer(player, connection, item));
                }
            }
            Output::Close { connection, code } => {
                if let Some((player, connection)) = self.link_at_node(connection) {
                    assert_ne!(code, CloseCode::Malformed, "everybody makes sense");
                    let reason = CloseReason::ByPeer(code);
                    self.send(WAY, Arrival::Gone(player, connection, reason));
                }
            }
        }
    }

    /// The node's welcome names the server that it was said by.
    fn carry_frame(&mut self, key: (usize, ConnectionId), bytes: Bytes) {
        let message = match decode_first(&bytes) {
            Ok(First::SameVersion(ServerMessage::Welcome(mut welcome))) => {
                welcome.leader = self.word_of(self.links[&key].server);
                ServerMessage::Welcome(welcome)
            }
            _ => decode(&bytes).expect("a frame"),
        };
        self.say(key, &message);
    }

    fn link_at_node(&self, connection: ConnectionId) -> Option<(usize, ConnectionId)> {
        let mut links = self.links.iter();
        let found = links.find(|(_, link)| link.at_node == Some(connection));
        found.map(|(key, _)| *key)
    }

    fn links_of(&self, server: usize) -> impl Iterator<Item = (usize, ConnectionId)> {
        let links = self.links.iter();
        let lives = |link: &Link| link.is_up && !link.is_dead;
        let of_server = links.filter(move |(_, link)| link.server == server && lives(link));
        of_server.map(|(key, _)| *key)
    }

    fn send(&mut self, delay: Micros, arrival: Arrival) {
        self.count += 1;
        let at = self.now + delay;
        self.in_flight.insert((at, self.count), arrival);
    }

    fn tell(&mut self, player: usize, event: Event) {
        let now = self.now;
        let player = &mut self.players[player];
        player.session.handle(now, event);
        while let Some(update) = player.session.poll_update() {
            player.game.apply(update);
        }
        let log_index = player
            .session
            .world()
            .map_or(LogIndex::ZERO, World::log_index);
        assert!(log_index >= player.log_index_max, "the world goes forward");
        player.log_index_max = log_index;
    }

    /// Session time as the true leader has it.
    pub fn session_time(&self) -> Micros {
        self.now + EPOCH_OFFSET
    }
}

impl Item {
    fn event(self, connection: ConnectionId) -> Event {
        match self {
            Self::Frame(bytes) => Event::Frame { connection, bytes },
            Self::Datagram(bytes) => Event::Datagram { connection, bytes },
        }
    }
}

/// A little longer than it takes to notice that a server is gone.
pub fn long() -> Micros {
    PATIENCE + ms(500)
}
