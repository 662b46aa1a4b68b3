//! How QUIC and TLS are set between servers, and why.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use quinn::{
    AckFrequencyConfig, IdleTimeout, TransportConfig, VarInt,
    crypto::rustls::{QuicClientConfig, QuicServerConfig},
};
use rustls::{
    RootCertStore,
    client::Resumption,
    server::{NoServerSessionStorage, WebPkiClientVerifier},
    sign::SingleCertAndKey,
    version::TLS13,
};

use crate::{
    cluster::{ClusterVerifier, Credentials},
    error::TransportError,
    limits,
    settings::{crypto_provider, no_tls, transport_config},
    window::FixedWindow,
};

/// What an operator's connection is called in the TLS handshake.
pub(crate) const OPERATOR_PROTOCOL: &[u8] = b"synced-operator/1";

/// Servers are near each other: a lost first packet is sent again after three of these.
const ROUND_TRIP_FIRST_GUESS: Duration = Duration::from_millis(10);
const REORDERED_PACKETS_MAX: u32 = 16;
const ACK_DELAY_MAX: Duration = Duration::from_millis(5);

/// What connections between servers of these versions are called, the newest first.
fn peer_protocols(versions: &RangeInclusive<u16>) -> Vec<Vec<u8>> {
    let name = |version| format!("synced-peer/{version}").into_bytes();
    versions.clone().rev().map(name).collect()
}

/// The listening end, for servers and operators alike.
pub(crate) fn server_config(
    credentials: &Credentials,
    versions: &RangeInclusive<u16>,
    segmentation_offload: bool,
) -> Result<quinn::ServerConfig, TransportError> {
    let mut roots = RootCertStore::empty();
    roots.add(credentials.authority().clone()).map_err(no_tls)?;
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), crypto_provider())
        .build()
        .map_err(no_tls)?;
    let certificate = SingleCertAndKey::from(credentials.identity().certified_key());
    let mut tls = rustls::ServerConfig::builder_with_provider(crypto_provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(no_tls)?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(certificate));
    tls.alpn_protocols = peer_protocols(versions);
    tls.alpn_protocols.push(OPERATOR_PROTOCOL.to_vec());
    // No resumption: a resumed session would not show its certificate again.
    tls.max_early_data_size = 0;
    tls.send_tls13_tickets = 0;
    tls.session_storage = Arc::new(NoServerSessionStorage {});
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(
        QuicServerConfig::try_from(tls).map_err(no_tls)?,
    ));
    config
        .transport_config(Arc::new(peer_transport(segmentation_offload)))
        .migration(false)
        .max_incoming(limits::HANDSHAKES_MAX)
        .incoming_buffer_size(limits::INCOMING_BUFFER_BYTES)
        .incoming_buffer_size_total(limits::INCOMING_BUFFERS_BYTES);
    Ok(config)
}

/// The end of a server that opens a connection with another.
pub(crate) fn dialer_config(
    credentials: &Credentials,
    verifier: Arc<ClusterVerifier>,
    versions: &RangeInclusive<u16>,
    segmentation_offload: bool,
) -> Result<quinn::ClientConfig, TransportError> {
    client_config(
        credentials,
        verifier,
        peer_protocols(versions),
        segmentation_offload,
    )
}

/// An operator's end.
pub(crate) fn operator_config(
    credentials: &Credentials,
    verifier: Arc<ClusterVerifier>,
) -> Result<quinn::ClientConfig, TransportError> {
    client_config(
        credentials,
        verifier,
        vec![OPERATOR_PROTOCOL.to_vec()],
        true,
    )
}

fn client_config(
    credentials: &Credentials,
    verifier: Arc<ClusterVerifier>,
    protocols: Vec<Vec<u8>>,
    segmentation_offload: bool,
) -> Result<quinn::ClientConfig, TransportError> {
    let certificate = SingleCertAndKey::from(credentials.identity().certified_key());
    let mut tls = rustls::ClientConfig::builder_with_provider(crypto_provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(no_tls)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_cert_resolver(Arc::new(certificate));
    tls.alpn_protocols = protocols;
    tls.resumption = Resumption::disabled();
    let mut transport = peer_transport(segmentation_offload);
    transport.max_concurrent_bidi_streams(VarInt::from_u32(0));
    let mut config =
        quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).map_err(no_tls)?));
    config.transport_config(Arc::new(transport));
    Ok(config)
}

fn peer_transport(segmentation_offload: bool) -> TransportConfig {
    let mut config = transport_config(segmentation_offload);
    config
        .max_concurrent_bidi_streams(VarInt::from_u32(limits::PEER_STREAMS_MAX))
        .initial_rtt(ROUND_TRIP_FIRST_GUESS)
        .stream_receive_window(VarInt::from_u32(limits::PEER_STREAM_WINDOW_BYTES))
        .receive_window(VarInt::from_u32(2 * limits::PEER_STREAM_WINDOW_BYTES))
        .datagram_send_buffer_size(limits::PEER_DATAGRAM_SEND_BUFFER_BYTES)
        .send_window(limits::PEER_SEND_WINDOW_BYTES)
        .congestion_controller_factory(Arc::new(FixedWindow {
            bytes: limits::PEER_CONGESTION_WINDOW_BYTES,
        }))
        .packet_threshold(REORDERED_PACKETS_MAX)
        .ack_frequency_config(Some(ack_frequency()))
        .keep_alive_interval(Some(limits::PEER_KEEP_ALIVE))
        .max_idle_timeout(IdleTimeout::try_from(limits::PEER_IDLE_TIMEOUT).ok());
    config
}

fn ack_frequency() -> AckFrequencyConfig {
    let mut config = AckFrequencyConfig::default();
    config
        .ack_eliciting_threshold(VarInt::from_u32(10))
        .reordering_threshold(VarInt::from_u32(0))
        .max_ack_delay(Some(ACK_DELAY_MAX));
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_in_common_comes_first() {
        assert_eq!(
            peer_protocols(&(2..=3)),
            [b"synced-peer/3", b"synced-peer/2"]
        );
    }

    #[test]
    fn the_idle_timeout_is_one_that_quic_can_carry() {
        assert!(IdleTimeout::try_from(limits::PEER_IDLE_TIMEOUT).is_ok());
    }
}
