//! The seam below QUIC: where packets go that do not go to the system's sockets.
//!
//! A simulation hands in a [`Network`] of its own, calls [`clock::simulate`](crate::clock::simulate), and runs everything within one
//! runtime whose clock is paused: then time passes only while nobody has anything to do, and a minute takes seconds.

use std::{
    fmt,
    io::{self, IoSliceMut},
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use quinn::{
    AsyncUdpSocket, UdpPoller,
    udp::{RecvMeta, Transmit},
};

/// A network as one host sees it.
pub trait Network: fmt::Debug + Send + Sync {
    /// A wire at this address; port 0 stands for any that is free, the unspecified address for the host's own.
    ///
    /// # Errors
    /// When the address is in use or not the host's.
    fn bind(&self, address: SocketAddr) -> io::Result<Arc<dyn Wire>>;

    /// What endpoints begin their own chance with; another one for each.
    fn seed(&self) -> [u8; 32];
}

/// One end of a network, at one address.
pub trait Wire: fmt::Debug + Send + Sync {
    /// The address.
    fn local_addr(&self) -> SocketAddr;

    /// Sends one packet, which may be lost.
    fn send(&self, to: SocketAddr, packet: &[u8]);

    /// The next packet that has arrived, and from where; the task is woken when there is one.
    fn poll_receive(&self, cx: &mut Context<'_>) -> Poll<(SocketAddr, Vec<u8>)>;
}

/// A wire as QUIC uses it.
#[derive(Debug)]
pub(crate) struct Plug(pub(crate) Arc<dyn Wire>);

/// Every wire takes every packet.
#[derive(Debug)]
struct AlwaysWritable;

impl UdpPoller for AlwaysWritable {
    fn poll_writable(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncUdpSocket for Plug {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(AlwaysWritable)
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let size = transmit.segment_size.unwrap_or(transmit.contents.len());
        for packet in transmit.contents.chunks(size.max(1)) {
            self.0.send(transmit.destination, packet);
        }
        Ok(())
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let mut received = 0;
        for (buffer, meta) in buffers.iter_mut().zip(metas) {
            let Poll::Ready((from, packet)) = self.0.poll_receive(cx) else {
                break;
            };
            let len = packet.len().min(buffer.len());
            buffer[..len].copy_from_slice(&packet[..len]);
            *meta = RecvMeta {
                addr: from,
                len,
                stride: len,
                ecn: None,
                dst_ip: None,
            };
            received += 1;
        }
        if received == 0 {
            return Poll::Pending;
        }
        Poll::Ready(Ok(received))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.0.local_addr())
    }

    fn may_fragment(&self) -> bool {
        false
    }
}
