//! What can happen in a run.

use bytes::Bytes;
use synced_protocol::{
    link::{CloseCode, ConnectionId, Target},
    store::WriteId,
    time::Micros,
};

use crate::queue::Queue;

/// A process: servers by their [`ServerId`](synced_protocol::id::ServerId), players behind [`PLAYERS_FROM`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Host(pub u16);

/// The first host that is a player's.
pub const PLAYERS_FROM: u16 = 16;

impl Host {
    /// Whether a server runs there.
    #[must_use]
    pub const fn is_server(self) -> bool {
        self.0 < PLAYERS_FROM
    }

    /// As a place in a table of all hosts.
    #[must_use]
    pub const fn place(self) -> usize {
        self.0 as usize
    }
}

/// Which of a connection's two ends: 0 has opened it.
pub type Side = usize;

/// By which lane bytes travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// In order, each once.
    Frame,
    /// In order by itself, behind the other.
    Bulk,
    /// On its own.
    Datagram,
}

/// Something that happens at one instant.
#[derive(Debug)]
pub enum Happening {
    /// Bytes come to one end of a connection.
    Arrive {
        /// Which connection.
        connection: u32,
        /// To which end.
        to: Side,
        /// By which lane.
        lane: Lane,
        /// The bytes.
        bytes: Bytes,
    },
    /// A connection is up at one end.
    Up {
        /// Which connection.
        connection: u32,
        /// At which end.
        at: Side,
    },
    /// One end has heard nothing for too long, or hears that the other is gone.
    Lost {
        /// Which connection.
        connection: u32,
        /// Which end.
        at: Side,
    },
    /// One end hears that the other has closed.
    Closed {
        /// Which connection.
        connection: u32,
        /// Which end.
        at: Side,
        /// What the other said.
        code: CloseCode,
    },
    /// The driver of the end that closed says that it is done.
    Gone {
        /// By whom.
        host: Host,
        /// In which of its lives.
        life: u32,
        /// How that end names the connection.
        name: ConnectionId,
        /// What it said.
        code: CloseCode,
    },
    /// A path has been blocked for as long as a connection survives that.
    Silent {
        /// From whom nothing comes.
        from: Host,
        /// To whom.
        to: Host,
        /// When it was blocked; a later block is another one.
        since: Micros,
    },
    /// A server tries to reach a peer.
    Dial {
        /// Who.
        from: Host,
        /// Whom.
        to: Host,
        /// How often it has tried.
        tries: u32,
    },
    /// A player tries to reach a server.
    Connect {
        /// Who.
        host: Host,
        /// In which of its lives.
        life: u32,
        /// How the player names the connection.
        name: ConnectionId,
        /// Whom.
        to: Target,
        /// When it gives up.
        until: Micros,
    },
    /// Writes are beyond the reach of a loss of power.
    Synced {
        /// Whose disk.
        host: Host,
        /// In which of its lives.
        life: u32,
        /// Up to this one.
        write: WriteId,
    },
    /// A player does something.
    Act {
        /// Who.
        host: Host,
        /// In which of its lives.
        life: u32,
    },
    /// A fault of the plan begins, and the next of its kind is drawn.
    Strike {
        /// Its place in the plan.
        fault: usize,
    },
    /// A fault is over.
    Mend(Mend),
    /// The operator looks after the members.
    Operate,
}

/// The end of a fault.
#[derive(Debug, Clone)]
pub enum Mend {
    /// A server begins again.
    Restart(Host),
    /// A server goes on.
    Resume(Host),
    /// A server that has just voted ends, and begins again at once.
    EndVoter(Host),
    /// These paths carry packets again.
    Unblock(Vec<(Host, Host)>),
    /// These paths change their state once more, so often and in this time.
    Flap {
        /// Which paths.
        paths: Vec<(Host, Host)>,
        /// Whether they are blocked now.
        is_blocked: bool,
        /// How often they will change yet.
        left: u32,
        /// The time between two changes.
        period: Micros,
    },
    /// A clogged path is clear again, which it knows by itself.
    Unclog,
    /// So much less is lost, in millionths.
    Loss(u32),
    /// Packets are so much quicker.
    Delay(Micros),
    /// A server's clock runs as before.
    Drift(Host),
    /// A server's disk is as quick as before.
    DiskSlow(Host),
    /// Servers that were added go.
    Shrink,
    /// The next server in turn is begun anew.
    Roll(u16),
}

/// Everything that is yet to happen; the alarms are the deadlines of all hosts' logic, by [`Host::place`].
pub type Agenda = Queue<Happening>;
