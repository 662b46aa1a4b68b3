//! Sockets and nothing else: what no library can be quicker than. Nothing is encrypted, acknowledged or told apart.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use super::{
    Client, Library, Mover, Running, RunningCrowd, Sender, Session,
    message::{self, MESSAGE_BYTES},
    server_thread::ServerThread,
};
use crate::{Failure, Outcome, clock::Nanos, peers::Cell};

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
        let (session, address) = serve()?;
        let mover = Sender {
            end: Receiver(socket_to(address)?),
            objects: 0..cell.objects,
        };
        session.with_clients(address, mover, cell.clients, |_, by| Receiver::join(by))
    }

    fn start_crowd(&self, clients: u32) -> Outcome<RunningCrowd> {
        let (session, address) = serve()?;
        session.with_crowd(address, clients, |_, by, objects| {
            let end = Receiver::join(by)?;
            Ok(Sender { end, objects })
        })
    }
}

fn serve() -> Outcome<(Session, SocketAddr)> {
    let socket = ok(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)))?;
    ok(socket.set_read_timeout(Some(POLL)))?;
    let address = ok(socket.local_addr())?;
    let server = ServerThread::start(move |stop| hand_on(&socket, stop))?;
    Ok((Session::new(address, server)?, address))
}

/// Every packet goes to all but who sent it. What does not arrive is lost.
fn hand_on(socket: &UdpSocket, stop: &AtomicBool) {
    let mut clients = Vec::new();
    let mut buffer = [0; PACKET_BYTES];
    while !stop.load(Ordering::Relaxed) {
        match socket.recv_from(&mut buffer) {
            Ok((length, from)) if &buffer[..length] == HELLO => {
                clients.push(from);
                let _ = socket.send_to(HELLO, from);
            }
            Ok((length, from)) => {
                for client in clients.iter().filter(|client| **client != from) {
                    let _ = socket.send_to(&buffer[..length], client);
                }
            }
            Err(_) => {}
        }
    }
}

impl Mover for Sender<Receiver> {
    fn send(&mut self) -> Outcome {
        let objects = self.objects.clone();
        let messages = objects.map(|object| message::message(object, &message::pose()));
        let bytes: Vec<u8> = messages.flatten().collect();
        for packet in bytes.chunks(PACKET_BYTES) {
            ok(self.end.0.send(packet))?;
        }
        Ok(())
    }
}

struct Receiver(UdpSocket);

impl Receiver {
    fn join(by: SocketAddr) -> Outcome<Self> {
        let socket = socket_to(by)?;
        ok(socket.set_nonblocking(false))?;
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
    ok(socket.set_nonblocking(true))?;
    Ok(socket)
}

fn ok<T>(result: io::Result<T>) -> Outcome<T> {
    result.map_err(Failure::of("a socket of the comparison"))
}
