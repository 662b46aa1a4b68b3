//! What happens, and when.

use bytes::Bytes;
use synced_protocol::{id::ServerId, store::WriteId, time::Micros};

use crate::cluster::Cluster;

/// Something on its way.
pub(crate) enum Event {
    Deliver {
        from: ServerId,
        to: ServerId,
        life: u32,
        bytes: Bytes,
    },
    Stored {
        server: ServerId,
        life: u32,
        write: WriteId,
    },
    Down {
        server: ServerId,
        peer: ServerId,
        life: u32,
        peer_life: u32,
    },
}

impl Cluster {
    /// Takes the next event before `end`; false when there is none.
    pub(crate) fn step(&mut self, end: Micros) -> bool {
        let wakes = self
            .servers
            .iter()
            .filter_map(|(id, server)| Some((server.wake_at?, *id)));
        let wake = wakes.min();
        let event = self.events.keys().next().copied();
        match (wake, event) {
            (Some((at, _)), Some((then, number))) if then <= at => self.take(end, (then, number)),
            (Some((at, id)), _) => self.wake(end, at, id),
            (None, Some(key)) => self.take(end, key),
            (None, None) => false,
        }
    }

    fn wake(&mut self, end: Micros, at: Micros, id: ServerId) -> bool {
        if at > end {
            return false;
        }
        self.now = at.max(self.now);
        let now = self.now;
        let server = self.servers.get_mut(&id).unwrap();
        let local = server.clock.local(now);
        server.consensus_mut().advance(local);
        self.settle(id);
        true
    }

    fn take(&mut self, end: Micros, key: (Micros, u64)) -> bool {
        if key.0 > end {
            return false;
        }
        let Some(event) = self.events.remove(&key) else {
            return false;
        };
        self.now = key.0.max(self.now);
        match event {
            Event::Deliver {
                from,
                to,
                life,
                bytes,
            } => self.deliver(from, to, life, bytes),
            Event::Stored {
                server,
                life,
                write,
            } => self.stored(server, life, write),
            Event::Down {
                server,
                peer,
                life,
                peer_life,
            } => {
                let same =
                    self.servers[&server].life == life && self.servers[&peer].life == peer_life;
                if same && self.servers[&server].consensus.is_some() {
                    self.act(server, |consensus, now| consensus.peer_down(now, peer));
                }
            }
        }
        true
    }

    fn deliver(&mut self, from: ServerId, to: ServerId, life: u32, bytes: Bytes) {
        let server = &self.servers[&to];
        if server.stalled_until > self.now {
            let until = server.stalled_until;
            return self.schedule(
                until,
                Event::Deliver {
                    from,
                    to,
                    life,
                    bytes,
                },
            );
        }
        // A frame to a former life has no connection; a datagram has none either.
        if server.consensus.is_none() || server.life != life {
            return;
        }
        self.act(to, |consensus, now| consensus.receive(now, from, bytes))
            .unwrap();
    }

    fn stored(&mut self, id: ServerId, life: u32, write: WriteId) {
        let server = self.servers.get_mut(&id).unwrap();
        if server.consensus.is_none() || server.life != life {
            return;
        }
        while server
            .unstored
            .front()
            .is_some_and(|first| first.id <= write)
        {
            let first = server.unstored.pop_front().unwrap();
            server.write(first);
        }
        self.act(id, |consensus, now| consensus.stored(now, write));
    }

    pub(crate) fn schedule(&mut self, at: Micros, event: Event) {
        self.numbered += 1;
        self.events.insert((at, self.numbered), event);
    }
}
