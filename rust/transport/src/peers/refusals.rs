//! Whom a server of a cluster does not talk to, and how often the log hears of it.

use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use quinn::{ConnectionError, TransportErrorCode};
use tokio::time::Instant;

use crate::{limits::REFUSAL_LOG_INTERVAL, stats::TransportStats, text::plain};

/// TLS alerts (RFC 8446 section 6) as QUIC error codes (RFC 9001 section 4.8).
const BAD_CERTIFICATE: u64 = 0x100 + 42;
const CERTIFICATE_EXPIRED: u64 = 0x100 + 45;
const UNKNOWN_AUTHORITY: u64 = 0x100 + 48;
/// `CONNECTION_REFUSED` of RFC 9000 section 20.1.
const REFUSED: u64 = 0x02;
/// `APPLICATION_ERROR` of the same: a close by the application before the handshake was done.
const GIVEN_UP: u64 = 0x0c;
/// The certificate names an authority of the right name, and has another's signature.
const DECRYPTION: u64 = 0x100 + 51;
const CERTIFICATE_REQUIRED: u64 = 0x100 + 116;
const NO_APPLICATION_PROTOCOL: u64 = 0x100 + 120;

/// What is wrong with somebody who wants to connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    NoCertificate,
    OtherCluster,
    OtherVersion,
    UnknownServer,
    Misbehaviour,
}

const FAULTS: usize = Fault::Misbehaviour as usize + 1;

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCertificate => "it showed no certificate",
            Self::OtherCluster => "its certificate is none of this cluster, or out of date",
            Self::OtherVersion => {
                "it speaks no version of the protocol between servers that this one speaks; upgrade by one version at a time"
            }
            Self::UnknownServer => "it is not a member of the cluster",
            Self::Misbehaviour => "it did not keep to the protocol between servers",
        })
    }
}

impl Fault {
    /// Why a connection did not come up; `None` where one side gave it up or fell silent, which is no fault.
    pub(crate) fn of(error: &ConnectionError) -> Option<Self> {
        match code(error).map(u64::from) {
            None | Some(GIVEN_UP) => None,
            Some(CERTIFICATE_REQUIRED) => Some(Self::NoCertificate),
            Some(UNKNOWN_AUTHORITY | BAD_CERTIFICATE | CERTIFICATE_EXPIRED | DECRYPTION) => {
                Some(Self::OtherCluster)
            }
            Some(NO_APPLICATION_PROTOCOL) => Some(Self::OtherVersion),
            _ => Some(Self::Misbehaviour),
        }
    }
}

fn code(error: &ConnectionError) -> Option<TransportErrorCode> {
    match error {
        ConnectionError::TransportError(error) => Some(error.code),
        ConnectionError::ConnectionClosed(close) => Some(close.error_code),
        _ => None,
    }
}

/// Why a connection to a server of the cluster did not come up or was lost, in words.
pub(crate) fn in_words(error: &ConnectionError) -> String {
    if let ConnectionError::ApplicationClosed(close) = error {
        return plain(String::from_utf8_lossy(&close.reason));
    }
    match code(error).map(u64::from) {
        Some(CERTIFICATE_REQUIRED | UNKNOWN_AUTHORITY | BAD_CERTIFICATE | DECRYPTION) => {
            "it does not take the certificate of this side; are both of one cluster?".to_owned()
        }
        Some(CERTIFICATE_EXPIRED) => "the certificate of this side has expired".to_owned(),
        Some(REFUSED) => "it lets nobody in, as when it is stopping or full".to_owned(),
        Some(NO_APPLICATION_PROTOCOL) => {
            "it speaks no version of the protocol that this side speaks".to_owned()
        }
        _ => plain(error),
    }
}

/// Counts refusals and names them in the log, each fault once within [`REFUSAL_LOG_INTERVAL`].
#[derive(Debug)]
pub(crate) struct Refusals {
    stats: Arc<TransportStats>,
    faults: Mutex<[Quiet; FAULTS]>,
}

impl Refusals {
    pub(crate) fn new(stats: Arc<TransportStats>) -> Self {
        Self {
            stats,
            faults: Mutex::default(),
        }
    }

    pub(crate) fn note(&self, fault: Fault, remote: SocketAddr, who: &str, detail: &str) {
        self.stats.count_refused();
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(unsaid) = faults[fault as usize].may_speak(Instant::now()) else {
            return;
        };
        drop(faults);
        let remote = SocketAddr::new(remote.ip().to_canonical(), remote.port());
        tracing::warn!(%remote, unsaid, "refused {who}: {fault} ({detail})");
    }
}

/// Lets something be said once within [`REFUSAL_LOG_INTERVAL`].
#[derive(Debug, Default)]
pub(crate) struct Quiet {
    spoke: Option<Instant>,
    unsaid: u64,
}

impl Quiet {
    /// If it may be said now: how often it was not since the last time.
    pub(crate) fn may_speak(&mut self, now: Instant) -> Option<u64> {
        let since = self.spoke.map(|spoke| now.saturating_duration_since(spoke));
        if since.is_some_and(|since: Duration| since < REFUSAL_LOG_INTERVAL) {
            self.unsaid += 1;
            return None;
        }
        self.spoke = Some(now);
        Some(std::mem::take(&mut self.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_said_once_a_minute_and_says_how_many_were_not() {
        let (mut quiet, start) = (Quiet::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(quiet.may_speak(start), Some(0));
        for seconds in [0, 1, 59] {
            assert_eq!(quiet.may_speak(after(seconds)), None);
        }
        assert_eq!(quiet.may_speak(after(60)), Some(3));
        assert_eq!(quiet.may_speak(after(61)), None);
        assert_eq!(quiet.may_speak(after(120)), Some(1));
    }
}
