//! Who is let in at the peer port.

use std::{collections::BTreeSet, sync::Arc};

use quinn::{Connection, Incoming, VarInt, crypto::rustls::HandshakeData};
use rustls::pki_types::CertificateDer;
use synced_protocol::{id::ServerId, link::CloseCode};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, watch},
    time,
};

use super::{
    connection::{Newcomer, PeerArrival},
    lanes::Lanes,
    refusals::{Fault, Refusals},
    settings::OPERATOR_PROTOCOL,
};
use crate::{
    cluster::{ClusterId, Holder},
    connection, limits,
    text::plain,
};

/// Lets servers and operators in.
#[derive(Debug)]
pub(crate) struct Greeter {
    pub(crate) me: ServerId,
    pub(crate) cluster: ClusterId,
    /// The servers with which there are to be connections.
    pub(crate) known: watch::Receiver<BTreeSet<ServerId>>,
    pub(crate) arrivals: mpsc::Sender<PeerArrival>,
    pub(crate) refusals: Refusals,
}

/// Why somebody is not let in.
struct Refused {
    who: String,
    fault: Fault,
    detail: String,
}

impl Greeter {
    pub(crate) async fn greet(self: Arc<Self>, incoming: Incoming, seat: OwnedSemaphorePermit) {
        let remote = incoming.remote_address();
        let refused = match time::timeout(limits::PEER_GREETING_TIME_MAX, incoming).await {
            Ok(Ok(connection)) => match self.judge(&connection) {
                Ok(holder) => self.let_in(holder, &connection, seat).await.err(),
                Err(refused) => Some(refused),
            }
            .inspect(|refused| turn_away(&connection, refused)),
            Ok(Err(error)) => Fault::of(&error).map(|fault| Refused::stranger(fault, &error)),
            Err(_) => Some(Refused::stranger(
                Fault::Misbehaviour,
                &"the handshake took too long",
            )),
        };
        if let Some(Refused { who, fault, detail }) = refused {
            self.refusals.note(fault, remote, &who, &detail);
        }
    }

    fn judge(&self, connection: &Connection) -> Result<Holder, Refused> {
        let stranger = |fault, detail: &str| Refused::stranger(fault, &detail);
        let certificate =
            leaf(connection).ok_or_else(|| stranger(Fault::NoCertificate, "none was asked for"))?;
        let (holder, cluster) = Holder::named_in(&certificate)
            .ok_or_else(|| stranger(Fault::OtherCluster, "it names nobody of a cluster"))?;
        let refused = |fault, detail: &str| Refused {
            who: holder.to_string(),
            fault,
            detail: detail.to_owned(),
        };
        if cluster != self.cluster {
            let detail = format!("it is of the cluster {cluster}");
            return Err(refused(Fault::OtherCluster, &detail));
        }
        let as_operator = protocol(connection).is_some_and(|name| name == OPERATOR_PROTOCOL);
        match holder {
            Holder::Operator if as_operator => Ok(holder),
            Holder::Server(_) if as_operator => {
                Err(refused(Fault::Misbehaviour, "it asks as an operator"))
            }
            Holder::Operator => Err(refused(Fault::Misbehaviour, "it talks like a server")),
            Holder::Server(server) if server >= self.me => Err(refused(
                Fault::Misbehaviour,
                "the server with the lower number connects to the other",
            )),
            Holder::Server(server) if !self.known.borrow().contains(&server) => {
                Err(refused(Fault::UnknownServer, "nobody has added it"))
            }
            Holder::Server(_) => Ok(holder),
        }
    }

    async fn let_in(
        &self,
        holder: Holder,
        connection: &Connection,
        seat: OwnedSemaphorePermit,
    ) -> Result<(), Refused> {
        let server = match holder {
            Holder::Server(server) => server,
            Holder::Operator => {
                let operator = PeerArrival::Operator(connection.clone(), seat);
                // Without a driver there is nobody to tell.
                let _ = self.arrivals.send(operator).await;
                return Ok(());
            }
        };
        let broken = |detail: String| Refused {
            who: holder.to_string(),
            fault: Fault::Misbehaviour,
            detail,
        };
        connection::require_datagrams(connection).map_err(|reason| broken(reason.to_string()))?;
        let lanes = match (Lanes::accept(connection).await, connection.close_reason()) {
            (Ok(lanes), _) => lanes,
            // It found another way, or nobody wants it to come any more.
            (Err(_), Some(end)) if Fault::of(&end).is_none() => return Ok(()),
            (Err(error), _) => return Err(broken(error.0)),
        };
        let newcomer = Newcomer {
            server,
            connection: connection.clone(),
            lanes,
            seat: Some(seat),
        };
        // Without a driver there is nobody to tell.
        let _ = self.arrivals.send(PeerArrival::Up(newcomer)).await;
        Ok(())
    }
}

impl Refused {
    fn stranger(fault: Fault, detail: &dyn std::fmt::Display) -> Self {
        Self {
            who: "somebody".to_owned(),
            fault,
            detail: plain(detail),
        }
    }
}

/// Tells whoever is refused why.
fn turn_away(connection: &Connection, refused: &Refused) {
    let code = VarInt::from_u32(CloseCode::Refused.code());
    let reason = format!("refused: {}: {}", refused.fault, refused.detail);
    connection.close(code, reason.as_bytes());
}

fn leaf(connection: &Connection) -> Option<CertificateDer<'static>> {
    let shown = connection
        .peer_identity()?
        .downcast::<Vec<CertificateDer<'static>>>();
    shown.ok()?.first().cloned()
}

fn protocol(connection: &Connection) -> Option<Vec<u8>> {
    let data = connection.handshake_data()?.downcast::<HandshakeData>();
    data.ok()?.protocol
}
