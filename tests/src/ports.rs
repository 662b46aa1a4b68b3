//! Ports of this machine.

use std::net::{Ipv4Addr, UdpSocket};

use crate::{Failure, Outcome};

/// A UDP port that nobody has. It is given back before it is used, and somebody else may be quicker.
///
/// # Errors
/// When there is none.
pub fn free_udp_port() -> Outcome<u16> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0));
    let address = socket.and_then(|socket| socket.local_addr());
    address
        .map(|address| address.port())
        .map_err(Failure::of("a free port"))
}
