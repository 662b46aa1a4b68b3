//! A logic that a test plays by hand, and real endpoints around it.
#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod cluster;
pub(crate) mod disk;
pub(crate) mod peer;
pub(crate) mod raw;
pub(crate) mod relay;

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    time::Duration,
};

use bytes::Bytes;
use synced_protocol::{
    link::{CloseCode, CloseReason, ConnectionId, Event, Logic, Output, Target},
    time::Micros,
};
use synced_transport::{
    ClientConfig, ClientEndpoint, ClientThread, Handle, Identity, ServerAddress, ServerConfig,
    ServerEndpoint, Waker,
};

/// Far longer than anything takes; a test that waits so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) type Reaction = Box<dyn FnMut(&Event) -> Option<Output> + Send>;

/// A logic that shows its events to the test, and does what the test or a reaction says.
pub(crate) struct Puppet {
    events: mpsc::Sender<Event>,
    script: Arc<Mutex<Script>>,
    reaction: Reaction,
}

#[derive(Default)]
struct Script {
    outputs: VecDeque<Output>,
    finished: bool,
}

impl Logic for Puppet {
    fn handle(&mut self, _now: Micros, event: Event) {
        let output = (self.reaction)(&event);
        self.script.lock().unwrap().outputs.extend(output);
        if !matches!(event, Event::Woken) {
            let _ = self.events.send(event);
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.script.lock().unwrap().outputs.pop_front()
    }

    fn poll_deadline(&self) -> Option<Micros> {
        None
    }

    fn is_finished(&self) -> bool {
        self.script.lock().unwrap().finished
    }
}

/// The test's end of an endpoint that drives a puppet.
pub(crate) struct Puppeteer {
    pub(crate) handle: Handle<Puppet>,
    events: mpsc::Receiver<Event>,
    script: Arc<Mutex<Script>>,
    waker: Waker,
    attempts: AtomicU64,
}

impl Puppeteer {
    pub(crate) fn server(config: ServerConfig) -> (Self, SocketAddr) {
        Self::reacting_server(config, Box::new(|_| None))
    }

    /// A server that sends every frame and datagram back to where it came from.
    pub(crate) fn echo_server(config: ServerConfig) -> (Self, SocketAddr) {
        Self::reacting_server(config, Box::new(echo))
    }

    fn reacting_server(config: ServerConfig, reaction: Reaction) -> (Self, SocketAddr) {
        let endpoint = ServerEndpoint::bind(config).unwrap();
        let address = endpoint.local_addr();
        let server = Self::new(reaction, |puppet, waker| {
            endpoint.spawn(puppet, waker).unwrap()
        });
        (server, address)
    }

    /// A client that has been asked to connect.
    pub(crate) fn client(config: ClientConfig) -> Self {
        let client = Self::idle_client(config);
        client.connects();
        client
    }

    pub(crate) fn idle_client(config: ClientConfig) -> Self {
        let endpoint = ClientEndpoint::new(config).unwrap();
        Self::new(Box::new(|_| None), |puppet, waker| {
            endpoint.spawn(puppet, waker).unwrap()
        })
    }

    /// One that has been asked to connect, in a thread that it may share.
    pub(crate) fn client_in(thread: &ClientThread, config: ClientConfig) -> Self {
        let endpoint = ClientEndpoint::new(config).unwrap();
        let client = Self::new(Box::new(|_| None), |puppet, waker| {
            endpoint.spawn_in(thread, puppet, waker).unwrap()
        });
        client.connects();
        client
    }

    fn new(reaction: Reaction, spawn: impl FnOnce(Puppet, Waker) -> Handle<Puppet>) -> Self {
        let (sender, events) = mpsc::channel();
        let (script, waker) = (Arc::<Mutex<Script>>::default(), Waker::new());
        let puppet = Puppet {
            events: sender,
            script: script.clone(),
            reaction,
        };
        Self {
            handle: spawn(puppet, waker.clone()),
            events,
            script,
            waker,
            attempts: AtomicU64::new(0),
        }
    }

    pub(crate) fn does(&self, output: Output) {
        self.script.lock().unwrap().outputs.push_back(output);
        self.waker.wake();
    }

    /// Asks for one of the configured servers.
    pub(crate) fn connects(&self) -> ConnectionId {
        self.connects_to(Target::Configured)
    }

    pub(crate) fn connects_to(&self, to: Target) -> ConnectionId {
        let connection = ConnectionId(self.attempts.fetch_add(1, Ordering::Relaxed));
        self.does(Output::Connect { connection, to });
        connection
    }

    pub(crate) fn sends(&self, connection: ConnectionId, bytes: impl Into<Bytes>) {
        self.does(Output::Frame {
            connection,
            bytes: bytes.into(),
        });
    }

    pub(crate) fn casts(&self, connection: ConnectionId, bytes: impl Into<Bytes>) {
        self.does(Output::Datagram {
            connection,
            bytes: bytes.into(),
        });
    }

    pub(crate) fn closes(&self, connection: ConnectionId, code: CloseCode) {
        self.does(Output::Close { connection, code });
    }

    pub(crate) fn finishes(&self) {
        self.script.lock().unwrap().finished = true;
        self.waker.wake();
    }

    pub(crate) fn next(&self) -> Event {
        self.events
            .recv_timeout(PATIENCE)
            .expect("nothing happened")
    }

    pub(crate) fn happened_meanwhile(&self) -> Vec<Event> {
        self.events.try_iter().collect()
    }

    pub(crate) fn connected(&self) -> ConnectionId {
        match self.next() {
            Event::Connected { connection, .. } => connection,
            other => panic!("expected a connection, saw {other:?}"),
        }
    }

    pub(crate) fn frame(&self) -> (ConnectionId, Bytes) {
        match self.next() {
            Event::Frame { connection, bytes } => (connection, bytes),
            other => panic!("expected a frame, saw {other:?}"),
        }
    }

    pub(crate) fn datagram(&self) -> Bytes {
        match self.next() {
            Event::Datagram { bytes, .. } => bytes,
            other => panic!("expected a datagram, saw {other:?}"),
        }
    }

    pub(crate) fn closed(&self) -> (ConnectionId, CloseReason) {
        match self.next() {
            Event::Closed { connection, reason } => (connection, reason),
            other => panic!("expected a close, saw {other:?}"),
        }
    }

    pub(crate) fn closed_reason(&self) -> CloseReason {
        self.closed().1
    }

    pub(crate) fn join(self) -> Vec<Event> {
        self.handle.join().unwrap();
        self.events.iter().collect()
    }
}

fn echo(event: &Event) -> Option<Output> {
    match event {
        Event::Frame { connection, bytes } => Some(Output::Frame {
            connection: *connection,
            bytes: bytes.clone(),
        }),
        Event::Datagram { connection, bytes } => Some(Output::Datagram {
            connection: *connection,
            bytes: bytes.clone(),
        }),
        _ => None,
    }
}

pub(crate) fn loopback() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

pub(crate) fn server_config() -> ServerConfig {
    ServerConfig::new(loopback(), Identity::self_signed().unwrap())
}

pub(crate) fn client_config(server: SocketAddr) -> ClientConfig {
    ClientConfig::new(server.to_string().parse::<ServerAddress>().unwrap())
}

/// A server and a client that are connected: each end with its name for the connection.
pub(crate) struct Pair {
    pub(crate) server: Puppeteer,
    pub(crate) client: Puppeteer,
    pub(crate) address: SocketAddr,
    /// The server's name for the connection.
    pub(crate) at_server: ConnectionId,
    /// The client's name for the connection.
    pub(crate) at_client: ConnectionId,
}

impl Pair {
    pub(crate) fn new() -> Self {
        let (server, address) = Puppeteer::server(server_config());
        let client = Puppeteer::client(client_config(address));
        let at_client = client.connected();
        // The server hears of the stream with the client's first frame.
        client.sends(at_client, "hello");
        let at_server = server.connected();
        assert_eq!(server.frame(), (at_server, Bytes::from("hello")));
        Self {
            server,
            client,
            address,
            at_server,
            at_client,
        }
    }
}
