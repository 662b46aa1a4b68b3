//! Every group of one server, as its driver meets them.

use bytes::Bytes;
use synced_protocol::{
    error::DecodeError,
    id::{GroupId, LogIndex, ServerId},
    store::{MemberAddress, StoredGroup, WriteId},
    time::Micros,
};

use crate::{
    config::Config,
    error::{ChangeError, ConsensusError, ProposeError},
    news::News,
    output::Output,
    status::GroupStatus,
};

/// Who is to vote in a group from now on, completely. Their number must be odd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MembersWanted {
    /// Each server and where it is.
    pub servers: Vec<MemberAddress>,
}

/// Every group of one server.
#[derive(Debug)]
pub struct Consensus {
    config: Config,
}

impl Consensus {
    /// Begins with what was stored, at local time `now`. What is committed of it comes as news.
    ///
    /// # Errors
    /// A setting out of its range, or a stored log that cannot be.
    pub fn new(
        config: Config,
        _now: Micros,
        _groups: Vec<StoredGroup>,
    ) -> Result<Self, ConsensusError> {
        Ok(Self { config })
    }

    /// A connection with another server is up.
    pub fn peer_up(&mut self, _now: Micros, _server: ServerId) {}

    /// The connection with another server is gone.
    pub fn peer_down(&mut self, _now: Micros, _server: ServerId) {}

    /// Takes what another server's consensus sent, by whichever lane.
    ///
    /// # Errors
    /// Bytes that are no message; they are counted and change nothing.
    pub fn receive(
        &mut self,
        _now: Micros,
        _from: ServerId,
        _bytes: Bytes,
    ) -> Result<(), DecodeError> {
        Ok(())
    }

    /// Every write up to this one is as durable as was asked.
    pub fn stored(&mut self, _now: Micros, _write: WriteId) {}

    /// A write failed, and none after it will be tried: every group takes no part any more.
    pub fn store_failed(&mut self, _now: Micros, _reason: String) {}

    /// Runs what is due. Call it when woken, after whatever had happened was handed in.
    pub fn advance(&mut self, _now: Micros) {}

    /// Proposes an entry, of 1 to [`MAX_FRAME_BYTES`](synced_protocol::limits::MAX_FRAME_BYTES) bytes. Its place is final unless
    /// the leadership is lost, which [`News::Following`] tells.
    ///
    /// # Errors
    /// This server does not lead, or too much is in flight, or the size.
    pub fn propose(&mut self, _group: GroupId, _data: Bytes) -> Result<LogIndex, ProposeError> {
        Err(ProposeError::NotLeading { leader: None })
    }

    /// The next thing to do, or `None` when all is done for now.
    pub fn poll_output(&mut self) -> Option<Output> {
        None
    }

    /// The next news, or `None` when all is told for now.
    pub fn poll_news(&mut self) -> Option<(GroupId, News)> {
        None
    }

    /// The local time at which [`Consensus::advance`] is wanted at the latest.
    #[must_use]
    pub fn poll_deadline(&self) -> Option<Micros> {
        None
    }

    /// Answers [`News::SnapshotWanted`]: the state just after the last news told, which had `index`. Any number of parts, each
    /// at most [`MAX_FRAME_BYTES`](synced_protocol::limits::MAX_FRAME_BYTES).
    pub fn snapshot(&mut self, _group: GroupId, _index: LogIndex, _parts: Vec<Bytes>) {}

    /// Hands leadership over to another server, or to the one that has most of the log. Nothing can be proposed meanwhile.
    ///
    /// # Errors
    /// This server does not lead, or that one cannot.
    pub fn transfer(
        &mut self,
        _group: GroupId,
        _to: Option<ServerId>,
    ) -> Result<ServerId, ChangeError> {
        Err(ChangeError::NotLeading { leader: None })
    }

    /// Changes who takes part. New servers learn first and vote once they have caught up, all in the background:
    /// [`News::MembersChanged`] tells each step.
    ///
    /// # Errors
    /// This server does not lead, or those cannot be the members.
    pub fn change_members(
        &mut self,
        _group: GroupId,
        _wanted: MembersWanted,
    ) -> Result<(), ChangeError> {
        Err(ChangeError::NotLeading { leader: None })
    }

    /// Whether this server leads and nobody else can have been elected since, at local time `now`.
    #[must_use]
    pub fn holds_lease(&self, _group: GroupId, _now: Micros) -> bool {
        false
    }

    /// How a group stands; `None` for one that is not this server's.
    #[must_use]
    pub fn status(&self, _group: GroupId) -> Option<GroupStatus> {
        None
    }

    /// What it was told when it began.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }
}
