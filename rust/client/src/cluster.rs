//! What is known of the servers of a session, and of their leader.

use synced_protocol::{
    id::{ServerId, Term},
    limits::MAX_SERVERS,
    message::{Leader, ServerEntry},
};

/// The newest word of all that were heard, whoever spoke it. A server that is alone is no cluster: its list is empty.
#[derive(Debug, Default)]
pub(crate) struct Cluster {
    term: Term,
    leader: Option<ServerId>,
    servers: Vec<ServerEntry>,
    /// Whether the list has changed since it was asked for.
    is_list_new: bool,
}

/// What a server's word about the leader is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// It speaks of a term that is over.
    Stale,
    /// It says what was known.
    Known,
    /// The term or the leader is another.
    Changed,
}

impl Cluster {
    /// Takes a server's word.
    pub(crate) fn learn(&mut self, said: &Leader) -> News {
        if said.term < self.term {
            return News::Stale;
        }
        let leader = self.leader_after(said);
        let changed = (said.term, leader) != (self.term, self.leader);
        (self.term, self.leader) = (said.term, leader);
        self.learn_servers(&said.servers);
        if changed { News::Changed } else { News::Known }
    }

    /// Whether there is more than one server.
    pub(crate) const fn is_known(&self) -> bool {
        !self.servers.is_empty()
    }

    pub(crate) const fn leader(&self) -> Option<ServerId> {
        self.leader
    }

    /// The likeliest next leader first.
    pub(crate) fn servers(&self) -> &[ServerEntry] {
        &self.servers
    }

    /// Where players reach a server.
    pub(crate) fn address(&self, server: ServerId) -> Option<&str> {
        let entry = self.servers.iter().find(|entry| entry.server == server)?;
        Some(&entry.address)
    }

    /// The list, if it has changed since this was asked last.
    pub(crate) fn poll_servers(&mut self) -> Option<Vec<ServerEntry>> {
        let is_new = std::mem::take(&mut self.is_list_new);
        is_new.then(|| self.servers.clone())
    }

    pub(crate) fn has(&self, server: ServerId) -> bool {
        self.address(server).is_some()
    }

    /// How far behind in the list a server is; one that is not in it, behind all.
    pub(crate) fn place(&self, server: Option<ServerId>) -> usize {
        let mut servers = self.servers.iter();
        let place = servers.position(|entry| Some(entry.server) == server);
        place.unwrap_or(usize::MAX)
    }

    fn learn_servers(&mut self, servers: &[ServerEntry]) {
        let servers = servers.get(..MAX_SERVERS).unwrap_or(servers);
        if !servers.is_empty() && servers != self.servers {
            self.servers = servers.to_vec();
            self.is_list_new = true;
        }
    }

    /// A term has at most one leader: who has not heard of it yet says nothing against it, and only the leader itself takes it
    /// back.
    fn leader_after(&self, said: &Leader) -> Option<ServerId> {
        let is_first_word = said.term > self.term || self.leader.is_none();
        let is_of_itself = self.leader == Some(said.from) || said.leader == Some(said.from);
        if is_first_word || is_of_itself {
            said.leader
        } else {
            self.leader
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: Option<u16> = None;

    fn word(from: u16, term: u64, leader: Option<u16>) -> Leader {
        Leader {
            from: ServerId(from),
            term: Term(term),
            leader: leader.map(ServerId),
            servers: Vec::new(),
        }
    }

    #[test]
    fn the_word_of_the_latest_term_counts_and_within_a_term_the_leaders_own() {
        let mut cluster = Cluster::default();
        let steps = [
            (word(2, 5, Some(1)), News::Changed, Some(1)),
            (word(3, 4, Some(3)), News::Stale, Some(1)),
            (word(3, 5, NOBODY), News::Known, Some(1)),
            (word(3, 5, Some(2)), News::Known, Some(1)),
            (word(1, 5, NOBODY), News::Changed, NOBODY),
            (word(3, 5, Some(1)), News::Changed, Some(1)),
            (word(3, 6, NOBODY), News::Changed, NOBODY),
            (word(2, 6, Some(2)), News::Changed, Some(2)),
        ];
        for (said, worth, leader) in steps {
            assert_eq!(cluster.learn(&said), worth, "{said:?}");
            assert_eq!(cluster.leader(), leader.map(ServerId), "{said:?}");
        }
        assert_eq!(cluster.term, Term(6));
    }

    #[test]
    fn no_more_servers_are_remembered_than_a_cluster_has() {
        let mut cluster = Cluster::default();
        let entry = |server| ServerEntry {
            server: ServerId(server),
            address: format!("server-{server}:7000"),
        };
        let servers = (1..1_000).map(entry).collect();
        let said = word(1, 1, Some(1));
        cluster.learn(&Leader { servers, ..said });
        assert_eq!(cluster.poll_servers().unwrap().len(), MAX_SERVERS);
        assert_eq!(cluster.poll_servers(), None);
        assert_eq!(cluster.servers().len(), MAX_SERVERS);
        assert_eq!(cluster.address(ServerId(2)), Some("server-2:7000"));
        assert_eq!(cluster.place(Some(ServerId(2))), 1);
        assert_eq!(cluster.address(ServerId(999)), None);
    }
}
