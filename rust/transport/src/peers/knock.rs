//! Knocking at another server until it answers.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use quinn::{ClientConfig, Connecting, Connection, ConnectionError};
use synced_protocol::peer::PeerAddress;
use tokio::{
    net::lookup_host,
    task::JoinSet,
    time::{self, Instant, Interval, MissedTickBehavior},
};

use super::{dialer::Dialling, refusals, settings};
use crate::{
    address::AddressError,
    cluster::ClusterVerifier,
    limits::{
        PEER_CONNECT_TIME_MAX, PEER_EAGER_KNOCK_INTERVAL, PEER_EAGER_KNOCK_TIME_MAX,
        PEER_EAGER_TIME, PEER_KNOCK_INTERVAL,
    },
    place::Place,
};

/// What comes of a knock that brought no connection.
#[derive(Debug)]
enum Failure {
    /// Nothing was heard, by one that does not wait for long.
    Unheard,
    /// Nothing was heard.
    Silent,
    /// There was an answer, or this side could not even ask.
    Refused(String),
}

/// Knocks at one server, again and again, until it answers.
///
/// A server that comes back, or the path to it, must not wait for a lost packet to be sent again: so the next knock goes out while
/// those before still wait. As soon as one is answered all others are given up, so that few of them begin a handshake.
pub(super) struct Knocker<'a> {
    with: &'a Dialling,
    peer: &'a PeerAddress,
    verifier: Arc<ClusterVerifier>,
    config: ClientConfig,
    waiting: JoinSet<Result<Connecting, Failure>>,
    knocks: usize,
}

impl<'a> Knocker<'a> {
    /// Knocks first at the address of this number.
    ///
    /// # Errors
    /// When this side could not even ask.
    pub(super) fn new(
        with: &'a Dialling,
        peer: &'a PeerAddress,
        first: usize,
    ) -> Result<Self, String> {
        let verifier = Arc::new(ClusterVerifier::new(&with.credentials, Some(peer.server)));
        let config = settings::dialer_config(
            &with.credentials,
            verifier.clone(),
            &with.versions,
            with.segmentation_offload,
        );
        Ok(Self {
            with,
            peer,
            verifier,
            config: config.map_err(|error| error.to_string())?,
            waiting: JoinSet::new(),
            knocks: first,
        })
    }

    /// Returns with the connection to the first server that answers. One that was at `was_at` a moment ago is knocked at there in
    /// quick succession for a while. `silent` is told of knocks that nobody answered.
    ///
    /// # Errors
    /// Why a server that answers does not connect.
    pub(super) async fn until_connected(
        &mut self,
        was_at: Option<SocketAddr>,
        mut silent: impl FnMut(),
    ) -> Result<Connection, String> {
        let (mut calm, mut eager) = (every(PEER_KNOCK_INTERVAL), every(PEER_EAGER_KNOCK_INTERVAL));
        let eager_until = Instant::now() + PEER_EAGER_TIME;
        loop {
            let was_at = was_at.filter(|_| Instant::now() < eager_until);
            tokio::select! {
                biased;
                Some(ended) = self.waiting.join_next() => match ended {
                    Ok(Ok(answered)) => match self.connected(answered).await {
                        Ok(connection) => return Ok(connection),
                        Err(Failure::Refused(why)) => return Err(why),
                        Err(Failure::Silent | Failure::Unheard) => silent(),
                    },
                    Ok(Err(Failure::Refused(why))) => return Err(why),
                    Ok(Err(Failure::Silent)) => silent(),
                    Ok(Err(Failure::Unheard)) => {}
                    Err(error) => return Err(format!("an attempt ended in an unforeseen way: {error}")),
                },
                _ = calm.tick() => self.knock(),
                _ = eager.tick(), if was_at.is_some() => {
                    if let Some(address) = was_at {
                        self.knock_at(address);
                    }
                }
            }
        }
    }

    /// Waits for the rest of a handshake, and for nothing else.
    async fn connected(&mut self, answered: Connecting) -> Result<Connection, Failure> {
        self.waiting.abort_all();
        while self.waiting.join_next().await.is_some() {}
        let connected = within(PEER_CONNECT_TIME_MAX, answered).await;
        connected.map_err(|error| failure(&self.verifier, &error))
    }

    /// At another of the server's addresses from knock to knock, and with all the time that a far server may need.
    fn knock(&mut self) {
        self.knocks += 1;
        let (knocks, place) = (self.knocks, self.peer.address.clone());
        let (with, config) = (self.with.clone(), self.config.clone());
        let verifier = self.verifier.clone();
        self.waiting.spawn(async move {
            let address = resolve(&place, knocks).await?;
            answer(&with, config, address, &verifier, PEER_CONNECT_TIME_MAX).await
        });
    }

    /// Waits for a near server alone, so that few knocks wait at a time.
    fn knock_at(&mut self, address: SocketAddr) {
        let (with, config) = (self.with.clone(), self.config.clone());
        let verifier = self.verifier.clone();
        self.waiting.spawn(async move {
            let time_max = PEER_EAGER_KNOCK_TIME_MAX;
            let answer = answer(&with, config, address, &verifier, time_max).await;
            answer.map_err(|failure| match failure {
                Failure::Silent => Failure::Unheard,
                other => other,
            })
        });
    }
}

/// Knocks once; returns when there is an answer.
async fn answer(
    with: &Dialling,
    config: ClientConfig,
    address: SocketAddr,
    verifier: &ClusterVerifier,
    time_max: Duration,
) -> Result<Connecting, Failure> {
    let name = with.credentials.cluster().as_str();
    let mut connecting = with
        .endpoint
        .connect_with(config, address, name)
        .map_err(|error| Failure::Refused(error.to_string()))?;
    match within(time_max, connecting.handshake_data()).await {
        Ok(_) => Ok(connecting),
        Err(error) => Err(failure(verifier, &error)),
    }
}

async fn within<T>(
    time_max: Duration,
    outcome: impl Future<Output = Result<T, ConnectionError>>,
) -> Result<T, ConnectionError> {
    let outcome = time::timeout(time_max, outcome).await;
    outcome.unwrap_or(Err(ConnectionError::TimedOut))
}

fn failure(verifier: &ClusterVerifier, error: &ConnectionError) -> Failure {
    match (verifier.refusal(), error) {
        (Some(refusal), _) => Failure::Refused(refusal.to_owned()),
        (None, ConnectionError::TimedOut) => Failure::Silent,
        (None, error) => Failure::Refused(refusals::in_words(error)),
    }
}

async fn resolve(address: &str, number: usize) -> Result<SocketAddr, Failure> {
    let refused = |why: &dyn fmt::Display| Failure::Refused(why.to_string());
    let place: Place = address
        .parse()
        .map_err(|error: AddressError| refused(&error))?;
    let nowhere = |why| Failure::Refused(format!("the name has no address{why}"));
    let addresses: Vec<_> = lookup_host((place.host(), place.port()))
        .await
        .map_err(|error| nowhere(format!(": {error}")))?
        .collect();
    let place = number.checked_rem(addresses.len());
    let address = place.and_then(|place| addresses.get(place));
    address.copied().ok_or_else(|| nowhere(String::new()))
}

/// After a stall none is made up for.
fn every(period: Duration) -> Interval {
    let mut interval = time::interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, net::UdpSocket, ops::RangeInclusive};

    use quinn::{EndpointConfig, TokioRuntime};
    use synced_protocol::id::ServerId;
    use tokio::sync::mpsc;

    use super::*;
    use crate::{
        cluster::{Authority, Credentials},
        limits::{PEER_IDLE_TIMEOUT, PEER_VERSIONS},
        socket,
    };

    const VERSIONS: RangeInclusive<u16> = PEER_VERSIONS;

    /// A server that somebody else is to be found by.
    fn dialling() -> Dialling {
        let authority = Authority::new(&"cluster".parse().unwrap()).unwrap();
        let issued = authority.server(ServerId(1), &["localhost".to_owned()]);
        let socket = socket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let (config, runtime) = (EndpointConfig::default(), Arc::new(TokioRuntime));
        Dialling {
            endpoint: quinn::Endpoint::new(config, None, socket, runtime).unwrap(),
            credentials: Arc::new(Credentials::issued(&issued.unwrap()).unwrap()),
            versions: VERSIONS,
            segmentation_offload: true,
            arrivals: mpsc::channel(1).0,
        }
    }

    fn ratio(time: Duration, interval: Duration) -> u64 {
        u64::try_from(time.as_nanos() / interval.as_nanos()).unwrap()
    }

    /// Time passes at once where nobody does anything but wait.
    #[tokio::test(start_paused = true)]
    async fn who_fell_silent_is_knocked_at_eagerly_for_a_while_and_few_knocks_wait_at_any_time() {
        let deaf = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = deaf.local_addr().unwrap();
        let (with, silences) = (dialling(), Cell::new(0_u64));
        let peer = PeerAddress {
            server: ServerId(2),
            address: address.to_string(),
        };
        let mut knocker = Knocker::new(&with, &peer, 0).unwrap();
        let knocking = knocker.until_connected(Some(address), || silences.set(silences.get() + 1));
        let mut knocking = std::pin::pin!(knocking);
        let mut knocked = 0;
        let mut during = async |span: Duration| {
            assert!(time::timeout(span, &mut knocking).await.is_err());
            let before = std::mem::replace(&mut knocked, with.endpoint.stats().outgoing_handshakes);
            (knocked - before, with.endpoint.open_connections() as u64)
        };

        let calm = ratio(PEER_EAGER_TIME, PEER_KNOCK_INTERVAL);
        let eager = ratio(PEER_EAGER_TIME, PEER_EAGER_KNOCK_INTERVAL);
        let (knocks, waiting) = during(PEER_EAGER_TIME).await;
        assert!(
            (calm + eager / 2..=calm + eager + 2).contains(&knocks),
            "{knocks}"
        );
        // What has been given up is remembered for a while, in case something of it still comes.
        assert!(waiting < 40, "{waiting}");

        let (knocks, _) = during(PEER_EAGER_TIME).await;
        assert!((calm / 2..=calm + 2).contains(&knocks), "{knocks}");
        let (_, waiting) = during(PEER_EAGER_TIME).await;
        let slow = ratio(PEER_IDLE_TIMEOUT, PEER_KNOCK_INTERVAL);
        assert!(waiting <= slow + 2, "{waiting}");
        assert!((calm..=3 * calm).contains(&silences.get()), "{silences:?}");
    }
}
