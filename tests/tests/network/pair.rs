//! Two players who play on, whatever happens around them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use synced_protocol::{
    id::{ClientSeq, PropertyId},
    mutation::Lane,
    value::Value,
};
use synced_tests::{Failure, Outcome, server::SyncedServer};

use crate::scripted::{Scripted, Seen};

/// The pause between two writes of each.
const WRITE: Duration = Duration::from_millis(4);
/// What is not read by a peer has to fill what its transport buffers, and more.
const WRITE_BYTES: usize = 4_000;
/// Fewer would not have met all of the adversaries.
const WRITES_MIN: u64 = 500;

/// Two players who write what belongs to them, and see what the other writes.
pub(crate) struct Pair {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Outcome>,
}

impl Pair {
    pub(crate) fn start(server: &SyncedServer) -> Outcome<Self> {
        let players = [
            Scripted::join(server, "Ann")?,
            Scripted::join(server, "Ben")?,
        ];
        let stop = Arc::<AtomicBool>::default();
        let thread = thread::spawn({
            let stop = stop.clone();
            move || play(players, &stop)
        });
        Ok(Self { stop, thread })
    }

    /// Stops them, once all that they wrote is confirmed and seen by both: every write once, in its order.
    pub(crate) fn assert_undisturbed(self) -> Outcome {
        self.stop.store(true, Ordering::Relaxed);
        self.thread
            .join()
            .map_err(|_| Failure::new("the players were disturbed: see above"))?
    }
}

fn play(mut players: [Scripted; 2], stop: &AtomicBool) -> Outcome {
    let nodes = players
        .each_mut()
        .map(|player| player.spawn(vec![(Lane::Confirmed, number(0))]));
    let mut written = 0;
    while !stop.load(Ordering::Relaxed) {
        written += 1;
        for (player, node) in players.iter_mut().zip(nodes) {
            player.set(node, PropertyId(0), number(written));
            player.frame();
        }
        thread::sleep(WRITE);
    }
    assert!(written > WRITES_MIN, "only {written} writes");
    let expected: Vec<_> = (0..=written).map(number).collect();
    for player in &mut players {
        let all = |seen: &Seen| {
            nodes
                .iter()
                .all(|node| seen.count(*node, PropertyId(0)) >= expected.len())
        };
        player.until("told every write", all)?;
    }
    for player in players {
        let seen = player.leave()?;
        let proposals: Vec<_> = (1..=written + 1).map(ClientSeq).collect();
        assert_eq!(
            seen.confirmed, proposals,
            "not every proposal was confirmed, in its order"
        );
        assert_eq!((seen.rejected, seen.losses), (Vec::new(), 0));
        for node in nodes {
            assert!(
                seen.values[&(node, PropertyId(0))] == expected,
                "not every write came, in its order"
            );
        }
    }
    Ok(())
}

/// A value of some size that holds a number.
fn number(number: u64) -> Value {
    let mut bytes = vec![0; WRITE_BYTES];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    Value::PackedByteArray(bytes)
}
