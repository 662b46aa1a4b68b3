//! What one server of a cluster is configured with beside what every node is.

use synced_consensus::Config;
use synced_protocol::{
    id::{GroupId, ServerId},
    time::Micros,
};

/// The group whose log is the session's.
pub const GROUP: GroupId = GroupId(0);
/// How far ahead of this server's idea of session time another's may be, unless configured otherwise.
pub const MAX_OFFSET: Micros = Micros::from_millis(250);
/// The time between two questions what time it is, to each peer.
pub const PROBE_INTERVAL: Micros = Micros::from_millis(100);
/// The time between the first few of them.
pub const EAGER_PROBE_INTERVAL: Micros = Micros::from_millis(5);
/// So many of them at the most, by a server that does not know the time.
pub const EAGER_PROBES_MAX: usize = 100;
/// So many answers are needed before they count.
pub const PROBES_MIN: usize = 3;
/// How long an answer counts. Two clocks that drift apart by 200 millionths are off by 200 us then.
pub const PROBE_AGE_MAX: Micros = Micros::from_secs(1);
/// A step of this server's clock beyond which it may have stood still, or have been set.
pub const CLOCK_STEP_MAX: Micros = Micros::from_millis(250);
/// How long a server may disagree with more than half of its peers about the time before it says so and steps down.
pub const DISAGREEMENT_MAX: Micros = Micros::from_secs(2);
/// The time between two tellings of what the leader heard by datagram.
pub const STANDBY_INTERVAL: Micros = Micros::from_millis(100);
/// The most bytes of that for one peer at once; the rest follows next time.
pub const STANDBY_BYTES_MAX: usize = 256 * 1024;
/// How long a leader that is to stop waits for another to take over.
pub const HANDOVER_MAX: Micros = Micros::from_millis(500);

/// What one server of a cluster is configured with beside what every node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterConfig {
    /// How its consensus behaves, and who it is there.
    pub consensus: Config,
    /// What the cluster is called, for the operator.
    pub cluster: String,
    /// How far ahead of this server's idea of session time another's may be.
    pub max_offset: Micros,
}

impl ClusterConfig {
    /// A server of the cluster of that name, with the defaults for everything else.
    #[must_use]
    pub fn new(cluster: impl Into<String>, consensus: Config) -> Self {
        Self {
            consensus,
            cluster: cluster.into(),
            max_offset: MAX_OFFSET,
        }
    }

    /// Which server it is.
    #[must_use]
    pub const fn server(&self) -> ServerId {
        self.consensus.replica.server()
    }
}
