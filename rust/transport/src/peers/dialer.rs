//! Keeping up the connection to a server with a higher number.

use std::{
    net::SocketAddr,
    ops::RangeInclusive,
    sync::Arc,
    time::{Duration, Instant},
};

use quinn::{Connection, Endpoint};
use synced_protocol::peer::PeerAddress;
use tokio::{net::lookup_host, sync::mpsc, time};

use super::{
    connection::{Newcomer, PeerArrival},
    lanes::Lanes,
    refusals::{self, Quiet},
    settings,
};
use crate::{
    cluster::{ClusterVerifier, Credentials},
    connection, limits,
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
            match self.attempt().await {
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

    async fn attempt(&mut self) -> Result<(Connection, Lanes), String> {
        let address = self.next_address().await?;
        let verifier = Arc::new(ClusterVerifier::new(
            &self.with.credentials,
            Some(self.peer.server),
        ));
        let config = settings::dialer_config(
            &self.with.credentials,
            verifier.clone(),
            &self.with.versions,
            self.with.segmentation_offload,
        )
        .map_err(|error| error.to_string())?;
        let connecting = self
            .with
            .endpoint
            .connect_with(config, address, self.with.credentials.cluster().as_str())
            .map_err(|error| error.to_string())?;
        let connection = time::timeout(limits::PEER_CONNECT_TIME_MAX, connecting)
            .await
            .map_err(|_| "no answer".to_owned())?
            .map_err(|error| match verifier.refusal() {
                Some(refusal) => refusal.to_owned(),
                None => refusals::in_words(&error),
            })?;
        connection::require_datagrams(&connection).map_err(|reason| reason.to_string())?;
        match Lanes::open(&connection).await {
            Ok(lanes) => Ok((connection, lanes)),
            Err(error) => Err(error.0),
        }
    }

    /// The next of the addresses that the name has now.
    async fn next_address(&mut self) -> Result<SocketAddr, String> {
        let place: Place = self
            .peer
            .address
            .parse()
            .map_err(|error| format!("{error}"))?;
        let addresses: Vec<_> = lookup_host((place.host(), place.port()))
            .await
            .map_err(|error| format!("the name has no address: {error}"))?
            .collect();
        self.attempts += 1;
        let place = self.attempts.checked_rem(addresses.len());
        let address = place.and_then(|place| addresses.get(place));
        address
            .copied()
            .ok_or_else(|| "the name has no address".to_owned())
    }

    fn complain(&mut self, why: &str) {
        let PeerAddress { server, address } = &self.peer;
        match self.quiet.may_speak(Instant::now()) {
            Some(unsaid) => tracing::warn!(unsaid, "no connection to {server} at {address}: {why}"),
            None => tracing::debug!("no connection to {server} at {address}: {why}"),
        }
    }
}

/// How long to wait before the next attempt.
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
