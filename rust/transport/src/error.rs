//! Why an endpoint could not be set up, by who must act.
//!
//! What goes wrong later, on a connection, is never an error of these: it reaches the logic as a
//! [`CloseReason`](synced_protocol::link::CloseReason).

use std::{fmt, io, net::SocketAddr, path::PathBuf};

/// Why an endpoint could not be set up.
#[derive(Debug)]
#[non_exhaustive]
pub enum TransportError {
    /// The operator must act: the address cannot be listened on.
    Bind {
        /// The address.
        listen: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The operator must act: a certificate or key file cannot be used.
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// The system must act: it grants no thread, socket poller or key.
    System {
        /// What was asked of it.
        what: &'static str,
        /// What it says.
        problem: String,
    },
    /// The operator must act: a server was given the credentials of an operator.
    NotAServer,
    /// We must act: the endpoint's thread panicked; the log says where.
    Panicked,
}

impl TransportError {
    pub(crate) fn file(path: impl Into<PathBuf>, problem: impl fmt::Display) -> Self {
        Self::File {
            path: path.into(),
            problem: problem.to_string(),
        }
    }

    pub(crate) fn system(what: &'static str, problem: impl fmt::Display) -> Self {
        Self::System {
            what,
            problem: problem.to_string(),
        }
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind { listen, source } if source.kind() == io::ErrorKind::AddrInUse => {
                write!(
                    f,
                    "UDP port {} is already in use (listening on {listen}); stop the other program or choose another port",
                    listen.port()
                )
            }
            Self::Bind { listen, source } => write!(f, "cannot listen on UDP {listen}: {source}"),
            Self::File { path, problem } => write!(f, "{}: {problem}", path.display()),
            Self::System { what, problem } => {
                write!(f, "cannot get {what} from the system: {problem}")
            }
            Self::NotAServer => f.write_str(
                "these are the credentials of an operator; a server needs those that were made for it",
            ),
            Self::Panicked => f.write_str(
                "the network thread panicked; this is a defect, please report it with the log",
            ),
        }
    }
}

impl std::error::Error for TransportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Bind { source, .. } => Some(source),
            _ => None,
        }
    }
}
