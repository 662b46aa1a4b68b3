//! The library ENet, which Godot's own multiplayer runs over: carried over from C to Rust, and in the clear.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rusty_enet::{EventNoRef, Host, HostSettings, Packet, PeerID, consts};

use super::{
    Client, Library, Mover, Running, Server, message,
    threads::{Mark, Threads},
};
use crate::{
    Failure, Outcome,
    clock::Nanos,
    peers::{Cell, meter::CpuTime},
    relay::{Network, Relay},
};

/// Everything goes by one channel, unreliable and in order, as what `MultiplayerSynchronizer` sends always.
const CHANNEL: u8 = 0;
const CHANNELS: usize = 1;
const JOIN_TIME_MAX: Duration = Duration::from_secs(5);

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
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map_err(of)?;
        let address = socket.local_addr().map_err(of)?;
        let relay = Relay::start(address, Network::default(), 1)?;
        let server = Relayer::start(host(socket, cell.clients as usize + 1)?, self.driving)?;
        let mover = End::join(address)?;
        let mut clients: Vec<Box<dyn Client>> = Vec::new();
        for number in 0..cell.clients {
            let by = if number == 0 {
                relay.address()
            } else {
                address
            };
            clients.push(Box::new(End::join(by)?));
        }
        Ok(Running {
            mover: Box::new(Sender {
                end: mover,
                objects: cell.objects,
            }),
            clients,
            client_threads: Threads::default(),
            relay,
            server: Box::new(server),
        })
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
    /// Waits until it is connected to a server, which is driven by its own thread.
    fn join(by: SocketAddr) -> Outcome<Self> {
        let mut host = host(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map_err(of)?, 1)?;
        let server = host.connect(by, CHANNELS, 0).map_err(of)?.id();
        let deadline = Instant::now() + JOIN_TIME_MAX;
        while !host.peer(server).connected() {
            if Instant::now() > deadline {
                return Err(Failure::new("ENet: a client cannot connect"));
            }
            host.service().map_err(of)?;
            thread::sleep(Duration::from_millis(1));
        }
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

struct Sender {
    end: End,
    objects: u32,
}

impl Mover for Sender {
    fn send(&mut self) -> Outcome {
        let server = self.end.host.peer_mut(self.end.server);
        for object in 0..self.objects {
            let bytes = message::message(object, &message::pose());
            server
                .send(CHANNEL, &Packet::unreliable(&bytes[..]))
                .map_err(of)?;
        }
        self.end.host.flush();
        self.end.receive(&mut |_, _| {})
    }
}

/// A thread that hands on what anybody sends to everybody else. It ends when dropped.
struct Relayer {
    threads: Threads,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Relayer {
    fn start(mut host: Host<UdpSocket>, driving: Driving) -> Outcome<Self> {
        let (mark, stop) = (Mark::now()?, Arc::<AtomicBool>::default());
        let asked = stop.clone();
        let thread = thread::spawn(move || {
            while !asked.load(Ordering::Relaxed) {
                hand_on(&mut host, driving.throttles);
                thread::sleep(driving.tick);
            }
        });
        Ok(Self {
            threads: mark.since()?,
            stop,
            thread: Some(thread),
        })
    }
}

impl Server for Relayer {
    fn cpu_time(&self) -> Outcome<CpuTime> {
        self.threads.cpu_time()
    }
}

impl Drop for Relayer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
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
