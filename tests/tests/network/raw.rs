//! A client that speaks QUIC and keeps to nothing else.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use quinn::{
    Connection, ConnectionError, Endpoint, RecvStream, SendStream, TransportConfig, VarInt,
    crypto::rustls::QuicClientConfig,
};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use synced_protocol::{
    control,
    link::CloseCode,
    message::{ClientMessage, Hello},
};
use synced_tests::{Failure, Outcome};
use synced_transport::CERTIFICATE_FILE;
use tokio::time::timeout;

use crate::scripted::{failure, game};

const PROTOCOL_NAME: &[u8] = b"synced";
/// Nothing that a server does to its worst peer takes nearly so long.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much may come without being read.
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
const KEEP_ALIVE: Duration = Duration::from_millis(300);

/// A connection, and the stream that it opened.
pub(crate) struct Raw {
    pub(crate) connection: Connection,
    pub(crate) send: SendStream,
    /// What is not read from it piles up at the server.
    pub(crate) receive: RecvStream,
    _endpoint: Endpoint,
}

impl Raw {
    /// Connects, and opens the stream without a word. The server's certificate is in `identity`.
    pub(crate) async fn connect(address: SocketAddr, identity: &Path) -> Outcome<Self> {
        let endpoint =
            Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).map_err(Failure::of("a socket"))?;
        let connecting = endpoint
            .connect_with(config(identity)?, address, "localhost")
            .map_err(failure)?;
        let connection = connecting.await.map_err(failure)?;
        let (send, receive) = connection.open_bi().await.map_err(failure)?;
        Ok(Self {
            connection,
            send,
            receive,
            _endpoint: endpoint,
        })
    }

    /// Connects and joins under a name.
    pub(crate) async fn join(address: SocketAddr, identity: &Path, name: &str) -> Outcome<Self> {
        let mut raw = Self::connect(address, identity).await?;
        let hello = Hello {
            game: game(),
            player_name: name.to_owned(),
            key: crate::key_of(name),
            resume: None,
        };
        let frame = control::encode_first(&ClientMessage::Hello(hello)).map_err(failure)?;
        raw.frame(&frame).await?;
        let mut welcome = [0; 64];
        raw.receive
            .read_exact(&mut welcome)
            .await
            .map_err(failure)?;
        Ok(raw)
    }

    /// Sends bytes on the stream as they are.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Outcome {
        self.send.write_all(bytes).await.map_err(failure)
    }

    /// Sends a frame behind its length.
    pub(crate) async fn frame(&mut self, bytes: &[u8]) -> Outcome {
        let length = u32::try_from(bytes.len()).map_err(failure)?;
        self.write(&length.to_le_bytes()).await?;
        self.write(bytes).await
    }

    /// Sends a datagram; one that cannot be sent any more does not matter.
    pub(crate) fn datagram(&self, bytes: impl Into<Bytes>) {
        let _ = self.connection.send_datagram(bytes.into());
    }

    /// What the server tells when it closes.
    pub(crate) async fn told(&self) -> Outcome<CloseCode> {
        self.cut_off()
            .await?
            .ok_or_else(|| Failure::new("the server gave no reason"))
    }

    /// As [`told`](Self::told), for one who may have missed it in its own noise: a close is sent without being acknowledged.
    pub(crate) async fn cut_off(&self) -> Outcome<Option<CloseCode>> {
        let closed = timeout(PATIENCE, self.connection.closed()).await;
        match closed.map_err(|_| Failure::new("the server never closed the connection"))? {
            ConnectionError::ApplicationClosed(close) => {
                let code = u32::try_from(close.error_code.into_inner()).map_err(failure)?;
                Ok(Some(CloseCode::from_code(code)))
            }
            ConnectionError::Reset => Ok(None),
            other => Err(failure(other)),
        }
    }
}

fn config(identity: &Path) -> Outcome<quinn::ClientConfig> {
    let certificate =
        CertificateDer::from_pem_file(identity.join(CERTIFICATE_FILE)).map_err(failure)?;
    let mut roots = RootCertStore::empty();
    roots.add(certificate).map_err(failure)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(failure)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![PROTOCOL_NAME.to_vec()];
    let mut transport = TransportConfig::default();
    transport
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW_BYTES))
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .keep_alive_interval(Some(KEEP_ALIVE));
    let mut config =
        quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).map_err(failure)?));
    config.transport_config(Arc::new(transport));
    Ok(config)
}
