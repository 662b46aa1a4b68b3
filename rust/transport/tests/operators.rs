//! What an operator hears of a server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test"
)]

mod support;

use std::time::Duration;

use support::{
    PATIENCE, Puppeteer,
    cluster::{Cluster, Server, meet},
    disk::MemoryDisk,
    loopback, server_config,
};
use synced_protocol::peer::{PeerEvent, PeerOutput};
use synced_transport::{
    cluster::Credentials,
    limits::{OPERATOR_ANSWER_BYTES_MAX, OPERATOR_REQUEST_BYTES_MAX},
    operator::{Asking, OperatorError, ask},
};

fn echo(event: &PeerEvent) -> Option<PeerOutput> {
    match event {
        PeerEvent::Request { request, bytes } => Some(PeerOutput::Respond {
            request: *request,
            bytes: bytes.clone(),
        }),
        _ => None,
    }
}

fn echoing(cluster: &Cluster, server: u16) -> Server {
    Server::answering(cluster.peer_config(server), MemoryDisk::default(), echo)
}

async fn asked(
    server: &Server,
    operator: &Credentials,
    request: &[u8],
) -> Result<Vec<u8>, OperatorError> {
    ask(&server.peer_addr.to_string(), operator, request, PATIENCE).await
}

fn why(error: OperatorError) -> String {
    assert!(matches!(error, OperatorError::NoAnswer { .. }), "{error:?}");
    error.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_request_comes_back_with_its_answer_from_each_server() {
    let cluster = Cluster::new();
    let servers = [1, 2].map(|server| echoing(&cluster, server));
    for server in &servers {
        let answer = asked(server, &cluster.operator(), br#"{"do":"status"}"#).await;
        assert_eq!(answer.unwrap(), br#"{"do":"status"}"#);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn many_requests_one_after_the_other_need_one_connection() {
    let cluster = Cluster::new();
    let server = echoing(&cluster, 1);
    let address = server.peer_addr.to_string();
    let asking = Asking::begin(&address, &cluster.operator()).await.unwrap();
    for number in 0..100 {
        let request = number.to_string();
        assert_eq!(
            asking.ask(request.as_bytes()).await.unwrap(),
            request.as_bytes()
        );
    }
    asking.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn many_requests_at_once_each_get_their_own_answer() {
    let cluster = Cluster::new();
    let server = echoing(&cluster, 1);
    let mut requests = tokio::task::JoinSet::new();
    for number in 0..20_u8 {
        let (address, operator) = (server.peer_addr.to_string(), cluster.operator());
        requests.spawn(async move {
            let answer = ask(&address, &operator, &[number], PATIENCE).await.unwrap();
            assert_eq!(answer, [number]);
        });
    }
    while let Some(ended) = requests.join_next().await {
        ended.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_longest_request_passes_and_a_longer_one_gets_no_answer() {
    let cluster = Cluster::new();
    let server = echoing(&cluster, 1);
    let longest = vec![b' '; OPERATOR_REQUEST_BYTES_MAX];
    let answer = asked(&server, &cluster.operator(), &longest).await;
    assert_eq!(answer.unwrap(), longest);
    let longer = vec![b' '; OPERATOR_REQUEST_BYTES_MAX + 1];
    why(asked(&server, &cluster.operator(), &longer)
        .await
        .unwrap_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_answer_longer_than_any_may_be_is_an_error() {
    let cluster = Cluster::new();
    let endless = |event: &PeerEvent| match event {
        PeerEvent::Request { request, .. } => Some(PeerOutput::Respond {
            request: *request,
            bytes: vec![b' '; OPERATOR_ANSWER_BYTES_MAX + 1].into(),
        }),
        _ => None,
    };
    let config = cluster.peer_config(1);
    let server = Server::answering(config, MemoryDisk::default(), endless);
    let error = why(asked(&server, &cluster.operator(), b"{}")
        .await
        .unwrap_err());
    assert!(error.contains("too long"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_server_that_does_not_answer_in_time_or_is_not_there_is_named() {
    let cluster = Cluster::new();
    let silent = cluster.start(1);
    let nobody = std::net::UdpSocket::bind(loopback()).unwrap();
    for address in [silent.peer_addr, nobody.local_addr().unwrap()] {
        let short = Duration::from_millis(300);
        let asked = ask(&address.to_string(), &cluster.operator(), b"{}", short).await;
        let error = why(asked.unwrap_err());
        assert!(error.contains(&address.to_string()), "{error}");
    }
    for (address, saying) in [
        ("no-such-host.invalid:1", "has no address"),
        ("host:x", "not a port"),
    ] {
        let asked = ask(address, &cluster.operator(), b"{}", PATIENCE).await;
        let error = asked.unwrap_err().to_string();
        assert!(error.contains(saying), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_server_that_ends_before_it_answers_says_so() {
    let cluster = Cluster::new();
    let silent = cluster.start(1);
    let (address, operator) = (silent.peer_addr.to_string(), cluster.operator());
    let asked = tokio::spawn(async move { ask(&address, &operator, b"{}", PATIENCE).await });
    let silent = tokio::task::spawn_blocking(move || {
        assert!(matches!(silent.next_of_peers(), PeerEvent::Request { .. }));
        silent.join()
    });
    silent.await.unwrap();
    let error = why(asked.await.unwrap().unwrap_err());
    assert!(error.contains("stopping"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn only_the_operator_of_the_same_cluster_is_answered() {
    let (cluster, other) = (Cluster::new(), Cluster::called("dice"));
    let server = echoing(&cluster, 1);
    let as_server = asked(&server, &cluster.credentials(2), b"{}").await;
    assert_eq!(as_server.unwrap_err(), OperatorError::NotAnOperator);
    let error = why(asked(&server, &other.operator(), b"{}").await.unwrap_err());
    assert!(
        error.contains("none of a server of the cluster dice"),
        "{error}"
    );
    assert!(server.heard_meanwhile().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_port_for_players_is_not_the_one_to_ask() {
    let (_server, address) = Puppeteer::server(server_config());
    let cluster = Cluster::new();
    let asked = ask(&address.to_string(), &cluster.operator(), b"{}", PATIENCE).await;
    let error = why(asked.unwrap_err());
    assert!(error.contains("no version of the protocol"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_operator_does_not_disturb_the_servers_among_themselves() {
    let cluster = Cluster::new();
    let (one, two) = (echoing(&cluster, 1), cluster.start(2));
    meet(&one, &two);
    for _ in 0..20 {
        asked(&one, &cluster.operator(), b"{}").await.unwrap();
        assert!(matches!(one.next_of_peers(), PeerEvent::Request { .. }));
        two.sends(one.id, "still here");
        assert_eq!(one.frame(), "still here");
    }
}
