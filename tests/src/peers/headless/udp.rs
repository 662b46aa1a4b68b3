//! Sockets and nothing else: what no library can be quicker than. Nothing is encrypted, acknowledged or told apart.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{
    Client, Library, Mover, Running, Server,
    message::{self, MESSAGE_BYTES},
    threads::{Mark, Threads},
};
use crate::{
    Failure, Outcome,
    clock::Nanos,
    peers::{Cell, meter::CpuTime},
    relay::{Network, Relay},
};

/// As many messages as a packet of 1200 bytes takes.
const MESSAGES_A_PACKET: usize = 1_200 / MESSAGE_BYTES;
const PACKET_BYTES: usize = MESSAGES_A_PACKET * MESSAGE_BYTES;
/// What a client says, and is told when the server knows it.
const HELLO: &[u8] = b"hello";
/// How long a socket waits before its thread looks whether it is to end, and a client for the server's answer.
const POLL: Duration = Duration::from_millis(20);
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Udp;

impl Library for Udp {
    fn name(&self) -> &'static str {
        "UDP alone"
    }

    fn is_tuned(&self) -> bool {
        false
    }

    fn start(&self, cell: Cell) -> Outcome<Running> {
        let server = Relayer::start()?;
        let relay = Relay::start(server.address, Network::default(), 1)?;
        let mut clients: Vec<Box<dyn Client>> = Vec::new();
        for number in 0..cell.clients {
            let by = if number == 0 {
                relay.address()
            } else {
                server.address
            };
            clients.push(Box::new(Receiver::join(by)?));
        }
        Ok(Running {
            mover: Box::new(Sender {
                socket: socket_to(server.address)?,
                objects: cell.objects,
            }),
            clients,
            client_threads: Threads::default(),
            relay,
            server: Box::new(server),
        })
    }
}

/// A thread that hands every packet on. It ends when dropped.
struct Relayer {
    address: SocketAddr,
    threads: Threads,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Relayer {
    fn start() -> Outcome<Self> {
        let socket = ok(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)))?;
        ok(socket.set_read_timeout(Some(POLL)))?;
        let address = ok(socket.local_addr())?;
        let (mark, stop) = (Mark::now()?, Arc::<AtomicBool>::default());
        let asked = stop.clone();
        let thread = thread::spawn(move || hand_on(&socket, &asked));
        Ok(Self {
            address,
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

/// What does not arrive is lost.
fn hand_on(socket: &UdpSocket, stop: &AtomicBool) {
    let mut clients = Vec::new();
    let mut buffer = [0; PACKET_BYTES];
    while !stop.load(Ordering::Relaxed) {
        match socket.recv_from(&mut buffer) {
            Ok((length, from)) if &buffer[..length] == HELLO => {
                clients.push(from);
                let _ = socket.send_to(HELLO, from);
            }
            Ok((length, _)) => {
                for client in &clients {
                    let _ = socket.send_to(&buffer[..length], client);
                }
            }
            Err(_) => {}
        }
    }
}

struct Sender {
    socket: UdpSocket,
    objects: u32,
}

impl Mover for Sender {
    fn send(&mut self) -> Outcome {
        let messages = (0..self.objects).map(|object| message::message(object, &message::pose()));
        let bytes: Vec<u8> = messages.flatten().collect();
        for packet in bytes.chunks(PACKET_BYTES) {
            ok(self.socket.send(packet))?;
        }
        Ok(())
    }
}

struct Receiver(UdpSocket);

impl Receiver {
    fn join(by: SocketAddr) -> Outcome<Self> {
        let socket = socket_to(by)?;
        ok(socket.set_read_timeout(Some(ANSWER_TIME_MAX)))?;
        ok(socket.send(HELLO))?;
        ok(socket.recv(&mut [0; HELLO.len()]))?;
        ok(socket.set_nonblocking(true))?;
        Ok(Self(socket))
    }
}

impl Client for Receiver {
    fn receive(&mut self, seen: &mut dyn FnMut(u32, Nanos)) -> Outcome {
        let mut buffer = [0; PACKET_BYTES];
        loop {
            match self.0.recv(&mut buffer) {
                Ok(length) => {
                    let messages = buffer[..length].chunks(MESSAGE_BYTES);
                    for (object, sent) in messages.filter_map(message::read) {
                        seen(object, sent);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return ok(Err(error)),
            }
        }
    }
}

fn socket_to(address: SocketAddr) -> Outcome<UdpSocket> {
    let socket = ok(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)))?;
    ok(socket.connect(address))?;
    Ok(socket)
}

fn ok<T>(result: io::Result<T>) -> Outcome<T> {
    result.map_err(Failure::of("a socket of the comparison"))
}
