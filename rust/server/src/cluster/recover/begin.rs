//! What the new replicas begin with.

use synced_consensus::{Anew, INDEX_GAP, TERM_GAP};
use synced_protocol::{
    id::{LogIndex, ReplicaId, ServerId, Term},
    store::{MemberAddress, Members, StoredGroup},
    time::Micros,
};

use super::{
    storage,
    survey::{Survey, group, last},
};
use crate::exit::Failure;

/// What every server is founded with.
pub(crate) struct Beginning {
    pub(crate) incarnation: u32,
    pub(crate) group: StoredGroup,
}

impl Beginning {
    /// Chooses the log that is furthest, and says whose it is.
    ///
    /// # Errors
    /// When no folder holds anything, or what it holds is no world.
    pub(crate) fn of(
        servers: &[MemberAddress],
        survey: &Survey,
        unix_now: Micros,
    ) -> Result<(ServerId, Self), Failure> {
        let groups = survey.groups();
        let best = groups.iter().max_by_key(|(_, group)| last(group));
        let (best, former) = best.ok_or_else(|| {
            storage("no folder holds anything that could be recovered: if the world is to begin from nothing, make a new cluster with `synced cluster init`")
        })?;
        let incarnation = incarnation(survey, unix_now);
        let furthest = groups
            .values()
            .map(|group| last(group).1.0.max(group.hard_state.committed.0));
        let latest = groups
            .values()
            .map(|group| last(group).0.0.max(group.hard_state.term.0));
        let anew = Anew {
            members: members(servers, incarnation),
            index: LogIndex(furthest.max().unwrap_or_default() + INDEX_GAP),
            term: Term(latest.max().unwrap_or_default() + TERM_GAP),
        };
        let mut former = (*former).clone();
        let committed = groups
            .values()
            .map(|group| group.hard_state.committed)
            .max();
        former.hard_state.committed = committed.unwrap_or_default().min(last(&former).1);
        let parts = synced_node::moved(&former.snapshot.parts, anew.index);
        let parts = parts.map_err(|error| {
            storage(format_args!("what {best} holds is no world: {error}; remove its data and repeat this, so that another's is taken"))
        })?;
        let group = anew.begin(&former, parts);
        Ok((*best, Self { incarnation, group }))
    }
}

/// Greater than any that is known of, and in any case the seconds since the Unix epoch, as for every server that loses its memory.
fn incarnation(survey: &Survey, unix_now: Micros) -> u32 {
    let seconds = u32::try_from(unix_now.0 / 1_000_000).unwrap_or(u32::MAX);
    let known = survey.salvages().flat_map(|salvage| {
        let members = group(salvage).map(|group| &group.snapshot.members);
        let lists = members
            .into_iter()
            .flat_map(|members| [&members.voters, &members.outgoing, &members.learners]);
        let replicas = lists.flatten().map(|replica| replica.incarnation());
        replicas.chain([salvage.incarnation_max])
    });
    known
        .max()
        .map_or(seconds, |known| seconds.max(known.saturating_add(1)))
}

fn members(servers: &[MemberAddress], incarnation: u32) -> Members {
    let voter = |member: &MemberAddress| ReplicaId::new(member.peer.server, incarnation);
    Members {
        voters: servers.iter().map(voter).collect(),
        addresses: servers.to_vec(),
        ..Members::default()
    }
}
