//! What can be wrong, by who must act.

use std::fmt;

use synced_protocol::id::{GroupId, ServerId};

/// Why a consensus cannot begin: the operator must act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsensusError {
    /// A setting is out of its range; the text says which, and what it may be.
    Config(String),
    /// What was stored cannot have been written by this program; the text says what is wrong.
    Stored(GroupId, String),
}

impl fmt::Display for ConsensusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(what) => f.write_str(what),
            Self::Stored(group, what) => write!(f, "the stored log of {group} is wrong: {what}"),
        }
    }
}

impl std::error::Error for ConsensusError {}

/// Why something was not proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProposeError {
    /// This server does not lead, or not yet, or hands over just now.
    NotLeading {
        /// Who does, as far as it is known.
        leader: Option<ServerId>,
    },
    /// Too much is on its way already: wait for commits.
    InFlight,
    /// The content is larger than [`MAX_FRAME_BYTES`](synced_protocol::limits::MAX_FRAME_BYTES), or empty.
    Size,
}

impl fmt::Display for ProposeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLeading {
                leader: Some(leader),
            } => write!(f, "{leader} leads"),
            Self::NotLeading { leader: None } => f.write_str("nobody leads just now"),
            Self::InFlight => f.write_str("too much is on its way to be committed"),
            Self::Size => f.write_str("an entry is empty or too large"),
        }
    }
}

impl std::error::Error for ProposeError {}

/// Why a leadership or a membership was not changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeError {
    /// This server does not lead.
    NotLeading {
        /// Who does, as far as it is known.
        leader: Option<ServerId>,
    },
    /// The group is not one of this server's.
    NoSuchGroup(GroupId),
    /// This server is no voter, or is out of reach, or is the leader already.
    NoSuccessor(ServerId),
    /// No other voter is within reach.
    NobodyToLead,
    /// Members that cannot be; the text says what to ask for instead.
    Members(String),
}

impl fmt::Display for ChangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLeading {
                leader: Some(leader),
            } => write!(f, "{leader} leads: ask there"),
            Self::NotLeading { leader: None } => f.write_str("nobody leads just now: ask again"),
            Self::NoSuchGroup(group) => write!(f, "there is no {group}"),
            Self::NoSuccessor(server) => {
                write!(
                    f,
                    "{server} cannot take over: name a voter that is within reach and does not lead already"
                )
            }
            Self::NobodyToLead => {
                f.write_str("no other voter is within reach: start one, then ask again")
            }
            Self::Members(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for ChangeError {}
