//! The node itself: what it holds, and where events go.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
};

use bytes::Bytes;
use synced_protocol::{
    hlc::{HlcClock, HlcTimestamp},
    id::PlayerId,
    link::{CloseCode, CloseReason, ConnectionId, Event, Logic, Output},
    time::Micros,
};
use synced_world::{Effect, World};

use crate::{
    config::NodeConfig,
    connection::{Connection, Stage},
    early_rejections::EarlyRejections,
    in_flight::InFlight,
    kept::Kept,
    live_values::LiveValues,
    log::{Log, SoloLog},
    outbox::Outbox,
    postponed::Postponed,
    reception::Reception,
    relay::Relayed,
    rounds::Rounds,
    sessions::Sessions,
    stats::{Meter, NodeStats},
    timers::{Timer, Timers},
    trackers::Trackers,
    writing::Writing,
};

/// One server's logic over one log.
#[derive(Debug)]
pub struct Node<L = SoloLog> {
    pub(crate) config: NodeConfig,
    pub(crate) log: L,
    pub(crate) in_flight: InFlight,
    pub(crate) early_rejections: EarlyRejections,
    pub(crate) world: World,
    pub(crate) clock: HlcClock,
    /// Session time less local time, in microseconds.
    pub(crate) session_offset_us: i64,
    /// Whether this server leads: players are served, and the log takes entries.
    pub(crate) leads: bool,
    /// What the log had no room for yet.
    pub(crate) postponed: VecDeque<Postponed>,
    /// Whether this server's clock is certain to tell session time.
    pub(crate) keeps_time: bool,
    /// The local time of the event that was handled last.
    pub(crate) handled_at: Micros,
    /// Until when this server, which is to stop, waits for another to lead.
    pub(crate) stops_by: Option<Micros>,
    /// What is being written down for the log.
    pub(crate) writing: Option<Writing>,
    /// Whether those who watch are to be told who leads.
    pub(crate) has_to_tell: bool,
    pub(crate) connections: BTreeMap<ConnectionId, Connection>,
    pub(crate) sessions: Sessions,
    pub(crate) reception: Reception,
    pub(crate) timers: Timers,
    pub(crate) kept: Kept,
    pub(crate) live_values: LiveValues,
    pub(crate) trackers: Trackers,
    pub(crate) relayed: Relayed,
    pub(crate) rounds: Rounds,
    pub(crate) effects: Vec<Effect>,
    pub(crate) outbox: Outbox,
    pub(crate) meter: Meter,
    pub(crate) finished: bool,
}

impl Node {
    /// A node that is alone: what it orders is committed. Its resume tokens come from `seed`, which must be secret and
    /// never used again.
    #[must_use]
    pub fn new(config: NodeConfig, seed: [u8; 32]) -> Self {
        Self::with_log(config, SoloLog::default(), seed)
    }
}

impl<L: Log> Node<L> {
    /// A node on a log, with an empty world. `seed` is as in [`Node::new`].
    #[must_use]
    pub fn with_log(config: NodeConfig, log: L, seed: [u8; 32]) -> Self {
        Self {
            in_flight: InFlight::default(),
            early_rejections: EarlyRejections::default(),
            world: World::new(),
            clock: HlcClock::new(config.clock_offset_max),
            session_offset_us: config.epoch_offset.0.cast_signed(),
            leads: log.leads_from_the_start(),
            postponed: VecDeque::new(),
            keeps_time: log.leads_from_the_start(),
            handled_at: Micros::ZERO,
            stops_by: None,
            writing: None,
            has_to_tell: false,
            connections: BTreeMap::new(),
            sessions: Sessions::new(seed),
            reception: Reception::default(),
            timers: Timers::default(),
            kept: Kept::new(config.limits.kept_frames_max, config.limits.kept_bytes_max),
            live_values: LiveValues::default(),
            trackers: Trackers::default(),
            relayed: Relayed::default(),
            rounds: Rounds::default(),
            effects: Vec::new(),
            outbox: Outbox::default(),
            meter: Meter::default(),
            finished: false,
            config,
            log,
        }
    }

    /// The world as it was published.
    #[must_use]
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// The log. After it has committed something, the node wants [`Event::Woken`].
    pub const fn log(&mut self) -> &mut L {
        &mut self.log
    }

    /// What was counted and measured so far.
    #[must_use]
    pub fn stats(&self) -> NodeStats {
        NodeStats {
            propagation: self.meter.propagation.summary(),
            replication: self.meter.replication.summary(),
            counters: self.meter.counters,
            refused: self.meter.refused,
            sent: self.outbox.sent(),
            cut_offs: self.meter.cut_offs,
            players: self.world.players().len(),
            nodes: self.world.nodes().len(),
            log_index: self.world.log_index().0,
            digest: format!("{:016x}", self.world.digest()),
            cluster: L::stats(self),
        }
    }

    /// Begins whatever happens at a time.
    pub(crate) fn begin(&mut self, now: Micros) {
        self.handled_at = now;
        L::begin(self, now);
        self.run_timers(now);
        self.end_round(now);
    }

    /// The timestamp of what happens now.
    pub(crate) fn stamp(&mut self, now: Micros) -> HlcTimestamp {
        if self.keeps_time {
            self.clock.now(self.session_time(now))
        } else {
            self.clock.after_all()
        }
    }

    /// Session time at a local time, as well as this server knows it.
    #[must_use]
    pub const fn session_time(&self, now: Micros) -> Micros {
        now.shifted(self.session_offset_us)
    }

    /// Whether this server leads and no other can, at a local time, and it knows what time it is: what it knows is the newest that
    /// there is, and players are told.
    pub fn serves(&self, now: Micros) -> bool {
        self.leads && L::tells_time(self) && self.log.holds_lease(now)
    }

    /// Sends a frame, behind those that wait for the same peer.
    pub(crate) fn send(&mut self, now: Micros, id: ConnectionId, frame: Bytes) {
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        if connection.outlet.is_free() {
            self.outbox.frame(id, frame);
        } else if connection.outlet.hold(frame).is_err() {
            self.cut(now, id, CloseCode::TooSlow);
        }
    }

    /// Sends as many of a peer's waiting frames as its pace allows.
    pub(crate) fn drain(&mut self, now: Micros, id: ConnectionId) {
        while let Some(connection) = self.connections.get_mut(&id) {
            let Some(frame) = connection.outlet.release(now) else {
                if let Some(at) = connection.outlet.ready_at() {
                    self.timers.set(at, Timer::Backlog(id));
                }
                return;
            };
            self.outbox.frame(id, frame);
        }
    }

    /// Ends a connection from this side. Its player may come back by another.
    pub(crate) fn cut(&mut self, now: Micros, connection: ConnectionId, code: CloseCode) {
        if self.forget(now, connection) {
            tracing::info!(connection = connection.0, "connection closed: {code}");
            self.meter.cut_off(code);
            self.outbox.close(connection, code);
        }
    }

    /// Knows a connection no more, and lets its player's time to come back begin. Returns whether it was known.
    fn forget(&mut self, now: Micros, id: ConnectionId) -> bool {
        let Some(connection) = self.connections.remove(&id) else {
            return false;
        };
        if let Some(player) = connection.player() {
            self.let_go(now, id, player);
        }
        true
    }

    /// A player does not go by a connection any more, and has some time to come by another.
    pub(crate) fn let_go(&mut self, now: Micros, id: ConnectionId, player: PlayerId) {
        let leaves_at = now + self.config.resume_grace;
        if self.sessions.detach(player, id, leaves_at) {
            self.timers.set(leaves_at, Timer::Grace(player));
        }
    }

    fn on_connected(&mut self, now: Micros, id: ConnectionId, remote: SocketAddr) {
        tracing::debug!(connection = id.0, %remote, "connected");
        self.meter.counters.connections += 1;
        let connection = Connection::new(&self.config.limits, now);
        self.connections.insert(id, connection);
        let deadline = now + self.config.handshake_timeout;
        self.timers.set(deadline, Timer::Handshake(id));
    }

    fn on_closed(&mut self, now: Micros, id: ConnectionId, reason: &CloseReason) {
        if !self.forget(now, id) {
            return;
        }
        tracing::info!(connection = id.0, "connection lost: {reason}");
        if let CloseReason::ByUs(code) = reason {
            self.meter.cut_off(*code);
        }
    }

    fn run_timers(&mut self, now: Micros) {
        while let Some(timer) = self.timers.pop_due(now) {
            match timer {
                Timer::Handshake(id) => self.expire_handshake(now, id),
                Timer::Grace(player) if self.leads && self.sessions.is_overdue(player, now) => {
                    self.leave(now, player);
                }
                Timer::Grace(_) => {}
                Timer::Backlog(id) => self.drain(now, id),
                Timer::Tell(id) => self.tell(now, id),
                Timer::Stop => self.stop(),
            }
        }
    }

    fn expire_handshake(&mut self, now: Micros, id: ConnectionId) {
        let connection = self.connections.get(&id);
        if connection.is_some_and(|connection| connection.stage == Stage::Unknown) {
            self.cut(now, id, CloseCode::HandshakeTimeout);
        }
    }
}

impl<L: Log> Logic for Node<L> {
    fn handle(&mut self, now: Micros, event: Event) {
        if self.finished {
            return;
        }
        self.begin(now);
        match event {
            Event::Connected { connection, remote } => self.on_connected(now, connection, remote),
            Event::Frame { connection, bytes } => {
                if let Err(code) = self.on_frame(now, connection, &bytes) {
                    self.cut(now, connection, code);
                }
            }
            Event::Datagram { connection, bytes } => {
                if let Err(code) = self.on_datagram(now, connection, &bytes) {
                    self.cut(now, connection, code);
                }
            }
            Event::Closed { connection, reason } => self.on_closed(now, connection, &reason),
            Event::Woken => {
                L::advance(self, now);
                self.go_on_writing();
                self.go_on_making(now);
            }
        }
        self.follow_log(now);
        self.receive_waiting(now);
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outbox.pop()
    }

    fn poll_deadline(&self) -> Option<Micros> {
        let deadlines = [
            self.timers.next(),
            self.log.poll_deadline(),
            self.rounds.ends_at(),
            self.reception.next_at(),
        ];
        let next = deadlines.into_iter().flatten().min();
        next.filter(|_| !self.finished)
    }

    fn is_finished(&self) -> bool {
        self.finished
    }
}
