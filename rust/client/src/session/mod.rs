//! One player's session from the first connection to the last word.
//!
//! ```text
//! Waiting -> Connecting -> Greeting -> Joining -> Up
//!    ^            |           |           |       |        Welcome of a resumed session: Greeting -> Up
//!    +------------+-----------+-----------+-------+        the connection is lost, or another server leads: back to Waiting
//!                             |           |       |
//!                             +-----------+-------+-> Ended   refused, expired, left, or no more tries
//! ```
//!
//! Beside this one connection there are idle ones to other servers, if the session has several: by them it hears who leads, and
//! goes there at once.

mod commits;
mod connection;
mod follow;
mod handshake;
mod live;
mod standby;

use std::collections::VecDeque;

use synced_protocol::{
    id::{LogIndex, PlayerId, ServerId, Term},
    link::{CloseCode, CloseReason, ConnectionId, Event, Logic, Output},
    live::Loss,
    message::{JoinKey, LiveEntry, LivePose, ResumeToken, Welcome},
    time::Micros,
};
use synced_world::{Effect, SnapshotReader, World};

use self::standby::Unreached;
use crate::{
    clock::ClockSync,
    cluster::Cluster,
    command::Command,
    config::SessionConfig,
    downstream::Downstream,
    interests::Interests,
    limits::{UPDATES_WAITING_LIVE_MAX, UPDATES_WAITING_MAX},
    links::Links,
    proposals::Proposals,
    retry::Backoff,
    seek::Seek,
    stats::{Meter, WorldStats},
    update::{EndReason, Update},
    upstream::Upstream,
};

/// The time between two [`Update::Stats`].
pub const STATS_INTERVAL: Micros = Micros::from_secs(1);

/// One player's whole logic. Drive it as [`Logic`] says; hand it the game's commands, and the game its updates.
#[derive(Debug)]
pub struct Session {
    config: SessionConfig,
    key: JoinKey,
    phase: Phase,
    now: Micros,
    identity: Option<Identity>,
    /// What the game was told of the world.
    replica: Option<World>,
    /// The replica is not to be trusted: the next connection asks for the whole world.
    distrusted: bool,
    backoff: Backoff,
    links: Links,
    cluster: Cluster,
    seek: Seek,
    unreached: Unreached,
    /// What the server may repeat of the log.
    repeated_to: LogIndex,
    leader_told: Option<(ServerId, Term)>,
    clock: Option<ClockSync>,
    /// The leader's clock when this connection was welcomed.
    up_since: Micros,
    proposals: Proposals,
    upstream: Upstream,
    downstream: Downstream,
    interests: Interests,
    losses: Losses,
    meter: Meter,
    stats_at: Micros,
    effects: Vec<Effect>,
    outputs: VecDeque<Output>,
    updates: VecDeque<Update>,
}

#[derive(Debug)]
enum Phase {
    /// Until the time of the next try.
    Waiting { until: Micros },
    /// The driver was asked for a connection.
    Connecting { connection: ConnectionId },
    /// The connection is up and the Hello sent.
    Greeting {
        connection: ConnectionId,
        deadline: Micros,
    },
    /// Parts of the world arrive.
    Joining(Box<Joining>),
    /// The world is here and goes on commit by commit.
    Up { connection: ConnectionId },
    /// For good.
    Ended,
}

#[derive(Debug)]
struct Joining {
    connection: ConnectionId,
    deadline: Micros,
    welcome: Welcome,
    reader: SnapshotReader,
    live: Vec<LiveEntry>,
    poses: Vec<LivePose>,
    bytes: usize,
}

/// What was lost of live datagrams, by the latest word.
#[derive(Debug, Clone, Copy, Default)]
struct Losses {
    up: Loss,
    down: Loss,
    peers: Loss,
}

#[derive(Debug, Clone, Copy)]
struct Identity {
    player: PlayerId,
    token: ResumeToken,
    /// Whether the game was told of the join.
    joined: bool,
}

impl Session {
    /// A session that connects as soon as it is driven. The key must be random, and of no other session; the seed is for the waits
    /// between tries.
    #[must_use]
    pub fn new(config: SessionConfig, key: JoinKey, seed: u64) -> Self {
        Self {
            backoff: Backoff::new(config.retry, seed),
            upstream: Upstream::new(config.live),
            downstream: Downstream::new(config.playout),
            config,
            key,
            phase: Phase::Waiting {
                until: Micros::ZERO,
            },
            now: Micros::ZERO,
            identity: None,
            replica: None,
            distrusted: false,
            links: Links::default(),
            cluster: Cluster::default(),
            seek: Seek::default(),
            unreached: Unreached::default(),
            repeated_to: LogIndex::ZERO,
            leader_told: None,
            clock: None,
            up_since: Micros::ZERO,
            proposals: Proposals::default(),
            interests: Interests::default(),
            losses: Losses::default(),
            meter: Meter::default(),
            stats_at: Micros::ZERO,
            effects: Vec::new(),
            outputs: VecDeque::new(),
            updates: VecDeque::new(),
        }
    }

    /// Takes one thing that the game asks, at local time `now`. What follows from it goes out with the next
    /// [`Logic::handle`].
    pub fn command(&mut self, now: Micros, command: Command) {
        self.now = self.now.max(now);
        if self.is_finished() {
            return;
        }
        match command {
            Command::Propose { seq, transaction } => {
                if let Err(reason) = self.proposals.add(self.now, seq, *transaction) {
                    self.tell_rejected(seq, reason);
                }
            }
            Command::SetLive {
                node,
                property,
                at,
                value,
            } => self.set_live((node, property), at, value),
            Command::ForgetLive { node } => self.upstream.forget(node),
            Command::AttachTracker { node, feed } => self.attach(node, feed),
            Command::DetachTracker { node } => self.upstream.detach(node),
            Command::Interest { node, wanted } => self.interests.set(node, wanted),
            // What is confirmed goes first: what is relayed beside it would hold up the leader.
            Command::EndFrame if self.proposals.has_unsent() => {}
            Command::EndFrame => self.upstream.end_frame(self.now),
            Command::Leave => self.leave(),
        }
    }

    /// The next thing to tell the game, or `None` when it knows all.
    pub fn poll_update(&mut self) -> Option<Update> {
        self.updates.pop_front()
    }

    /// How many updates wait for the game.
    #[must_use]
    pub fn updates_waiting(&self) -> usize {
        self.updates.len()
    }

    /// The world as the game was told of it, or as it will have been when it has read its updates.
    #[must_use]
    pub const fn world(&self) -> Option<&World> {
        self.replica.as_ref()
    }

    fn log_index(&self) -> LogIndex {
        self.replica
            .as_ref()
            .map_or(LogIndex::ZERO, World::log_index)
    }

    fn tell(&mut self, update: Update) {
        self.updates.push_back(update);
    }

    fn tell_stats(&mut self) {
        let mut stats = self.meter.stats();
        stats.live = self.live_stats();
        if let Some(world) = &self.replica {
            stats.world = WorldStats {
                log_index: world.log_index().0,
                digest: world.digest(),
                nodes: world.nodes().len() as u64,
            };
        }
        stats.servers = self.server_stats();
        self.tell(Update::Stats(Box::new(stats)));
    }

    /// Does whatever is due.
    fn tick(&mut self) {
        if self.updates.len() > UPDATES_WAITING_MAX {
            self.give_up(
                CloseCode::TooSlow,
                EndReason::Closed(CloseReason::ByUs(CloseCode::TooSlow)),
            );
        }
        self.show_loss();
        match &self.phase {
            Phase::Waiting { until } if *until <= self.now => self.reach(),
            Phase::Greeting { deadline, .. } if *deadline <= self.now => self.handshake_timed_out(),
            Phase::Joining(joining) if joining.deadline <= self.now => self.handshake_timed_out(),
            Phase::Up { connection } => {
                let connection = *connection;
                self.send_proposals(connection);
                self.send_interests(connection);
                self.send_live(connection);
            }
            _ => {}
        }
        self.keep_links();
        if self.now >= self.stats_at && !self.is_finished() {
            self.stats_at = self.now + STATS_INTERVAL;
            self.tell_stats();
        }
    }
}

/// Pushes a live update, unless the game is so far behind that a later one will have replaced it. A delay is told once.
fn tell_live(updates: &mut VecDeque<Update>, unread: &mut u64, update: Update) {
    let is_delay = matches!(update, Update::PlayoutDelay { .. });
    if is_delay || updates.len() < UPDATES_WAITING_LIVE_MAX {
        updates.push_back(update);
    } else {
        *unread += 1;
    }
}

impl Logic for Session {
    fn handle(&mut self, now: Micros, event: Event) {
        self.now = self.now.max(now);
        match event {
            Event::Connected { connection, .. } => self.connected(connection),
            Event::Frame { connection, bytes } if self.is_current(connection) => {
                self.meter.counters.frames_received += 1;
                self.meter.counters.frame_bytes_received += bytes.len() as u64;
                self.handle_frame(connection, &bytes);
            }
            Event::Datagram { connection, bytes } if self.is_current(connection) => {
                self.meter.counters.datagrams_received += 1;
                self.meter.counters.datagram_bytes_received += bytes.len() as u64;
                self.handle_datagram(&bytes);
            }
            Event::Frame { connection, bytes } if self.links.get(connection).is_some() => {
                self.meter.counters.frames_received += 1;
                self.meter.counters.frame_bytes_received += bytes.len() as u64;
                self.handle_watched(connection, &bytes);
            }
            Event::Closed { connection, reason } => self.closed(connection, reason),
            Event::Frame { .. } | Event::Datagram { .. } | Event::Woken => {}
        }
        self.tick();
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn poll_deadline(&self) -> Option<Micros> {
        let phase = match &self.phase {
            Phase::Waiting { until } => Some(*until),
            Phase::Greeting { deadline, .. } => Some(*deadline),
            Phase::Joining(joining) => Some(joining.deadline),
            Phase::Up { .. } => self.up_deadline(),
            Phase::Connecting { .. } => None,
            Phase::Ended => return None,
        };
        let others = [
            self.links.poll_deadline(),
            self.standby_deadline(),
            self.loss_deadline(),
        ];
        let due = others.into_iter().chain([phase]).flatten();
        Some(due.fold(self.stats_at, Micros::min))
    }

    fn is_finished(&self) -> bool {
        matches!(self.phase, Phase::Ended)
    }
}
