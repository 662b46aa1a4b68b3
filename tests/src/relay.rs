//! A bad network in front of a server: it loses packets, always the same ones for the same seed.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::{Failure, Outcome};

/// The largest packet that passes.
const PACKET_BYTES_MAX: usize = 64 * 1024;
/// How often a thread that waits looks whether it is to end.
const POLL: Duration = Duration::from_millis(50);

/// Carries packets between one client and a server, and loses some of them. It ends when dropped.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// One way through the relay.
struct Way {
    from: UdpSocket,
    to: UdpSocket,
    /// Who sent last to this side, for the other way; unknown before the first packet.
    client: Arc<Mutex<Option<SocketAddr>>>,
    is_up: bool,
    lost_permille: u64,
    seed: u64,
    stop: Arc<AtomicBool>,
}

impl Relay {
    /// Starts a relay in front of `server` that loses so many of a thousand packets, each way.
    ///
    /// # Errors
    /// When the system gives no sockets.
    pub fn start(server: SocketAddr, lost_permille: u16, seed: u64) -> Outcome<Self> {
        let sockets = Self::sockets(server).map_err(Failure::of("the sockets of a relay"))?;
        let (near, far) = &sockets;
        let address = near
            .local_addr()
            .map_err(Failure::of("the address of a relay"))?;
        let (stop, client) = (Arc::<AtomicBool>::default(), Arc::default());
        let way = |from: &UdpSocket, to: &UdpSocket, is_up: bool| -> io::Result<Way> {
            Ok(Way {
                from: from.try_clone()?,
                to: to.try_clone()?,
                client: Arc::clone(&client),
                is_up,
                lost_permille: u64::from(lost_permille),
                seed: seed.wrapping_mul(2).wrapping_add(u64::from(is_up)),
                stop: Arc::clone(&stop),
            })
        };
        let ways = [way(near, far, true), way(far, near, false)];
        let threads = ways
            .into_iter()
            .map(|way| way.map(|way| thread::spawn(move || way.run())));
        let threads = threads
            .collect::<io::Result<_>>()
            .map_err(Failure::of("the sockets of a relay"))?;
        Ok(Self {
            address,
            stop,
            threads,
        })
    }

    /// Where the client connects to.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    fn sockets(server: SocketAddr) -> io::Result<(UdpSocket, UdpSocket)> {
        let near = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let far = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        far.connect(server)?;
        for socket in [&near, &far] {
            socket.set_read_timeout(Some(POLL))?;
        }
        Ok((near, far))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Way {
    fn run(self) {
        let mut buffer = vec![0; PACKET_BYTES_MAX];
        let mut count = 0;
        while !self.stop.load(Ordering::Relaxed) {
            // Nothing came in time, or the other side is not there, which its peer finds out by itself.
            let Ok((length, sender)) = self.from.recv_from(&mut buffer) else {
                continue;
            };
            count += 1;
            if self.is_up {
                *self.client.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
            }
            if !is_lost(self.seed, count, self.lost_permille) {
                self.pass(&buffer[..length]);
            }
        }
    }

    /// What cannot be sent is lost, as on any network.
    fn pass(&self, packet: &[u8]) {
        let client = *self.client.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = match (self.is_up, client) {
            (true, _) => self.to.send(packet),
            (false, Some(client)) => self.to.send_to(packet, client),
            (false, None) => Ok(0),
        };
    }
}

/// Whether the packet of this number is lost: SplitMix64 (Steele, Lea and Flood, 2014) over both.
const fn is_lost(seed: u64, number: u64, lost_permille: u64) -> bool {
    let mut bits = seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (bits ^ (bits >> 31)) % 1_000 < lost_permille
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn about_as_many_are_lost_as_was_asked_for_and_the_same_ones_for_a_seed() {
        let lost = |seed| {
            (0..10_000)
                .filter(|number| is_lost(seed, *number, 50))
                .collect::<Vec<_>>()
        };
        assert!((400..600).contains(&lost(1).len()), "{}", lost(1).len());
        assert_eq!(lost(1), lost(1));
        assert_ne!(lost(1), lost(2));
    }

    #[test]
    fn packets_pass_both_ways() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let relay = Relay::start(server.local_addr().unwrap(), 0, 1).unwrap();
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.send_to(b"question", relay.address()).unwrap();
        let mut buffer = [0; 20];
        let (length, from) = server.recv_from(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"question");
        server.send_to(b"answer", from).unwrap();
        let length = client.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"answer");
    }
}
