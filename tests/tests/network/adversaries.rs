//! Whoever misbehaves is cut off and told why, and those who play on the same server notice nothing.

use std::{
    net::{SocketAddr, UdpSocket},
    path::PathBuf,
    thread,
    time::Duration,
};

use bytes::Bytes;
use serde_json::Value as Json;
use synced_protocol::{
    control,
    id::{ClientSeq, NodeId, mix},
    limits::MAX_FRAME_BYTES,
    link::CloseCode,
    live::{Loss, encode_ping},
    message::ClientMessage,
    mutation::Mutation,
    time::Micros,
};
use synced_tests::{Failure, Outcome, folder, server::SyncedServer};
use tokio::{runtime::Builder, task::yield_now};

use crate::{
    pair::Pair,
    raw::Raw,
    scripted::{failure, server},
};

const HANDSHAKE_TIMEOUT_MSEC: u32 = 1_000;
const JUNK_DATAGRAMS: usize = 5_000;
/// More than any rate limit lets through in the time that it takes.
const FLOOD: u64 = 200_000;

#[tokio::test]
async fn whoever_misbehaves_is_cut_off_with_a_reason_and_players_notice_nothing() -> Outcome {
    let folder = folder::fresh("adversaries")?;
    let options = server().set("handshake_timeout_ms", HANDSHAKE_TIMEOUT_MSEC);
    let mut server = SyncedServer::start(&folder, &options)?;
    let target = Target {
        address: server.address(),
        identity: folder.join("server"),
    };
    let pair = Pair::start(&server)?;

    throw_junk_at_the_port(target.address)?;
    assert_eq!(target.says_nothing().await?, CloseCode::HandshakeTimeout);
    assert_eq!(
        target.speaks_another_language().await?,
        CloseCode::Malformed
    );
    assert_eq!(
        target.claims_an_oversize_frame().await?,
        CloseCode::Malformed
    );
    assert_eq!(
        target.breaks_off_within_a_frame().await?,
        CloseCode::Malformed
    );
    assert_eq!(
        target.joins_and_sends_junk_frames().await?,
        CloseCode::Malformed
    );
    assert_eq!(
        target.joins_and_sends_junk_datagrams().await?,
        CloseCode::Malformed
    );
    assert_eq!(target.floods_with_proposals().await?, CloseCode::Flooding);
    assert_eq!(target.floods_with_datagrams().await?, CloseCode::Flooding);
    assert_eq!(target.never_reads().await?, CloseCode::TooSlow);
    target.vanishes_within_a_frame()?;
    server.wait_for_log("nothing was heard from the peer")?;

    pair.assert_undisturbed()?;
    let stats = server.stop_with_stats()?;
    assert_cut_offs(&stats);
    Ok(())
}

/// What an adversary has in front of it.
struct Target {
    address: SocketAddr,
    identity: PathBuf,
}

impl Target {
    async fn connect(&self) -> Outcome<Raw> {
        Raw::connect(self.address, &self.identity).await
    }

    async fn join(&self, name: &str) -> Outcome<Raw> {
        Raw::join(self.address, &self.identity, name).await
    }

    async fn says_nothing(&self) -> Outcome<CloseCode> {
        self.connect().await?.told().await
    }

    async fn speaks_another_language(&self) -> Outcome<CloseCode> {
        let mut raw = self.connect().await?;
        raw.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .await?;
        raw.told().await
    }

    async fn claims_an_oversize_frame(&self) -> Outcome<CloseCode> {
        let mut raw = self.join("Oversize").await?;
        let length = u32::try_from(MAX_FRAME_BYTES + 1).map_err(failure)?;
        raw.write(&length.to_le_bytes()).await?;
        raw.told().await
    }

    async fn breaks_off_within_a_frame(&self) -> Outcome<CloseCode> {
        let mut raw = self.join("Truncated").await?;
        raw.write(&100_u32.to_le_bytes()).await?;
        raw.write(&[1; 50]).await?;
        raw.send.finish().map_err(failure)?;
        raw.told().await
    }

    async fn joins_and_sends_junk_frames(&self) -> Outcome<CloseCode> {
        let mut raw = self.join("Junk").await?;
        raw.frame(&junk(1, 300)).await?;
        raw.told().await
    }

    async fn joins_and_sends_junk_datagrams(&self) -> Outcome<CloseCode> {
        let raw = self.join("Junk datagrams").await?;
        for seed in 0..100 {
            raw.datagram(junk(seed, 200));
        }
        raw.told().await
    }

    async fn floods_with_proposals(&self) -> Outcome<CloseCode> {
        let mut raw = self.join("Flood").await?;
        for seq in 1..FLOOD {
            let node = NodeId::derived(NodeId::ROOT, "Nothing");
            let proposal = ClientMessage::Propose {
                seq: ClientSeq(seq),
                transaction: Mutation::Despawn { node }.into(),
            };
            let frame = control::encode(&proposal).map_err(failure)?;
            if raw.frame(&frame).await.is_err() {
                break;
            }
            yield_now().await;
        }
        Ok(raw.cut_off().await?.unwrap_or(CloseCode::Flooding))
    }

    async fn floods_with_datagrams(&self) -> Outcome<CloseCode> {
        let raw = self.join("Datagram flood").await?;
        let datagram = Bytes::copy_from_slice(&encode_ping(Micros(1), Loss::NONE));
        for number in 0..FLOOD {
            raw.datagram(datagram.clone());
            if number.is_multiple_of(100) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            if raw.connection.close_reason().is_some() {
                break;
            }
        }
        Ok(raw.cut_off().await?.unwrap_or(CloseCode::Flooding))
    }

    /// What the two others write fills every buffer on the way to it.
    async fn never_reads(&self) -> Outcome<CloseCode> {
        self.join("Deaf").await?.told().await
    }

    async fn write_half_a_frame(&self) -> Outcome<Raw> {
        let mut raw = self.join("Vanished").await?;
        raw.write(&100_u32.to_le_bytes()).await?;
        raw.write(&[1; 50]).await?;
        Ok(raw)
    }

    /// Its runtime is stopped with all that is in it, so that not even a close is sent.
    fn vanishes_within_a_frame(self) -> Outcome {
        let vanish = move || {
            let runtime = Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(failure)?;
            let raw = runtime.block_on(self.write_half_a_frame())?;
            runtime.shutdown_background();
            drop(raw);
            Ok(())
        };
        thread::spawn(vanish)
            .join()
            .map_err(|_| Failure::new("an adversary panicked"))?
    }
}

/// Bytes of no meaning, some behind what a first packet of QUIC begins with.
fn throw_junk_at_the_port(address: SocketAddr) -> Outcome {
    let socket = UdpSocket::bind("127.0.0.1:0").map_err(Failure::of("a socket"))?;
    for seed in 0..JUNK_DATAGRAMS {
        let mut bytes = junk(seed as u64, 1 + seed % 1_400);
        if seed.is_multiple_of(2) && bytes.len() > 5 {
            bytes[..5].copy_from_slice(&[0xc3, 0, 0, 0, 1]);
        }
        // The system may find its buffers full.
        let _ = socket.send_to(&bytes, address);
    }
    Ok(())
}

fn junk(seed: u64, length: usize) -> Vec<u8> {
    (0..length as u64)
        .map(|place| mix(seed << 32 | place) as u8)
        .collect()
}

/// What the server's own statistics tell the operator.
fn assert_cut_offs(stats: &Json) {
    let cut_offs = &stats["node"]["cut_offs"];
    // The transport cuts off by itself who breaks the framing; the node counts what it cut off.
    for (reason, count) in [
        ("malformed", 2),
        ("flooding", 2),
        ("too_slow", 1),
        ("handshake_timeout", 1),
    ] {
        assert_eq!(cut_offs[reason], count, "{reason} in {cut_offs}");
    }
}
