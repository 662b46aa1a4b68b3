//! A path between a client and a server that a test can watch and cut.

use std::{
    io,
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use super::loopback;

/// Passes the packets of one client on, both ways, until it is cut.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    path: Arc<Path>,
}

struct Path {
    server: Mutex<SocketAddr>,
    open: AtomicBool,
    blocked: AtomicBool,
    /// None are lost where it is 0.
    one_lost_of: AtomicUsize,
    packets: AtomicUsize,
    largest_bytes: AtomicUsize,
}

impl Relay {
    pub(crate) fn to(server: SocketAddr) -> Self {
        let (front, back) = (socket(), socket());
        let address = front.local_addr().unwrap();
        let path = Arc::new(Path {
            server: Mutex::new(server),
            open: AtomicBool::new(true),
            blocked: AtomicBool::new(false),
            one_lost_of: AtomicUsize::new(0),
            packets: AtomicUsize::new(0),
            largest_bytes: AtomicUsize::new(0),
        });
        let relay = Self {
            address,
            path: path.clone(),
        };
        thread::spawn(move || path.pass_on(&front, &back));
        relay
    }

    /// Leads to another server from now on, as when one takes the place of another at the same address.
    pub(crate) fn lead_to(&self, server: SocketAddr) {
        *self.path.server.lock().unwrap() = server;
    }

    /// Loses one of so many packets from now on.
    pub(crate) fn lose_one_of(&self, packets: usize) {
        self.path.one_lost_of.store(packets, SeqCst);
    }

    /// Lets nothing through until it does again, as when a cable is pulled.
    pub(crate) fn block(&self, blocked: bool) {
        self.path.blocked.store(blocked, SeqCst);
    }

    /// Lets nothing through any more, as when a machine dies.
    pub(crate) fn cut(&self) {
        self.path.open.store(false, SeqCst);
    }

    /// How many packets have passed, and the UDP payload of the largest.
    pub(crate) fn watched(&self) -> (usize, usize) {
        (
            self.path.packets.load(SeqCst),
            self.path.largest_bytes.load(SeqCst),
        )
    }
}

impl Path {
    fn pass_on(&self, front: &UdpSocket, back: &UdpSocket) {
        let mut client = None;
        while self.open.load(SeqCst) {
            while let Ok((packet, from)) = self.receive(front) {
                client = Some(from);
                if !self.is_lost() {
                    let _ = back.send_to(&packet, *self.server.lock().unwrap());
                }
            }
            while let (Some(client), Ok((packet, _))) = (client, self.receive(back)) {
                if !self.is_lost() {
                    let _ = front.send_to(&packet, client);
                }
            }
        }
    }

    /// Whether the packet that was received last is one of those to lose.
    fn is_lost(&self) -> bool {
        if self.blocked.load(SeqCst) {
            return true;
        }
        match self.one_lost_of.load(SeqCst) {
            0 => false,
            of => self.packets.load(SeqCst).is_multiple_of(of),
        }
    }

    fn receive(&self, socket: &UdpSocket) -> io::Result<(Vec<u8>, SocketAddr)> {
        let mut packet = vec![0; 65_536];
        let (length, from) = socket.recv_from(&mut packet)?;
        packet.truncate(length);
        self.packets.fetch_add(1, SeqCst);
        self.largest_bytes.fetch_max(length, SeqCst);
        Ok((packet, from))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.cut();
    }
}

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind(loopback()).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_millis(1)))
        .unwrap();
    socket
}
