//! What is on its way, and the drive loop of every server.

use std::{cmp::Reverse, collections::BTreeSet};

use synced_protocol::{
    id::ServerId,
    link::{CloseCode, CloseReason, ConnectionId, Event, Logic as _, Output},
    peer::{PeerEvent, PeerLogic as _, PeerOutput},
    time::Micros,
};

use crate::{
    disk,
    net::{DELAY, Net, Said},
    player::{LOOKS_EVERY, Player},
};

/// Something on its way.
#[derive(Debug)]
pub enum Parcel {
    Peer(ServerId, PeerEvent),
    Node(ServerId, Event),
    Player(usize, ServerId, Said),
}

impl Net {
    /// The next thing that happens, no later than the end; false when that is reached.
    pub fn step(&mut self, end: Micros) -> bool {
        let parcel = self.parcels.peek().map(|Reverse((at, _))| *at);
        let wake = self.next_wake();
        let look = Some(self.next_look);
        let next = [parcel, wake.map(|(at, _)| at), look];
        let next = next.into_iter().flatten().min();
        let Some(at) = next.filter(|at| *at <= end) else {
            self.now = end;
            return false;
        };
        self.now = self.now.max(at);
        if self.next_look <= at {
            self.next_look = at + LOOKS_EVERY;
            Player::look_after(self);
        } else if parcel.is_some_and(|parcel| parcel <= at) {
            let Reverse((_, number)) = self.parcels.pop().unwrap();
            let parcel = self.contents.remove(&number).unwrap();
            self.deliver(parcel);
        } else if let Some((_, id)) = wake {
            self.handle(id, Event::Woken);
        }
        self.leader();
        true
    }

    fn next_wake(&self) -> Option<(Micros, ServerId)> {
        let wakes = self.servers.iter().filter_map(|(id, server)| {
            let deadline = server.node.as_ref()?.poll_deadline()?;
            Some((server.global(deadline), *id))
        });
        wakes.min()
    }

    fn deliver(&mut self, parcel: Parcel) {
        match parcel {
            // It has been replaced meanwhile.
            Parcel::Peer(id, PeerEvent::Down { server }) if self.is_up(id, server) => {}
            Parcel::Peer(id, event) => self.tell(id, event),
            Parcel::Node(id, _) if self.unreachable.contains(&id) => {}
            Parcel::Node(id, event) => self.handle(id, event),
            Parcel::Player(_, from, _) if self.unreachable.contains(&from) => {}
            Parcel::Player(player, from, said) => Player::hear(self, player, from, said),
        }
    }

    pub fn handle(&mut self, id: ServerId, event: Event) {
        let server = self.servers.get_mut(&id).unwrap();
        let local = server.local(self.now);
        if let Some(node) = &mut server.node {
            node.handle(local, event);
            self.perform(id);
        }
    }

    pub fn tell(&mut self, id: ServerId, event: PeerEvent) {
        let server = self.servers.get_mut(&id).unwrap();
        let local = server.local(self.now);
        if let Some(node) = &mut server.node {
            node.handle_peer(local, event);
            self.perform(id);
        }
    }

    /// Does all that a server wants done. Its writes are done at once.
    pub fn perform(&mut self, id: ServerId) {
        loop {
            let server = self.servers.get_mut(&id).unwrap();
            let Some(node) = &mut server.node else { return };
            if let Some(output) = node.poll_peer_output() {
                self.perform_for_peers(id, output);
            } else if let Some(output) = node.poll_output() {
                self.perform_for_players(id, output);
            } else {
                break;
            }
        }
        let server = self.servers.get_mut(&id).unwrap();
        if server.node.as_ref().is_some_and(|node| node.is_finished()) {
            server.node = None;
            self.hang_up(id);
        }
    }

    fn perform_for_peers(&mut self, id: ServerId, output: PeerOutput) {
        match output {
            PeerOutput::Connect { peers } => {
                let wanted: BTreeSet<_> = peers.iter().map(|peer| peer.server).collect();
                self.servers.get_mut(&id).unwrap().wanted = wanted.clone();
                for other in wanted {
                    self.join(id, other);
                }
            }
            PeerOutput::Frame { server, bytes } => {
                self.send(id, server, PeerEvent::Frame { server: id, bytes });
            }
            PeerOutput::Bulk { server, bytes } => {
                self.send(id, server, PeerEvent::Bulk { server: id, bytes });
            }
            PeerOutput::Datagram { server, bytes } => {
                self.send(id, server, PeerEvent::Datagram { server: id, bytes });
            }
            PeerOutput::Respond { request, bytes } => {
                let server = self.servers.get_mut(&id).unwrap();
                server.answers.insert(request, bytes);
            }
            PeerOutput::Store(write) => {
                let server = self.servers.get_mut(&id).unwrap();
                let number = write.id;
                disk::write(&mut server.stored, write);
                let local = server.local(self.now);
                let stored = PeerEvent::Stored { write: number };
                server.node.as_mut().unwrap().handle_peer(local, stored);
            }
        }
    }

    /// A connection between two servers comes up if both want it.
    fn join(&mut self, a: ServerId, b: ServerId) {
        let pair = (a.min(b), a.max(b));
        let wants = |id, other| self.servers.get(&id).is_some_and(|it| it.wants(other));
        if wants(a, b) && wants(b, a) && self.connected.insert(pair) {
            let up = PeerEvent::Up { server: a };
            self.post(DELAY, Parcel::Peer(b, up));
            let up = PeerEvent::Up { server: b };
            self.post(DELAY, Parcel::Peer(a, up));
        }
    }

    fn send(&mut self, from: ServerId, to: ServerId, event: PeerEvent) {
        if let PeerEvent::Frame { bytes, .. }
        | PeerEvent::Bulk { bytes, .. }
        | PeerEvent::Datagram { bytes, .. } = &event
        {
            let sent = (self.now, to, bytes.clone());
            self.servers.get_mut(&from).unwrap().sent.push(sent);
        }
        if self.is_up(from, to) && !self.blocked.contains(&(from, to)) {
            self.post(DELAY, Parcel::Peer(to, event));
        }
    }

    pub fn is_up(&self, a: ServerId, b: ServerId) -> bool {
        self.connected.contains(&(a.min(b), a.max(b)))
    }

    fn perform_for_players(&mut self, id: ServerId, output: Output) {
        match output {
            Output::Connect { .. } => panic!("a node never connects"),
            Output::Frame { connection, bytes } => {
                self.say(id, connection, Said::Frame(bytes));
            }
            Output::Datagram { connection, bytes } => {
                self.say(id, connection, Said::Datagram(bytes));
            }
            Output::Close { connection, code } => self.close(id, connection, code),
        }
    }

    fn say(&mut self, id: ServerId, connection: ConnectionId, said: Said) {
        if self.muted.contains(&id) {
            return;
        }
        if let Some(&player) = self.connections.get(&(id, connection)) {
            self.post(DELAY, Parcel::Player(player, id, said));
        }
    }

    fn close(&mut self, id: ServerId, connection: ConnectionId, code: CloseCode) {
        self.say(id, connection, Said::Closed(CloseReason::ByPeer(code)));
        if self.connections.remove(&(id, connection)).is_some() {
            let reason = CloseReason::ByUs(code);
            let event = Event::Closed { connection, reason };
            self.post(Micros::ZERO, Parcel::Node(id, event));
        }
    }

    pub fn post(&mut self, delay: Micros, parcel: Parcel) {
        self.last_parcel += 1;
        self.contents.insert(self.last_parcel, parcel);
        let place = (self.now + delay, self.last_parcel);
        self.parcels.push(Reverse(place));
    }
}
