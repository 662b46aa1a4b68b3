//! The connections between players and their server, at either end.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use synced_protocol::{
    limits::{MAX_DATAGRAM_BYTES, MAX_FRAME_BYTES},
    link::{CloseCode, CloseReason, ConnectionId, Event, Logic, Output, Target},
};
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinError, JoinSet},
    time,
};

use crate::{
    clock,
    connection::{self, Arrival, ConnectionTask, Established, Inboxes},
    limits,
    link::Link,
    role::Role,
    side::Side,
    stats::TransportStats,
};

/// Every connection of one endpoint.
#[derive(Debug)]
pub(crate) struct Players {
    role: Role,
    links: BTreeMap<ConnectionId, Link>,
    /// What the logic asked for and has heard nothing of yet.
    attempts: BTreeMap<ConnectionId, AbortHandle>,
    last_id: u64,
    inboxes: Inboxes,
    arrivals: mpsc::Receiver<Arrival>,
    datagrams: mpsc::Receiver<(ConnectionId, Bytes)>,
    connections: JoinSet<()>,
    /// What brings connections up: attempts to connect, or the accepting of others' attempts.
    newcomers: JoinSet<()>,
    stats: Arc<TransportStats>,
}

/// Something that happened on a connection.
#[derive(Debug)]
pub(crate) enum Happening {
    Datagram(ConnectionId, Bytes),
    Arrival(Arrival),
    TaskEnded(Result<(), JoinError>),
}

impl Players {
    /// Must be called within a runtime.
    pub(crate) fn new(role: Role, stats: Arc<TransportStats>) -> Self {
        let (to_arrivals, arrivals) = mpsc::channel(limits::ARRIVALS_MAX);
        let (to_datagrams, datagrams) = mpsc::channel(limits::DATAGRAMS_MAX);
        let mut newcomers = JoinSet::new();
        role.begin(&to_arrivals, &mut newcomers, &stats);
        Self {
            role,
            links: BTreeMap::new(),
            attempts: BTreeMap::new(),
            last_id: 0,
            inboxes: Inboxes {
                arrivals: to_arrivals,
                datagrams: to_datagrams,
            },
            arrivals,
            datagrams,
            connections: JoinSet::new(),
            newcomers,
            stats,
        }
    }

    /// What this endpoint counts.
    pub(crate) fn stats(&self) -> Arc<TransportStats> {
        self.stats.clone()
    }

    fn on_datagram(&self, logic: &mut impl Logic, connection: ConnectionId, bytes: Bytes) {
        if self.links.get(&connection).is_some_and(Link::is_open) {
            logic.handle(clock::now(), Event::Datagram { connection, bytes });
        }
    }

    fn on_arrival(&mut self, logic: &mut impl Logic, arrival: Arrival) {
        match arrival {
            Arrival::Established(name, established) => {
                self.on_established(logic, name, established)
            }
            Arrival::Unconnected(connection, reason) => {
                self.on_unconnected(logic, connection, reason)
            }
            Arrival::Frame(connection, bytes) => {
                if self.links.get(&connection).is_some_and(Link::is_open) {
                    logic.handle(clock::now(), Event::Frame { connection, bytes });
                }
            }
            Arrival::Closed(connection, reason) => self.on_closed(logic, connection, reason),
        }
    }

    fn on_established(
        &mut self,
        logic: &mut impl Logic,
        name: Option<ConnectionId>,
        established: Established,
    ) {
        if name.is_some_and(|name| self.attempts.remove(&name).is_none()) {
            // It came up while the logic gave it up.
            return connection::close(&established.connection, self.role.goodbye());
        }
        let id = name.unwrap_or_else(|| self.next_id());
        let remote = connection::remote(&established.connection);
        let link = Link::new(established.connection.clone());
        let task = ConnectionTask {
            id,
            connection: established.connection,
            queue: link.queue(),
            inboxes: self.inboxes.clone(),
            stats: self.stats.clone(),
        };
        self.connections
            .spawn(task.run(established.endpoint, established.seat));
        self.links.insert(id, link);
        self.stats.set_connections(self.links.len());
        tracing::debug!(connection = id.0, %remote, "connected");
        let connected = Event::Connected {
            connection: id,
            remote,
        };
        logic.handle(clock::now(), connected);
    }

    fn on_unconnected(
        &mut self,
        logic: &mut impl Logic,
        connection: ConnectionId,
        reason: CloseReason,
    ) {
        if self.attempts.remove(&connection).is_some() {
            tracing::debug!(connection = connection.0, %reason, "not connected");
            logic.handle(clock::now(), Event::Closed { connection, reason });
        }
    }

    fn on_closed(&mut self, logic: &mut impl Logic, connection: ConnectionId, reason: CloseReason) {
        tracing::debug!(connection = connection.0, %reason, "closed");
        if self.links.remove(&connection).is_some() {
            self.stats.set_connections(self.links.len());
            logic.handle(clock::now(), Event::Closed { connection, reason });
        }
    }

    fn next_id(&mut self) -> ConnectionId {
        self.last_id += 1;
        ConnectionId(self.last_id)
    }

    fn perform(&mut self, logic: &mut impl Logic, output: Output) {
        match output {
            Output::Connect { connection, to } => self.connect(connection, to),
            Output::Frame { connection, bytes } => self.send_frame(connection, bytes),
            Output::Datagram { connection, bytes } => self.send_datagram(connection, bytes),
            Output::Close { connection, code } => self.close(logic, connection, code),
        }
    }

    fn connect(&mut self, connection: ConnectionId, to: Target) {
        if self.links.contains_key(&connection) || self.attempts.contains_key(&connection) {
            return tracing::error!("the logic gave the name {connection} twice");
        }
        let (arrivals, newcomers) = (&self.inboxes.arrivals, &mut self.newcomers);
        let attempt = self.role.connect(connection, to, arrivals, newcomers);
        self.attempts
            .extend(attempt.map(|attempt| (connection, attempt)));
    }

    fn close(&mut self, logic: &mut impl Logic, connection: ConnectionId, code: CloseCode) {
        if let Some(link) = self.links.get(&connection) {
            link.close(code);
        } else if let Some(attempt) = self.attempts.get(&connection) {
            attempt.abort();
            self.on_unconnected(logic, connection, CloseReason::ByUs(code));
        }
    }

    fn send_frame(&self, connection: ConnectionId, frame: Bytes) {
        let Some(link) = self.links.get(&connection) else {
            return;
        };
        let bytes = frame.len();
        if !(1..=MAX_FRAME_BYTES).contains(&bytes) {
            tracing::error!(
                bytes,
                "the logic sent {connection} a frame of a size that none may have"
            );
            link.cut(CloseCode::Malformed);
        } else if link.send_frame(frame).is_err() {
            tracing::info!("{connection} is cut off: more is waiting for the peer than may");
            link.cut(CloseCode::TooSlow);
        }
    }

    fn send_datagram(&self, connection: ConnectionId, datagram: Bytes) {
        let Some(link) = self.links.get(&connection) else {
            return;
        };
        let bytes = datagram.len();
        if bytes > MAX_DATAGRAM_BYTES {
            tracing::error!(
                bytes,
                "the logic sent {connection} a datagram larger than any may be"
            );
            self.stats.count_dropped_datagram();
        } else if link.send_datagram(datagram).is_err() {
            self.stats.count_dropped_datagram();
        }
    }

    async fn until_all_closed(&mut self, logic: &mut impl Logic) {
        let goodbye = self.role.goodbye();
        while !self.links.is_empty() {
            tokio::select! {
                biased;
                Some(_) = self.datagrams.recv() => {}
                Some(arrival) = self.arrivals.recv() => match arrival {
                    Arrival::Closed(connection, reason) => self.on_closed(logic, connection, reason),
                    Arrival::Established(_, newcomer) => connection::close(&newcomer.connection, goodbye),
                    Arrival::Frame(..) | Arrival::Unconnected(..) => {}
                },
            }
        }
    }
}

impl<L: Logic + Send> Side<L> for Players {
    type Happening = Happening;

    async fn happened(&mut self) -> Happening {
        tokio::select! {
            biased;
            Some((connection, bytes)) = self.datagrams.recv() => Happening::Datagram(connection, bytes),
            Some(arrival) = self.arrivals.recv() => Happening::Arrival(arrival),
            Some(ended) = self.connections.join_next() => Happening::TaskEnded(ended),
            Some(ended) = self.newcomers.join_next() => Happening::TaskEnded(ended),
            else => std::future::pending().await,
        }
    }

    fn tell(&mut self, logic: &mut L, happening: Happening) {
        match happening {
            Happening::Datagram(connection, bytes) => self.on_datagram(logic, connection, bytes),
            Happening::Arrival(arrival) => self.on_arrival(logic, arrival),
            Happening::TaskEnded(ended) => log_panic(ended),
        }
    }

    fn catch_up(&mut self, logic: &mut L) {
        for _ in 0..limits::DATAGRAMS_MAX {
            let Ok((connection, bytes)) = self.datagrams.try_recv() else {
                break;
            };
            self.on_datagram(logic, connection, bytes);
        }
        for _ in 0..limits::ARRIVALS_MAX {
            let Ok(arrival) = self.arrivals.try_recv() else {
                break;
            };
            self.on_arrival(logic, arrival);
        }
    }

    fn perform_outputs(&mut self, logic: &mut L) -> usize {
        for done in 0..limits::OUTPUTS_MAX {
            let Some(output) = logic.poll_output() else {
                return done;
            };
            self.perform(logic, output);
        }
        limits::OUTPUTS_MAX
    }

    fn begin_end(&mut self, logic: &mut L) {
        let goodbye = self.role.goodbye();
        self.role.refuse_newcomers(&mut self.newcomers);
        for connection in self.attempts.keys().copied().collect::<Vec<_>>() {
            self.close(logic, connection, goodbye);
        }
        for link in self.links.values() {
            link.close(goodbye);
        }
    }

    async fn end(&mut self, logic: &mut L) {
        let time_max = limits::CLOSE_FLUSH_TIME_MAX + limits::DRAIN_TIME_MAX;
        let _ = time::timeout(time_max, self.until_all_closed(logic)).await;
        let goodbye = self.role.goodbye();
        for connection in self.links.keys().copied().collect::<Vec<_>>() {
            self.on_closed(logic, connection, CloseReason::ByUs(goodbye));
        }
        self.role.end().await;
        let _ = time::timeout(limits::DRAIN_TIME_MAX, async {
            while self.connections.join_next().await.is_some() {}
        })
        .await;
    }
}

/// A task that was aborted has ended as it should.
pub(crate) fn log_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && !error.is_cancelled()
    {
        tracing::error!("a task of the transport ended in an unforeseen way: {error}");
    }
}
