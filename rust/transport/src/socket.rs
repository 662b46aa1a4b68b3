//! The UDP socket under an endpoint.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::Arc,
};

use quinn::{AsyncUdpSocket, Endpoint, EndpointConfig, Runtime, TokioRuntime};
use socket2::{Domain, Protocol, Socket, Type};

use crate::{
    limits::SOCKET_BUFFER_BYTES,
    one_by_one,
    wire::{Network, Plug, Wire},
};

/// A socket, or what stands for one.
#[derive(Debug)]
pub(crate) enum Bound {
    System(UdpSocket),
    /// With what the endpoint's own chance begins with.
    Simulated(Arc<dyn Wire>, [u8; 32]),
}

impl Bound {
    /// At `address` of the system, or of `network`.
    pub(crate) fn at(address: SocketAddr, network: Option<&Arc<dyn Network>>) -> io::Result<Self> {
        match network {
            None => bind(address).map(Self::System),
            Some(network) => Ok(Self::Simulated(network.bind(address)?, network.seed())),
        }
    }

    /// To reach `remote` from, at any free port.
    pub(crate) fn to_reach(remote: IpAddr, network: Option<&Arc<dyn Network>>) -> io::Result<Self> {
        let local: IpAddr = match remote {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        Self::at((local, 0).into(), network)
    }

    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Self::System(socket) => socket.local_addr(),
            Self::Simulated(wire, _) => Ok(wire.local_addr()),
        }
    }

    /// A server's endpoint over it. Must be called within a runtime.
    pub(crate) fn server_endpoint(
        self,
        config: EndpointConfig,
        server: quinn::ServerConfig,
    ) -> io::Result<Endpoint> {
        let wrap = |socket| TokioRuntime.wrap_udp_socket(socket);
        self.endpoint(config, Some(server), wrap)
    }

    /// The endpoint over it of one who connects. Must be called within a runtime.
    pub(crate) fn client_endpoint(self, config: EndpointConfig) -> io::Result<Endpoint> {
        self.endpoint(config, None, |socket| {
            one_by_one::wrap(socket, &TokioRuntime)
        })
    }

    fn endpoint(
        self,
        mut config: EndpointConfig,
        server: Option<quinn::ServerConfig>,
        wrap: impl FnOnce(UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>>,
    ) -> io::Result<Endpoint> {
        let socket = match self {
            Self::System(socket) => wrap(socket)?,
            Self::Simulated(wire, seed) => {
                config.rng_seed(Some(seed));
                Arc::new(Plug(wire))
            }
        };
        Endpoint::new_with_abstract_socket(config, server, socket, Arc::new(TokioRuntime))
    }
}

/// A socket bound to `address`. One bound to the unspecified IPv6 address hears IPv4 as well, where the system can do that.
pub(crate) fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    if address.is_ipv6() && address.ip().is_unspecified() && socket.set_only_v6(false).is_err() {
        tracing::debug!("this system keeps IPv4 and IPv6 apart: {address} hears IPv6 alone");
    }
    enlarge_buffers(&socket);
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Bursts of many clients fall into one wake-up of the thread; what does not fit into the buffer is lost.
fn enlarge_buffers(socket: &Socket) {
    // Best effort: what is granted in the end is logged.
    let _ = socket.set_recv_buffer_size(SOCKET_BUFFER_BYTES);
    let _ = socket.set_send_buffer_size(SOCKET_BUFFER_BYTES);
    let granted = socket.recv_buffer_size().unwrap_or(0);
    if granted < SOCKET_BUFFER_BYTES {
        tracing::debug!(
            granted,
            wanted = SOCKET_BUFFER_BYTES,
            "small socket buffer; on Linux net.core.rmem_max and wmem_max raise it"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_in_use_is_an_error() {
        let first = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let again = bind(first.local_addr().unwrap());
        assert_eq!(again.unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn the_unspecified_ipv6_address_hears_ipv4() {
        let Ok(both) = bind((Ipv6Addr::UNSPECIFIED, 0).into()) else {
            eprintln!("this machine has no IPv6");
            return;
        };
        both.set_nonblocking(false).unwrap();
        let port = both.local_addr().unwrap().port();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.send_to(b"x", ("127.0.0.1", port)).unwrap();
        assert_eq!(both.recv(&mut [0; 8]).unwrap(), 1);
    }
}
