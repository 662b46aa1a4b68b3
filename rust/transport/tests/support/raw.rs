//! A client that speaks QUIC but keeps to nothing else.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use quinn::{
    Connection, Endpoint, RecvStream, SendStream, TransportConfig, VarInt,
    crypto::rustls::QuicClientConfig,
};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use synced_protocol::link::CloseCode;
use synced_transport::{CERTIFICATE_FILE, Identity};
use tokio::task::JoinHandle;

use super::{Puppeteer, loopback};

/// A server, and a client that does to it what the test likes.
pub(crate) struct Raw {
    pub(crate) server: Puppeteer,
    pub(crate) address: SocketAddr,
    pub(crate) connection: Connection,
    pub(crate) send: SendStream,
    pub(crate) receive: RecvStream,
    _endpoint: Endpoint,
}

impl Raw {
    pub(crate) async fn connect() -> Self {
        let dir = TempDir::new();
        let (server, address) = server_in(&dir.0);
        let (endpoint, connection) =
            dial(&dir.0, address, b"synced", TransportConfig::default()).await;
        let connection = connection.unwrap();
        let (send, receive) = connection.open_bi().await.unwrap();
        server.connected();
        Self {
            server,
            address,
            connection,
            send,
            receive,
            _endpoint: endpoint,
        }
    }

    /// Sends bytes on the stream as they are, with no length before them.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.send.write_all(bytes).await.unwrap();
    }

    /// Sends a datagram now and then until the connection ends.
    pub(crate) fn keep_alive(&self) -> JoinHandle<()> {
        let connection = self.connection.clone();
        tokio::spawn(async move {
            while connection
                .send_datagram(Bytes::from_static(b"alive"))
                .is_ok()
            {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        })
    }

    /// The code that the server closed with.
    pub(crate) async fn told(&self) -> CloseCode {
        match self.connection.closed().await {
            quinn::ConnectionError::ApplicationClosed(close) => {
                CloseCode::from_code(u32::try_from(close.error_code.into_inner()).unwrap())
            }
            other => panic!("not closed by the application: {other}"),
        }
    }
}

pub(crate) fn server_in(dir: &Path) -> (Puppeteer, SocketAddr) {
    let identity = Identity::load_or_create(dir).unwrap();
    Puppeteer::echo_server(synced_transport::ServerConfig::new(loopback(), identity))
}

pub(crate) async fn dial(
    identity_dir: &Path,
    address: SocketAddr,
    protocol: &[u8],
    mut transport: TransportConfig,
) -> (Endpoint, Result<Connection, quinn::ConnectionError>) {
    transport.max_concurrent_bidi_streams(VarInt::from_u32(0));
    let mut config = quinn::ClientConfig::new(Arc::new(tls(identity_dir, protocol)));
    config.transport_config(Arc::new(transport));
    let endpoint = Endpoint::client(loopback()).unwrap();
    let connection = endpoint
        .connect_with(config, address, "localhost")
        .unwrap()
        .await;
    (endpoint, connection)
}

fn tls(identity_dir: &Path, protocol: &[u8]) -> QuicClientConfig {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(identity_dir.join(CERTIFICATE_FILE)).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![protocol.to_vec()];
    QuicClientConfig::try_from(tls).unwrap()
}

/// A new folder, removed in the end.
pub(crate) struct TempDir(pub(crate) std::path::PathBuf);

impl TempDir {
    pub(crate) fn new() -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "synced-raw-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
