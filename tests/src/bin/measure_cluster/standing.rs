//! What a server says of how far it is, asked closely.

use std::time::{Duration, Instant};

use serde_json::Value;
use synced_tests::{Failure, Outcome, cluster::SyncedCluster};
use synced_transport::{
    cluster::{Credentials, OPERATOR_FILES},
    operator::Asking,
};
use tokio::runtime::{self, Runtime};

/// How long a server may take to have what the others have.
const TIME_MAX: Duration = Duration::from_secs(30);
const INTERVAL: Duration = Duration::from_micros(500);

/// Somebody who asks servers again and again.
pub(crate) struct Standing {
    credentials: Credentials,
    runtime: Runtime,
}

/// A connection with one server.
pub(crate) struct Asked<'a> {
    by: &'a Standing,
    asking: Asking,
}

impl Standing {
    /// The operator of a cluster.
    pub(crate) fn of(cluster: &SyncedCluster) -> Outcome<Self> {
        let credentials = Credentials::load(cluster.directory(), OPERATOR_FILES);
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        Ok(Self {
            credentials: credentials.map_err(|error| Failure::new(error.to_string()))?,
            runtime: runtime.map_err(Failure::of("no runtime"))?,
        })
    }

    /// Waits, while connections live on.
    pub(crate) fn wait(&self, span: Duration) {
        self.runtime
            .block_on(async { tokio::time::sleep(span).await });
    }

    /// Connects with a server, by what a status says of where it is.
    pub(crate) fn ask<'a>(&'a self, status: &Value, server: u16) -> Outcome<Asked<'a>> {
        let mut servers = status["servers"].as_array().into_iter().flatten();
        let found = servers.find(|one| one["peer"]["server"] == server);
        let address = found.and_then(|one| one["peer"]["address"].as_str());
        let address = address.ok_or_else(|| Failure::new(format!("where is server {server}?")))?;
        let begun = Asking::begin(address, &self.credentials);
        let asking = self.runtime.block_on(begun);
        Ok(Asked {
            by: self,
            asking: asking.map_err(|error| Failure::new(error.to_string()))?,
        })
    }
}

impl Asked<'_> {
    /// The last entry that it knows to be committed.
    pub(crate) fn committed(&self) -> Outcome<u64> {
        self.number("committed")
    }

    /// Waits until it has applied this entry.
    pub(crate) fn until_applied(&self, entry: u64) -> Outcome {
        let deadline = Instant::now() + TIME_MAX;
        while self.number("applied")? < entry {
            if Instant::now() > deadline {
                return Err(Failure::new(format!("it has not applied {entry} in time")));
            }
            self.by.wait(INTERVAL);
        }
        Ok(())
    }

    /// Waits until the server knows that nobody asks any more.
    pub(crate) fn end(self) {
        self.by.runtime.block_on(self.asking.end());
    }

    fn number(&self, what: &str) -> Outcome<u64> {
        let asked = self.asking.ask(br#"{"do":"status"}"#);
        let answer = self.by.runtime.block_on(asked);
        let answer = answer.map_err(|error| Failure::new(error.to_string()))?;
        let answer: Value = serde_json::from_slice(&answer)
            .map_err(|error| Failure::new(format!("no JSON: {error}")))?;
        let number = answer["ok"]["node"]["cluster"][what].as_u64();
        number.ok_or_else(|| Failure::new(format!("no {what} in {answer}")))
    }
}
