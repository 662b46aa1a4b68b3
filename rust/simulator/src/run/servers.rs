//! What the driver of a server does: hands in what comes, takes out what is asked.

use synced_protocol::{
    id::{ReplicaId, ServerId},
    link::{ConnectionId, Event, Logic, Output},
    peer::{PeerAddress, PeerEvent, PeerLogic, PeerOutput},
    store::{Durability, StoreWrite, WriteId},
    time::Micros,
};

use super::Run;
use crate::{
    check::{Promise, Violation},
    disk::{Disk, GroupImage, WriteError},
    happening::{Happening, Host, Lane, Mend, Side},
    plant::Plant,
    server::Incoming,
    system::System,
};

/// Between asking for a peer and the first try.
const DIAL_AT_ONCE: Micros = Micros(200);

fn votes_for_another(disk: &Disk, write: &StoreWrite, own: ReplicaId) -> bool {
    let Some(hard_state) = write.hard_state else {
        return false;
    };
    let before = disk.group(write.group).map(|image| image.hard_state);
    let is_new = before
        .is_some_and(|before| (before.term, before.vote) != (hard_state.term, hard_state.vote));
    is_new && hard_state.vote.is_some_and(|vote| vote != own)
}

fn begins_term(disk: &Disk, write: &StoreWrite) -> bool {
    let last = disk.group(write.group).map_or(0, GroupImage::last_term);
    write.entries.iter().any(|entry| entry.term.0 > last)
}

impl<S: System> Run<S> {
    pub(super) fn wake(&mut self, host: Host) -> Result<(), Violation> {
        if !host.is_server() {
            return self.wake_player(host);
        }
        if let Some(server) = self.server_mut(host) {
            server.wake = None;
        }
        self.give(host, Incoming::Player(Event::Woken))
    }

    /// Hands something to a server, now or when it goes on.
    pub(super) fn give(&mut self, host: Host, incoming: Incoming) -> Result<(), Violation> {
        let Some(server) = self.server_mut(host) else {
            return Ok(());
        };
        if server.stalls > 0 {
            server.inbox.push_back(incoming);
            return Ok(());
        }
        self.feed(host, incoming)?;
        self.drain_server(host)?;
        self.watch(host)
    }

    /// A server goes on: everything that came meanwhile comes first, and the time last.
    pub(super) fn resume(&mut self, host: Host) -> Result<(), Violation> {
        let Some(server) = self.server_mut(host) else {
            return Ok(());
        };
        server.stalls = server.stalls.saturating_sub(1);
        if server.stalls > 0 {
            return Ok(());
        }
        for incoming in std::mem::take(&mut server.inbox) {
            self.feed(host, incoming)?;
        }
        self.drain_server(host)?;
        self.watch(host)
    }

    fn feed(&mut self, host: Host, incoming: Incoming) -> Result<(), Violation> {
        let now = self.now;
        self.report.mark(now.0 ^ u64::from(host.0) << 56);
        let Some(server) = self.server_mut(host) else {
            return Ok(());
        };
        let local = server.clock.read(now);
        let Some(logic) = &mut server.logic else {
            return Ok(());
        };
        match incoming {
            Incoming::Peer(event) => logic.handle_peer(local, event),
            Incoming::Player(event) => logic.handle(local, event),
        }
        Ok(())
    }

    /// Does whatever a server asks, until it asks for nothing more, and notes when it wants to be woken.
    pub(super) fn drain_server(&mut self, host: Host) -> Result<(), Violation> {
        while let Some(logic) = self.server_mut(host).and_then(|s| s.logic.as_mut()) {
            if let Some(output) = logic.poll_output() {
                self.server_output(host, output);
            } else if let Some(output) = logic.poll_peer_output() {
                self.peer_output(host, output)?;
            } else {
                break;
            }
        }
        self.end_finished(host)?;
        self.note_deadline(host);
        Ok(())
    }

    /// A process ends once its logic is done. It is done only if it was asked to be.
    fn end_finished(&mut self, host: Host) -> Result<(), Violation> {
        let Some(server) = self.server_mut(host) else {
            return Ok(());
        };
        if !server.logic.as_ref().is_some_and(Logic::is_finished) {
            return Ok(());
        }
        if !server.is_stopping {
            let what = format!("server {} has stopped by itself", host.0);
            return Err(Violation::new(Promise::Sanity, what));
        }
        self.kill(host);
        self.servers[host.place() - 1].is_stopping = true;
        Ok(())
    }

    fn note_deadline(&mut self, host: Host) {
        let now = self.now;
        let Some(server) = self.servers.get_mut(host.place() - 1) else {
            return;
        };
        let Some(logic) = &server.logic else {
            return;
        };
        let deadline = logic.poll_deadline();
        if deadline != server.wake {
            server.wake = deadline;
            let at = deadline.map(|deadline| server.clock.when(now, deadline));
            self.agenda.set_alarm(host.place(), at);
        }
    }

    /// The clock of a server shows something else than before: what it waits for comes at another time.
    pub(super) fn note_deadline_anew(&mut self, host: Host) {
        if let Some(server) = self.server_mut(host) {
            server.wake = None;
            self.note_deadline(host);
        }
    }

    fn server_output(&mut self, host: Host, output: Output) {
        let (name, lane, bytes) = match output {
            Output::Frame { connection, bytes } => (connection, Lane::Frame, bytes),
            Output::Datagram { connection, bytes } => (connection, Lane::Datagram, bytes),
            Output::Close { connection, code } => {
                if let Some(end) = self.server_end(host, connection) {
                    self.close_end(end, code);
                }
                return;
            }
            Output::Connect { .. } => return,
        };
        if let Some(end) = self.server_end(host, name) {
            let (agenda, now) = (&mut self.agenda, self.now);
            self.network.send(agenda, now, end, lane, bytes);
        }
    }

    fn server_end(&self, host: Host, name: ConnectionId) -> Option<(u32, Side)> {
        let number = self.server(host)?.players.get(&name)?;
        Some((*number, 1))
    }

    fn peer_output(&mut self, host: Host, output: PeerOutput) -> Result<(), Violation> {
        let (to, lane, bytes) = match output {
            PeerOutput::Frame { server, bytes } => (server, Lane::Frame, bytes),
            PeerOutput::Bulk { server, bytes } => (server, Lane::Bulk, bytes),
            PeerOutput::Datagram { server, bytes } => (server, Lane::Datagram, bytes),
            PeerOutput::Connect { peers } => {
                self.want_peers(host, &peers);
                return Ok(());
            }
            PeerOutput::Respond { .. } => return Ok(()),
            PeerOutput::Store(write) => return self.store(host, write),
        };
        if let Some(end) = self.peer_end(host, to) {
            let (agenda, now) = (&mut self.agenda, self.now);
            self.network.send(agenda, now, end, lane, bytes);
        }
        Ok(())
    }

    pub(super) fn peer_end(&self, host: Host, to: ServerId) -> Option<(u32, Side)> {
        let peers = &self.server(host)?.peers;
        let number = (*peers.get(usize::from(to.0))?)?;
        let is_second = self.network.connection(number).ends[1].host == host;
        Some((number, usize::from(is_second)))
    }

    fn want_peers(&mut self, host: Host, peers: &[PeerAddress]) {
        let Some(server) = self.server_mut(host) else {
            return;
        };
        server.wanted = peers.iter().map(|peer| peer.server).collect();
        let unwanted = |(id, number): (usize, &Option<u32>)| {
            let is_wanted = peers.iter().any(|peer| usize::from(peer.server.0) == id);
            number.filter(|_| !is_wanted).map(|number| (id, number))
        };
        let unwanted: Vec<_> = server
            .peers
            .iter()
            .enumerate()
            .filter_map(unwanted)
            .collect();
        for (id, number) in unwanted {
            let is_second = self.network.connection(number).ends[1].host == host;
            self.close_end(
                (number, usize::from(is_second)),
                synced_protocol::link::CloseCode::Done,
            );
            self.servers[host.place() - 1].peers[id] = None;
        }
        for peer in peers {
            self.begin_dialing(host, Host(peer.server.0), DIAL_AT_ONCE);
        }
    }

    fn store(&mut self, host: Host, write: StoreWrite) -> Result<(), Violation> {
        let now = self.now;
        let plant = self.plant;
        let Some(server) = self.servers.get_mut(host.place() - 1) else {
            return Ok(());
        };
        let local = server.clock.read(now);
        let (id, is_memory) = (write.id, write.durability == Durability::Memory);
        let replica = server.replica;
        if is_memory {
            self.history.held(replica, &write.entries);
        }
        let voted = votes_for_another(&server.disk, &write, replica);
        server.began_term |= begins_term(&server.disk, &write);
        let written = server.disk.write(write);
        if voted && self.chance.faults.chance(self.plan.crashes.after_vote) {
            let end = Happening::Mend(Mend::EndVoter(host));
            self.agenda.schedule(now + Micros(1), end);
        }
        let Some(logic) = &mut server.logic else {
            return Ok(());
        };
        match written {
            Ok(()) if is_memory || plant == Some(Plant::EarlyPublish) => {
                logic.handle_peer(local, PeerEvent::Stored { write: id });
            }
            Ok(()) => {}
            Err(WriteError::Full) => {
                let reason = WriteError::Full.to_string();
                logic.handle_peer(local, PeerEvent::StoreFailed { reason });
            }
            Err(WriteError::Wrong(what)) => {
                let what = format!("{}: {what}", server.host.0);
                return Err(Violation::new(Promise::SaneStore, what));
            }
        }
        self.begin_sync(host);
        Ok(())
    }

    fn begin_sync(&mut self, host: Host) {
        let [least, mean] = self.plan.disks.sync_us;
        let Some(server) = self.servers.get_mut(host.place() - 1) else {
            return;
        };
        if server.is_syncing || server.disk.unsynced() == 0 {
            return;
        }
        server.is_syncing = true;
        let mean = Micros(mean - least) + server.disk_delay;
        let takes = Micros(least) + self.chance.disks.exponential(mean);
        let (life, write) = (server.life, server.disk.last());
        let synced = Happening::Synced { host, life, write };
        self.agenda.schedule(self.now + takes, synced);
    }

    pub(super) fn synced(
        &mut self,
        host: Host,
        life: u32,
        write: WriteId,
    ) -> Result<(), Violation> {
        let is_disk = Durability::from(self.plan.cluster.durability) == Durability::Disk;
        let Some(server) = self.servers.get_mut(host.place() - 1) else {
            return Ok(());
        };
        if server.life != life || server.logic.is_none() {
            return Ok(());
        }
        server.is_syncing = false;
        let (replica, history) = (server.replica, &mut self.history);
        server.disk.sync_each(write, |write| {
            if is_disk {
                history.held(replica, &write.entries);
            }
        });
        let answers = is_disk && self.plant != Some(Plant::EarlyPublish);
        self.begin_sync(host);
        if answers {
            let stored = PeerEvent::Stored { write };
            return self.give(host, Incoming::Peer(stored));
        }
        Ok(())
    }
}
