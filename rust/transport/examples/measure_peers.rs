//! Measures the connections between servers, over loopback in one process: `cargo run --release --example measure_peers`.
//!
//! How late a logic is woken; how long a frame and a datagram take there and back; what a millisecond's heartbeat costs; how fast
//! bulk goes, and what it does to a frame beside it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement stops at the first thing that is wrong"
)]

use std::{
    fs,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use synced_protocol::{
    id::ServerId,
    limits::MAX_PEER_FRAME_BYTES,
    link::{Event, Logic, Output},
    peer::{PeerAddress, PeerEvent, PeerLogic, PeerOutput},
    store::StoreWrite,
    time::Micros,
};
use synced_transport::{
    ClusterEndpoint, Disk, DiskReports, Handle, PeerConfig, ServerConfig, Waker, Written, clock,
    cluster::{Authority, Credentials},
};

const OPERATION_BYTES: usize = 2048;
const HEARTBEAT_BYTES: usize = 60;

fn main() {
    for tick in [Micros(1000), Micros(500)] {
        lateness(tick);
    }
    for (what, kind, bytes, pace) in [
        ("frame", Kind::Frame, OPERATION_BYTES, Micros(2000)),
        ("frame", Kind::Frame, OPERATION_BYTES, Micros(250)),
        ("datagram", Kind::Datagram, HEARTBEAT_BYTES, Micros(1000)),
    ] {
        round_trip(what, kind, bytes, pace);
    }
    heartbeats(5, Micros(1000));
    bulk();
}

/// How late the logic is woken that wants to be woken every `tick`.
fn lateness(tick: Micros) {
    let (samples, taken) = mpsc::channel();
    let authority = authority();
    let ticker = Ticker::new(tick, 5000, Play::Nothing, samples);
    let _server = Running::start(&authority, 1, ticker);
    report(&format!("woken late, tick {} us", tick.0), taken);
}

fn round_trip(what: &str, kind: Kind, bytes: usize, pace: Micros) {
    let (samples, taken) = mpsc::channel();
    let authority = authority();
    let asker = Ticker::new(pace, 5000, Play::Ask(kind, bytes), samples.clone());
    let echo = Ticker::new(Micros::from_secs(1), 0, Play::Echo, samples);
    let servers = [
        Running::start(&authority, 1, asker),
        Running::start(&authority, 2, echo),
    ];
    connect(&servers);
    report(
        &format!("{what} of {bytes} B there and back, every {} us", pace.0),
        taken,
    );
}

/// One server sends each other a heartbeat every tick, and each answers.
fn heartbeats(servers: u16, tick: Micros) {
    let (samples, taken) = mpsc::channel();
    let authority = authority();
    let running: Vec<_> = (1..=servers)
        .map(|server| {
            let play = match server {
                1 => Play::Ask(Kind::Datagram, HEARTBEAT_BYTES),
                _ => Play::Echo,
            };
            let ticks = if server == 1 { 20_000 } else { 0 };
            Running::start(
                &authority,
                server,
                Ticker::new(tick, ticks, play, samples.clone()),
            )
        })
        .collect();
    drop(samples);
    connect(&running);
    thread::sleep(Duration::from_secs(1));
    let (before, begin) = (cpu_of(&running), Instant::now());
    thread::sleep(Duration::from_secs(10));
    let (after, elapsed) = (cpu_of(&running), begin.elapsed());
    let percent = |(before, after): (&Duration, &Duration)| {
        format!(
            "{:.1} %",
            (*after - *before).as_secs_f64() / elapsed.as_secs_f64() * 100.0
        )
    };
    let shares: Vec<_> = before.iter().zip(&after).map(percent).collect();
    println!(
        "heartbeats to {} every {} us, CPU of each server: {}",
        servers - 1,
        tick.0,
        shares.join(", ")
    );
    drop(running);
    report("a heartbeat there and back", taken);
}

/// A snapshot's worth of bulk, with frames beside it.
fn bulk() {
    const BULK: usize = 64 * 1024 * 1024;
    let (samples, taken) = mpsc::channel();
    let authority = authority();
    let asker = Ticker::new(Micros(2000), 200, Play::Flood(BULK), samples.clone());
    let echo = Ticker::new(Micros::from_secs(1), 0, Play::Echo, samples);
    let servers = [
        Running::start(&authority, 1, asker),
        Running::start(&authority, 2, echo),
    ];
    connect(&servers);
    report("frame of 2048 B there and back, beside bulk", taken);
    let counters = servers[0].stats.counters();
    println!(
        "bulk: {} packets sent, {} lost",
        counters.packets_sent, counters.packets_lost
    );
}

fn authority() -> Authority {
    Authority::new(&"measure".parse().unwrap()).unwrap()
}

fn report(what: &str, samples: mpsc::Receiver<Micros>) {
    let mut samples: Vec<_> = samples.iter().map(|sample| sample.0).collect();
    samples.sort_unstable();
    let at = |share: f64| samples[((samples.len() - 1) as f64 * share) as usize];
    println!(
        "{what}: p50 {} us, p90 {}, p99 {}, p99.9 {}, max {} (n = {})",
        at(0.5),
        at(0.9),
        at(0.99),
        at(0.999),
        at(1.0),
        samples.len()
    );
}

/// How much of a processor the thread of each server has used.
fn cpu_of(servers: &[Running]) -> Vec<Duration> {
    let used = |server: &Running| {
        let stat = fs::read_to_string(format!("/proc/{}/schedstat", server.thread)).unwrap();
        Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
    };
    servers.iter().map(used).collect()
}

struct Running {
    id: ServerId,
    address: String,
    thread: String,
    peers: mpsc::Sender<Vec<PeerAddress>>,
    stats: std::sync::Arc<synced_transport::TransportStats>,
    waker: Waker,
    _handle: Handle<Ticker>,
}

impl Running {
    fn start(authority: &Authority, server: u16, mut ticker: Ticker) -> Self {
        let issued = authority.server(ServerId(server), &[]).unwrap();
        let credentials = Credentials::issued(&issued).unwrap();
        let local = "127.0.0.1:0".parse().unwrap();
        let players = ServerConfig::new(local, credentials.identity().clone());
        let endpoint = ClusterEndpoint::bind(players, PeerConfig::new(local, credentials)).unwrap();
        let ((peers, told), (thread, threads)) = (mpsc::channel(), mpsc::channel());
        ticker.peers = Some(told);
        ticker.thread = Some(thread);
        let waker = Waker::new();
        waker.wake();
        Self {
            id: ServerId(server),
            address: endpoint.peer_addr().to_string(),
            peers,
            stats: endpoint.peer_stats(),
            _handle: endpoint.spawn(ticker, NoDisk, waker.clone()).unwrap(),
            thread: threads.recv().unwrap(),
            waker,
        }
    }
}

/// Makes the first server know all the others, and each of them the first.
fn connect(servers: &[Running]) {
    let addresses: Vec<_> = servers
        .iter()
        .map(|server| PeerAddress {
            server: server.id,
            address: server.address.clone(),
        })
        .collect();
    for server in servers.iter().rev() {
        let _ = server.peers.send(addresses.clone());
        server.waker.wake();
    }
}

struct NoDisk;

impl Disk for NoDisk {
    fn begin(&mut self, _: DiskReports) {}

    fn write(&mut self, _: StoreWrite) -> Result<Written, String> {
        Ok(Written::Already)
    }

    fn end(&mut self) {}
}

#[derive(Clone, Copy)]
enum Kind {
    Frame,
    Datagram,
}

/// What a server does.
#[derive(Clone, Copy)]
enum Play {
    Nothing,
    /// Sends everyone something that comes back, every tick.
    Ask(Kind, usize),
    /// The same with frames, and so much bulk at first.
    Flood(usize),
    Echo,
}

/// A logic that ticks.
struct Ticker {
    tick: Micros,
    /// How many are to come.
    ticks: u32,
    deadline: Option<Micros>,
    play: Play,
    up: Vec<ServerId>,
    outputs: std::collections::VecDeque<PeerOutput>,
    /// Closed when the measurement is over.
    samples: Option<mpsc::Sender<Micros>>,
    peers: Option<mpsc::Receiver<Vec<PeerAddress>>>,
    thread: Option<mpsc::Sender<String>>,
}

impl Ticker {
    fn new(tick: Micros, ticks: u32, play: Play, samples: mpsc::Sender<Micros>) -> Self {
        let measures = !matches!(play, Play::Echo);
        Self {
            tick,
            ticks,
            deadline: None,
            play,
            up: Vec::new(),
            outputs: [].into(),
            samples: measures.then_some(samples),
            peers: None,
            thread: None,
        }
    }

    fn tick(&mut self, now: Micros) {
        let Some(deadline) = self.deadline.filter(|deadline| now >= *deadline) else {
            return;
        };
        self.deadline = Some(deadline + self.tick);
        match (self.play, self.samples.as_ref()) {
            (Play::Nothing, Some(samples)) => drop(samples.send(now.since(deadline))),
            (Play::Ask(kind, bytes), _) => self.ask(now, kind, bytes),
            (Play::Flood(_), _) => self.ask(now, Kind::Frame, OPERATION_BYTES),
            _ => {}
        }
        self.ticks = self.ticks.saturating_sub(1);
        if self.ticks == 0 {
            (self.samples, self.deadline) = (None, None);
        }
    }

    fn ask(&mut self, now: Micros, kind: Kind, bytes: usize) {
        let mut message = vec![0; bytes];
        message[..8].copy_from_slice(&now.0.to_le_bytes());
        let message = Bytes::from(message);
        for &server in &self.up {
            let bytes = message.clone();
            self.outputs.push_back(match kind {
                Kind::Frame => PeerOutput::Frame { server, bytes },
                Kind::Datagram => PeerOutput::Datagram { server, bytes },
            });
        }
    }

    fn begin(&mut self, now: Micros, server: ServerId) {
        self.up.push(server);
        self.deadline = (self.ticks > 0).then_some(now + self.tick);
        if let Play::Flood(bytes) = self.play {
            let part = Bytes::from(vec![7; MAX_PEER_FRAME_BYTES]);
            let parts =
                (0..bytes.min(30 * 1024 * 1024) / MAX_PEER_FRAME_BYTES).map(|_| part.clone());
            self.outputs
                .extend(parts.map(|bytes| PeerOutput::Bulk { server, bytes }));
        }
    }

    fn back(&mut self, now: Micros, server: ServerId, bytes: Bytes, kind: Kind) {
        if let (Play::Echo, kind) = (self.play, kind) {
            return self.outputs.push_back(match kind {
                Kind::Frame => PeerOutput::Frame { server, bytes },
                Kind::Datagram => PeerOutput::Datagram { server, bytes },
            });
        }
        let sent = u64::from_le_bytes(bytes[..8].try_into().unwrap());
        if let Some(samples) = &self.samples {
            let _ = samples.send(now.since(Micros(sent)));
        }
    }
}

impl Logic for Ticker {
    fn handle(&mut self, now: Micros, event: Event) {
        if !matches!(event, Event::Woken) {
            return;
        }
        if let Some(thread) = self.thread.take() {
            let link = fs::read_link("/proc/thread-self").unwrap();
            let _ = thread.send(link.to_string_lossy().into_owned());
            if matches!(self.play, Play::Nothing) {
                self.deadline = Some(clock::now() + self.tick);
            }
        }
        if let Some(peers) = self.peers.as_ref().and_then(|peers| peers.try_recv().ok()) {
            self.outputs.push_back(PeerOutput::Connect { peers });
        }
        self.tick(now);
    }

    fn poll_output(&mut self) -> Option<Output> {
        None
    }

    fn poll_deadline(&self) -> Option<Micros> {
        self.deadline
    }

    fn is_finished(&self) -> bool {
        false
    }
}

impl PeerLogic for Ticker {
    fn handle_peer(&mut self, now: Micros, event: PeerEvent) {
        match event {
            PeerEvent::Up { server } => self.begin(now, server),
            PeerEvent::Frame { server, bytes } => self.back(now, server, bytes, Kind::Frame),
            PeerEvent::Datagram { server, bytes } => self.back(now, server, bytes, Kind::Datagram),
            _ => {}
        }
    }

    fn poll_peer_output(&mut self) -> Option<PeerOutput> {
        self.outputs.pop_front()
    }
}
