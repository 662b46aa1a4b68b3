//! A socket that gives out packets one by one.
//!
//! The system can hand over up to 64 packets of one sender as one (GRO), and QUIC keeps room for 32 of those: 2.4 MB for each socket.
//! A server's only one is worth that. A player, who is sent a packet now and then, has one for each server that might lead.

use std::{
    io::{self, IoSliceMut},
    net::{SocketAddr, UdpSocket},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use quinn::{
    AsyncUdpSocket, Runtime, UdpPoller,
    udp::{RecvMeta, Transmit},
};

/// Another socket, of which the system was asked to keep its packets apart.
#[derive(Debug)]
struct OneByOne(Arc<dyn AsyncUdpSocket>);

/// Hands a socket to a runtime; where the system does not keep its packets apart, as it is.
pub(crate) fn wrap(
    socket: UdpSocket,
    runtime: &impl Runtime,
) -> io::Result<Arc<dyn AsyncUdpSocket>> {
    let same = socket.try_clone()?;
    let wrapped = runtime.wrap_udp_socket(socket)?;
    Ok(if keeps_apart(&same) {
        Arc::new(OneByOne(wrapped))
    } else {
        wrapped
    })
}

#[cfg(target_os = "linux")]
fn keeps_apart(socket: &UdpSocket) -> bool {
    use nix::sys::socket::{setsockopt, sockopt::UdpGroSegment};
    setsockopt(socket, UdpGroSegment, &false).is_ok()
}

#[cfg(not(target_os = "linux"))]
const fn keeps_apart(_: &UdpSocket) -> bool {
    false
}

impl AsyncUdpSocket for OneByOne {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        self.0.clone().create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.0.try_send(transmit)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_recv(cx, buffers, metas)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.0.max_transmit_segments()
    }

    fn max_receive_segments(&self) -> usize {
        1
    }

    fn may_fragment(&self) -> bool {
        self.0.may_fragment()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use quinn::TokioRuntime;

    use super::*;
    use crate::socket::bind;

    const PACKET_BYTES: usize = 100;

    /// How long each packet is that comes when three were sent at once, as the system gives them out.
    async fn received(receiver: Arc<dyn AsyncUdpSocket>) -> Vec<usize> {
        let sender = TokioRuntime.wrap_udp_socket(socket()).unwrap();
        let transmit = Transmit {
            destination: receiver.local_addr().unwrap(),
            ecn: None,
            contents: &[7; 3 * PACKET_BYTES],
            segment_size: Some(PACKET_BYTES),
            src_ip: None,
        };
        let mut poller = sender.clone().create_io_poller();
        poll_fn(|cx| poller.as_mut().poll_writable(cx))
            .await
            .unwrap();
        sender.try_send(&transmit).unwrap();
        let mut lengths = Vec::new();
        while lengths.iter().sum::<usize>() < transmit.contents.len() {
            let mut buffers = [[0; 4 * PACKET_BYTES]; 4];
            let mut metas = [RecvMeta::default(); 4];
            let count = poll_fn(|cx| {
                let mut slices = buffers.each_mut().map(|buffer| IoSliceMut::new(buffer));
                receiver.poll_recv(cx, &mut slices, &mut metas)
            });
            let count = count.await.unwrap();
            lengths.extend(metas[..count].iter().map(|meta| meta.len));
        }
        lengths
    }

    fn socket() -> UdpSocket {
        bind("127.0.0.1:0".parse().unwrap()).unwrap()
    }

    #[tokio::test]
    async fn packets_that_were_sent_at_once_come_apart() {
        let whole = TokioRuntime.wrap_udp_socket(socket()).unwrap();
        if whole.max_receive_segments() == 1 {
            eprintln!("this system keeps packets apart by itself");
            return;
        }
        assert_eq!(received(whole).await, [3 * PACKET_BYTES]);
        let apart = wrap(socket(), &TokioRuntime).unwrap();
        assert_eq!(apart.max_receive_segments(), 1);
        assert_eq!(received(apart).await, [PACKET_BYTES; 3]);
    }
}
