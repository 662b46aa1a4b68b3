//! How a client gets a connection to its server.

use std::{
    fmt,
    future::pending,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use quinn::{ConnectionError, Endpoint, TokioRuntime};
use synced_protocol::link::{CloseReason, Target};
use tokio::{net::lookup_host, task::JoinSet, task::spawn_blocking, time};

use crate::{
    address::ServerAddress,
    connection::{self, Established},
    limits, settings, socket,
    trust::{Policy, Verifier},
};

/// The TLS alert of a peer that speaks QUIC but not our protocol (RFC 7301), as a QUIC error code (RFC 9001 section 4.8).
const NO_APPLICATION_PROTOCOL: u64 = 0x100 + 120;

/// Connects to one server, as often as asked.
#[derive(Debug)]
pub(crate) struct Connector {
    pub(crate) server: ServerAddress,
    pub(crate) policy: Policy,
    pub(crate) connect_timeout: Duration,
    pub(crate) segmentation_offload: bool,
}

/// Why one address gave no connection; what comes later tells more.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Failure {
    /// This machine cannot even try, as where it has no IPv6.
    Impossible(String),
    /// Nothing was heard, so that it is worth trying again.
    Silent,
    Unreachable(String),
    Untrusted(String),
}

impl Connector {
    /// One connection, or why there is none, within the timeout.
    pub(crate) async fn connect(self: Arc<Self>, to: Target) -> Result<Established, CloseReason> {
        if let Target::At(address) = to {
            return Err(CloseReason::Unreachable(format!(
                "{address}: only configured servers can be reached"
            )));
        }
        match time::timeout(self.connect_timeout, self.clone().keep_trying()).await {
            Ok(result) => result,
            Err(_) => Err(self.no_answer()),
        }
    }

    async fn keep_trying(self: Arc<Self>) -> Result<Established, CloseReason> {
        let addresses = self.resolve().await?;
        loop {
            match self.clone().race(&addresses).await {
                Ok(established) => return Ok(established),
                Err(Failure::Silent) => {}
                Err(Failure::Untrusted(text)) => return Err(CloseReason::Untrusted(text)),
                Err(Failure::Unreachable(text) | Failure::Impossible(text)) => {
                    return Err(CloseReason::Unreachable(text));
                }
            }
        }
    }

    async fn resolve(&self) -> Result<Vec<SocketAddr>, CloseReason> {
        let host = self.server.host();
        let found = lookup_host((host, self.server.port()))
            .await
            .map_err(|error| {
                CloseReason::Unreachable(format!("the name \"{host}\" has no address: {error}"))
            })?;
        let addresses: Vec<_> = found.take(limits::ADDRESSES_MAX).collect();
        if addresses.is_empty() {
            return Err(CloseReason::Unreachable(format!(
                "the name \"{host}\" has no address"
            )));
        }
        Ok(addresses)
    }

    /// Tries one address after the other, the next without waiting for the one before to fail (RFC 8305), and keeps the first
    /// connection that comes up.
    async fn race(self: Arc<Self>, addresses: &[SocketAddr]) -> Result<Established, Failure> {
        let (mut waiting, mut attempts) = (addresses.iter(), JoinSet::new());
        let mut outcome = Failure::Impossible(String::new());
        loop {
            if let Some(&address) = waiting.next() {
                attempts.spawn(self.clone().attempt(address));
            }
            let next_address = async {
                match waiting.len() {
                    0 => pending().await,
                    _ => time::sleep(limits::NEXT_ADDRESS_AFTER).await,
                }
            };
            tokio::select! {
                biased;
                ended = attempts.join_next() => match ended {
                    Some(Ok(Ok(established))) => return Ok(established),
                    Some(Ok(Err(failure))) => outcome = outcome.max(failure),
                    Some(Err(error)) => tracing::error!("an attempt to connect ended in an unforeseen way: {error}"),
                    None => return Err(outcome),
                },
                () = next_address => {}
            }
        }
    }

    async fn attempt(self: Arc<Self>, address: SocketAddr) -> Result<Established, Failure> {
        let impossible =
            |error: &dyn fmt::Display| Failure::Impossible(format!("{address}: {error}"));
        let policy = self.policy.clone();
        let verifier = spawn_blocking(move || policy.verifier(address.ip()))
            .await
            .map_err(|error| impossible(&error))?
            .map_err(|error| impossible(&error))?;
        let config = settings::client_config(verifier.clone(), self.segmentation_offload)
            .map_err(|error| impossible(&error))?;
        let endpoint = endpoint_for(address.ip()).map_err(|error| impossible(&error))?;
        let connecting = endpoint
            .connect_with(config, address, self.server.host())
            .map_err(|error| impossible(&error))?;
        let connection = connecting
            .await
            .map_err(|error| explain(address, error, &verifier))?;
        connection::require_datagrams(&connection)
            .map_err(|reason| Failure::Unreachable(format!("{address}: {reason}")))?;
        Ok(Established {
            connection,
            endpoint: Some(endpoint),
            seat: None,
        })
    }

    fn no_answer(&self) -> CloseReason {
        CloseReason::Unreachable(format!(
            "no answer from {} within {:?}; is the server running there, and does UDP port {} get through?",
            self.server,
            self.connect_timeout,
            self.server.port()
        ))
    }
}

/// A fresh socket for each attempt: a network that has changed since the last leaves nothing stale behind.
fn endpoint_for(remote: IpAddr) -> std::io::Result<Endpoint> {
    let local: IpAddr = match remote {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = socket::bind((local, 0).into())?;
    Endpoint::new(
        settings::endpoint_config(),
        None,
        socket,
        Arc::new(TokioRuntime),
    )
}

fn explain(address: SocketAddr, error: ConnectionError, verifier: &Verifier) -> Failure {
    if let Some(refusal) = verifier.refusal() {
        return Failure::Untrusted(format!("{address}: {refusal}"));
    }
    let text = match error {
        ConnectionError::TimedOut => return Failure::Silent,
        ConnectionError::ConnectionClosed(close)
            if close.error_code == quinn::TransportErrorCode::CONNECTION_REFUSED =>
        {
            "the server refused, as it does when it is full or stopping".to_owned()
        }
        ConnectionError::ConnectionClosed(close)
            if u64::from(close.error_code) == NO_APPLICATION_PROTOCOL =>
        {
            "something else than a synced server answers there".to_owned()
        }
        error => error.to_string(),
    };
    Failure::Unreachable(format!("{address}: {text}"))
}

#[cfg(test)]
mod tests {
    use std::{net::UdpSocket, sync::mpsc};

    use super::*;
    use crate::{Identity, ServerConfig, ServerEndpoint, Trust, Waker, testing::Onlooker};

    fn race(addresses: &[SocketAddr]) -> Result<Established, Failure> {
        let connector = Arc::new(Connector {
            server: "localhost".parse().unwrap(),
            policy: Policy::new(&Trust::default(), None).unwrap(),
            connect_timeout: limits::CONNECT_TIMEOUT,
            segmentation_offload: true,
        });
        let runtime = crate::handle::runtime().unwrap();
        runtime.block_on(connector.race(addresses))
    }

    #[test]
    fn an_address_that_is_silent_or_impossible_does_not_hide_the_next() {
        let listen = "127.0.0.1:0".parse().unwrap();
        let config = ServerConfig::new(listen, Identity::self_signed().unwrap());
        let server = ServerEndpoint::bind(config).unwrap();
        let live = server.local_addr();
        let silent = UdpSocket::bind(listen).unwrap();
        let impossible = "127.0.0.1:0".parse().unwrap();
        let onlooker = Onlooker {
            first: None,
            events: mpsc::channel().0,
        };
        let _server = server.spawn(onlooker, Waker::new()).unwrap();
        let established = race(&[silent.local_addr().unwrap(), impossible, live]).unwrap();
        assert_eq!(established.connection.remote_address(), live);
    }

    #[test]
    fn of_several_failures_the_most_telling_is_reported() {
        let rising = [
            Failure::Impossible("no IPv6".to_owned()),
            Failure::Silent,
            Failure::Unreachable("refused".to_owned()),
            Failure::Untrusted("another certificate".to_owned()),
        ];
        assert!(rising.is_sorted());
    }
}
