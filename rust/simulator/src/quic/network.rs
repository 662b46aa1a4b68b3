//! A network of packets between hosts, in the runtime's own time.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use synced_protocol::{id::mix, time::Micros};
use synced_transport::{Network, Wire};
use tokio::{
    sync::Notify,
    time::{Duration, Instant, sleep_until},
};

use crate::{
    network::{Path, Weather},
    queue::{Due, Queue},
    random::{Purpose, Random},
};

/// The first port that a host takes by itself.
const OWN_PORTS_FROM: u16 = 40_000;

/// The network of one run.
#[derive(Debug)]
pub struct Fabric {
    seed: u64,
    began: Instant,
    path: Path,
    weather: Weather,
    state: Mutex<State>,
    /// Something was sent.
    rung: Notify,
}

#[derive(Debug)]
struct State {
    inboxes: BTreeMap<SocketAddr, Inbox>,
    /// Chance of its own for each way, so that what happens on one does not depend on when something happens on another.
    chances: BTreeMap<(SocketAddr, SocketAddr), Random>,
    last_ports: BTreeMap<IpAddr, u16>,
    /// Counts the sockets there were.
    last_socket: u64,
    /// Hosts whose packets nobody gets, and who get none.
    cut: BTreeSet<IpAddr>,
    flights: Queue<Flight>,
    packets: Vec<Packet>,
}

#[derive(Debug, Default)]
struct Inbox {
    /// Of which socket.
    socket: u64,
    arrived: VecDeque<(SocketAddr, Vec<u8>)>,
    reader: Option<Waker>,
}

#[derive(Debug)]
struct Flight {
    from: SocketAddr,
    to: SocketAddr,
    packet: Vec<u8>,
}

/// One packet that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// When.
    pub at: Micros,
    /// From where.
    pub from: SocketAddr,
    /// To where.
    pub to: SocketAddr,
    /// How many bytes.
    pub bytes: usize,
}

impl Packet {
    /// A number for the way that it took, drawn from `seed`.
    #[must_use]
    pub fn way(&self, seed: u64) -> u64 {
        way(seed, self.from, self.to)
    }
}

impl Fabric {
    /// A network in which packets take this way, and are lost, doubled and overtaken as often as that.
    #[must_use]
    pub fn new(seed: u64, path: Path, weather: Weather) -> Arc<Self> {
        Arc::new(Self {
            seed,
            began: Instant::now(),
            path,
            weather,
            state: Mutex::new(State {
                inboxes: BTreeMap::new(),
                chances: BTreeMap::new(),
                last_ports: BTreeMap::new(),
                last_socket: 0,
                cut: BTreeSet::new(),
                flights: Queue::new(1),
                packets: Vec::new(),
            }),
            rung: Notify::new(),
        })
    }

    /// The network as one host sees it.
    #[must_use]
    pub fn host(self: &Arc<Self>, ip: IpAddr) -> Arc<dyn Network> {
        let fabric = self.clone();
        Arc::new(Host { fabric, ip })
    }

    /// No packet reaches or leaves a host from now on, or again.
    pub fn cut(&self, ip: IpAddr, is_cut: bool) {
        let mut state = self.state();
        if is_cut {
            state.cut.insert(ip);
        } else {
            state.cut.remove(&ip);
        }
    }

    /// A host's process is gone without a word: its sockets are dead, whoever still holds them.
    pub fn kill(&self, ip: IpAddr) {
        self.state().inboxes.retain(|address, _| address.ip() != ip);
    }

    /// Every packet that was sent, by time and way: who comes first of those that send at one instant depends on what a client does in
    /// another thread, and matters to nobody.
    #[must_use]
    pub fn packets(&self) -> Vec<Packet> {
        let mut packets = self.state().packets.clone();
        packets.sort_by_key(|packet| (packet.at, packet.from, packet.to));
        packets
    }

    /// Carries packets for ever.
    pub async fn carry(self: Arc<Self>) {
        loop {
            let next = self.deliver();
            let at = self.began + Duration::from_micros(next.0);
            tokio::select! {
                biased;
                () = self.rung.notified() => {}
                () = sleep_until(at) => {}
            }
        }
    }

    /// Delivers what is due; returns when something will be.
    fn deliver(&self) -> Micros {
        let now = self.now();
        let mut state = self.state();
        while let Some((_, due)) = state.flights.pop(now) {
            if let Due::Thing(flight) = due {
                state.arrive(flight);
            }
        }
        state.flights.next().unwrap_or(now + Micros::from_secs(1))
    }

    fn send(&self, socket: &Socket, to: SocketAddr, packet: &[u8]) {
        let (now, from) = (self.now(), socket.address);
        let mut state = self.state();
        if state.inbox_of(socket).is_none() {
            return;
        }
        state.packets.push(Packet {
            at: now,
            from,
            to,
            bytes: packet.len(),
        });
        if state.cut.contains(&from.ip()) {
            return;
        }
        let seed = self.seed;
        let chance = state.chances.entry((from, to));
        let chance = chance.or_insert_with(|| Random::new(way(seed, from, to), Purpose::Network));
        let arrivals = self.path.arrivals_of_datagram(now, self.weather, chance);
        for at in arrivals.into_iter().flatten() {
            let packet = packet.to_vec();
            state.flights.schedule(at, Flight { from, to, packet });
        }
        self.rung.notify_one();
    }

    fn now(&self) -> Micros {
        let passed = Instant::now().duration_since(self.began);
        Micros(u64::try_from(passed.as_micros()).unwrap_or(u64::MAX))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn way(seed: u64, from: SocketAddr, to: SocketAddr) -> u64 {
    [from, to].into_iter().fold(seed, |hash, address| {
        let ip = match address.ip() {
            IpAddr::V4(ip) => u64::from(ip.to_bits()),
            IpAddr::V6(ip) => ip.to_bits() as u64,
        };
        mix(mix(hash ^ ip) ^ u64::from(address.port()))
    })
}

impl State {
    fn inbox_of(&mut self, socket: &Socket) -> Option<&mut Inbox> {
        let inbox = self.inboxes.get_mut(&socket.address);
        inbox.filter(|inbox| inbox.socket == socket.number)
    }

    fn arrive(&mut self, flight: Flight) {
        let Flight { from, to, packet } = flight;
        if self.cut.contains(&to.ip()) {
            return;
        }
        if let Some(inbox) = self.inboxes.get_mut(&to) {
            inbox.arrived.push_back((from, packet));
            if let Some(reader) = inbox.reader.take() {
                reader.wake();
            }
        }
    }
}

#[derive(Debug)]
struct Host {
    fabric: Arc<Fabric>,
    ip: IpAddr,
}

impl Network for Host {
    fn bind(&self, address: SocketAddr) -> io::Result<Arc<dyn Wire>> {
        let mut state = self.fabric.state();
        let port = match address.port() {
            0 => {
                let last = state.last_ports.entry(self.ip).or_insert(OWN_PORTS_FROM);
                *last += 1;
                *last
            }
            port => port,
        };
        let address = SocketAddr::new(self.ip, port);
        if state.inboxes.contains_key(&address) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        state.last_socket += 1;
        let number = state.last_socket;
        let inbox = Inbox {
            socket: number,
            ..Inbox::default()
        };
        state.inboxes.insert(address, inbox);
        let fabric = self.fabric.clone();
        Ok(Arc::new(Socket {
            fabric,
            address,
            number,
        }))
    }

    fn seed(&self) -> [u8; 32] {
        let address = SocketAddr::new(self.ip, 0);
        let mut random = Random::new(way(self.fabric.seed, address, address), Purpose::Logic);
        let mut seed = [0; 32];
        for word in seed.chunks_mut(8) {
            word.copy_from_slice(&random.any().to_le_bytes());
        }
        seed
    }
}

struct Socket {
    fabric: Arc<Fabric>,
    address: SocketAddr,
    number: u64,
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Socket({})", self.address)
    }
}

impl Wire for Socket {
    fn local_addr(&self) -> SocketAddr {
        self.address
    }

    fn send(&self, to: SocketAddr, packet: &[u8]) {
        self.fabric.send(self, to, packet);
    }

    fn poll_receive(&self, cx: &mut Context<'_>) -> Poll<(SocketAddr, Vec<u8>)> {
        let mut state = self.fabric.state();
        let Some(inbox) = state.inbox_of(self) else {
            return Poll::Pending;
        };
        match inbox.arrived.pop_front() {
            Some(arrived) => Poll::Ready(arrived),
            None => {
                inbox.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let mut state = self.fabric.state();
        if state.inbox_of(self).is_some() {
            state.inboxes.remove(&self.address);
        }
    }
}
