//! The trace's lines.

use synced_consensus::Role;
use synced_protocol::id::ReplicaId;

use super::Run;
use crate::{
    happening::Host,
    system::{GROUP, System},
    trace::{Action, Line, name, names, time},
};

impl<S: System> Run<S> {
    /// Adds a line about a server's replica, if there is a trace.
    pub(super) fn record(&mut self, host: Host, action: Action) {
        if self.trace.is_none() {
            return;
        }
        let Some(replica) = self.server(host).map(|server| server.replica) else {
            return;
        };
        let line = match action {
            Action::Start | Action::Step => self.line(host, action),
            Action::Crash | Action::Lost => self.last_line(replica, action),
        };
        if let (Some(trace), Some(line)) = (&mut self.trace, line) {
            trace.add(replica, line);
        }
    }

    fn line(&mut self, host: Host, action: Action) -> Option<Line> {
        let status = self.status(host)?;
        let serving = self.serving_replicas();
        let server = self.server(host)?;
        let image = server.disk.group(GROUP)?;
        let vote = image.hard_state.vote;
        Some(Line {
            t: time(self.now),
            replica: name(server.replica),
            action,
            term: status.term.0,
            vote: vote.map(name).unwrap_or_default(),
            role: role(status.role, vote == Some(server.replica)),
            log_len: image.last().0,
            last_term: image.last_term(),
            commit: status.committed.0,
            voters: names(&status.members.voters),
            outgoing: names(&status.members.outgoing),
            serving,
        })
    }

    fn last_line(&mut self, replica: ReplicaId, action: Action) -> Option<Line> {
        let serving = self.serving_replicas();
        let last = self.trace.as_ref()?.last(replica)?.clone();
        Some(Line {
            t: time(self.now),
            action,
            role: "down",
            serving,
            ..last
        })
    }

    fn serving_replicas(&mut self) -> Vec<String> {
        let hosts = self.hosts().into_iter();
        let serving: Vec<_> = hosts.filter(|host| self.holds_lease(*host)).collect();
        let replicas = serving.iter().filter_map(|host| self.server(*host));
        replicas.map(|server| name(server.replica)).collect()
    }
}

/// Who stands for election without having voted for itself only asks whether it could win.
const fn role(role: Role, votes_for_itself: bool) -> &'static str {
    match role {
        Role::Leader => "leader",
        Role::Candidate if votes_for_itself => "candidate",
        Role::Candidate | Role::Follower | Role::Learner | Role::Failed => "follower",
    }
}
