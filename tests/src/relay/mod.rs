//! A bad network in front of a server: it loses packets, delays them and lets them overtake one another, always the same
//! way for the same seed, and counts them. It knows nothing of what they hold.

mod counts;
mod network;
mod waiting;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{Failure, Outcome};

pub use counts::Counts;
pub use network::{Loss, Network};

use counts::Counters;
use network::Fates;
use waiting::Waiting;

/// The largest packet that passes.
const PACKET_BYTES_MAX: usize = 64 * 1024;
/// How often a thread that waits looks whether it is to end.
const POLL: Duration = Duration::from_millis(50);

/// Carries packets between one client and a server over a bad network. It ends when dropped.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// What was sent through a relay, each way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// By the client.
    pub up: Counts,
    /// By the server.
    pub down: Counts,
}

/// What all threads see.
#[derive(Debug)]
struct Shared {
    network: Mutex<Network>,
    /// Who sent last to the near side; unknown before the first packet.
    client: Mutex<Option<SocketAddr>>,
    stop: AtomicBool,
    up: Lane,
    down: Lane,
}

/// What goes one way.
#[derive(Debug, Default)]
struct Lane {
    waiting: Waiting,
    counters: Counters,
}

/// One way through the relay, for one of its two threads.
struct Way {
    from: UdpSocket,
    to: UdpSocket,
    is_up: bool,
    shared: Arc<Shared>,
}

impl Relay {
    /// Starts a relay in front of `server`.
    ///
    /// # Errors
    /// When the system gives no sockets.
    pub fn start(server: SocketAddr, network: Network, seed: u64) -> Outcome<Self> {
        Self::run(server, network, seed).map_err(Failure::of("the sockets of a relay"))
    }

    /// Where the client connects to.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the network for the packets that come from now on.
    pub fn set_network(&self, network: Network) {
        *lock(&self.shared.network) = network;
    }

    /// What was sent so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        Traffic {
            up: self.shared.up.counters.read(),
            down: self.shared.down.counters.read(),
        }
    }

    fn run(server: SocketAddr, network: Network, seed: u64) -> io::Result<Self> {
        let near = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let far = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        far.connect(server)?;
        for socket in [&near, &far] {
            socket.set_read_timeout(Some(POLL))?;
        }
        let shared = Arc::new(Shared {
            network: Mutex::new(network),
            client: Mutex::default(),
            stop: AtomicBool::default(),
            up: Lane::default(),
            down: Lane::default(),
        });
        let mut threads = Vec::new();
        for (from, to, is_up) in [(&near, &far, true), (&far, &near, false)] {
            let way = || -> io::Result<Way> {
                Ok(Way {
                    from: from.try_clone()?,
                    to: to.try_clone()?,
                    is_up,
                    shared: Arc::clone(&shared),
                })
            };
            let fates = Fates::new(seed.wrapping_mul(2).wrapping_add(is_up.into()));
            let (receiving, delivering) = (way()?, way()?);
            threads.push(thread::spawn(move || receiving.receive(fates)));
            threads.push(thread::spawn(move || delivering.deliver()));
        }
        Ok(Self {
            address: near.local_addr()?,
            shared,
            threads,
        })
    }
}

impl Traffic {
    /// What was sent since an earlier look.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self {
            up: self.up.since(earlier.up),
            down: self.down.since(earlier.down),
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Way {
    fn receive(self, mut fates: Fates) {
        let mut buffer = vec![0; PACKET_BYTES_MAX];
        let mut number = 0;
        while !self.is_over() {
            // Nothing came in time, or the other side is not there, which its peer finds out by itself.
            let Ok((length, sender)) = self.from.recv_from(&mut buffer) else {
                continue;
            };
            let now = Instant::now();
            if self.is_up {
                *lock(&self.shared.client) = Some(sender);
            }
            let fate = fates.next(&lock(&self.shared.network));
            self.lane().counters.count(length, fate.is_none());
            number += 1;
            match fate {
                None => {}
                Some(Duration::ZERO) => self.pass(&buffer[..length]),
                Some(delay) => self
                    .lane()
                    .waiting
                    .put(now + delay, number, &buffer[..length]),
            }
        }
    }

    fn deliver(self) {
        while !self.is_over() {
            if let Some(packet) = self.lane().waiting.take() {
                self.pass(&packet);
            }
        }
    }

    /// What cannot be sent is lost, as on any network.
    fn pass(&self, packet: &[u8]) {
        let client = *lock(&self.shared.client);
        let _ = match (self.is_up, client) {
            (true, _) => self.to.send(packet),
            (false, Some(client)) => self.to.send_to(packet, client),
            (false, None) => Ok(0),
        };
    }

    fn lane(&self) -> &Lane {
        if self.is_up {
            &self.shared.up
        } else {
            &self.shared.down
        }
    }

    fn is_over(&self) -> bool {
        self.shared.stop.load(Ordering::Relaxed)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server, a relay in front of it, and a client that it has heard.
    fn connected(network: Network) -> (UdpSocket, Relay, UdpSocket, SocketAddr) {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let relay = Relay::start(server.local_addr().unwrap(), network, 1).unwrap();
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.send_to(b"question", relay.address()).unwrap();
        let mut buffer = [0; 20];
        let (length, from) = server.recv_from(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"question");
        (server, relay, client, from)
    }

    #[test]
    fn packets_pass_both_ways_and_are_counted_with_their_headers() {
        let (server, relay, client, from) = connected(Network::default());
        server.send_to(b"answer", from).unwrap();
        let mut buffer = [0; 20];
        let length = client.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"answer");
        let counts = |payload_bytes: u64| Counts {
            packets: 1,
            bytes: payload_bytes + 28,
            lost: 0,
            largest_bytes: payload_bytes + 28,
        };
        let expected = Traffic {
            up: counts(8),
            down: counts(6),
        };
        assert_eq!(relay.traffic(), expected);
        assert_eq!(relay.traffic().since(expected).up.bytes, 0);
    }

    #[test]
    fn with_jitter_packets_overtake_one_another_and_all_arrive() {
        let network = Network::default().with_jitter(Duration::from_millis(20));
        let (server, relay, client, _) = connected(network);
        for number in 0..100 {
            client.send_to(&[number], relay.address()).unwrap();
        }
        let mut buffer = [0; 20];
        let mut order: Vec<u8> = (0..100)
            .map(|_| server.recv(&mut buffer).map(|_| buffer[0]).unwrap())
            .collect();
        assert!(!order.is_sorted());
        order.sort_unstable();
        assert_eq!(order, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn a_network_may_grow_worse_and_better_again() {
        let (server, relay, client, _) = connected(Network::default());
        server.set_read_timeout(Some(POLL)).unwrap();
        let arrives = |permille: u16| {
            relay.set_network(Network::losing(permille));
            client.send_to(b"x", relay.address()).unwrap();
            server.recv(&mut [0; 20]).is_ok()
        };
        assert!(!arrives(1_000));
        assert!(arrives(0));
        assert_eq!(relay.traffic().up.lost, 1);
    }
}
