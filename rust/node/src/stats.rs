//! What a node counts and measures.

use serde::{Deserialize, Serialize};
use synced_protocol::{
    link::CloseCode,
    stage::{Stage, Summary},
};

use crate::{cluster::ClusterStats, input::Breach};

/// What a node counted and measured since it began.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStats {
    /// From a live datagram's sending by its player, in session time as the player knows it, until its arrival here.
    pub propagation: Summary,
    /// From when this node, leading, ordered an entry of the log until a quorum had it.
    #[serde(default)]
    pub replication: Summary,
    /// How often things happened.
    pub counters: Counters,
    /// How often a block of a live datagram was left out, by reason.
    pub refused: Refused,
    /// What was sent.
    pub sent: Sent,
    /// How often a connection was cut off, by reason.
    pub cut_offs: CutOffs,
    /// Players who are present now.
    pub players: usize,
    /// Nodes of the world now.
    pub nodes: usize,
    /// The last entry of the log that was applied.
    pub log_index: u64,
    /// The world's digest there, as 16 hexadecimal digits.
    pub digest: String,
    /// How the cluster stands, for a server of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterStats>,
}

macro_rules! counters {
    ($(#[$of:meta])* $kind:ident: $($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        $(#[$of])*
        #[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $kind {
            $($(#[$doc])* pub $name: u64,)+
        }
    };
}

counters! {
    /// How often things happened.
    Counters:
    /// Connections that came up.
    connections,
    /// Players who joined.
    players_joined,
    /// Players who came back and went on from their cursor.
    players_resumed,
    /// Players who left for good.
    players_left,
    /// Peers that were told to ask elsewhere or again, when they wanted to join or come back.
    redirects,
    /// Snapshots made for players, each for all who waited for one.
    snapshots_made,
    /// Snapshots sent.
    snapshots_sent,
    /// Entries of the log that changed something and were published.
    commits,
    /// Proposals that changed nothing.
    rejections,
    /// Of those, how many came faster than a player may propose.
    proposals_throttled,
    /// Proposals that were sent twice and counted once.
    duplicates,
    /// Frames of the confirmed lane received.
    frames_received,
    /// Their bytes.
    frame_bytes_received,
    /// Datagrams received, pings too.
    datagrams_received,
    /// Their bytes.
    datagram_bytes_received,
    /// Datagrams dropped because they came faster than a player may send.
    datagrams_throttled,
    /// Datagrams dropped because they claimed to be sent too far in the future.
    datagrams_ahead,
    /// Blocks of live datagrams relayed.
    blocks_relayed,
    /// Blocks of live datagrams left out, for whatever reason.
    blocks_refused,
}

counters! {
    /// How often a block of a live datagram was left out, by reason.
    Refused:
    /// For what its sender does not own, or what is not live, or not there.
    authority,
    /// Moves faster than a hand may.
    speed,
    /// Turns faster than a hand may.
    angular_speed,
    /// Too far away.
    area,
    /// Of too long ago.
    age,
    /// More new samples than a tracked node may have in the time.
    samples,
}

counters! {
    /// What was sent to all players together.
    Sent:
    /// Frames of the confirmed lane.
    frames,
    /// Their bytes.
    frame_bytes,
    /// Datagrams of the live lane, pongs too, each receiver counted.
    datagrams,
    /// Their bytes.
    datagram_bytes,
}

counters! {
    /// How often a connection was cut off, by reason.
    CutOffs:
    /// Refused at the handshake.
    refused,
    /// Sent something that cannot be decoded.
    malformed,
    /// Sent more than its rate limit allows.
    flooding,
    /// Does not read what it is sent.
    too_slow,
    /// No handshake within the time for it.
    handshake_timeout,
    /// The player came back by another connection.
    superseded,
}

/// The measurements of one node.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    pub(crate) propagation: Stage,
    pub(crate) replication: Stage,
    pub(crate) counters: Counters,
    pub(crate) refused: Refused,
    pub(crate) cut_offs: CutOffs,
}

impl Meter {
    /// A block was left out: for a bound that it breaks, or because it was not its sender's to send.
    pub(crate) const fn refuse(&mut self, breach: Option<Breach>) {
        let count = match breach {
            None => &mut self.refused.authority,
            Some(Breach::Speed) => &mut self.refused.speed,
            Some(Breach::AngularSpeed) => &mut self.refused.angular_speed,
            Some(Breach::Area) => &mut self.refused.area,
            Some(Breach::Age) => &mut self.refused.age,
            Some(Breach::Samples) => &mut self.refused.samples,
        };
        *count += 1;
        self.counters.blocks_refused += 1;
    }

    pub(crate) const fn cut_off(&mut self, code: CloseCode) {
        let count = match code {
            CloseCode::Refused => &mut self.cut_offs.refused,
            CloseCode::Malformed => &mut self.cut_offs.malformed,
            CloseCode::Flooding => &mut self.cut_offs.flooding,
            CloseCode::TooSlow => &mut self.cut_offs.too_slow,
            CloseCode::HandshakeTimeout => &mut self.cut_offs.handshake_timeout,
            CloseCode::Superseded => &mut self.cut_offs.superseded,
            CloseCode::Done | CloseCode::ServerStopping | CloseCode::Other(_) => return,
        };
        *count += 1;
    }
}
