//! Every packet of this machine to and from one UDP port, as the kernel sees it.

use std::{
    env,
    io::{self, Read, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use socket2::{Domain, Protocol, Socket, Type};

use crate::{Failure, Outcome};

/// IPv4, as Ethernet numbers it. A packet of this protocol is shown once, where it arrives.
const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERNET_HEADER_BYTES: usize = 14;
const IP_PROTOCOL_UDP: u8 = 17;
const UDP_HEADER_BYTES: usize = 8;
const IP_DONT_FRAGMENT: u16 = 0x4000;
/// More fragments follow, or this is not the first.
const IP_FRAGMENT: u16 = 0x3fff;
/// The largest packet that the kernel can hand out.
const PACKET_BYTES_MAX: usize = 128 * 1024;
const BUFFER_BYTES: usize = 16 * 1024 * 1024;
const POLL: Duration = Duration::from_millis(50);

/// A UDP packet that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    /// The port that it came from.
    pub from: u16,
    /// The port that it went to.
    pub to: u16,
    /// The bytes in it, without the headers of IP and UDP.
    pub payload_bytes: usize,
    /// Whether it is a part of a packet only.
    pub is_fragment: bool,
    /// Whether a router may take it apart.
    pub may_be_fragmented: bool,
}

/// A capture that runs.
#[derive(Debug)]
pub struct Capture {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Packet>>,
}

impl Capture {
    /// Begins, before this returns. Without the right to capture there is none, and `what` is said not to be checked.
    ///
    /// # Errors
    /// When the system gives no socket; in continuous integration also without the right.
    pub fn begin(what: &str) -> Outcome<Option<Self>> {
        match Self::start() {
            Ok(capture) => Ok(Some(capture)),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => without_rights(what),
            Err(error) => Err(Failure::new(format!("no capture: {error}"))),
        }
    }

    fn start() -> io::Result<Self> {
        let protocol = Protocol::from(i32::from(ETHERTYPE_IPV4.to_be()));
        let socket = Socket::new(Domain::PACKET, Type::RAW, Some(protocol))?;
        socket.set_read_timeout(Some(POLL))?;
        // The system may grant less; nothing is lost unless the reader falls behind by that much.
        socket.set_recv_buffer_size(BUFFER_BYTES)?;
        let stop = Arc::<AtomicBool>::default();
        let thread = thread::spawn({
            let stop = stop.clone();
            move || collect(&socket, &stop)
        });
        Ok(Self { stop, thread })
    }

    /// Ends, and gives the packets to and from `port`.
    #[must_use]
    pub fn end(self, port: u16) -> Vec<Packet> {
        self.stop.store(true, Ordering::Relaxed);
        let packets = self.thread.join().unwrap_or_default();
        packets
            .into_iter()
            .filter(|packet| packet.from == port || packet.to == port)
            .collect()
    }
}

/// Whoever runs this where it cannot be proved has to know.
fn without_rights<T>(what: &str) -> Outcome<Option<T>> {
    let text =
        format!("NOT CHECKED: {what}, since this process may not capture packets (CAP_NET_RAW)");
    if env::var_os("CI").is_some() {
        return Err(Failure::new(text));
    }
    let told = writeln!(io::stderr(), "\n{text}");
    told.map(|()| None).map_err(Failure::of("standard error"))
}

fn collect(mut socket: &Socket, stop: &AtomicBool) -> Vec<Packet> {
    let mut packets = Vec::new();
    let mut buffer = vec![0; PACKET_BYTES_MAX];
    while !stop.load(Ordering::Relaxed) {
        if let Ok(length) = socket.read(&mut buffer) {
            packets.extend(udp(&buffer[..length]));
        }
    }
    packets
}

/// The UDP packet in an Ethernet frame. Of a later fragment the ports are not known, and stand as they would be read.
fn udp(frame: &[u8]) -> Option<Packet> {
    let ip = frame.get(ETHERNET_HEADER_BYTES..)?;
    let word = |at: usize| Some(u16::from_be_bytes([*ip.get(at)?, *ip.get(at + 1)?]));
    if ip.first()? >> 4 != 4 || *ip.get(9)? != IP_PROTOCOL_UDP {
        return None;
    }
    let header_bytes = usize::from(ip[0] & 0x0f) * 4;
    let flags = word(6)?;
    Some(Packet {
        from: word(header_bytes)?,
        to: word(header_bytes + 2)?,
        payload_bytes: usize::from(word(2)?).checked_sub(header_bytes + UDP_HEADER_BYTES)?,
        is_fragment: flags & IP_FRAGMENT != 0,
        may_be_fragmented: flags & IP_DONT_FRAGMENT == 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_read_from_its_frame() {
        let mut frame = vec![0; ETHERNET_HEADER_BYTES];
        frame.extend([
            0x45, 0, 0, 31, 0, 1, 0x40, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1,
        ]);
        frame.extend([0x13, 0x06, 0x20, 0x00, 0, 11, 0, 0, b'a', b'b', b'c']);
        let packet = Packet {
            from: 4_870,
            to: 8_192,
            payload_bytes: 3,
            is_fragment: false,
            may_be_fragmented: false,
        };
        assert_eq!(udp(&frame), Some(packet));
        frame[ETHERNET_HEADER_BYTES + 6] = 0x20;
        assert_eq!(
            udp(&frame),
            Some(Packet {
                is_fragment: true,
                may_be_fragmented: true,
                ..packet
            })
        );
        assert_eq!(udp(&frame[..30]), None);
    }
}
