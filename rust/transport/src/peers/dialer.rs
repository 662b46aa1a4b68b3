//! Keeping up the connection to a server with a higher number.

use std::{net::SocketAddr, ops::RangeInclusive, sync::Arc, time::Duration};

use quinn::{Connection, ConnectionError, Endpoint};
use synced_protocol::peer::PeerAddress;
use tokio::{
    sync::mpsc,
    time::{self, Instant},
};

use super::{
    complaints::Complaints,
    connection::{Newcomer, PeerArrival},
    knock::Knocker,
    lanes::Lanes,
};
use crate::{cluster::Credentials, connection, limits};

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
    complaints: Complaints,
}

impl Dialer {
    pub(crate) fn new(with: Dialling, peer: PeerAddress) -> Self {
        Self {
            with,
            peer,
            attempts: 0,
            pause: Pause::default(),
            complaints: Complaints::default(),
        }
    }

    /// Runs until it is aborted, or there is no driver any more.
    pub(crate) async fn run(mut self) {
        let mut was_at = None;
        loop {
            match self.reach(was_at.take()).await {
                Ok((connection, lanes)) => {
                    let since = Instant::now();
                    if self.hand_over(&connection, lanes).await.is_err() {
                        return;
                    }
                    let end = connection.closed().await;
                    was_at = Some(connection.remote_address());
                    self.pause.after_connection(since.elapsed(), &end);
                }
                Err(why) => self.complaints.say(&self.peer, &why),
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

    /// A server that was at `was_at` a moment ago is looked for there in particular.
    async fn reach(&mut self, was_at: Option<SocketAddr>) -> Result<(Connection, Lanes), String> {
        self.attempts += 1;
        let Self {
            with,
            peer,
            complaints,
            ..
        } = self;
        let mut knocker = Knocker::new(with, peer, self.attempts)?;
        let silent = || complaints.say(peer, "no answer");
        let connection = knocker.until_connected(was_at, silent).await?;
        connection::require_datagrams(&connection).map_err(|reason| reason.to_string())?;
        match Lanes::open(&connection).await {
            Ok(lanes) => Ok((connection, lanes)),
            Err(error) => Err(error.0),
        }
    }
}

/// How long to wait after a refusal or a lost connection.
#[derive(Debug, Default)]
struct Pause(Duration);

impl Pause {
    /// A connection that lived, or was lost since nothing was heard, is looked for again at once; another may be refused again and
    /// again.
    fn after_connection(&mut self, time: Duration, end: &ConnectionError) {
        if time >= limits::PEER_STABLE_TIME_MIN || *end == ConnectionError::TimedOut {
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
    fn pauses_grow_up_to_the_longest_until_a_connection_has_lived_or_fallen_silent() {
        let (refused, silent) = (ConnectionError::Reset, ConnectionError::TimedOut);
        let short = PEER_STABLE_TIME_MIN - Duration::from_millis(1);
        let mut pause = Pause::default();
        assert_eq!(pause.next(), Duration::ZERO);
        assert_eq!(pause.next(), PEER_PAUSE_MIN);
        assert_eq!(pause.next(), 2 * PEER_PAUSE_MIN);
        let later: Vec<_> = (0..10).map(|_| pause.next()).collect();
        assert!(later.is_sorted() && later[9] == PEER_PAUSE_MAX, "{later:?}");
        pause.after_connection(short, &refused);
        assert_eq!(pause.next(), PEER_PAUSE_MAX);
        pause.after_connection(PEER_STABLE_TIME_MIN, &refused);
        assert_eq!(pause.next(), Duration::ZERO);
        assert_eq!(pause.next(), PEER_PAUSE_MIN);
        pause.after_connection(short, &silent);
        assert_eq!(pause.next(), Duration::ZERO);
    }
}
