//! The second layer: whole servers and players over real QUIC, in virtual time.
//!
//! The first layer's connections are what the transport promises; here they are what it does. Everything runs in one runtime whose clock
//! is paused, so that time passes only while nobody has anything to do, a millisecond at a time.

pub mod judge;
pub mod network;
pub mod player;
pub mod server;
mod stage;

use std::{
    fmt, fs,
    io::{self, Write as _},
    path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use synced_protocol::{id::mix, time::Micros};
use synced_transport::clock;

use self::{network::Packet, stage::Stage};
use crate::{check::Violation, plant::Plant};

/// What came of a run.
#[derive(Debug)]
pub struct QuicReport {
    /// Every packet.
    pub packets: Vec<Packet>,
    /// How many entries were committed.
    pub entries: u64,
    /// How many proposals of players were decided.
    pub decided: u64,
    /// Who led when it was killed, and who when it was cut off.
    pub leaders: [Option<u16>; 2],
    /// How much virtual time it took.
    pub time: Micros,
    /// The promise that was broken, if one was.
    pub violation: Option<Violation>,
}

impl QuicReport {
    /// Writes a line for each packet: when, from where, to where, how many bytes.
    ///
    /// # Errors
    /// What the system says of the file.
    pub fn write_packets(&self, file: &path::Path) -> io::Result<()> {
        let mut to = io::BufWriter::new(fs::File::create(file)?);
        for packet in &self.packets {
            let Packet {
                at,
                from,
                to: there,
                bytes,
            } = packet;
            writeln!(to, "{} {from} {there} {bytes}", at.0)?;
        }
        to.flush()
    }

    /// A hash of when every packet was sent, from where to where, and how large it was: equal for equal runs.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.packets.iter().fold(0, |hash, packet| {
            let way = packet.way(0);
            mix(mix(hash ^ packet.at.0) ^ way ^ packet.bytes as u64)
        })
    }
}

impl fmt::Display for QuicReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (packets, hash) = (self.packets.len(), self.hash());
        let [killed, cut_off] = self.leaders.map(Option::unwrap_or_default);
        write!(
            f,
            "hash {hash:016x}, {packets} packets, {} entries, {} decided, leader {killed} was killed, {cut_off} was cut off",
            self.entries, self.decided
        )?;
        match &self.violation {
            Some(violation) => write!(f, "; {violation}"),
            None => Ok(()),
        }
    }
}

/// Runs five servers and two players once: a third of `time` undisturbed but for the network's ways, then the leader is killed, and comes
/// back; then whoever leads is cut off for a while; then everything heals. [`Plant::DoubleApply`] is the one mistake that can be made here.
///
/// Makes time of this whole process virtual: one run waits for another.
///
/// # Errors
/// When the system gives no runtime, or a server cannot begin.
pub fn run(seed: u64, time: Duration, plant: Option<Plant>) -> Result<QuicReport, String> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut builder = tokio::runtime::Builder::new_current_thread();
    // One thread for what blocks, as certificates' verifiers are made in, so that they are done in the order in which they began.
    builder
        .enable_all()
        .start_paused(true)
        .max_blocking_threads(1);
    let runtime = builder.build().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        clock::simulate();
        Stage::set(seed, plant)?.play(time).await
    })
}
