//! Who takes part, and how that changes.

use bytes::Bytes;
use synced_protocol::{
    bytes_io::{Reader, put_count, put_text},
    error::DecodeError,
    id::{ReplicaId, ServerId},
    limits::{MAX_NAME_BYTES, MAX_SERVERS},
    peer::PeerAddress,
    store::{MemberAddress, Members},
};

use super::number::flag;
use crate::members::check;

/// The most replicas of one list: while a server is replaced both of its lives are among them.
pub(crate) const MAX_REPLICAS: usize = 2 * MAX_SERVERS;

/// What a log entry about members says.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct MembershipChange {
    /// Whether both the old and the new voters must agree until another entry ends it. That one has no steps.
    pub(crate) joint: bool,
    pub(crate) steps: Vec<(Step, ReplicaId)>,
    /// Where servers are that were not known, or have moved.
    pub(crate) addresses: Vec<MemberAddress>,
}

/// What becomes of one replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Vote,
    Learn,
    Leave,
}

impl MembershipChange {
    pub(crate) fn encode(&self) -> Bytes {
        let mut out = vec![u8::from(self.joint)];
        put_count(&mut out, self.steps.len());
        for (step, replica) in &self.steps {
            out.push(match step {
                Step::Vote => 0,
                Step::Learn => 1,
                Step::Leave => 2,
            });
            out.extend_from_slice(&replica.0.to_le_bytes());
        }
        put_addresses(&mut out, &self.addresses);
        out.into()
    }

    /// Reads what [`MembershipChange::encode`] wrote, or nothing at all, which ends a joint change.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        let mut reader = Reader::new(bytes);
        let joint = flag(&mut reader, "change of members")?;
        let count = reader.count("steps", MAX_REPLICAS)?;
        let steps = (0..count)
            .map(|_| read_step(&mut reader))
            .collect::<Result<_, _>>()?;
        let addresses = read_addresses(&mut reader)?;
        reader.finish().map(|()| Self {
            joint,
            steps,
            addresses,
        })
    }
}

fn read_step(reader: &mut Reader<'_>) -> Result<(Step, ReplicaId), DecodeError> {
    let step = match reader.u8()? {
        0 => Step::Vote,
        1 => Step::Learn,
        2 => Step::Leave,
        tag => return Err(DecodeError::BadTag { what: "step", tag }),
    };
    Ok((step, read_replica(reader)?))
}

pub(crate) fn put_members(out: &mut Vec<u8>, members: &Members) {
    for list in [
        &members.voters,
        &members.outgoing,
        &members.learners,
        &members.learners_next,
    ] {
        put_count(out, list.len());
        for replica in list {
            out.extend_from_slice(&replica.0.to_le_bytes());
        }
    }
    out.push(u8::from(members.auto_leave));
    put_addresses(out, &members.addresses);
}

pub(crate) fn read_members(reader: &mut Reader<'_>) -> Result<Members, DecodeError> {
    let members = Members {
        voters: read_replicas(reader)?,
        outgoing: read_replicas(reader)?,
        learners: read_replicas(reader)?,
        learners_next: read_replicas(reader)?,
        auto_leave: flag(reader, "members")?,
        addresses: read_addresses(reader)?,
    };
    check(&members).map_err(|_| DecodeError::OutOfRange { what: "members" })?;
    Ok(members)
}

fn read_replicas(reader: &mut Reader<'_>) -> Result<Vec<ReplicaId>, DecodeError> {
    let count = reader.count("replicas", MAX_REPLICAS)?;
    (0..count).map(|_| read_replica(reader)).collect()
}

fn read_replica(reader: &mut Reader<'_>) -> Result<ReplicaId, DecodeError> {
    let replica = ReplicaId(reader.u64()?);
    let known = ReplicaId::new(replica.server(), replica.incarnation());
    if replica == known && replica.server() != ServerId(0) {
        Ok(replica)
    } else {
        Err(DecodeError::OutOfRange { what: "replica" })
    }
}

pub(crate) fn put_addresses(out: &mut Vec<u8>, addresses: &[MemberAddress]) {
    put_count(out, addresses.len());
    for address in addresses {
        out.extend_from_slice(&address.peer.server.0.to_le_bytes());
        put_text(out, &address.peer.address);
        put_text(out, &address.players);
    }
}

pub(crate) fn read_addresses(reader: &mut Reader<'_>) -> Result<Vec<MemberAddress>, DecodeError> {
    let count = reader.count("addresses", MAX_REPLICAS)?;
    (0..count).map(|_| read_address(reader)).collect()
}

fn read_address(reader: &mut Reader<'_>) -> Result<MemberAddress, DecodeError> {
    let server = ServerId(reader.u16()?);
    let address = reader.text("address", MAX_NAME_BYTES)?.to_owned();
    let players = reader.text("address", MAX_NAME_BYTES)?.to_owned();
    Ok(MemberAddress {
        peer: PeerAddress { server, address },
        players,
    })
}
