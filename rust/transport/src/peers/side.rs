//! What the driver of a server of a cluster does beside serving players.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use synced_protocol::{
    id::ServerId,
    limits::{MAX_DATAGRAM_BYTES, MAX_PEER_FRAME_BYTES},
    link::CloseCode,
    peer::{PeerAddress, PeerEvent, PeerLogic, PeerOutput},
    store::StoreWrite,
};
use tokio::{
    sync::mpsc,
    task::{JoinError, JoinSet},
    time,
};

use super::{
    connection::{FromPeer, Newcomer, PeerArrival, PeerInboxes, PeerTask},
    link::PeerLink,
    requests::{self, Requests},
    roster::Roster,
};
use crate::{
    accept::Acceptor,
    clock, connection,
    disk::{Disk, DiskReport, Store},
    limits,
    players::log_panic,
    queue::Overflow,
    side::Side,
    stats::TransportStats,
};

/// The connections with the other servers, and the disk.
#[derive(Debug)]
pub(crate) struct PeerSide<D> {
    pub(super) roster: Roster,
    pub(super) acceptor: Acceptor,
    pub(super) links: BTreeMap<ServerId, PeerLink>,
    pub(super) last_serial: u64,
    pub(super) store: Store<D>,
    pub(super) requests: Requests,
    pub(super) inboxes: PeerInboxes,
    pub(super) arrivals: mpsc::Receiver<PeerArrival>,
    pub(super) datagrams: mpsc::Receiver<FromPeer>,
    pub(super) bulk: mpsc::Receiver<FromPeer>,
    pub(super) tasks: JoinSet<()>,
    pub(super) stats: Arc<TransportStats>,
}

/// Something that happened beside the players.
#[derive(Debug)]
pub(crate) enum Happening {
    Arrival(PeerArrival),
    Datagram(FromPeer),
    Bulk(FromPeer),
    Disk(DiskReport),
    TaskEnded(Result<(), JoinError>),
}

impl<L: PeerLogic + Send, D: Disk + Send> Side<L> for PeerSide<D> {
    type Happening = Happening;

    async fn happened(&mut self) -> Happening {
        tokio::select! {
            biased;
            Some(datagram) = self.datagrams.recv() => Happening::Datagram(datagram),
            Some(report) = self.store.report() => Happening::Disk(report),
            Some(arrival) = self.arrivals.recv() => Happening::Arrival(arrival),
            Some(frame) = self.bulk.recv() => Happening::Bulk(frame),
            Some(ended) = self.tasks.join_next() => Happening::TaskEnded(ended),
            else => std::future::pending().await,
        }
    }

    fn tell(&mut self, logic: &mut L, happening: Happening) {
        match happening {
            Happening::Arrival(arrival) => self.on_arrival(logic, arrival),
            Happening::Datagram(datagram) => self.on_datagram(logic, datagram),
            Happening::Bulk(frame) => self.on_bulk(logic, frame),
            Happening::Disk(report) => self.on_report(logic, report),
            Happening::TaskEnded(ended) => log_panic(ended),
        }
    }

    fn catch_up(&mut self, logic: &mut L) {
        for _ in 0..limits::DATAGRAMS_MAX {
            let Ok(datagram) = self.datagrams.try_recv() else {
                break;
            };
            self.on_datagram(logic, datagram);
        }
        while let Some(report) = self.store.reported() {
            self.on_report(logic, report);
        }
        for _ in 0..limits::ARRIVALS_MAX {
            let Ok(arrival) = self.arrivals.try_recv() else {
                break;
            };
            self.on_arrival(logic, arrival);
        }
        self.take_bulk(logic);
    }

    fn perform_outputs(&mut self, logic: &mut L) -> usize {
        for done in 0..limits::OUTPUTS_MAX {
            let Some(output) = logic.poll_peer_output() else {
                return done;
            };
            self.perform(logic, output);
        }
        limits::OUTPUTS_MAX
    }

    fn begin_end(&mut self, _: &mut L) {
        self.acceptor.refuse_newcomers();
        self.roster.clear();
        for link in self.links.values() {
            link.close(CloseCode::ServerStopping);
        }
    }

    async fn end(&mut self, logic: &mut L) {
        let time_max = limits::PEER_FLUSH_TIME_MAX + limits::DRAIN_TIME_MAX;
        let _ = time::timeout(time_max, self.until_all_closed(logic)).await;
        self.store.end();
        let endpoint = self.acceptor.endpoint();
        connection::close_endpoint(endpoint, CloseCode::ServerStopping);
        let _ = time::timeout(limits::DRAIN_TIME_MAX, endpoint.wait_idle()).await;
    }
}

impl<D: Disk + Send> PeerSide<D> {
    fn on_arrival<L: PeerLogic>(&mut self, logic: &mut L, arrival: PeerArrival) {
        match arrival {
            PeerArrival::Up(newcomer) => self.on_up(logic, newcomer),
            PeerArrival::Frame(server, serial, bytes) if self.is_open(server, serial) => {
                logic.handle_peer(clock::now(), PeerEvent::Frame { server, bytes });
            }
            PeerArrival::Frame(..) => {}
            PeerArrival::Down(server, serial, why) => {
                // What came by the bulk lane came before this.
                self.take_bulk(logic);
                self.on_down(logic, server, serial, &why);
            }
            PeerArrival::Operator(connection, seat) => {
                let arrivals = self.inboxes.arrivals.clone();
                self.tasks
                    .spawn(requests::serve(connection, seat, arrivals));
            }
            PeerArrival::Request(bytes, answer_to) => {
                let request = self.requests.take_in(answer_to);
                logic.handle_peer(clock::now(), PeerEvent::Request { request, bytes });
            }
        }
    }

    fn on_up<L: PeerLogic>(&mut self, logic: &mut L, newcomer: Newcomer) {
        let (server, connection) = (newcomer.server, newcomer.connection);
        if !self.roster.wants(server) {
            // It came up while the logic gave it up.
            return connection::close(&connection, CloseCode::Done);
        }
        if let Some(before) = self.links.get(&server) {
            before.cut(CloseCode::Superseded);
            let serial = before.serial;
            self.on_down(logic, server, serial, "another connection took its place");
        }
        self.last_serial += 1;
        let link = PeerLink::new(self.last_serial, connection.clone());
        tracing::info!(remote = %connection::remote(&connection), "connected with {server}");
        let task = PeerTask {
            server,
            serial: link.serial,
            connection,
            queues: link.queues(),
            inboxes: self.inboxes.clone(),
            stats: self.stats.clone(),
        };
        self.tasks.spawn(task.run(newcomer.lanes, newcomer.seat));
        self.links.insert(server, link);
        self.stats.set_connections(self.links.len());
        logic.handle_peer(clock::now(), PeerEvent::Up { server });
    }

    fn on_down<L: PeerLogic>(&mut self, logic: &mut L, server: ServerId, serial: u64, why: &str) {
        if !self.is_open(server, serial) {
            return;
        }
        tracing::info!("the connection with {server} ended: {why}");
        self.links.remove(&server);
        self.stats.set_connections(self.links.len());
        logic.handle_peer(clock::now(), PeerEvent::Down { server });
    }

    fn on_datagram<L: PeerLogic>(&self, logic: &mut L, (server, serial, bytes): FromPeer) {
        if self.is_open(server, serial) {
            logic.handle_peer(clock::now(), PeerEvent::Datagram { server, bytes });
        }
    }

    fn on_bulk<L: PeerLogic>(&self, logic: &mut L, (server, serial, bytes): FromPeer) {
        if self.is_open(server, serial) {
            logic.handle_peer(clock::now(), PeerEvent::Bulk { server, bytes });
        }
    }

    fn take_bulk<L: PeerLogic>(&mut self, logic: &mut L) {
        for _ in 0..limits::PEER_BULK_FRAMES_MAX {
            let Ok(frame) = self.bulk.try_recv() else {
                break;
            };
            self.on_bulk(logic, frame);
        }
    }

    fn on_report<L: PeerLogic>(&mut self, logic: &mut L, report: DiskReport) {
        if let Some(event) = self.store.told(report) {
            logic.handle_peer(clock::now(), event);
        }
    }

    /// Whether this connection is the one with that server.
    fn is_open(&self, server: ServerId, serial: u64) -> bool {
        let link = self.links.get(&server);
        link.is_some_and(|link| link.serial == serial)
    }

    fn perform<L: PeerLogic>(&mut self, logic: &mut L, output: PeerOutput) {
        match output {
            PeerOutput::Connect { peers } => self.connect(peers),
            PeerOutput::Frame { server, bytes } => self.send(server, bytes, PeerLink::send_frame),
            PeerOutput::Bulk { server, bytes } => self.send(server, bytes, PeerLink::send_bulk),
            PeerOutput::Datagram { server, bytes } => self.send_datagram(server, bytes),
            PeerOutput::Respond { request, bytes } => self.requests.respond(request, bytes),
            PeerOutput::Store(write) => self.write(logic, write),
        }
    }

    fn connect(&mut self, peers: Vec<PeerAddress>) {
        for server in self.roster.replace(peers, &mut self.tasks) {
            if let Some(link) = self.links.get(&server) {
                link.close(CloseCode::Done);
            }
        }
    }

    fn send(
        &self,
        server: ServerId,
        frame: Bytes,
        send: impl FnOnce(&PeerLink, Bytes) -> Result<(), Overflow>,
    ) {
        let Some(link) = self.links.get(&server) else {
            return;
        };
        let bytes = frame.len();
        if !(1..=MAX_PEER_FRAME_BYTES).contains(&bytes) {
            tracing::error!(
                bytes,
                "the logic sent {server} a frame of a size that none may have"
            );
        } else if send(link, frame).is_err() {
            tracing::warn!("{server} is cut off: more is waiting for it than may");
            link.cut(CloseCode::TooSlow);
        }
    }

    fn send_datagram(&self, server: ServerId, datagram: Bytes) {
        let Some(link) = self.links.get(&server) else {
            return;
        };
        let bytes = datagram.len();
        if bytes > MAX_DATAGRAM_BYTES {
            tracing::error!(
                bytes,
                "the logic sent {server} a datagram larger than any may be"
            );
            self.stats.count_dropped_datagram();
        } else if link.send_datagram(datagram).is_err() {
            self.stats.count_dropped_datagram();
        }
    }

    fn write<L: PeerLogic>(&mut self, logic: &mut L, write: StoreWrite) {
        if let Some(event) = self.store.write(write) {
            logic.handle_peer(clock::now(), event);
        }
    }

    async fn until_all_closed<L: PeerLogic>(&mut self, logic: &mut L) {
        while !self.links.is_empty() {
            tokio::select! {
                biased;
                Some(_) = self.datagrams.recv() => {}
                Some(_) = self.bulk.recv() => {}
                Some(arrival) = self.arrivals.recv() => match arrival {
                    PeerArrival::Down(server, serial, why) => self.on_down(logic, server, serial, &why),
                    PeerArrival::Up(newcomer) => connection::close(&newcomer.connection, CloseCode::ServerStopping),
                    PeerArrival::Frame(..) | PeerArrival::Operator(..) | PeerArrival::Request(..) => {}
                },
            }
        }
    }
}
