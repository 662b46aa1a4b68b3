//! Nobody is killed: elections that happen all the same are counted, and what players notice of them.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use synced_protocol::time::Micros;
use synced_tests::{Outcome, cluster::SyncedCluster, folder, stalls::Stalls, steady::Steady};

use crate::{GAME, median::Spread, options};

/// Stalls of this length or longer are counted: a follower may well miss so many heartbeats.
const STALL_MIN: Duration = Duration::from_millis(5);
/// How long a game at 90 frames a second shows a frame.
const FRAME: Micros = Micros(11_111);

/// How long, and under what load.
#[derive(Debug, clap::Args)]
pub(crate) struct Calm {
    /// For how many minutes
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// How many microseconds pass between two writes of a player
    #[arg(long, default_value_t = 2_000)]
    interval_us: u64,
}

impl Calm {
    pub(crate) fn run(&self) -> Outcome {
        let folder = folder::fresh("measure-calm")?;
        let mut cluster = SyncedCluster::start(&folder, &options())?;
        let interval = Duration::from_micros(self.interval_us);
        let steady = Steady::begin([cluster.url(), cluster.url()], GAME, interval)?;
        steady.go_on(100)?;
        let before = term(&mut cluster)?;
        let watch = Stalls::watch(STALL_MIN);
        let end = Instant::now() + Duration::from_secs_f64(60.0 * self.minutes);
        while Instant::now() < end {
            thread::sleep(Duration::from_millis(200));
            steady.go_on(1)?;
        }
        let after = term(&mut cluster)?;
        let stalls = watch.end();
        let story = steady.end()?;
        story.check()?;
        let pairs = story.confirmed_at.windows(2);
        let gaps: Spread = pairs
            .map(|pair| pair[1].since(pair[0]).0 as f64 / 1e3)
            .collect();
        let late = gaps.count_above(FRAME.0 as f64 / 1e3);
        println!(
            "{} writes were confirmed, each once, in order; no player was shown an error.",
            story.confirmed_at.len()
        );
        println!(
            "Leaders were replaced {} times that nobody had killed; players came back {} times.",
            after - before,
            story.returns
        );
        println!(
            "Longest time without a confirmation {:.1} ms; {late} were longer than a frame.",
            gaps.quantile(1.0)
        );
        let longest = stalls
            .iter()
            .map(|stall| stall.late)
            .max()
            .unwrap_or_default();
        println!(
            "An idle thread stalled {} times for {STALL_MIN:?} or longer, at most {:.1} ms.",
            stalls.len(),
            1e3 * longest.as_secs_f64()
        );
        cluster.end()
    }
}

fn term(cluster: &mut SyncedCluster) -> Outcome<u64> {
    cluster.until("one leads", |status| {
        let leader = u16::try_from(status["leader"].as_u64()?).ok()?;
        let answer: &Value = SyncedCluster::answer(status, leader);
        answer["term"].as_u64()
    })
}
