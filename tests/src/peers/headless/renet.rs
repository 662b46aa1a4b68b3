//! The library renet, with its own encrypted transport.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime},
};

use renet::{Bytes, ConnectionConfig, DefaultChannel, RenetClient, RenetServer};
use renet_netcode::{
    ClientAuthentication, ConnectToken, NETCODE_KEY_BYTES, NetcodeClientTransport,
    NetcodeServerTransport, ServerAuthentication, ServerConfig, generate_random_bytes,
};

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

const PROTOCOL: u64 = 1;
const MOVER: u64 = 0;
const TOKEN_SECONDS: u64 = 300;
const TIMEOUT_SECONDS: i32 = 5;
const JOIN_TIME_MAX: Duration = Duration::from_secs(5);
/// How often a client sends what it has to, acknowledgements too.
const CLIENT_TICK: Duration = Duration::from_micros(16_667);

/// The library with some settings.
#[derive(Debug)]
pub(super) struct Renet {
    name: &'static str,
    /// How often the server looks for packets and sends its own.
    server_tick: Duration,
}

impl Renet {
    /// As its documentation drives it: sixty times a second.
    pub(super) const DEFAULT: Self = Self {
        name: "renet",
        server_tick: Duration::from_millis(16),
    };
    pub(super) const TUNED: Self = Self {
        name: "renet tuned",
        server_tick: Duration::from_millis(1),
    };
}

impl Library for Renet {
    fn name(&self) -> &'static str {
        self.name
    }

    fn is_tuned(&self) -> bool {
        self.server_tick < Self::DEFAULT.server_tick
    }

    fn start(&self, cell: Cell) -> Outcome<Running> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map_err(of)?;
        let address = socket.local_addr().map_err(of)?;
        let relay = Relay::start(address, Network::default(), 1)?;
        let gate = Gate {
            key: generate_random_bytes(),
            addresses: vec![address, relay.address()],
        };
        let server = Relayer::start(gate.server(socket, cell)?, self.server_tick)?;
        let mover = gate.join(MOVER, address)?;
        let mut clients: Vec<Box<dyn Client>> = Vec::new();
        for number in 1..=cell.clients {
            let by = if number == 1 {
                relay.address()
            } else {
                address
            };
            clients.push(Box::new(gate.join(number.into(), by)?));
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

/// What lets clients in.
struct Gate {
    key: [u8; NETCODE_KEY_BYTES],
    addresses: Vec<SocketAddr>,
}

impl Gate {
    fn server(&self, socket: UdpSocket, cell: Cell) -> Outcome<NetcodeServerTransport> {
        let config = ServerConfig {
            current_time: unix_time(),
            max_clients: cell.clients as usize + 1,
            protocol_id: PROTOCOL,
            public_addresses: self.addresses.clone(),
            authentication: ServerAuthentication::Secure {
                private_key: self.key,
            },
        };
        NetcodeServerTransport::new(config, socket).map_err(of)
    }

    /// Waits until the client is connected, whose server is driven by its own thread.
    fn join(&self, id: u64, by: SocketAddr) -> Outcome<End> {
        let token = ConnectToken::generate(
            unix_time(),
            PROTOCOL,
            TOKEN_SECONDS,
            id,
            TIMEOUT_SECONDS,
            vec![by],
            None,
            &self.key,
        );
        let authentication = ClientAuthentication::Secure {
            connect_token: token.map_err(of)?,
        };
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map_err(of)?;
        let transport =
            NetcodeClientTransport::new(unix_time(), authentication, socket).map_err(of)?;
        let mut end = End {
            client: RenetClient::new(ConnectionConfig::default()),
            transport,
            updated: Instant::now(),
            sent: Instant::now(),
        };
        let deadline = Instant::now() + JOIN_TIME_MAX;
        while !end.client.is_connected() {
            if Instant::now() > deadline {
                return Err(Failure::new("renet: a client cannot connect"));
            }
            end.update()?;
            thread::sleep(Duration::from_millis(1));
        }
        Ok(end)
    }
}

/// A client and its connection.
struct End {
    client: RenetClient,
    transport: NetcodeClientTransport,
    updated: Instant,
    sent: Instant,
}

impl End {
    fn update(&mut self) -> Outcome {
        let now = Instant::now();
        let passed = now - std::mem::replace(&mut self.updated, now);
        self.client.update(passed);
        self.transport
            .update(passed, &mut self.client)
            .map_err(of)?;
        if now - self.sent >= CLIENT_TICK {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Outcome {
        self.sent = Instant::now();
        self.transport.send_packets(&mut self.client).map_err(of)
    }
}

impl Client for End {
    fn receive(&mut self, seen: &mut dyn FnMut(u32, Nanos)) -> Outcome {
        self.update()?;
        while let Some(bytes) = self.client.receive_message(DefaultChannel::Unreliable) {
            if let Some((object, sent)) = message::read(&bytes) {
                seen(object, sent);
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
        for object in 0..self.objects {
            let bytes = Bytes::copy_from_slice(&message::message(object, &message::pose()));
            self.end
                .client
                .send_message(DefaultChannel::Unreliable, bytes);
        }
        self.end.flush()?;
        self.end.update()
    }
}

/// A thread that hands on what the mover sends. It ends when dropped.
struct Relayer {
    threads: Threads,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Relayer {
    fn start(transport: NetcodeServerTransport, tick: Duration) -> Outcome<Self> {
        let (mark, stop) = (Mark::now()?, Arc::<AtomicBool>::default());
        let asked = stop.clone();
        let thread = thread::spawn(move || hand_on(transport, tick, &asked));
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

/// A client that is cut off by a fault here finds out by itself.
fn hand_on(mut transport: NetcodeServerTransport, tick: Duration, stop: &AtomicBool) {
    let mut server = RenetServer::new(ConnectionConfig::default());
    let (mut updated, mut sent) = (Instant::now(), Instant::now());
    while !stop.load(Ordering::Relaxed) {
        let now = Instant::now();
        let passed = now - std::mem::replace(&mut updated, now);
        server.update(passed);
        let _ = transport.update(passed, &mut server);
        while server.get_event().is_some() {}
        let mut is_news = false;
        while let Some(bytes) = server.receive_message(MOVER, DefaultChannel::Unreliable) {
            server.broadcast_message_except(MOVER, DefaultChannel::Unreliable, bytes);
            is_news = true;
        }
        // Whatever the tick, acknowledgements alone need not go more often than clients send.
        if is_news || now - sent >= CLIENT_TICK {
            transport.send_packets(&mut server);
            sent = now;
        }
        thread::sleep(tick);
    }
    transport.disconnect_all(&mut server);
}

fn unix_time() -> Duration {
    SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()
}

fn of(error: impl fmt::Display) -> Failure {
    Failure::new(format!("renet: {error}"))
}
