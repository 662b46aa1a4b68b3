//! The loop that owns a logic and drives it.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use synced_protocol::{
    limits::{MAX_DATAGRAM_BYTES, MAX_FRAME_BYTES},
    link::{CloseCode, CloseReason, ConnectionId, Event, Logic, Output, Target},
    time::Micros,
};
use tokio::{
    sync::mpsc,
    task::{self, AbortHandle, JoinSet},
    time,
};

use crate::{
    clock,
    connection::{self, Arrival, ConnectionTask, Established, Inboxes},
    error::TransportError,
    limits,
    link::Link,
    role::Role,
    side::Side,
    signals::{StopSignal, Waker},
    stats::TransportStats,
    timer::Timer,
};

/// Drives one logic over the connections of one endpoint, all in one task.
#[derive(Debug)]
pub(crate) struct Driver<L, S> {
    logic: L,
    role: Role,
    side: S,
    timer: Timer,
    links: BTreeMap<ConnectionId, Link>,
    /// What the logic asked for and has heard nothing of yet.
    attempts: BTreeMap<ConnectionId, AbortHandle>,
    last_id: u64,
    last_wake: Option<Micros>,
    inboxes: Inboxes,
    arrivals: mpsc::Receiver<Arrival>,
    datagrams: mpsc::Receiver<(ConnectionId, Bytes)>,
    connections: JoinSet<()>,
    /// What brings connections up: attempts to connect, or the accepting of others' attempts.
    newcomers: JoinSet<()>,
    stats: Arc<TransportStats>,
}

impl<L: Logic, S: Side<L>> Driver<L, S> {
    /// Must be called within a runtime.
    pub(crate) fn new(
        logic: L,
        role: Role,
        side: S,
        stats: Arc<TransportStats>,
    ) -> Result<Self, TransportError> {
        let (to_arrivals, arrivals) = mpsc::channel(limits::ARRIVALS_MAX);
        let (to_datagrams, datagrams) = mpsc::channel(limits::DATAGRAMS_MAX);
        let mut newcomers = JoinSet::new();
        role.begin(&to_arrivals, &mut newcomers, &stats);
        Ok(Self {
            logic,
            role,
            side,
            timer: Timer::new()?,
            links: BTreeMap::new(),
            attempts: BTreeMap::new(),
            last_id: 0,
            last_wake: None,
            inboxes: Inboxes {
                arrivals: to_arrivals,
                datagrams: to_datagrams,
            },
            arrivals,
            datagrams,
            connections: JoinSet::new(),
            newcomers,
            stats,
        })
    }

    /// What this endpoint counts.
    pub(crate) fn stats(&self) -> Arc<TransportStats> {
        self.stats.clone()
    }

    /// Runs until the logic is finished or a stop is asked for, then closes every connection in an orderly way.
    pub(crate) async fn run(mut self, waker: Waker, stop: StopSignal) -> L {
        self.perform_outputs();
        while !self.logic.is_finished() && self.turn(&waker, &stop).await {
            self.perform_outputs();
        }
        self.wind_down().await;
        self.logic
    }

    /// Waits for something to happen and tells the logic all that has; false when a stop is asked for.
    async fn turn(&mut self, waker: &Waker, stop: &StopSignal) -> bool {
        let deadline = self.deadline();
        tokio::select! {
            biased;
            () = stop.stopped() => return false,
            () = waker.woken() => self.wake(),
            Some(datagram) = self.datagrams.recv() => self.on_datagram(datagram),
            happening = self.side.happened() => self.side.tell(&mut self.logic, happening),
            Some(arrival) = self.arrivals.recv() => self.on_arrival(arrival),
            Some(ended) = self.connections.join_next() => log_panic(ended),
            Some(ended) = self.newcomers.join_next() => log_panic(ended),
            // What has come by now goes before the deadline: after a stall the logic must not judge by the clock alone.
            () = self.timer.until(deadline) => task::yield_now().await,
        }
        self.catch_up();
        true
    }

    /// Takes what else is there, the live lane first, and a bounded share of each so that none starves the others.
    fn catch_up(&mut self) {
        for _ in 0..limits::DATAGRAMS_MAX {
            let Ok(datagram) = self.datagrams.try_recv() else {
                break;
            };
            self.on_datagram(datagram);
        }
        self.side.catch_up(&mut self.logic);
        for _ in 0..limits::ARRIVALS_MAX {
            let Ok(arrival) = self.arrivals.try_recv() else {
                break;
            };
            self.on_arrival(arrival);
        }
        if self.deadline() <= clock::now() {
            self.wake();
        }
    }

    fn deadline(&self) -> Micros {
        let wanted = self.logic.poll_deadline().unwrap_or(Micros(u64::MAX));
        let allowed = self.last_wake.map(|last| last + limits::WAKE_INTERVAL_MIN);
        allowed.map_or(wanted, |allowed| wanted.max(allowed))
    }

    fn wake(&mut self) {
        let now = clock::now();
        self.last_wake = Some(now);
        self.logic.handle(now, Event::Woken);
    }

    fn on_datagram(&mut self, (connection, bytes): (ConnectionId, Bytes)) {
        if self.links.get(&connection).is_some_and(Link::is_open) {
            self.logic
                .handle(clock::now(), Event::Datagram { connection, bytes });
        }
    }

    fn on_arrival(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Established(name, established) => self.on_established(name, established),
            Arrival::Unconnected(connection, reason) => self.on_unconnected(connection, reason),
            Arrival::Frame(connection, bytes) => {
                if self.links.get(&connection).is_some_and(Link::is_open) {
                    self.logic
                        .handle(clock::now(), Event::Frame { connection, bytes });
                }
            }
            Arrival::Closed(connection, reason) => self.on_closed(connection, reason),
        }
    }

    fn on_established(&mut self, name: Option<ConnectionId>, established: Established) {
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
        self.logic.handle(
            clock::now(),
            Event::Connected {
                connection: id,
                remote,
            },
        );
    }

    fn on_unconnected(&mut self, connection: ConnectionId, reason: CloseReason) {
        if self.attempts.remove(&connection).is_some() {
            tracing::debug!(connection = connection.0, %reason, "not connected");
            self.logic
                .handle(clock::now(), Event::Closed { connection, reason });
        }
    }

    fn on_closed(&mut self, connection: ConnectionId, reason: CloseReason) {
        tracing::debug!(connection = connection.0, %reason, "closed");
        if self.links.remove(&connection).is_some() {
            self.stats.set_connections(self.links.len());
            self.logic
                .handle(clock::now(), Event::Closed { connection, reason });
        }
    }

    fn next_id(&mut self) -> ConnectionId {
        self.last_id += 1;
        ConnectionId(self.last_id)
    }

    /// What is for peers goes first: players wait for it.
    fn perform_outputs(&mut self) {
        loop {
            let mut any = self.side.perform_outputs(&mut self.logic);
            while let Some(output) = self.logic.poll_output() {
                any = true;
                self.perform(output);
            }
            if !any {
                return;
            }
        }
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Connect { connection, to } => self.connect(connection, to),
            Output::Frame { connection, bytes } => self.send_frame(connection, bytes),
            Output::Datagram { connection, bytes } => self.send_datagram(connection, bytes),
            Output::Close { connection, code } => self.close(connection, code),
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

    fn close(&mut self, connection: ConnectionId, code: CloseCode) {
        if let Some(link) = self.links.get(&connection) {
            link.close(code);
        } else if let Some(attempt) = self.attempts.get(&connection) {
            attempt.abort();
            self.on_unconnected(connection, CloseReason::ByUs(code));
        }
    }

    fn send_frame(&mut self, connection: ConnectionId, frame: Bytes) {
        let Some(link) = self.links.get(&connection) else {
            return;
        };
        if !(1..=MAX_FRAME_BYTES).contains(&frame.len()) {
            tracing::error!(
                connection = connection.0,
                bytes = frame.len(),
                "the logic sent a frame of a size that none may have"
            );
            link.cut(CloseCode::Malformed);
        } else if link.send_frame(frame).is_err() {
            tracing::info!(
                connection = connection.0,
                "cut off: more is waiting for the peer than may"
            );
            link.cut(CloseCode::TooSlow);
        }
    }

    fn send_datagram(&mut self, connection: ConnectionId, datagram: Bytes) {
        let Some(link) = self.links.get(&connection) else {
            return;
        };
        if datagram.len() > MAX_DATAGRAM_BYTES {
            tracing::error!(
                connection = connection.0,
                bytes = datagram.len(),
                "the logic sent a datagram larger than any may be"
            );
            self.stats.count_dropped_datagram();
        } else if link.send_datagram(datagram).is_err() {
            self.stats.count_dropped_datagram();
        }
    }

    /// Every connection delivers what was queued for it and ends with the endpoint's goodbye; the logic hears of each.
    async fn wind_down(&mut self) {
        let goodbye = self.role.goodbye();
        self.role.refuse_newcomers(&mut self.newcomers);
        for connection in self.attempts.keys().copied().collect::<Vec<_>>() {
            self.close(connection, goodbye);
        }
        for link in self.links.values() {
            link.close(goodbye);
        }
        let time_max = limits::CLOSE_FLUSH_TIME_MAX + limits::DRAIN_TIME_MAX;
        let _ = time::timeout(time_max, self.until_all_closed(goodbye)).await;
        for connection in self.links.keys().copied().collect::<Vec<_>>() {
            self.on_closed(connection, CloseReason::ByUs(goodbye));
        }
        self.side.wind_down(&mut self.logic).await;
        self.role.end().await;
        let _ = time::timeout(limits::DRAIN_TIME_MAX, async {
            while self.connections.join_next().await.is_some() {}
        })
        .await;
    }

    async fn until_all_closed(&mut self, goodbye: CloseCode) {
        while !self.links.is_empty() {
            tokio::select! {
                biased;
                Some(_) = self.datagrams.recv() => {}
                Some(arrival) = self.arrivals.recv() => match arrival {
                    Arrival::Closed(connection, reason) => self.on_closed(connection, reason),
                    Arrival::Established(_, newcomer) => connection::close(&newcomer.connection, goodbye),
                    Arrival::Frame(..) | Arrival::Unconnected(..) => {}
                },
            }
        }
    }
}

pub(crate) fn log_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && !error.is_cancelled()
    {
        tracing::error!("a task of the transport ended in an unforeseen way: {error}");
    }
}
