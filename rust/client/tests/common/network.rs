//! A node and its players in virtual time, over links that delay, reorder and lose.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use synced_client::{BridgedSession, Handle, Session, SessionConfig, bridge};
use synced_node::{Node, NodeConfig};
use synced_protocol::{
    id::{PlayerId, mix},
    link::{CloseReason, ConnectionId, Event, Logic, Output},
    live::Datagram,
    message::JoinKey,
    time::Micros,
};
use synced_world::World;

use super::{game, mirror::Mirror, ms};

/// How a link behaves.
#[derive(Debug, Clone, Copy)]
pub struct Path {
    /// The shortest way of anything.
    pub delay: Micros,
    /// What it may take longer. Datagrams overtake each other then, frames never do.
    pub jitter: Micros,
    /// How many datagrams of a hundred are lost.
    pub loss_percent: u64,
}

pub const GOOD: Path = Path {
    delay: Micros::from_millis(5),
    jitter: Micros::ZERO,
    loss_percent: 0,
};
pub const BAD: Path = Path {
    delay: Micros::from_millis(20),
    jitter: Micros::from_millis(15),
    loss_percent: 10,
};

/// Whether a datagram from a player (or to one) arrives, with a number for each player.
pub type Filter = Box<dyn FnMut(usize, &Datagram<'_>) -> bool>;

pub struct Network {
    pub now: Micros,
    pub path: Path,
    pub node: Node,
    pub players: Vec<Player>,
    /// Which datagrams of players arrive at all.
    pub filter: Filter,
    /// Which datagrams to players arrive at all.
    pub filter_down: Filter,
    pub server_is_there: bool,
    links: Vec<Link>,
    /// By time, then by the order in which they were sent.
    in_flight: BTreeMap<(Micros, u64), (usize, Arrival)>,
    count: u64,
    random: u64,
}

pub struct Player {
    pub handle: Handle,
    pub session: BridgedSession,
    pub game: Mirror,
    /// The player's clock less the network's.
    pub clock_ahead: Micros,
    /// Whether the game reads its updates.
    pub reads: bool,
    woken: Arc<AtomicBool>,
}

struct Link {
    player: usize,
    at_player: ConnectionId,
    at_node: ConnectionId,
    open: bool,
    /// For good: an attempt that was given up does not come up any more.
    ended: bool,
    last_frame: [Micros; 2],
}

/// Something on its way by a link.
#[derive(Debug)]
enum Arrival {
    Connected,
    /// There is no link: it never came up.
    Unreachable,
    AtPlayer(Item),
    AtNode(Item),
    PlayerHearsOfTheEnd(CloseReason),
    NodeHearsOfTheEnd(CloseReason),
}

#[derive(Debug)]
enum Item {
    Frame(Bytes),
    Datagram(Bytes),
}

const UP: usize = 0;
const DOWN: usize = 1;
/// After what silence a broken link is noticed.
const IDLE: Micros = Micros::from_millis(300);
pub const EPOCH_OFFSET: Micros = Micros::from_secs(1_700_000_000);

impl Network {
    pub fn new(path: Path, seed: u64) -> Self {
        Self::with_node(path, seed, node_config())
    }

    pub fn with_node(path: Path, seed: u64, config: NodeConfig) -> Self {
        Self {
            now: Micros::from_secs(1),
            path,
            node: Node::new(config, [1; 32]),
            players: Vec::new(),
            filter: Box::new(|_, _| true),
            filter_down: Box::new(|_, _| true),
            server_is_there: true,
            links: Vec::new(),
            in_flight: BTreeMap::new(),
            count: 0,
            random: seed,
        }
    }

    /// A player who connects at once.
    pub fn join(&mut self, name: &str) -> usize {
        self.join_with(SessionConfig::new(game(), name))
    }

    pub fn join_with(&mut self, config: SessionConfig) -> usize {
        let woken = Arc::new(AtomicBool::new(true));
        let wake = woken.clone();
        let place = self.players.len();
        let session = Session::new(
            config,
            JoinKey([place as u8; 16]),
            self.random ^ place as u64,
        );
        let (handle, session) = bridge(session, move || wake.store(true, Ordering::Relaxed));
        let clock_ahead = Micros(self.next_random() % 1_000_000_000);
        self.players.push(Player {
            handle,
            session,
            game: Mirror::default(),
            clock_ahead,
            reads: true,
            woken,
        });
        place
    }

    /// As many players as names, all of them joined.
    pub fn joined<const N: usize>(&mut self, names: [&str; N]) -> [PlayerId; N] {
        let places = names.map(|name| self.join(name));
        self.run_for(ms(1_500));
        places.map(|place| self.players[place].game.player())
    }

    /// The local time of a player.
    pub fn local(&self, player: usize) -> Micros {
        self.now + self.players[player].clock_ahead
    }

    pub fn world_of(&self, player: usize) -> &World {
        self.players[player]
            .session
            .session()
            .world()
            .expect("joined")
    }

    pub fn run_for(&mut self, span: Micros) {
        self.run_until(self.now + span);
    }

    pub fn run_until(&mut self, end: Micros) {
        loop {
            self.settle();
            match self.next_time().filter(|next| *next <= end) {
                Some(next) => self.step(next),
                None => break,
            }
        }
        self.now = end;
    }

    /// Cuts every link of a player; both ends notice when nothing is heard.
    pub fn break_links(&mut self, player: usize) {
        for place in 0..self.links.len() {
            let link = &mut self.links[place];
            if link.player == player && std::mem::take(&mut link.open) {
                link.ended = true;
                let at = self.now + IDLE;
                self.send_at(
                    at,
                    place,
                    Arrival::PlayerHearsOfTheEnd(CloseReason::TimedOut),
                );
                self.send_at(at, place, Arrival::NodeHearsOfTheEnd(CloseReason::TimedOut));
            }
        }
    }

    /// The node is gone and another one in its place, with an empty world.
    pub fn restart_node(&mut self) {
        (0..self.players.len()).for_each(|player| self.break_links(player));
        self.node = Node::new(node_config(), [2; 32]);
    }

    /// Everybody's world is the node's, and every game shows it.
    pub fn assert_all_agree(&self) {
        let world = self.node.world();
        for (place, player) in self.players.iter().enumerate() {
            if player.game.ended.is_none() {
                assert_eq!(self.world_of(place).digest(), world.digest());
                player.game.assert_equals(world);
            }
        }
    }

    /// Does everything that is to be done now.
    fn settle(&mut self) {
        for place in 0..self.players.len() {
            let now = self.local(place);
            let player = &mut self.players[place];
            player.handle.flush();
            if player.woken.swap(false, Ordering::Relaxed) {
                player.session.handle(now, Event::Woken);
            }
        }
        self.deliver_outputs();
    }

    fn deliver_outputs(&mut self) {
        for place in 0..self.players.len() {
            while let Some(output) = self.players[place].session.poll_output() {
                self.carry_from_player(place, output);
            }
            let player = &mut self.players[place];
            while player.reads
                && let Some(update) = player.handle.next_update()
            {
                player.game.apply(update);
            }
        }
        while let Some(output) = self.node.poll_output() {
            self.carry_from_node(output);
        }
    }

    fn next_time(&self) -> Option<Micros> {
        let deadlines = self.players.iter().filter_map(|player| {
            let finished = player.session.is_finished();
            let deadline = player.session.poll_deadline().filter(|_| !finished)?;
            Some(deadline - player.clock_ahead)
        });
        let first = self.in_flight.first_key_value().map(|((at, _), _)| *at);
        deadlines
            .chain(first)
            .chain(self.node.poll_deadline())
            .min()
    }

    fn step(&mut self, next: Micros) {
        self.now = self.now.max(next);
        if self.node.poll_deadline().is_some_and(|at| at <= self.now) {
            self.node.handle(self.now, Event::Woken);
        }
        for place in 0..self.players.len() {
            let now = self.local(place);
            let session = &mut self.players[place].session;
            if session.poll_deadline().is_some_and(|at| at <= now) && !session.is_finished() {
                session.handle(now, Event::Woken);
            }
        }
        self.deliver_outputs();
        while let Some(entry) = self.in_flight.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            let (link, arrival) = entry.remove();
            self.arrive(link, arrival);
            self.deliver_outputs();
        }
    }

    fn arrive(&mut self, link: usize, arrival: Arrival) {
        let Link {
            player,
            at_player,
            at_node,
            open,
            ended,
            ..
        } = self.links[link];
        match arrival {
            Arrival::AtPlayer(item) if open => self.tell_player(player, item.event(at_player)),
            Arrival::AtNode(item) if open => self.node.handle(self.now, item.event(at_node)),
            Arrival::Connected if !ended => {
                let remote = SocketAddr::from(([127, 0, 0, 1], 7_000));
                let connected = |connection| Event::Connected { connection, remote };
                self.links[link].open = true;
                self.node.handle(self.now, connected(at_node));
                self.tell_player(player, connected(at_player));
            }
            Arrival::Unreachable if !ended => {
                let reason = CloseReason::Unreachable("nobody answers".into());
                let connection = at_player;
                self.tell_player(player, Event::Closed { connection, reason });
            }
            Arrival::PlayerHearsOfTheEnd(reason) => {
                let connection = at_player;
                self.links[link].open = false;
                self.links[link].ended = true;
                self.tell_player(player, Event::Closed { connection, reason });
            }
            Arrival::NodeHearsOfTheEnd(reason) => {
                let connection = at_node;
                self.links[link].open = false;
                self.node
                    .handle(self.now, Event::Closed { connection, reason });
            }
            Arrival::AtPlayer(_)
            | Arrival::AtNode(_)
            | Arrival::Connected
            | Arrival::Unreachable => {}
        }
    }

    fn tell_player(&mut self, player: usize, event: Event) {
        let now = self.local(player);
        self.players[player].session.handle(now, event);
    }

    fn carry_from_player(&mut self, player: usize, output: Output) {
        let find = |links: &[Link], id| {
            links
                .iter()
                .position(|link| (link.player, link.at_player) == (player, id))
        };
        match output {
            Output::Connect { connection, .. } => self.connect(player, connection),
            Output::Frame { connection, bytes } => {
                let link = find(&self.links, connection).expect("a known connection");
                self.send_frame(link, UP, bytes);
            }
            Output::Datagram { connection, bytes } => {
                let link = find(&self.links, connection).expect("a known connection");
                let datagram = Datagram::decode(&bytes).expect("a good datagram");
                if (self.filter)(player, &datagram) {
                    self.send_datagram(link, UP, bytes);
                }
            }
            Output::Close { connection, code } => {
                let link = find(&self.links, connection).expect("a known connection");
                let last = self.links[link].last_frame[UP].max(self.now);
                self.send_at(
                    last,
                    link,
                    Arrival::NodeHearsOfTheEnd(CloseReason::ByPeer(code)),
                );
                self.send_at(
                    last,
                    link,
                    Arrival::PlayerHearsOfTheEnd(CloseReason::ByUs(code)),
                );
            }
        }
    }

    fn carry_from_node(&mut self, output: Output) {
        let find = |links: &[Link], id| links.iter().position(|link| link.at_node == id);
        match output {
            Output::Connect { .. } => panic!("a node does not connect"),
            Output::Frame { connection, bytes } => {
                if let Some(link) = find(&self.links, connection) {
                    self.send_frame(link, DOWN, bytes);
                }
            }
            Output::Datagram { connection, bytes } => {
                let datagram = Datagram::decode(&bytes).expect("a good datagram");
                if let Some(link) = find(&self.links, connection)
                    && (self.filter_down)(self.links[link].player, &datagram)
                {
                    self.send_datagram(link, DOWN, bytes);
                }
            }
            Output::Close { connection, code } => {
                if let Some(link) = find(&self.links, connection) {
                    let last = self.links[link].last_frame[DOWN].max(self.now);
                    let reason = CloseReason::ByPeer(code);
                    self.send_at(last, link, Arrival::PlayerHearsOfTheEnd(reason));
                }
            }
        }
    }

    fn connect(&mut self, player: usize, connection: ConnectionId) {
        let number = self.links.len() as u64;
        self.links.push(Link {
            player,
            at_player: connection,
            at_node: ConnectionId(number),
            open: false,
            ended: false,
            last_frame: [self.now; 2],
        });
        let (at, arrival) = if self.server_is_there {
            (self.now + self.way(), Arrival::Connected)
        } else {
            (self.now + self.path.delay, Arrival::Unreachable)
        };
        self.send_at(at, self.links.len() - 1, arrival);
    }

    fn send_frame(&mut self, link: usize, direction: usize, bytes: Bytes) {
        let at = (self.now + self.way()).max(self.links[link].last_frame[direction]);
        self.links[link].last_frame[direction] = at;
        self.send_at(at, link, arrival(direction, Item::Frame(bytes)));
    }

    fn send_datagram(&mut self, link: usize, direction: usize, bytes: Bytes) {
        if self.next_random() % 100 >= self.path.loss_percent {
            let at = self.now + self.way();
            self.send_at(at, link, arrival(direction, Item::Datagram(bytes)));
        }
    }

    fn send_at(&mut self, at: Micros, link: usize, arrival: Arrival) {
        self.count += 1;
        self.in_flight.insert((at, self.count), (link, arrival));
    }

    fn way(&mut self) -> Micros {
        self.path.delay + Micros(self.next_random() % (self.path.jitter.0 + 1))
    }

    pub fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.random)
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

fn arrival(direction: usize, item: Item) -> Arrival {
    if direction == UP {
        Arrival::AtNode(item)
    } else {
        Arrival::AtPlayer(item)
    }
}

pub fn node_config() -> NodeConfig {
    NodeConfig {
        epoch_offset: EPOCH_OFFSET,
        ..NodeConfig::new(game())
    }
}
