//! Every limit of the client by name, and the relations between them, proved at compile time.

use synced_protocol::{
    limits::{
        MAX_DATAGRAM_BYTES, MAX_MUTATION_BYTES, MAX_NODES, MAX_SERVERS, MAX_UNWANTED_NODES,
        MAX_WORLD_BYTES,
    },
    time::Micros,
};

use crate::playout::HERMITE_SPAN_MAX;

/// The most proposals that are with the leader at one time; later ones wait here.
pub const PROPOSALS_IN_FLIGHT_MAX: usize = 256;
/// The most proposals that wait for their decision, sent or not. One more is rejected here.
pub const PROPOSALS_PENDING_MAX: usize = 4_096;
/// The most bytes that those may take.
pub const PROPOSALS_PENDING_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The most proposals a second; what is more waits. A leader takes a few more before it rejects any.
pub const PROPOSALS_PER_SECOND_MAX: u32 = 800;
/// The most proposals sent at once, after a pause. A leader takes them beside all that are with it: the network may have held those up.
pub const PROPOSAL_BURST_MAX: u32 = 400;
/// The most bytes of proposals a second; what is more waits. Half of what a leader takes before it calls it a flood.
pub const PROPOSAL_BYTES_PER_SECOND_MAX: u32 = 2 * 1024 * 1024;
/// The most bytes of proposals sent at once, after a pause.
pub const PROPOSAL_BURST_BYTES_MAX: u32 = 1024 * 1024;
/// The most updates that wait for the game. A game that reads none for so long is not there any more.
pub const UPDATES_WAITING_MAX: usize = 4 * MAX_NODES;
/// The most updates that wait for the game before live values and samples, which later ones replace, are left out.
pub const UPDATES_WAITING_LIVE_MAX: usize = 8_192;
/// The most bytes of a snapshot, with the live values and poses that come with it.
pub const SNAPSHOT_BYTES_MAX: usize = 3 * MAX_WORLD_BYTES;
/// Places in the ring that carries commands to the network thread.
pub const COMMAND_RING: usize = 1_024;
/// Places in the ring that carries updates to the game.
pub const UPDATE_RING: usize = 4_096;
/// When updates did not fit the ring, how soon that is tried again.
pub const UPDATE_RETRY: Micros = Micros::from_millis(4);
/// The most trackers of one player.
pub const TRACKERS_MAX: usize = 16;
/// The most interests told a second; what is more waits. Half of what a leader hears before it calls it a flood.
pub const INTERESTS_PER_SECOND_MAX: u32 = 500;
/// The most told at once: all that there can be.
pub const INTEREST_BURST_MAX: u32 = MAX_UNWANTED_NODES as u32;
/// An aim that does not change is sent again after so long.
pub const AIM_REPEAT: Micros = Micros::from_millis(250);
/// The shortest time between two sendings of a hand's joints.
pub const JOINTS_INTERVAL_MIN: Micros = Micros::from_millis(33);
/// The most live values that one player holds. One more is dropped and counted.
pub const LIVE_VALUES_MAX: usize = 16_384;
/// The most samples of one tracker that wait to be sent; when more come, the oldest are dropped and counted.
pub const TRACKER_BACKLOG_MAX: usize = 256;
/// The shortest pace of the samples' batches.
pub const BATCH_INTERVAL_MIN: Micros = Micros::from_millis(1);
/// The longest: twenty datagrams a second, where bytes count more than freshness.
pub const BATCH_INTERVAL_MAX: Micros = Micros::from_millis(50);
/// The most batches before whose samples a batch repeats.
pub const REDUNDANCY_MAX: u8 = 8;
/// The most live bytes sent at once, after a pause. Below the transport's own buffer, so that nothing is dropped there.
pub const LIVE_BURST_BYTES_MAX: u32 = 12 * 1024;
/// The most live bytes a second, unless configured otherwise.
pub const LIVE_BYTES_PER_SECOND_MAX: u32 = 300_000;
/// The most live datagrams a second. A leader takes a hundred more before it drops any.
pub const LIVE_DATAGRAMS_PER_SECOND_MAX: u32 = 1_000;
/// The most live datagrams sent at once, after a pause.
pub const LIVE_BURST_DATAGRAMS_MAX: u32 = 32;
/// The most idle connections to other servers than the leader, whatever is configured.
pub const STANDBY_CONNECTIONS_MAX: usize = 4;
/// To how many servers more a connection is kept that were asked in vain, until a leader is found.
pub const ASKED_WATCHED_MAX: usize = 2;
/// How long a server that could not be reached is left alone, at first.
pub const STANDBY_RETRY_MIN: Micros = Micros::from_millis(250);
/// And at the longest, however often that was.
pub const STANDBY_RETRY_MAX: Micros = Micros::from_secs(8);
/// A change of the leader that is followed within this time is told as nothing but that.
pub const FAILOVER_QUIET: Micros = Micros::from_millis(250);
/// How many tries to find the leader follow each other at once.
pub const FOLLOW_AT_ONCE_MAX: u32 = 2;
/// How long the next one waits; each further one twice as long.
pub const FOLLOW_WAIT_MIN: Micros = Micros::from_millis(4);
/// And at the longest.
pub const FOLLOW_WAIT_MAX: Micros = Micros::from_millis(250);
/// How long a session must have been up for the next tries to follow each other at once again.
pub const FOLLOW_STABLE_AFTER: Micros = Micros::from_millis(500);

const _: () = assert!(STANDBY_CONNECTIONS_MAX + ASKED_WATCHED_MAX < MAX_SERVERS);
const _: () = assert!(FOLLOW_WAIT_MAX.0 <= FAILOVER_QUIET.0);
const _: () = assert!(PROPOSALS_IN_FLIGHT_MAX <= PROPOSALS_PENDING_MAX);
const _: () = assert!(UPDATES_WAITING_LIVE_MAX < UPDATES_WAITING_MAX);
const _: () = assert!(LIVE_BURST_BYTES_MAX as usize > 4 * MAX_DATAGRAM_BYTES);
const _: () = assert!(PROPOSAL_BURST_BYTES_MAX as usize > 2 * MAX_MUTATION_BYTES);
// A burst of two lost batches is crossed on a curve at the slowest pace, too.
const _: () = assert!(HERMITE_SPAN_MAX.0 >= 3 * BATCH_INTERVAL_MAX.0);
const _: () = assert!(1_000_000 / BATCH_INTERVAL_MIN.0 <= LIVE_DATAGRAMS_PER_SECOND_MAX as u64);
