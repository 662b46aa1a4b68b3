//! What a player makes of what servers say.

use bytes::Bytes;
use synced_protocol::{
    control::{self, First},
    id::{ClientSeq, ServerId, Term},
    live::Datagram,
    message::{Change, Commit, Leader, ServerMessage, SnapshotPart, Welcome},
    mutation::Rejection,
};
use synced_world::{Outcome, SnapshotReader, World};

use crate::{net::Net, player::Player};

impl Player {
    pub fn on_closed(&mut self, from: ServerId) {
        self.links.remove(&from);
        if self.home == Some(from) {
            self.home = None;
        }
        self.helloed = self.helloed.filter(|to| *to != from);
    }

    pub fn on_frame(&mut self, net: &mut Net, from: ServerId, frame: &[u8]) {
        let Some(link) = self.links.get_mut(&from) else {
            return;
        };
        let message = if std::mem::replace(&mut link.has_answered, true) {
            control::decode(frame).unwrap()
        } else {
            match control::decode_first(frame).unwrap() {
                First::SameVersion(message) => message,
                First::OtherVersion(version) => panic!("version {version}"),
            }
        };
        match message {
            ServerMessage::Leader(leader) => self.on_leader(net, from, leader),
            ServerMessage::Welcome(welcome) => self.on_welcome(net, from, welcome),
            ServerMessage::Refused(refusal) => self.refused = Some(refusal),
            _ if self.home != Some(from) => {}
            ServerMessage::Snapshot(part) => self.on_snapshot(net, part),
            ServerMessage::Commit(commit) => self.on_commit(net, commit),
            ServerMessage::Rejected { seq, reason, .. } => self.on_rejected(seq, reason),
        }
    }

    fn on_leader(&mut self, net: &mut Net, from: ServerId, said: Leader) {
        if self.home == Some(from) {
            self.home = None;
        }
        // A server that says of itself that it leads has not heard the hello yet.
        let is_answer = said.leader != Some(from);
        self.helloed = self.helloed.filter(|to| *to != from || !is_answer);
        let known = self.leader.map_or(Term(0), |(term, _)| term);
        let leader = said.leader.filter(|_| said.term >= known);
        self.told.push((net.now, from, said.clone()));
        if let Some(leader) = leader {
            self.leader = Some((said.term, leader));
            self.knock(net);
        }
    }

    fn on_welcome(&mut self, net: &mut Net, from: ServerId, welcome: Welcome) {
        let went_on = self.token == Some(welcome.token);
        assert!(went_on || !welcome.resumed);
        if !went_on {
            self.pending.clear();
            self.last_seq = ClientSeq::default();
        }
        let known = self.world.as_ref().map(World::log_index);
        let is_older = known.is_some_and(|known| welcome.log_index < known);
        assert!(!is_older, "{} was sent an older world", self.name);
        if !welcome.resumed {
            self.world = None;
            self.parts.clear();
        }
        self.home = Some(from);
        self.helloed = None;
        self.token = Some(welcome.token);
        self.id = welcome.player;
        let again = self.pending.range(welcome.last_seq.next()..);
        let again: Vec<_> = again.map(|(seq, _)| *seq).collect();
        self.welcomes.push((from, welcome));
        again
            .into_iter()
            .for_each(|seq| self.send_pending(net, seq));
    }

    fn on_snapshot(&mut self, _net: &mut Net, mut part: SnapshotPart) {
        self.live.append(&mut part.live);
        self.poses.append(&mut part.poses);
        let last = part.last;
        self.parts.push(part);
        if last {
            let mut reader = SnapshotReader::default();
            for part in self.parts.drain(..) {
                reader.add(part).unwrap();
            }
            self.world = Some(reader.finish().unwrap());
            // What was decided before the snapshot is in it, however it was decided.
            let decided = self.welcomes.last().unwrap().1.last_seq;
            self.pending.retain(|seq, _| *seq > decided);
        }
    }

    fn on_commit(&mut self, net: &mut Net, commit: Commit) {
        let world = self.world.as_mut().expect("commits follow the snapshot");
        let mut effects = Vec::new();
        let outcome = world.apply(commit.log_index, &commit.entry, &mut effects);
        assert_eq!(outcome, Ok(Outcome::Applied), "{commit:?}");
        let told = (net.now, commit.log_index, commit.entry.hlc);
        self.commits.push(told);
        if let Change::Transaction { player, seq, .. } = commit.entry.change
            && player == self.id
        {
            self.pending.remove(&seq);
            let before = self.confirmed.insert(seq, commit.log_index);
            assert_eq!(before, None, "{seq:?} was confirmed twice");
            assert_eq!(self.rejected.get(&seq), None, "{seq:?} was rejected");
        }
    }

    fn on_rejected(&mut self, seq: ClientSeq, reason: Rejection) {
        if self.pending.remove(&seq).is_some() {
            self.rejected.insert(seq, reason);
        }
        assert_eq!(self.confirmed.get(&seq), None, "{seq:?} was confirmed");
    }

    pub fn on_datagram(&mut self, net: &mut Net, from: ServerId, datagram: Bytes) {
        match Datagram::decode(&datagram).unwrap() {
            Datagram::Pong(pong) => self.pongs.push((net.now, from, pong)),
            Datagram::Down { .. } => self.relayed.push(datagram),
            _ => panic!("no word of a server"),
        }
    }
}
