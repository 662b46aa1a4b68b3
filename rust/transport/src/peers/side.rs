//! What the driver of a server of a cluster does beside serving players.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;
use synced_protocol::{
    id::ServerId,
    limits::{MAX_DATAGRAM_BYTES, MAX_PEER_FRAME_BYTES, MAX_SERVERS},
    link::CloseCode,
    peer::{PeerAddress, PeerEvent, PeerLogic, PeerOutput},
    store::StoreWrite,
};
use tokio::{
    sync::{mpsc, watch},
    task::{AbortHandle, JoinSet},
    time,
};

use super::{
    acceptance::Greeter,
    connection::{FromPeer, Newcomer, PeerArrival, PeerInboxes, PeerTask},
    dialer::{Dialer, Dialling},
    link::PeerLink,
    requests::{self, Requests},
};
use crate::{
    accept::Acceptor,
    clock, connection,
    disk::{Disk, DiskReport, DiskReports, Written},
    driver::log_panic,
    limits,
    queue::Overflow,
    side::Side,
    stats::TransportStats,
};

/// The connections with the other servers, and the disk.
#[derive(Debug)]
pub(crate) struct PeerSide<D> {
    pub(super) me: ServerId,
    pub(super) disk: D,
    pub(super) dialling: Dialling,
    pub(super) acceptor: Acceptor,
    pub(super) stats: Arc<TransportStats>,
    pub(super) known: watch::Sender<BTreeSet<ServerId>>,
    pub(super) wanted: BTreeMap<ServerId, Wanted>,
    pub(super) links: BTreeMap<ServerId, PeerLink>,
    pub(super) last_serial: u64,
    pub(super) requests: Requests,
    pub(super) disk_failed: bool,
    pub(super) reports: mpsc::UnboundedReceiver<DiskReport>,
    pub(super) inboxes: PeerInboxes,
    pub(super) arrivals: mpsc::Receiver<PeerArrival>,
    pub(super) datagrams: mpsc::Receiver<FromPeer>,
    pub(super) bulk: mpsc::Receiver<FromPeer>,
    pub(super) tasks: JoinSet<()>,
}

/// A server with which there is to be a connection.
#[derive(Debug)]
pub(super) struct Wanted {
    address: String,
    /// Where this side is the one to connect.
    dialer: Option<AbortHandle>,
}

/// Something that happened beside the players.
#[derive(Debug)]
pub(crate) enum Happening {
    Arrival(PeerArrival),
    Datagram(FromPeer),
    Bulk(FromPeer),
    Disk(DiskReport),
    TaskEnded,
}

impl<L: PeerLogic + Send, D: Disk + Send> Side<L> for PeerSide<D> {
    type Happening = Happening;

    async fn happened(&mut self) -> Happening {
        tokio::select! {
            biased;
            Some(datagram) = self.datagrams.recv() => Happening::Datagram(datagram),
            Some(report) = self.reports.recv() => Happening::Disk(report),
            Some(arrival) = self.arrivals.recv() => Happening::Arrival(arrival),
            Some(frame) = self.bulk.recv() => Happening::Bulk(frame),
            Some(ended) = self.tasks.join_next() => {
                log_panic(ended);
                Happening::TaskEnded
            }
            else => std::future::pending().await,
        }
    }

    fn tell(&mut self, logic: &mut L, happening: Happening) {
        match happening {
            Happening::Arrival(arrival) => self.on_arrival(logic, arrival),
            Happening::Datagram(datagram) => self.on_datagram(logic, datagram),
            Happening::Bulk(frame) => self.on_bulk(logic, frame),
            Happening::Disk(report) => self.on_report(logic, report),
            Happening::TaskEnded => {}
        }
    }

    fn catch_up(&mut self, logic: &mut L) {
        for _ in 0..limits::DATAGRAMS_MAX {
            let Ok(datagram) = self.datagrams.try_recv() else {
                break;
            };
            self.on_datagram(logic, datagram);
        }
        while let Ok(report) = self.reports.try_recv() {
            self.on_report(logic, report);
        }
        for _ in 0..limits::ARRIVALS_MAX {
            let Ok(arrival) = self.arrivals.try_recv() else {
                break;
            };
            self.on_arrival(logic, arrival);
        }
        for _ in 0..limits::PEER_BULK_FRAMES_MAX {
            let Ok(frame) = self.bulk.try_recv() else {
                break;
            };
            self.on_bulk(logic, frame);
        }
    }

    fn perform_outputs(&mut self, logic: &mut L) -> bool {
        let mut any = false;
        while let Some(output) = logic.poll_peer_output() {
            any = true;
            self.perform(logic, output);
        }
        any
    }

    async fn wind_down(&mut self, logic: &mut L) {
        self.acceptor.refuse_newcomers();
        for wanted in std::mem::take(&mut self.wanted).into_values() {
            wanted.dialer.iter().for_each(AbortHandle::abort);
        }
        for link in self.links.values() {
            link.close(CloseCode::ServerStopping);
        }
        let time_max = limits::PEER_FLUSH_TIME_MAX;
        let _ = time::timeout(time_max, self.until_all_closed(logic)).await;
        self.disk.end();
        let endpoint = self.acceptor.endpoint();
        connection::close_endpoint(endpoint, CloseCode::ServerStopping);
        let _ = time::timeout(limits::DRAIN_TIME_MAX, endpoint.wait_idle()).await;
    }
}

impl<D: Disk + Send> PeerSide<D> {
    /// Begins to accept connections and to use the disk. Must be called within a runtime.
    pub(super) fn begin(&mut self, greeter: Greeter, reports: DiskReports) {
        self.disk.begin(reports);
        let (acceptor, greeter) = (self.acceptor.clone(), Arc::new(greeter));
        self.tasks.spawn(acceptor.run(move |incoming, seat| {
            let greeter = greeter.clone();
            greeter.greet(incoming, seat)
        }));
    }

    fn on_arrival<L: PeerLogic>(&mut self, logic: &mut L, arrival: PeerArrival) {
        match arrival {
            PeerArrival::Up(newcomer) => self.on_up(logic, newcomer),
            PeerArrival::Frame(server, serial, bytes) if self.is_open(server, serial) => {
                logic.handle_peer(clock::now(), PeerEvent::Frame { server, bytes });
            }
            PeerArrival::Frame(..) => {}
            PeerArrival::Down(server, serial, why) => self.on_down(logic, server, serial, &why),
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
        if !self.wanted.contains_key(&server) {
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

    fn on_report<L: PeerLogic>(&mut self, logic: &mut L, report: DiskReport) {
        let event = match report {
            DiskReport::Stored(write) => PeerEvent::Stored { write },
            DiskReport::Failed(_) if self.disk_failed => return,
            DiskReport::Failed(reason) => {
                self.disk_failed = true;
                PeerEvent::StoreFailed { reason }
            }
        };
        logic.handle_peer(clock::now(), event);
    }

    /// Whether this connection is the one with that server.
    fn is_open(&self, server: ServerId, serial: u64) -> bool {
        self.links
            .get(&server)
            .is_some_and(|link| link.serial == serial)
    }

    fn perform<L: PeerLogic>(&mut self, logic: &mut L, output: PeerOutput) {
        match output {
            PeerOutput::Connect { peers } => self.connect(peers),
            PeerOutput::Frame { server, bytes } => self.send(server, bytes, PeerLink::send_frame),
            PeerOutput::Bulk { server, bytes } => self.send(server, bytes, PeerLink::send_bulk),
            PeerOutput::Datagram { server, bytes } => self.send_datagram(server, bytes),
            PeerOutput::Respond { request, bytes } => self.requests.respond(request, bytes),
            PeerOutput::Store(write) => self.store(logic, write),
        }
    }

    fn connect(&mut self, peers: Vec<PeerAddress>) {
        let me = self.me;
        let peers: BTreeMap<_, _> = peers
            .into_iter()
            .filter(|peer| peer.server != me)
            .take(MAX_SERVERS)
            .map(|peer| (peer.server, peer.address))
            .collect();
        self.part_with_all_but(&peers);
        for (server, address) in peers {
            if self
                .wanted
                .get(&server)
                .is_none_or(|wanted| wanted.address != address)
            {
                self.want(PeerAddress { server, address });
            }
        }
        self.known
            .send_replace(self.wanted.keys().copied().collect());
    }

    fn part_with_all_but(&mut self, peers: &BTreeMap<ServerId, String>) {
        let links = &self.links;
        self.wanted.retain(|server, wanted| {
            let stays = peers.contains_key(server);
            if !stays {
                wanted.dialer.iter().for_each(AbortHandle::abort);
                links
                    .get(server)
                    .iter()
                    .for_each(|link| link.close(CloseCode::Done));
            }
            stays
        });
    }

    /// Looks for a server at its address from now on; a connection that is up stays.
    fn want(&mut self, peer: PeerAddress) {
        let (server, address) = (peer.server, peer.address.clone());
        let dials = self.me < server;
        let dialer = dials.then(|| {
            self.tasks
                .spawn(Dialer::new(self.dialling.clone(), peer).run())
        });
        let before = self.wanted.insert(server, Wanted { address, dialer });
        before
            .and_then(|before| before.dialer)
            .iter()
            .for_each(AbortHandle::abort);
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

    fn store<L: PeerLogic>(&mut self, logic: &mut L, write: StoreWrite) {
        if self.disk_failed {
            return;
        }
        let id = write.id;
        match self.disk.write(write) {
            Ok(Written::Already) => self.on_report(logic, DiskReport::Stored(id)),
            Ok(Written::Later) => {}
            Err(reason) => self.on_report(logic, DiskReport::Failed(reason)),
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
