//! How a server takes in connections.

use std::sync::Arc;

use quinn::{Endpoint, Incoming};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinSet,
    time,
};

use crate::{
    connection::{self, Arrival, Established},
    limits,
    stats::TransportStats,
    text::plain,
};

/// Takes connections in as far as the limits allow.
#[derive(Debug, Clone)]
pub(crate) struct Acceptor {
    endpoint: Endpoint,
    seats: Arc<Semaphore>,
    unvalidated_max: usize,
    stats: Arc<TransportStats>,
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Admit,
    /// Ask the client to prove that it can be reached at its address.
    Validate,
    Refuse,
}

impl Acceptor {
    pub(crate) fn new(
        endpoint: Endpoint,
        connections_max: usize,
        unvalidated_max: usize,
        stats: Arc<TransportStats>,
    ) -> Self {
        Self {
            endpoint,
            seats: Arc::new(Semaphore::new(connections_max.min(Semaphore::MAX_PERMITS))),
            unvalidated_max,
            stats,
        }
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(crate) fn refuse_newcomers(&self) {
        self.seats.close();
    }

    /// Lets `greet` do the handshake of each that is taken in, until the endpoint is closed.
    pub(crate) async fn run<G>(self, greet: impl Fn(Incoming, OwnedSemaphorePermit) -> G)
    where
        G: Future<Output = ()> + Send + 'static,
    {
        let mut handshakes = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                Some(_) = handshakes.join_next() => {}
                incoming = self.endpoint.accept() => match incoming {
                    Some(incoming) => self.take_in(incoming, &mut handshakes, &greet),
                    None => return,
                },
            }
        }
    }

    fn take_in<G>(
        &self,
        incoming: Incoming,
        handshakes: &mut JoinSet<()>,
        greet: &impl Fn(Incoming, OwnedSemaphorePermit) -> G,
    ) where
        G: Future<Output = ()> + Send + 'static,
    {
        let seat = match judge(
            handshakes.len(),
            self.unvalidated_max,
            incoming.remote_address_validated(),
        ) {
            Verdict::Admit => self.seats.clone().try_acquire_owned(),
            Verdict::Validate => return validate(incoming),
            Verdict::Refuse => return self.refuse(incoming),
        };
        let Ok(seat) = seat else {
            tracing::debug!(remote = %incoming.remote_address(), "refused: no connection is free");
            return self.refuse(incoming);
        };
        handshakes.spawn(greet(incoming, seat));
    }

    fn refuse(&self, incoming: Incoming) {
        self.stats.count_refused();
        incoming.refuse();
    }
}

fn judge(in_progress: usize, unvalidated_max: usize, validated: bool) -> Verdict {
    if in_progress >= unvalidated_max && !validated {
        Verdict::Validate
    } else if in_progress >= limits::HANDSHAKES_MAX {
        Verdict::Refuse
    } else {
        Verdict::Admit
    }
}

fn validate(incoming: Incoming) {
    if let Err(error) = incoming.retry() {
        error.into_incoming().refuse();
    }
}

/// Takes in a player.
pub(crate) async fn shake_hands(
    incoming: Incoming,
    seat: OwnedSemaphorePermit,
    arrivals: mpsc::Sender<Arrival>,
    stats: Arc<TransportStats>,
) {
    let remote = incoming.remote_address();
    let refused = match time::timeout(limits::HANDSHAKE_TIME_MAX, incoming).await {
        Ok(Ok(connection)) => match connection::require_datagrams(&connection) {
            Ok(()) => {
                let established = Established {
                    connection,
                    endpoint: None,
                    seat: Some(seat),
                };
                // Without a driver there is nobody to tell.
                return drop(arrivals.send(Arrival::Established(None, established)).await);
            }
            Err(reason) => reason.to_string(),
        },
        Ok(Err(error)) => plain(error),
        Err(_) => "the handshake took too long".to_owned(),
    };
    stats.count_refused();
    tracing::debug!(%remote, "refused: {refused}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_handshakes_are_in_progress_the_more_is_asked_of_a_newcomer() {
        let max = limits::HANDSHAKES_UNVALIDATED_MAX;
        let judged = |in_progress, validated| judge(in_progress, max, validated);
        for (in_progress, unvalidated, validated) in [
            (0, Verdict::Admit, Verdict::Admit),
            (max - 1, Verdict::Admit, Verdict::Admit),
            (max, Verdict::Validate, Verdict::Admit),
            (limits::HANDSHAKES_MAX, Verdict::Validate, Verdict::Refuse),
        ] {
            assert_eq!(judged(in_progress, false), unvalidated, "{in_progress}");
            assert_eq!(judged(in_progress, true), validated, "{in_progress}");
        }
    }
}
