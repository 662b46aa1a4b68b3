//! The library ENet, which Godot's own multiplayer runs over: carried over from C to Rust, and in the clear.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use rusty_enet::{EventNoRef, Host, HostSettings, Packet, PeerID, consts};

use super::{
    Client, Library, Mover, Running, RunningCrowd, Sender, Session, joining::until_connected,
    message, server_thread::ServerThread,
};
use crate::{Failure, Outcome, clock::Nanos, peers::Cell};

/// Everything goes by one channel, unreliable and in order, as what `MultiplayerSynchronizer` sends always.
const CHANNEL: u8 = 0;
const CHANNELS: usize = 1;

/// The library with some settings.
#[derive(Debug)]
pub(super) struct ENet {
    name: &'static str,
    driving: Driving,
}

/// How a server is driven.
#[derive(Debug, Clone, Copy)]
struct Driving {
    /// How often it looks for packets and sends its own.
    tick: Duration,
    /// Whether it may leave out some of what it is to send, as the round trips seem to advise.
    throttles: bool,
}

impl ENet {
    /// As Godot drives it: once a frame.
    pub(super) const DEFAULT: Self = Self {
        name: "ENet",
        driving: Driving {
            tick: Duration::from_millis(16),
            throttles: true,
        },
    };
    pub(super) const TUNED: Self = Self {
        name: "ENet tuned",
        driving: Driving {
            tick: Duration::from_millis(1),
            throttles: false,
        },
    };
}

impl Library for ENet {
    fn name(&self) -> &'static str {
        self.name
    }

    fn is_tuned(&self) -> bool {
        !self.driving.throttles
    }

    fn start(&self, cell: Cell) -> Outcome<Running> {
        let (session, address) = self.serve(cell.clients + 1)?;
        let mover = Sender {
            end: End::join(address)?,
            objects: 0..cell.objects,
        };
        session.with_clients(address, mover, cell.clients, |_, by| End::join(by))
    }

    fn start_crowd(&self, clients: u32) -> Outcome<RunningCrowd> {
        let (session, address) = self.serve(clients)?;
        session.with_crowd(address, clients, |_, by, objects| {
            let end = End::join(by)?;
            Ok(Sender { end, objects })
        })
    }
}

impl ENet {
    /// A server for so many, and where it is.
    fn serve(&self, peers: u32) -> Outcome<(Session, SocketAddr)> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map_err(of)?;
        let address = socket.local_addr().map_err(of)?;
        let (host, driving) = (host(socket, peers as usize)?, self.driving);
        let server = ServerThread::start(move |stop| keep_handing_on(host, driving, stop))?;
        Ok((Session::new(address, server)?, address))
    }
}

fn host(socket: UdpSocket, peers: usize) -> Outcome<Host<UdpSocket>> {
    let settings = HostSettings {
        peer_limit: peers,
        channel_limit: CHANNELS,
        ..HostSettings::default()
    };
    Host::new(socket, settings).map_err(of)
}

/// A client and its connection.
struct End {
    host: Host<UdpSocket>,
    server: PeerID,
}

impl End {
    /// Waits until it is connected.
    fn join(by: SocketAddr) -> Outcome<Self> {
        let mut host = host(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map_err(of)?, 1)?;
        let server = host.connect(by, CHANNELS, 0).map_err(of)?.id();
        until_connected("ENet", || {
            host.service().map_err(of)?;
            Ok(host.peer(server).connected())
        })?;
        Ok(Self { host, server })
    }
}

impl Client for End {
    fn receive(&mut self, seen: &mut dyn FnMut(u32, Nanos)) -> Outcome {
        while let Some(event) = self.host.service().map_err(of)? {
            match event.no_ref() {
                EventNoRef::Receive { packet, .. } => {
                    if let Some((object, sent)) = message::read(packet.data()) {
                        seen(object, sent);
                    }
                }
                EventNoRef::Disconnect { .. } => {
                    return Err(Failure::new("ENet: a connection was lost"));
                }
                EventNoRef::Connect { .. } => {}
            }
        }
        Ok(())
    }
}

impl Mover for Sender<End> {
    fn send(&mut self) -> Outcome {
        let server = self.end.host.peer_mut(self.end.server);
        for object in self.objects.clone() {
            let bytes = message::message(object, &message::pose());
            server
                .send(CHANNEL, &Packet::unreliable(&bytes[..]))
                .map_err(of)?;
        }
        self.end.host.flush();
        Ok(())
    }
}

fn keep_handing_on(mut host: Host<UdpSocket>, driving: Driving, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        hand_on(&mut host, driving.throttles);
        thread::sleep(driving.tick);
    }
}

/// All that has come by now. A client that is cut off by a fault here finds out by itself.
fn hand_on(host: &mut Host<UdpSocket>, throttles: bool) {
    while let Ok(Some(event)) = host
        .service()
        .map(|event| event.map(|event| event.no_ref()))
    {
        match event {
            EventNoRef::Receive { peer, packet, .. } => {
                hand_on_to_others(host, peer, packet.data())
            }
            EventNoRef::Connect { peer, .. } if !throttles => {
                let [interval, up, down] = NO_THROTTLE;
                host.peer_mut(peer).set_throttle(interval, up, down);
            }
            EventNoRef::Connect { .. } | EventNoRef::Disconnect { .. } => {}
        }
    }
}

/// How often ENet looks at round trips, and by how much it then lets more and less through.
const NO_THROTTLE: [u32; 3] = [
    consts::PEER_PACKET_THROTTLE_INTERVAL,
    consts::PEER_PACKET_THROTTLE_SCALE,
    0,
];

/// One packet for all of them, as ENet's own broadcast has it.
fn hand_on_to_others(host: &mut Host<UdpSocket>, from: PeerID, bytes: &[u8]) {
    let packet = Packet::unreliable(bytes);
    for peer in host.connected_peers_mut() {
        if peer.id() != from {
            let _ = peer.send(CHANNEL, &packet);
        }
    }
}

fn of(error: impl fmt::Debug) -> Failure {
    Failure::new(format!("ENet: {error:?}"))
}
