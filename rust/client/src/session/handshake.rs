//! From the server's first frame to the world.

use bytes::Bytes;
use synced_protocol::{
    control::{First, PROTOCOL_VERSION, decode},
    hlc::HlcTimestamp,
    link::{CloseCode, CloseReason, ConnectionId},
    message::{Leader, Refusal, ServerMessage, SnapshotPart, Welcome},
};
use synced_world::{SnapshotReader, World};

use super::{Identity, Joining, Phase, Session};
use crate::{
    clock::ClockSync,
    cluster::News,
    difference,
    limits::SNAPSHOT_BYTES_MAX,
    seek::Interruption,
    update::{CommitEnd, EndReason, Joined, Update},
};

impl Session {
    pub(super) fn handle_frame(&mut self, connection: ConnectionId, bytes: &Bytes) {
        match self.phase {
            Phase::Greeting { .. } => self.handle_answer(connection, bytes),
            Phase::Joining(_) => match decode(bytes) {
                Ok(ServerMessage::Snapshot(part)) => {
                    self.handle_part(connection, part, bytes.len())
                }
                Ok(ServerMessage::Leader(said)) => self.turned_away(connection, &said),
                Ok(ServerMessage::Welcome(welcome)) if self.links.welcomed(connection) => {
                    self.welcomed(connection, welcome);
                }
                _ => self.protocol_error(),
            },
            Phase::Up { .. } => match decode(bytes) {
                Ok(ServerMessage::Commit(commit)) => self.handle_commit(commit),
                Ok(ServerMessage::Rejected { seq, reason, .. }) => {
                    self.handle_rejected(seq, reason)
                }
                Ok(ServerMessage::Leader(said)) => self.turned_away(connection, &said),
                Ok(ServerMessage::Welcome(welcome)) if self.links.welcomed(connection) => {
                    self.welcomed_again(connection, welcome);
                }
                _ => self.protocol_error(),
            },
            Phase::Waiting { .. } | Phase::Connecting { .. } | Phase::Ended => {}
        }
    }

    fn handle_answer(&mut self, connection: ConnectionId, bytes: &Bytes) {
        match self.links.decode(connection, bytes) {
            Ok(First::OtherVersion(server)) => self.refused(Refusal::ProtocolVersion {
                server,
                client: PROTOCOL_VERSION,
            }),
            Ok(First::SameVersion(ServerMessage::Refused(refusal))) => self.refused(refusal),
            Ok(First::SameVersion(ServerMessage::Welcome(welcome))) => {
                self.links.welcomed(connection);
                self.welcomed(connection, welcome);
            }
            Ok(First::SameVersion(ServerMessage::Leader(said))) => {
                self.turned_away(connection, &said);
            }
            Ok(First::SameVersion(_)) | Err(_) => self.protocol_error(),
        }
    }

    /// Two hellos were under way, since another word came between them that looked like an answer. What follows begins where the
    /// second one said that the world stood, though it stands further on by now.
    fn welcomed_again(&mut self, connection: ConnectionId, welcome: Welcome) {
        self.repeated_to = self.log_index();
        let reason = CloseReason::ByUs(CloseCode::Done);
        self.seek.fail(self.now, reason);
        self.welcomed(connection, welcome);
    }

    pub(super) fn welcomed(&mut self, connection: ConnectionId, welcome: Welcome) {
        if self.hear(connection, &welcome.leader) == News::Stale {
            self.decline(connection);
            return;
        }
        let before = self.identity;
        // A leader that began anew may give out the same number, but not the same secret.
        let same =
            |before: Identity| (before.player, before.token) == (welcome.player, welcome.token);
        if before.is_some_and(|before| !same(before)) {
            self.give_up(CloseCode::Done, EndReason::Expired);
            return;
        }
        // What the game was shown as confirmed is not taken back while another server may know it.
        if self.cluster.is_known() && welcome.log_index < self.log_index() {
            self.decline(connection);
            return;
        }
        let can_resume = self.replica.is_some() && !self.distrusted;
        if (welcome.resumed && !can_resume) || self.proposals.check_sent(welcome.last_seq).is_err()
        {
            self.protocol_error();
            return;
        }
        self.identity = Some(Identity {
            player: welcome.player,
            token: welcome.token,
            joined: before.is_some_and(|before| before.joined),
        });
        self.set_clock(&welcome);
        if welcome.resumed {
            self.up(connection, &welcome);
        } else {
            self.phase = Phase::Joining(Box::new(Joining {
                connection,
                deadline: self.now + self.config.handshake_timeout,
                welcome,
                reader: SnapshotReader::default(),
                live: Vec::new(),
                poses: Vec::new(),
                bytes: 0,
            }));
        }
    }

    /// A server that leads no more, or does not know yet what was confirmed, is not followed back.
    fn decline(&mut self, connection: ConnectionId) {
        self.link_failed(connection);
        self.close(connection, CloseCode::Done);
        self.lost(CloseReason::ByUs(CloseCode::Done));
    }

    fn tell_leader(&mut self, leader: &Leader) {
        let (server, term) = (leader.from, leader.term);
        if self.leader_told.replace((server, term)) != Some((server, term)) {
            self.tell(Update::LeaderChanged { server, term });
        }
    }

    fn set_clock(&mut self, welcome: &Welcome) {
        self.up_since = welcome.session_time;
        match &mut self.clock {
            Some(clock) => clock.restart(self.now, welcome.session_time),
            None => self.clock = Some(ClockSync::new(self.now, welcome.session_time)),
        }
    }

    fn handle_part(&mut self, connection: ConnectionId, mut part: SnapshotPart, bytes: usize) {
        let Phase::Joining(joining) = &mut self.phase else {
            return;
        };
        joining.bytes += bytes;
        joining.deadline = self.now + self.config.handshake_timeout;
        joining.live.append(&mut part.live);
        joining.poses.append(&mut part.poses);
        let hlc = part.hlc;
        let fits = joining.bytes <= SNAPSHOT_BYTES_MAX;
        match joining.reader.add(part) {
            Ok(true) if fits => self.complete(connection, hlc),
            Ok(false) if fits => {}
            _ => self.protocol_error(),
        }
    }

    fn complete(&mut self, connection: ConnectionId, hlc: HlcTimestamp) {
        let Phase::Joining(joining) = std::mem::replace(&mut self.phase, Phase::Up { connection })
        else {
            return;
        };
        let Ok(world) = joining.reader.finish() else {
            self.protocol_error();
            return;
        };
        self.tell(Update::Welcomed(joining.welcome.player));
        self.replace_world(world, hlc);
        for entry in joining.live {
            self.tell_entry(entry);
        }
        for pose in &joining.poses {
            self.tell_pose(pose);
        }
        self.settle(joining.welcome.last_seq);
        self.distrusted = false;
        self.up(connection, &joining.welcome);
    }

    /// The game is told the difference as one commit.
    fn replace_world(&mut self, world: World, hlc: HlcTimestamp) {
        let updates = &mut self.updates;
        let before = self.replica.take().unwrap_or_default();
        difference::tell(&before, &world, |update| updates.push_back(update));
        self.downstream.replaced(&world);
        if let Some(player) = self.identity.map(|identity| identity.player) {
            self.upstream.replaced(player, &before, &world);
        }
        self.interests
            .retain(|node| before.node(node).is_none() || world.node(node).is_some());
        self.tell(Update::CommitEnd(CommitEnd {
            log_index: world.log_index(),
            hlc,
            own: None,
            received_at: self.now,
        }));
        self.replica = Some(world);
    }

    fn up(&mut self, connection: ConnectionId, welcome: &Welcome) {
        self.phase = Phase::Up { connection };
        self.proposals.resume(welcome.last_seq);
        self.interests.connected();
        self.backoff.up(self.now);
        self.tell_leader(&welcome.leader);
        let resumed = self.has_joined();
        let search = self.seek.up(self.now);
        let quiet = search.filter(|search| resumed && !search.told);
        let after = if quiet.is_some() {
            Interruption::Short
        } else {
            Interruption::Long
        };
        self.downstream.connected(after);
        let interval = welcome.global_data_update_interval;
        self.upstream.connected(self.now, interval, after);
        if let Some(search) = quiet {
            self.meter.counters.failovers += 1;
            self.meter.failover.record(self.now.since(search.at));
            return;
        }
        self.meter.counters.reconnects += u64::from(resumed);
        if let Some(identity) = &mut self.identity {
            identity.joined = true;
        }
        self.tell(Update::Joined(Joined {
            player: welcome.player,
            resumed,
            last_spawn_counter: welcome.last_spawn_counter,
            log_index: self.log_index(),
        }));
    }
}
