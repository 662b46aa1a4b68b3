//! The library renet, with its own encrypted transport.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant, SystemTime},
};

use renet::{Bytes, ConnectionConfig, DefaultChannel, RenetClient, RenetServer};
use renet_netcode::{
    ClientAuthentication, ConnectToken, NETCODE_KEY_BYTES, NetcodeClientTransport,
    NetcodeServerTransport, ServerAuthentication, ServerConfig, generate_random_bytes,
};

use super::{
    Client, Library, Mover, Running, RunningCrowd, Sender, Session, joining::until_connected,
    message, relay_to, server_thread::ServerThread,
};
use crate::{Failure, Outcome, clock::Nanos, peers::Cell};

const PROTOCOL: u64 = 1;
const TOKEN_SECONDS: u64 = 300;
const TIMEOUT_SECONDS: i32 = 5;
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
        let (session, gate) = self.serve(cell.clients + 1)?;
        let mover = Sender {
            end: gate.join(0, gate.address)?,
            objects: 0..cell.objects,
        };
        let join = |number, by| gate.join(1 + number, by);
        session.with_clients(gate.address, mover, cell.clients, join)
    }

    fn start_crowd(&self, clients: u32) -> Outcome<RunningCrowd> {
        let (session, gate) = self.serve(clients)?;
        session.with_crowd(gate.address, clients, |number, by, objects| {
            let end = gate.join(number, by)?;
            Ok(Sender { end, objects })
        })
    }
}

impl Renet {
    /// A server for so many, and what lets them in.
    fn serve(&self, clients: u32) -> Outcome<(Session, Gate)> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map_err(of)?;
        let address = socket.local_addr().map_err(of)?;
        let relay = relay_to(address)?;
        let gate = Gate {
            key: generate_random_bytes(),
            address,
            by_relay: relay.address(),
        };
        let (transport, tick) = (gate.server(socket, clients as usize)?, self.server_tick);
        let server = ServerThread::start(move |stop| hand_on(transport, tick, stop))?;
        Ok((Session::behind(relay, server), gate))
    }
}

/// What lets clients in.
struct Gate {
    key: [u8; NETCODE_KEY_BYTES],
    address: SocketAddr,
    by_relay: SocketAddr,
}

impl Gate {
    fn server(&self, socket: UdpSocket, clients: usize) -> Outcome<NetcodeServerTransport> {
        let config = ServerConfig {
            current_time: unix_time(),
            max_clients: clients,
            protocol_id: PROTOCOL,
            public_addresses: vec![self.address, self.by_relay],
            authentication: ServerAuthentication::Secure {
                private_key: self.key,
            },
        };
        NetcodeServerTransport::new(config, socket).map_err(of)
    }

    /// Waits until the client is connected.
    fn join(&self, id: u32, by: SocketAddr) -> Outcome<End> {
        let token = ConnectToken::generate(
            unix_time(),
            PROTOCOL,
            TOKEN_SECONDS,
            id.into(),
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
        until_connected("renet", || {
            end.update()?;
            Ok(end.client.is_connected())
        })?;
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

impl Mover for Sender<End> {
    fn send(&mut self) -> Outcome {
        for object in self.objects.clone() {
            let bytes = Bytes::copy_from_slice(&message::message(object, &message::pose()));
            self.end
                .client
                .send_message(DefaultChannel::Unreliable, bytes);
        }
        self.end.flush()
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
        for from in server.clients_id() {
            while let Some(bytes) = server.receive_message(from, DefaultChannel::Unreliable) {
                server.broadcast_message_except(from, DefaultChannel::Unreliable, bytes);
                is_news = true;
            }
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
