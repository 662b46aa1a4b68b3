//! A connection to one etcd.

use std::net::SocketAddr;

use bytes::Bytes;
use h2::client::{self, SendRequest};
use http::Request;
use tokio::net::TcpStream;

use super::put;
use crate::{Failure, Outcome};

/// A connection over which any number of calls may be out at once. For use within a tokio runtime.
#[derive(Clone)]
pub struct EtcdClient {
    requests: SendRequest<Bytes>,
    uri: String,
}

impl EtcdClient {
    /// Connects to an etcd's address for clients.
    ///
    /// # Errors
    /// When nobody listens there, or speaks no HTTP/2.
    pub async fn connect(address: SocketAddr) -> Outcome<Self> {
        let stream = TcpStream::connect(address)
            .await
            .map_err(Failure::of(format!("no etcd at {address}")))?;
        stream
            .set_nodelay(true)
            .map_err(Failure::of("a socket cannot be set up"))?;
        let (requests, connection) = client::handshake(stream).await.map_err(of_http)?;
        // It ends with its last handle; what went wrong before, the calls tell.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self {
            requests,
            uri: format!("http://{address}{}", put::PATH),
        })
    }

    /// Puts a value at a key, and waits until a quorum has it.
    ///
    /// # Errors
    /// When the call fails, or etcd answers with an error.
    pub async fn put(&self, key: &[u8], value: &[u8]) -> Outcome {
        let request = Request::post(&self.uri)
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(())
            .map_err(|error| Failure::new(format!("no request: {error}")))?;
        let mut requests = self.requests.clone().ready().await.map_err(of_http)?;
        let (response, mut body) = requests.send_request(request, false).map_err(of_http)?;
        body.send_data(put::body(key, value), true)
            .map_err(of_http)?;
        let mut answer = response.await.map_err(of_http)?;
        if let Some(status) = answer.headers().get("grpc-status") {
            return judged(status.as_bytes());
        }
        let body = answer.body_mut();
        while let Some(data) = body.data().await {
            let length = data.map_err(of_http)?.len();
            body.flow_control()
                .release_capacity(length)
                .map_err(of_http)?;
        }
        let trailers = body.trailers().await.map_err(of_http)?;
        let status = trailers.as_ref().and_then(|all| all.get("grpc-status"));
        judged(status.map_or(b"none", |status| status.as_bytes()))
    }
}

fn judged(status: &[u8]) -> Outcome {
    if status == b"0" {
        return Ok(());
    }
    let status = String::from_utf8_lossy(status);
    Err(Failure::new(format!("etcd answers with status {status}")))
}

fn of_http(error: h2::Error) -> Failure {
    Failure::new(format!("the call to etcd failed: {error}"))
}
