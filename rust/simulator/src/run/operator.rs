//! The operator: asks for the members that the plan wants, again and again until they are.

use synced_protocol::{
    id::ServerId,
    peer::{PeerEvent, RequestId},
    time::Micros,
};

use super::Run;
use crate::{
    check::Violation,
    happening::{Happening, Host},
    server::{Incoming, address},
    system::{Newcomer, System, Wish},
};

/// The time between two looks at the members.
const LOOK: Micros = Micros::from_millis(100);

impl<S: System> Run<S> {
    pub(super) fn operate(&mut self) -> Result<(), Violation> {
        self.agenda.schedule(self.now + LOOK, Happening::Operate);
        if let Some((leader, wish)) = self.next_wish() {
            self.ask(leader, &wish)?;
        }
        self.retire()
    }

    /// Asks a server for something.
    pub(super) fn ask(&mut self, host: Host, wish: &Wish) -> Result<(), Violation> {
        self.last_request += 1;
        let request = PeerEvent::Request {
            request: RequestId(self.last_request),
            bytes: wish.encode(),
        };
        self.give(host, Incoming::Peer(request))
    }

    /// Whether the members are those that are wanted, each as the replica that it is now.
    pub(super) fn members_are_as_wanted(&mut self) -> bool {
        let Some(status) = self.leader().and_then(|leader| self.status(leader)) else {
            return false;
        };
        let members = status.members;
        let mut voters = members.voters;
        voters.sort_unstable();
        let wanted = self.wanted.iter();
        let wanted = wanted.map(|id| self.servers[usize::from(*id) - 1].replica);
        members.outgoing.is_empty() && voters == wanted.collect::<Vec<_>>()
    }

    fn next_wish(&mut self) -> Option<(Host, Wish)> {
        let leader = self.leader()?;
        let members = self.status(leader)?.members;
        if !members.outgoing.is_empty() {
            return None;
        }
        let has = |server: ServerId| {
            let addresses = &members.addresses;
            addresses
                .iter()
                .any(|address| address.peer.server == server)
        };
        let wanted = self.wanted.iter().map(|id| ServerId(*id));
        let missing = wanted.filter(|id| !has(*id)).map(|server| {
            let address = address(server);
            Newcomer {
                server,
                peer: address.peer.address,
                players: address.players,
            }
        });
        let servers: Vec<_> = missing.collect();
        if !servers.is_empty() {
            return Some((leader, Wish::Add { servers }));
        }
        let addresses = members.addresses.iter().map(|address| address.peer.server);
        let extra = addresses.filter(|server| !self.wanted.contains(&server.0));
        let servers: Vec<_> = extra.collect();
        (!servers.is_empty()).then_some((leader, Wish::Remove { servers }))
    }

    /// Servers that are no members any more are switched off.
    fn retire(&mut self) -> Result<(), Violation> {
        let members = self.history.members().clone();
        for host in self.hosts() {
            let is_wanted = self.wanted.contains(&host.0);
            let is_member = members
                .addresses
                .iter()
                .any(|address| address.peer.server.0 == host.0);
            if !is_wanted && !is_member && self.server(host).is_some_and(|s| s.logic.is_some()) {
                self.kill(host);
                self.servers[host.place() - 1].is_wanted = false;
            }
        }
        Ok(())
    }
}
