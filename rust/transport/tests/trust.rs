//! Whom a client believes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test"
)]

mod support;

use std::net::SocketAddr;

use support::{Puppeteer, client_config, raw::TempDir, server_config};
use synced_protocol::link::CloseReason;
use synced_transport::{
    CERTIFICATE_FILE, ClientConfig, ClientEndpoint, Fingerprint, Identity, ServerConfig,
    TransportError, Trust,
};

fn client(server: SocketAddr, trust: Trust) -> Puppeteer {
    Puppeteer::client(ClientConfig {
        trust,
        ..client_config(server)
    })
}

fn assert_untrusted(client: &Puppeteer, presented: Fingerprint) {
    let reason = client.closed_reason();
    let CloseReason::Untrusted(text) = reason else {
        panic!("{reason:?}")
    };
    assert!(text.contains(&presented.to_string()), "{text}");
}

#[test]
fn a_pinned_certificate_is_accepted_and_any_other_is_untrusted() {
    let config = server_config();
    let fingerprint = config.identity.fingerprint();
    let (_server, address) = Puppeteer::server(config);
    client(address, Trust::Fingerprint(fingerprint)).connected();
    assert_untrusted(
        &client(address, Trust::Fingerprint(Fingerprint([7; 32]))),
        fingerprint,
    );
}

#[test]
fn a_fingerprint_in_the_address_is_the_only_one_accepted() {
    let config = server_config();
    let fingerprint = config.identity.fingerprint();
    let (_server, address) = Puppeteer::server(config);
    let at = |pin: Fingerprint| {
        let mut config = client_config(address);
        config.server = format!("synced://{address}#sha256={pin}").parse().unwrap();
        Puppeteer::client(config)
    };
    at(fingerprint).connected();
    assert_untrusted(&at(Fingerprint([7; 32])), fingerprint);
}

#[test]
fn a_server_on_this_machine_needs_no_configuration_unless_roots_are_asked_for() {
    let config = server_config();
    let fingerprint = config.identity.fingerprint();
    let (_server, address) = Puppeteer::server(config);
    client(address, Trust::default()).connected();
    assert_untrusted(&client(address, Trust::SystemRoots), fingerprint);
}

#[test]
fn a_certificate_is_accepted_under_its_root_and_for_its_name() {
    let dir = TempDir::new();
    let identity = Identity::load_or_create(&dir.0).unwrap();
    let fingerprint = identity.fingerprint();
    let listen = "[::]:0".parse().unwrap();
    let (_server, address) = Puppeteer::server(ServerConfig::new(listen, identity));
    let named = |host: &str| {
        let mut config = client_config(address);
        config.server = format!("{host}:{}", address.port()).parse().unwrap();
        config.trust = Trust::Roots(dir.0.join(CERTIFICATE_FILE));
        Puppeteer::client(config)
    };
    named("localhost").connected();
    named("127.0.0.1").connected();
    assert_untrusted(&named("127.0.0.2"), fingerprint);
}

#[test]
fn roots_that_cannot_be_read_are_an_error_before_anything_is_sent() {
    let mut config = client_config("127.0.0.1:1".parse().unwrap());
    config.trust = Trust::Roots("no/such/roots.pem".into());
    let error = ClientEndpoint::new(config).unwrap_err();
    assert!(matches!(error, TransportError::File { .. }));
    assert!(error.to_string().contains("roots.pem"), "{error}");
}
