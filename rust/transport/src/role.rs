//! What differs between the two ends.

use std::sync::Arc;

use synced_protocol::link::{CloseCode, ConnectionId, Target};
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinSet},
    time,
};

use crate::{
    accept::{self, Acceptor},
    connect::Connector,
    connection::{self, Arrival},
    limits,
    stats::TransportStats,
};

/// Which end of its connections an endpoint is.
#[derive(Debug)]
pub(crate) enum Role {
    Client(Arc<Connector>),
    Server(Acceptor),
}

impl Role {
    /// Starts to accept connections, as a server.
    pub(crate) fn begin(
        &self,
        arrivals: &mpsc::Sender<Arrival>,
        newcomers: &mut JoinSet<()>,
        stats: &Arc<TransportStats>,
    ) {
        if let Self::Server(acceptor) = self {
            let (arrivals, stats) = (arrivals.clone(), stats.clone());
            newcomers.spawn(acceptor.clone().run(move |incoming, seat| {
                accept::shake_hands(incoming, seat, arrivals.clone(), stats.clone())
            }));
        }
    }

    /// Starts one attempt to connect, as a client; what is given aborts it.
    pub(crate) fn connect(
        &self,
        connection: ConnectionId,
        to: Target,
        arrivals: &mpsc::Sender<Arrival>,
        newcomers: &mut JoinSet<()>,
    ) -> Option<AbortHandle> {
        match self {
            Self::Client(connector) => {
                let (connector, arrivals) = (connector.clone(), arrivals.clone());
                Some(newcomers.spawn(async move {
                    let arrival = match connector.connect(to).await {
                        Ok(established) => Arrival::Established(Some(connection), established),
                        Err(reason) => Arrival::Unconnected(connection, reason),
                    };
                    // Without a driver there is nobody to tell.
                    let _ = arrivals.send(arrival).await;
                }))
            }
            Self::Server(_) => {
                tracing::error!("the logic of a server asked to connect, which only a client can");
                None
            }
        }
    }

    /// What peers are told when this end stops.
    pub(crate) fn goodbye(&self) -> CloseCode {
        match self {
            Self::Client(_) => CloseCode::Done,
            Self::Server(_) => CloseCode::ServerStopping,
        }
    }

    /// Lets no more connections come up.
    pub(crate) fn refuse_newcomers(&self, newcomers: &mut JoinSet<()>) {
        match self {
            Self::Client(_) => newcomers.abort_all(),
            Self::Server(acceptor) => acceptor.refuse_newcomers(),
        }
    }

    /// Ends the endpoint when its connections have been closed, and waits a while for the last packets to go out.
    pub(crate) async fn end(&self) {
        if let Self::Server(acceptor) = self {
            connection::close_endpoint(acceptor.endpoint(), self.goodbye());
            let _ = time::timeout(limits::DRAIN_TIME_MAX, acceptor.endpoint().wait_idle()).await;
        }
    }
}
