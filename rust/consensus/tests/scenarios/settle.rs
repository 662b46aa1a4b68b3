//! What a server wants done, and what it tells.

use bytes::Bytes;
use synced_consensus::{Lane, News, Output};
use synced_protocol::{
    id::{GroupId, ServerId, mix},
    store::{Durability, StoreWrite},
    time::Micros,
};

use crate::{
    cluster::Cluster,
    events::Event,
    server::{State, Told},
};

impl Cluster {
    /// Does everything that a server wants done, and sees to its next deadline.
    pub(crate) fn settle(&mut self, id: ServerId) {
        loop {
            let server = self.servers.get_mut(&id).unwrap();
            if let Some((group, news)) = server.consensus_mut().poll_news() {
                self.hear(id, group, news);
            } else if let Some(output) = server.consensus_mut().poll_output() {
                self.output(id, output);
            } else {
                break;
            }
        }
        let server = self.servers.get_mut(&id).unwrap();
        let deadline = server.consensus().poll_deadline().unwrap();
        server.wake_at = Some(server.clock.global(deadline).max(server.stalled_until));
        self.check_leases();
    }

    fn check_leases(&mut self) {
        for group in &self.groups {
            let holds = |id: &ServerId| {
                let server = &self.servers[id];
                server
                    .consensus()
                    .holds_lease(*group, server.clock.local(self.now))
            };
            let holders: Vec<ServerId> = self.alive().into_iter().filter(holds).collect();
            self.checks.leases(*group, &holders);
        }
    }

    fn hear(&mut self, id: ServerId, group: GroupId, news: News) {
        let server = self.servers.get_mut(&id).unwrap();
        let state = server.groups.get_mut(&group).unwrap();
        match news {
            News::Committed { index, term, data } => {
                assert!(
                    index > state.state.last(),
                    "{index} came to {id} out of order"
                );
                self.checks.commit(group, index, term, &data);
                state.state.entries.insert(index.0, data);
            }
            News::Restored { index, parts } => {
                state.state = State::from_parts(&parts);
                assert!(state.state.last() <= index);
                let log = &self.checks.committed;
                let same = |(i, data): (&u64, &Bytes)| {
                    log.get(&(group, *i)).is_some_and(|known| known.1 == *data)
                };
                assert!(
                    state.state.entries.iter().all(same),
                    "{id} restored what was not committed"
                );
            }
            News::Leading { term } => {
                self.checks.lead(group, term, id);
                state.told = Some(Told::Leading(term));
            }
            News::Following { term, leader } => state.told = Some(Told::Following(term, leader)),
            News::MembersChanged(members) => state.members = members,
            News::SnapshotWanted => {
                let (index, parts) = (state.state.last(), state.state.parts());
                let parts = if server.oversized {
                    vec![Bytes::new(); 5_000]
                } else {
                    parts
                };
                server.consensus_mut().snapshot(group, index, parts);
            }
        }
    }

    fn output(&mut self, id: ServerId, output: Output) {
        match output {
            Output::Send { to, lane, bytes } => self.send(id, to, lane, &bytes),
            Output::Store(write) => self.store(id, write),
            Output::Connect { .. } => {}
        }
    }

    fn store(&mut self, id: ServerId, write: StoreWrite) {
        let now = self.now;
        let server = self.servers.get_mut(&id).unwrap();
        let local = server.clock.local(now);
        if let Some(reason) = server.disk_fails.clone() {
            return server.consensus_mut().store_failed(local, reason);
        }
        let (life, number, takes) = (server.life, write.id, server.write_takes);
        if write.durability == Durability::Memory {
            server.write(write);
            server.consensus_mut().stored(local, number);
        } else {
            server.unstored.push_back(write);
            self.schedule(
                now + takes,
                Event::Stored {
                    server: id,
                    life,
                    write: number,
                },
            );
        }
    }

    fn send(&mut self, from: ServerId, to: ServerId, lane: Lane, bytes: &Bytes) {
        let name = match lane {
            Lane::Frame => "frames",
            Lane::Bulk => "bulk",
            Lane::Datagram => "datagrams",
        };
        *self.sent.entry(name).or_default() += 1;
        self.bulk_bytes += if lane == Lane::Bulk { bytes.len() } else { 0 };
        let words = [self.now.0, from.0.into(), to.0.into()];
        let words = words
            .into_iter()
            .chain(bytes.iter().map(|byte| u64::from(*byte)));
        self.transcript = words.fold(self.transcript, |sum, word| mix(sum ^ word));
        let Some(life) = self.servers.get(&to).map(|server| server.life) else {
            return;
        };
        if self.faults.cut.contains(&(from, to)) {
            return;
        }
        let (low, high) = self.faults.delay;
        let loose = lane == Lane::Datagram || self.faults.frames_too;
        let copies = if !loose {
            1
        } else if self.chance.permille(self.faults.lost_permille) {
            0
        } else {
            1 + u64::from(self.chance.permille(self.faults.doubled_permille))
        };
        for _ in 0..copies {
            let mut at = self.now + Micros(self.chance.between(low.0, high.0));
            if !loose {
                let last = self
                    .arrivals
                    .entry((from, to, lane == Lane::Bulk))
                    .or_default();
                at = at.max(*last);
                *last = at;
            }
            self.schedule(
                at,
                Event::Deliver {
                    from,
                    to,
                    life,
                    bytes: bytes.clone(),
                },
            );
        }
    }
}
