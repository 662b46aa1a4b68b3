//! How a client gets a connection to a server.

use std::{
    fmt,
    future::pending,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use quinn::{ConnectionError, Endpoint};
use synced_protocol::link::{CloseReason, Target};
use tokio::{net::lookup_host, task::JoinSet, task::spawn_blocking, time};

use crate::{
    address::ServerAddress,
    connection::{self, Established},
    limits,
    place::Place,
    settings,
    socket::Bound,
    text::plain,
    trust::{Policy, Verifier},
    wire::Network,
};

/// The TLS alert of a peer that speaks QUIC but not our protocol (RFC 7301), as a QUIC error code (RFC 9001 section 4.8).
const NO_APPLICATION_PROTOCOL: u64 = 0x100 + 120;

/// Connects to the configured servers or to one that they named, as often as asked.
#[derive(Debug)]
pub(crate) struct Connector {
    pub(crate) servers: ServerAddress,
    pub(crate) policy: Policy,
    pub(crate) connect_timeout: Duration,
    pub(crate) segmentation_offload: bool,
    pub(crate) network: Option<Arc<dyn Network>>,
    /// How often the configured servers have been tried.
    pub(crate) tries: AtomicUsize,
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
        let places = self.places(to)?;
        match time::timeout(self.connect_timeout, self.keep_trying(&places)).await {
            Ok(result) => result,
            Err(_) => Err(self.no_answer(&places)),
        }
    }

    fn places(&self, to: Target) -> Result<Vec<Place>, CloseReason> {
        match to {
            Target::Configured => Ok(self.next_order()),
            Target::At(address) => match address.parse() {
                Ok(place) => Ok(vec![place]),
                Err(error) => Err(CloseReason::Unreachable(error.to_string())),
            },
        }
    }

    /// Each try begins with another server, so that one that misbehaves does not stand before the others for ever.
    fn next_order(&self) -> Vec<Place> {
        let mut places = self.servers.places().to_vec();
        let first = self.tries.fetch_add(1, Relaxed) % places.len();
        places.rotate_left(first);
        places
    }

    async fn keep_trying(self: &Arc<Self>, places: &[Place]) -> Result<Established, CloseReason> {
        loop {
            let attempts = places.iter().map(|place| self.clone().reach(place.clone()));
            match first_of(attempts).await {
                Ok(established) => return Ok(established),
                Err(Failure::Silent) => {}
                Err(Failure::Untrusted(text)) => return Err(CloseReason::Untrusted(text)),
                Err(Failure::Unreachable(text) | Failure::Impossible(text)) => {
                    return Err(CloseReason::Unreachable(text));
                }
            }
        }
    }

    async fn reach(self: Arc<Self>, place: Place) -> Result<Established, Failure> {
        let addresses = resolve(&place).await?;
        let attempt = |address| self.clone().attempt(address, place.host().to_owned());
        first_of(addresses.into_iter().map(attempt)).await
    }

    async fn attempt(
        self: Arc<Self>,
        address: SocketAddr,
        host: String,
    ) -> Result<Established, Failure> {
        let impossible =
            |error: &dyn fmt::Display| Failure::Impossible(format!("{address}: {error}"));
        let policy = self.policy.clone();
        let verifier = spawn_blocking(move || policy.verifier(address.ip()))
            .await
            .map_err(|error| impossible(&error))?
            .map_err(|error| impossible(&error))?;
        let config = settings::client_config(verifier.clone(), self.segmentation_offload)
            .map_err(|error| impossible(&error))?;
        let endpoint = self
            .endpoint_for(address.ip())
            .map_err(|error| impossible(&error))?;
        let connecting = endpoint
            .connect_with(config, address, &host)
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

    /// A fresh socket for each attempt: a network that has changed since the last leaves nothing stale behind.
    fn endpoint_for(&self, remote: IpAddr) -> std::io::Result<Endpoint> {
        let socket = Bound::to_reach(remote, self.network.as_ref())?;
        socket.client_endpoint(settings::client_endpoint_config())
    }

    fn no_answer(&self, places: &[Place]) -> CloseReason {
        let names: Vec<_> = places.iter().map(Place::to_string).collect();
        CloseReason::Unreachable(format!(
            "no answer from {} within {:?}; is the server running there, and does its UDP port get through?",
            names.join(", "),
            self.connect_timeout,
        ))
    }
}

/// Begins one attempt after the other, the next without waiting for the one before to fail (RFC 8305), and keeps the first
/// connection that comes up.
async fn first_of<A>(mut attempts: impl ExactSizeIterator<Item = A>) -> Result<Established, Failure>
where
    A: Future<Output = Result<Established, Failure>> + Send + 'static,
{
    let (mut running, mut outcome) = (JoinSet::new(), Failure::Impossible(String::new()));
    loop {
        if let Some(attempt) = attempts.next() {
            running.spawn(attempt);
        }
        let next_attempt = async {
            match attempts.len() {
                0 => pending().await,
                _ => time::sleep(limits::NEXT_ADDRESS_AFTER).await,
            }
        };
        tokio::select! {
            biased;
            ended = running.join_next() => match ended {
                Some(Ok(Ok(established))) => return Ok(established),
                Some(Ok(Err(failure))) => outcome = outcome.max(failure),
                Some(Err(error)) => tracing::error!("an attempt to connect ended in an unforeseen way: {error}"),
                None => return Err(outcome),
            },
            () = next_attempt => {}
        }
    }
}

async fn resolve(place: &Place) -> Result<Vec<SocketAddr>, Failure> {
    let host = place.host();
    let nowhere =
        |why: String| Failure::Unreachable(format!("the name \"{host}\" has no address{why}"));
    let found = lookup_host((host, place.port()))
        .await
        .map_err(|error| nowhere(format!(": {error}")))?;
    let addresses: Vec<_> = found.take(limits::ADDRESSES_MAX).collect();
    if addresses.is_empty() {
        return Err(nowhere(String::new()));
    }
    Ok(addresses)
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
        error => plain(error),
    };
    Failure::Unreachable(format!("{address}: {text}"))
}

#[cfg(test)]
mod tests {
    use std::{net::UdpSocket, sync::mpsc};

    use super::*;
    use crate::{Identity, ServerConfig, ServerEndpoint, Trust, Waker, testing::Onlooker};

    fn connector(servers: &str) -> Arc<Connector> {
        Arc::new(Connector {
            servers: servers.parse().unwrap(),
            policy: Policy::new(&Trust::default(), None).unwrap(),
            connect_timeout: limits::CONNECT_TIMEOUT,
            segmentation_offload: true,
            network: None,
            tries: AtomicUsize::new(0),
        })
    }

    fn race(addresses: &[SocketAddr]) -> Result<Established, Failure> {
        let connector = connector("localhost");
        let attempts = addresses
            .iter()
            .map(|&address| connector.clone().attempt(address, "localhost".to_owned()));
        let runtime = crate::handle::runtime().unwrap();
        runtime.block_on(first_of(attempts))
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
    fn each_try_begins_with_another_server_and_leaves_none_out() {
        let connector = connector("a:1,b:2,c:3");
        let orders: Vec<String> = (0..4)
            .map(|_| {
                let order = connector.places(Target::Configured).unwrap();
                order.iter().map(Place::host).collect()
            })
            .collect();
        assert_eq!(orders, ["abc", "bca", "cab", "abc"]);
    }

    #[test]
    fn a_server_that_is_named_is_the_only_one_tried() {
        let connector = connector("a:1,b:2");
        let to = |address: &str| connector.places(Target::At(address.to_owned()));
        assert_eq!(to("[::1]:9").unwrap(), ["[::1]:9".parse().unwrap()]);
        assert!(matches!(to("no port:x"), Err(CloseReason::Unreachable(_))));
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
