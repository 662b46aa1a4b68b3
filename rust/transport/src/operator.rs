//! What who runs a cluster asks of its servers.

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use quinn::{Connection, Endpoint};
use synced_protocol::link::CloseCode;
use tokio::{net::lookup_host, time};

use crate::{
    address::AddressError,
    cluster::{ClusterVerifier, Credentials, Holder},
    connection::close,
    limits,
    peers::{refusals, settings},
    place::Place,
    settings::client_endpoint_config,
    socket::Bound,
};

/// Asks the server of a cluster at `address`, the `host:port` for its peers, within `time_max`. Request and answer are JSON.
///
/// Must be called within a tokio runtime with its timers and I/O.
///
/// # Errors
/// Why there is no answer; what the answer says is not looked at.
pub async fn ask(
    address: &str,
    credentials: &Credentials,
    request: &[u8],
    time_max: Duration,
) -> Result<Vec<u8>, OperatorError> {
    let place = place_of(address, credentials)?;
    let asked = async {
        let asking = Asking::connect(&place, credentials).await?;
        let answer = exchange(&asking.connection, request).await;
        asking.end().await;
        answer
    };
    let failed = |why| no_answer(&place, why);
    match time::timeout(time_max, asked).await {
        Ok(answer) => answer.map_err(failed),
        Err(_) => Err(failed(format!("nothing was heard within {time_max:?}"))),
    }
}

/// A connection for one request after the other, for who looks at a server closely.
#[derive(Debug)]
pub struct Asking {
    place: Place,
    endpoint: Endpoint,
    connection: Connection,
}

impl Asking {
    /// Connects as [`ask`] does, for as long as it takes.
    ///
    /// # Errors
    /// Why there is no connection.
    pub async fn begin(address: &str, credentials: &Credentials) -> Result<Self, OperatorError> {
        let place = place_of(address, credentials)?;
        let connected = Self::connect(&place, credentials).await;
        connected.map_err(|why| no_answer(&place, why))
    }

    /// Asks as [`ask`] does, for as long as it takes.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn ask(&self, request: &[u8]) -> Result<Vec<u8>, OperatorError> {
        let answer = exchange(&self.connection, request).await;
        answer.map_err(|why| no_answer(&self.place, why))
    }

    /// Closes the connection, and waits until the server need not find out by itself that nobody is there any more.
    pub async fn end(self) {
        close(&self.connection, CloseCode::Done);
        let _ = time::timeout(limits::DRAIN_TIME_MAX, self.endpoint.wait_idle()).await;
    }

    async fn connect(place: &Place, credentials: &Credentials) -> Result<Self, String> {
        let (endpoint, connection) = connect(place, credentials).await?;
        Ok(Self {
            place: place.clone(),
            endpoint,
            connection,
        })
    }
}

fn place_of(address: &str, credentials: &Credentials) -> Result<Place, OperatorError> {
    if credentials.holder() != Holder::Operator {
        return Err(OperatorError::NotAnOperator);
    }
    address.parse().map_err(OperatorError::Address)
}

fn no_answer(place: &Place, why: String) -> OperatorError {
    OperatorError::NoAnswer {
        place: place.clone(),
        why,
    }
}

async fn connect(
    place: &Place,
    credentials: &Credentials,
) -> Result<(Endpoint, Connection), String> {
    let addresses = lookup_host((place.host(), place.port()))
        .await
        .map_err(|error| format!("the name has no address: {error}"))?;
    let mut failure = "the name has no address".to_owned();
    for address in addresses.take(limits::ADDRESSES_MAX) {
        let verifier = Arc::new(ClusterVerifier::new(credentials, None));
        let config = settings::operator_config(credentials, verifier.clone()).map_err(in_words)?;
        let endpoint = endpoint_for(address.ip()).map_err(in_words)?;
        let name = credentials.cluster().as_str();
        let connecting = endpoint
            .connect_with(config, address, name)
            .map_err(in_words)?;
        match connecting.await {
            Ok(connection) => return Ok((endpoint, connection)),
            Err(error) => {
                failure = match verifier.refusal() {
                    Some(refusal) => refusal.to_owned(),
                    None => refusals::in_words(&error),
                };
            }
        }
    }
    Err(failure)
}

fn endpoint_for(remote: IpAddr) -> std::io::Result<Endpoint> {
    let socket = Bound::to_reach(remote, None)?;
    socket.client_endpoint(client_endpoint_config())
}

async fn exchange(connection: &Connection, request: &[u8]) -> Result<Vec<u8>, String> {
    let exchanged = async {
        let (mut send, mut receive) = connection.open_bi().await.map_err(in_words)?;
        send.write_all(request).await.map_err(in_words)?;
        send.finish().map_err(in_words)?;
        let answer = receive.read_to_end(limits::OPERATOR_ANSWER_BYTES_MAX).await;
        answer.map_err(in_words)
    };
    // Where the connection has ended, how it did tells more.
    exchanged
        .await
        .map_err(|error: String| match connection.close_reason() {
            Some(reason) => refusals::in_words(&reason),
            None => error,
        })
}

fn in_words(error: impl fmt::Display) -> String {
    error.to_string()
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OperatorError {
    /// The address is none.
    Address(AddressError),
    /// The credentials are those of a server.
    NotAnOperator,
    /// The server could not be reached, would not talk, or did not answer in time.
    NoAnswer {
        /// Where it was looked for.
        place: Place,
        /// What failed.
        why: String,
    },
}

impl fmt::Display for OperatorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(error) => error.fmt(f),
            Self::NotAnOperator => f.write_str(
                "these are the credentials of a server; a cluster is run with those of its operator",
            ),
            Self::NoAnswer { place, why } => write!(f, "no answer from {place}: {why}"),
        }
    }
}

impl std::error::Error for OperatorError {}
