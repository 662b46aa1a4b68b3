//! How QUIC and TLS are set, and why.

use std::{sync::Arc, time::Duration};

use quinn::{
    AckFrequencyConfig, EndpointConfig, IdleTimeout, TransportConfig, VarInt,
    crypto::rustls::{QuicClientConfig, QuicServerConfig},
};
use quinn_proto::{HashedConnectionIdGenerator, RandomConnectionIdGenerator};
use ring::hmac;
use rustls::{
    client::{Resumption, danger::ServerCertVerifier},
    crypto::CryptoProvider,
    server::NoServerSessionStorage,
    sign::SingleCertAndKey,
    version::TLS13,
};
use synced_protocol::limits::MAX_UDP_PAYLOAD_BYTES;

use crate::{error::TransportError, identity::Identity, limits, window::FixedWindow};

/// What both sides name in the TLS handshake, so that nothing else that speaks QUIC is taken for us.
const ALPN: &[u8] = b"synced";
#[expect(clippy::cast_possible_truncation, reason = "asserted below")]
const UDP_PAYLOAD_BYTES: u16 = MAX_UDP_PAYLOAD_BYTES as u16;
const _: () = assert!(UDP_PAYLOAD_BYTES as usize == MAX_UDP_PAYLOAD_BYTES);

/// Live traffic is paced by the application, so that a gap in packet numbers is reordering (jitter) long before it is loss.
const REORDERED_PACKETS_MAX: u32 = 64;
const REORDERED_RTTS_MAX: f32 = 2.0;
const PACKETS_PER_ACK: u32 = 10;
/// What the round trip is taken to be before it is known: a lost first packet is sent again after three of these.
const ROUND_TRIP_FIRST_GUESS: Duration = Duration::from_millis(100);
const ACK_DELAY_MAX: Duration = Duration::from_millis(20);

pub(crate) fn crypto_provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The endpoint of a client, which nobody looks for after its end. It has a socket for each connection, so packets to it need no
/// connection id, which is 8 bytes of each.
pub(crate) fn client_endpoint_config() -> EndpointConfig {
    let mut config = EndpointConfig::default();
    config.cid_generator(|| Box::new(RandomConnectionIdGenerator::new(0)));
    with_payload_limit(config)
}

/// The endpoint of a server at the port for `purpose`. After a restart it tells those who still talk to the one before that it
/// is gone: for that, the keys of connection ids and of stateless resets (RFC 9000 section 10.3) come from the certificate's.
pub(crate) fn endpoint_config(identity: &Identity, purpose: &str) -> EndpointConfig {
    let secret = |what| identity.seed().secret(&format!("{purpose} {what}"));
    let reset_key = hmac::Key::new(hmac::HMAC_SHA256, &secret("stateless reset"));
    let bytes = secret("connection ids").into_iter().take(size_of::<u64>());
    let key = bytes.fold(0, |key, byte| key << 8 | u64::from(byte));
    let mut config = EndpointConfig::new(Arc::new(reset_key));
    config.cid_generator(move || Box::new(HashedConnectionIdGenerator::from_key(key)));
    with_payload_limit(config)
}

fn with_payload_limit(mut config: EndpointConfig) -> EndpointConfig {
    if config.max_udp_payload_size(UDP_PAYLOAD_BYTES).is_err() {
        unreachable!("QUIC allows every payload size from 1200 bytes");
    }
    config
}

pub(crate) fn server_config(
    identity: &Identity,
    segmentation_offload: bool,
) -> Result<quinn::ServerConfig, TransportError> {
    let mut tls = rustls::ServerConfig::builder_with_provider(crypto_provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(no_tls)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(identity.certified_key())));
    tls.alpn_protocols = vec![ALPN.to_vec()];
    // No resumption, hence no 0-RTT: early data can be replayed.
    tls.max_early_data_size = 0;
    tls.send_tls13_tickets = 0;
    tls.session_storage = Arc::new(NoServerSessionStorage {});
    let mut transport = transport_config(segmentation_offload);
    transport.max_concurrent_bidi_streams(VarInt::from_u32(1));
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(
        QuicServerConfig::try_from(tls).map_err(no_tls)?,
    ));
    config
        .transport_config(Arc::new(transport))
        .max_incoming(limits::HANDSHAKES_MAX)
        .incoming_buffer_size(limits::INCOMING_BUFFER_BYTES)
        .incoming_buffer_size_total(limits::INCOMING_BUFFERS_BYTES);
    Ok(config)
}

pub(crate) fn client_config(
    verifier: Arc<dyn ServerCertVerifier>,
    segmentation_offload: bool,
) -> Result<quinn::ClientConfig, TransportError> {
    let mut tls = rustls::ClientConfig::builder_with_provider(crypto_provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(no_tls)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    tls.alpn_protocols = vec![ALPN.to_vec()];
    // A resumed session would not verify the certificate again.
    tls.resumption = Resumption::disabled();
    let mut transport = transport_config(segmentation_offload);
    transport.keep_alive_interval(Some(limits::KEEP_ALIVE));
    let mut config =
        quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).map_err(no_tls)?));
    config.transport_config(Arc::new(transport));
    Ok(config)
}

pub(crate) fn no_tls(error: impl std::fmt::Display) -> TransportError {
    TransportError::system("TLS 1.3", error)
}

/// What client and server have in common. Neither lets the other open a stream; a server then allows just one.
pub(crate) fn transport_config(segmentation_offload: bool) -> TransportConfig {
    let mut config = TransportConfig::default();
    config
        // No packet may exceed what every path carries, so none is probed for more.
        .initial_mtu(UDP_PAYLOAD_BYTES)
        .min_mtu(UDP_PAYLOAD_BYTES)
        .initial_rtt(ROUND_TRIP_FIRST_GUESS)
        .mtu_discovery_config(None)
        .enable_segmentation_offload(segmentation_offload)
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(limits::STREAM_WINDOW_BYTES))
        .receive_window(VarInt::from_u32(limits::STREAM_WINDOW_BYTES))
        .send_window(limits::SEND_WINDOW_BYTES)
        .datagram_send_buffer_size(limits::DATAGRAM_SEND_BUFFER_BYTES)
        .datagram_receive_buffer_size(Some(limits::DATAGRAM_RECEIVE_BUFFER_BYTES))
        .congestion_controller_factory(Arc::new(FixedWindow {
            bytes: limits::CONGESTION_WINDOW_BYTES,
        }))
        .packet_threshold(REORDERED_PACKETS_MAX)
        .time_threshold(REORDERED_RTTS_MAX)
        .ack_frequency_config(Some(ack_frequency()))
        .max_idle_timeout(IdleTimeout::try_from(limits::IDLE_TIMEOUT).ok());
    config
}

fn ack_frequency() -> AckFrequencyConfig {
    let mut config = AckFrequencyConfig::default();
    config
        .ack_eliciting_threshold(VarInt::from_u32(PACKETS_PER_ACK))
        .reordering_threshold(VarInt::from_u32(0))
        .max_ack_delay(Some(ACK_DELAY_MAX));
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_idle_timeout_is_one_that_quic_can_carry() {
        assert!(IdleTimeout::try_from(limits::IDLE_TIMEOUT).is_ok());
    }

    #[test]
    fn an_endpoint_takes_no_larger_payload_than_the_protocol_allows() {
        assert_eq!(
            client_endpoint_config().get_max_udp_payload_size(),
            MAX_UDP_PAYLOAD_BYTES as u64
        );
    }
}
