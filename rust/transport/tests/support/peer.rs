//! Somebody at a server's port for peers who speaks QUIC and TLS but keeps to nothing else.

use std::{net::SocketAddr, path::Path, sync::Arc};

use quinn::{
    Connection, ConnectionError, Endpoint, RecvStream, SendStream, crypto::rustls::QuicClientConfig,
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use synced_protocol::id::ServerId;
use synced_transport::cluster::Files;

use super::{
    cluster::{Cluster, Server},
    loopback,
};

/// What is shown in the handshake.
pub(crate) struct Shown<'a> {
    /// A folder and its files, or no certificate at all.
    pub(crate) certificate: Option<(&'a Path, Files)>,
    pub(crate) protocol: &'a str,
}

/// Connects and tells how the handshake ended at this end; the other may still refuse.
pub(crate) async fn dial(
    cluster: &Cluster,
    address: SocketAddr,
    shown: Shown<'_>,
) -> Result<(Endpoint, Connection), ConnectionError> {
    let mut roots = RootCertStore::empty();
    let known = cluster.server_files(999);
    let chain = certificates(&known.join("certificate.pem"));
    roots.add(chain[1].clone()).unwrap();
    std::fs::remove_dir_all(known).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots);
    let mut tls = match shown.certificate {
        None => builder.with_no_client_auth(),
        Some((dir, files)) => builder
            .with_client_auth_cert(
                certificates(&dir.join(files.certificate)),
                PrivateKeyDer::from_pem_file(dir.join(files.key)).unwrap(),
            )
            .unwrap(),
    };
    tls.alpn_protocols = vec![shown.protocol.into()];
    let tls = QuicClientConfig::try_from(tls).unwrap();
    let endpoint = Endpoint::client(loopback()).unwrap();
    let config = quinn::ClientConfig::new(Arc::new(tls));
    let connecting = endpoint
        .connect_with(config, address, "server-2.cups.synced")
        .unwrap();
    Ok((endpoint, connecting.await?))
}

fn certificates(path: &Path) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_file_iter(path)
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

/// Server 2, and somebody who has proved to be server 1 and then does what the test likes.
pub(crate) struct RawPeer {
    pub(crate) server: Server,
    pub(crate) connection: Connection,
    pub(crate) ordered: (SendStream, RecvStream),
    pub(crate) bulk: (SendStream, RecvStream),
    pub(crate) cluster: Cluster,
    pub(crate) endpoint: Endpoint,
}

impl RawPeer {
    pub(crate) async fn connect() -> Self {
        let cluster = Cluster::new();
        let server = cluster.start(2);
        server.knows(&[peer_nowhere(1)]);
        let (endpoint, connection) = as_server_1(&cluster, &server).await;
        let [ordered, bulk] = open_lanes(&connection).await;
        assert_eq!(server.up(), ServerId(1));
        Self {
            server,
            connection,
            ordered,
            bulk,
            cluster,
            endpoint,
        }
    }
}

/// Opens both lanes as it should be done, and waits for the word of the other side.
pub(crate) async fn open_lanes(connection: &Connection) -> [(SendStream, RecvStream); 2] {
    let mut lanes = Vec::new();
    for lane in [1, 2] {
        let (mut send, receive) = connection.open_bi().await.unwrap();
        send.write_all(&[lane]).await.unwrap();
        lanes.push((send, receive));
    }
    for (lane, (_, receive)) in lanes.iter_mut().enumerate() {
        let mut byte = [0];
        receive.read_exact(&mut byte).await.unwrap();
        assert_eq!(usize::from(byte[0]), lane + 1);
    }
    lanes.try_into().unwrap()
}

/// Connects with the certificate of server 1 and opens no stream yet.
pub(crate) async fn as_server_1(cluster: &Cluster, server: &Server) -> (Endpoint, Connection) {
    let dir = cluster.server_files(1);
    let shown = Shown {
        certificate: Some((&dir, synced_transport::cluster::SERVER_FILES)),
        protocol: "synced-peer/1",
    };
    dial(cluster, server.peer_addr, shown).await.unwrap()
}

/// A server that is known and listens nowhere.
pub(crate) fn peer_nowhere(server: u16) -> synced_protocol::peer::PeerAddress {
    synced_protocol::peer::PeerAddress {
        server: ServerId(server),
        address: "127.0.0.1:9".to_owned(),
    }
}
