//! Keeping up the connection to a server with a higher number.

use std::{
    fmt,
    net::SocketAddr,
    ops::RangeInclusive,
    sync::Arc,
    time::{Duration, Instant},
};

use quinn::{Connection, ConnectionError, Endpoint};
use synced_protocol::peer::PeerAddress;
use tokio::{net::lookup_host, sync::mpsc, task::JoinSet, time};

use super::{
    connection::{Newcomer, PeerArrival},
    lanes::Lanes,
    refusals::{self, Quiet},
    settings,
};
use crate::{
    address::AddressError,
    cluster::{ClusterVerifier, Credentials},
    connection,
    limits::{self, PEER_CONNECT_TIME_MAX, PEER_KNOCK_INTERVAL},
    place::Place,
};

/// How a server connects to others.
#[derive(Debug, Clone)]
pub(crate) struct Dialling {
    pub(crate) endpoint: Endpoint,
    pub(crate) credentials: Arc<Credentials>,
    pub(crate) versions: RangeInclusive<u16>,
    pub(crate) segmentation_offload: bool,
    pub(crate) arrivals: mpsc::Sender<PeerArrival>,
}

/// Connects to one server again and again.
#[derive(Debug)]
pub(crate) struct Dialer {
    with: Dialling,
    peer: PeerAddress,
    attempts: usize,
    pause: Pause,
    quiet: Quiet,
}

/// What came of an attempt that brought no connection.
#[derive(Debug)]
enum Failure {
    /// Nothing was heard.
    Silent,
    /// There was an answer, or this side could not even ask.
    Refused(String),
}

impl Dialer {
    pub(crate) fn new(with: Dialling, peer: PeerAddress) -> Self {
        Self {
            with,
            peer,
            attempts: 0,
            pause: Pause::default(),
            quiet: Quiet::default(),
        }
    }

    /// Runs until it is aborted, or there is no driver any more.
    pub(crate) async fn run(mut self) {
        loop {
            match self.reach().await {
                Ok((connection, lanes)) => {
                    let since = Instant::now();
                    if self.hand_over(&connection, lanes).await.is_err() {
                        return;
                    }
                    connection.closed().await;
                    self.pause.after_connection_of(since.elapsed());
                }
                Err(why) => self.complain(&why),
            }
            time::sleep(self.pause.next()).await;
        }
    }

    async fn hand_over(&self, connection: &Connection, lanes: Lanes) -> Result<(), ()> {
        let newcomer = Newcomer {
            server: self.peer.server,
            connection: connection.clone(),
            lanes,
            seat: None,
        };
        let up = PeerArrival::Up(newcomer);
        self.with.arrivals.send(up).await.map_err(drop)
    }

    /// Knocks until somebody answers. A server that comes back must not wait for a lost packet to be sent again, so the next
    /// attempt begins while those before still wait; only the first to be answered opens its lanes.
    async fn reach(&mut self) -> Result<(Connection, Lanes), String> {
        let (mut running, mut knocks) = (JoinSet::new(), time::interval(PEER_KNOCK_INTERVAL));
        let connection = loop {
            tokio::select! {
                biased;
                Some(ended) = running.join_next() => match ended {
                    Ok(Ok(connection)) => break connection,
                    Ok(Err(Failure::Refused(why))) => return Err(why),
                    Ok(Err(Failure::Silent)) => self.complain("no answer"),
                    Err(error) => return Err(format!("an attempt ended in an unforeseen way: {error}")),
                },
                _ = knocks.tick() => {
                    self.attempts += 1;
                    running.spawn(attempt(self.with.clone(), self.peer.clone(), self.attempts));
                }
            }
        };
        drop(running);
        connection::require_datagrams(&connection).map_err(|reason| reason.to_string())?;
        match Lanes::open(&connection).await {
            Ok(lanes) => Ok((connection, lanes)),
            Err(error) => Err(error.0),
        }
    }

    fn complain(&mut self, why: &str) {
        let PeerAddress { server, address } = &self.peer;
        match self.quiet.may_speak(Instant::now()) {
            Some(unsaid) => tracing::warn!(unsaid, "no connection to {server} at {address}: {why}"),
            None => tracing::debug!("no connection to {server} at {address}: {why}"),
        }
    }
}

/// One handshake, with another of the server's addresses from attempt to attempt.
async fn attempt(with: Dialling, peer: PeerAddress, number: usize) -> Result<Connection, Failure> {
    let impossible = |error: &dyn fmt::Display| Failure::Refused(error.to_string());
    let address = resolve(&peer.address, number).await?;
    let verifier = Arc::new(ClusterVerifier::new(&with.credentials, Some(peer.server)));
    let config = settings::dialer_config(
        &with.credentials,
        verifier.clone(),
        &with.versions,
        with.segmentation_offload,
    )
    .map_err(|error| impossible(&error))?;
    let connecting = with
        .endpoint
        .connect_with(config, address, with.credentials.cluster().as_str())
        .map_err(|error| impossible(&error))?;
    let connected = time::timeout(PEER_CONNECT_TIME_MAX, connecting).await;
    connected
        .unwrap_or(Err(ConnectionError::TimedOut))
        .map_err(|error| match (verifier.refusal(), error) {
            (Some(refusal), _) => Failure::Refused(refusal.to_owned()),
            (None, ConnectionError::TimedOut) => Failure::Silent,
            (None, error) => Failure::Refused(refusals::in_words(&error)),
        })
}

async fn resolve(address: &str, number: usize) -> Result<SocketAddr, Failure> {
    let place: Place = address
        .parse()
        .map_err(|error: AddressError| Failure::Refused(error.to_string()))?;
    let nowhere = |why| Failure::Refused(format!("the name has no address{why}"));
    let addresses: Vec<_> = lookup_host((place.host(), place.port()))
        .await
        .map_err(|error| nowhere(format!(": {error}")))?
        .collect();
    let place = number.checked_rem(addresses.len());
    let address = place.and_then(|place| addresses.get(place));
    address.copied().ok_or_else(|| nowhere(String::new()))
}

/// How long to wait after a refusal or a lost connection.
#[derive(Debug, Default)]
struct Pause(Duration);

impl Pause {
    /// A connection that lived is looked for again at once; one that did not may be refused again and again.
    fn after_connection_of(&mut self, time: Duration) {
        if time >= limits::PEER_STABLE_TIME_MIN {
            self.0 = Duration::ZERO;
        }
    }

    fn next(&mut self) -> Duration {
        let next = (self.0 * 2).clamp(limits::PEER_PAUSE_MIN, limits::PEER_PAUSE_MAX);
        std::mem::replace(&mut self.0, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{PEER_PAUSE_MAX, PEER_PAUSE_MIN, PEER_STABLE_TIME_MIN};

    #[test]
    fn pauses_grow_up_to_the_longest_until_a_connection_has_lived() {
        let mut pause = Pause::default();
        assert_eq!(pause.next(), Duration::ZERO);
        assert_eq!(pause.next(), PEER_PAUSE_MIN);
        assert_eq!(pause.next(), 2 * PEER_PAUSE_MIN);
        let later: Vec<_> = (0..10).map(|_| pause.next()).collect();
        assert!(later.is_sorted() && later[9] == PEER_PAUSE_MAX, "{later:?}");
        pause.after_connection_of(PEER_STABLE_TIME_MIN - Duration::from_millis(1));
        assert_eq!(pause.next(), PEER_PAUSE_MAX);
        pause.after_connection_of(PEER_STABLE_TIME_MIN);
        assert_eq!(pause.next(), Duration::ZERO);
    }
}
