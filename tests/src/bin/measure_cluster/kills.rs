//! The leader is killed again and again.

use std::time::{Duration, Instant};

use synced_protocol::time::Micros;
use synced_tests::{
    Outcome,
    cluster::SyncedCluster,
    folder,
    stalls::{self, Stalls},
    steady::Steady,
};
use synced_transport::clock;

use crate::{GAME, log_time, median::Spread, options};

/// Stalls of this length or longer are told beside a kill.
const STALL_MIN: Duration = Duration::from_millis(2);
/// How often a player writes, so that gaps are told to this precision.
const WRITE_INTERVAL: Duration = Duration::from_micros(1_500);
/// How many writes are confirmed between two kills.
const BETWEEN: u64 = 200;

/// How often, and how it is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Kills {
    /// How often the leader is killed
    #[arg(long, default_value_t = 100)]
    kills: u32,
    /// Print every kill
    #[arg(long)]
    each: bool,
}

/// One kill.
struct Kill {
    at: Instant,
    /// The same moment as the players' clock has it.
    local: Micros,
    /// When another was seen to lead, by the same clock.
    replaced: Micros,
    /// From the kill to the next leader's first commit, as it tells itself.
    served_after: Option<Duration>,
}

impl Kills {
    pub(crate) fn run(&self) -> Outcome {
        let folder = folder::fresh("measure-kills")?;
        let mut cluster = SyncedCluster::start(&folder, &options())?;
        let steady = Steady::begin([cluster.url(), cluster.url()], GAME, WRITE_INTERVAL)?;
        steady.go_on(BETWEEN)?;
        let watch = Stalls::watch(STALL_MIN);
        let mut kills = Vec::new();
        for _ in 0..self.kills {
            kills.push(kill(&mut cluster)?);
            steady.go_on(BETWEEN)?;
        }
        let story = steady.end()?;
        let stalls = watch.end();
        story.check()?;
        let mut table = Table::default();
        for kill in &kills {
            let gap = story
                .gap_between(kill.local, kill.replaced)
                .unwrap_or_default();
            let gap = Duration::from_micros(gap.0);
            let stall = stalls::longest_between(&stalls, kill.at, kill.at + gap);
            if self.each {
                println!(
                    "served after {:?}, confirmed again after {gap:?}, stalled {stall:?}",
                    kill.served_after
                );
            }
            table.add(kill, gap, stall);
        }
        table.print();
        cluster.end()
    }
}

/// Kills the leader, waits until another serves, and starts the killed one again.
fn kill(cluster: &mut SyncedCluster) -> Outcome<Kill> {
    let leader = cluster.leader()?;
    let (local, wall) = (clock::now(), clock::unix_now());
    let at = cluster.kill(leader)?;
    let next = cluster.leader()?;
    let replaced = clock::now();
    let log = cluster.process(next)?.output();
    let served_after = log_time::since(&log, "this server leads", wall);
    cluster.run(leader)?;
    cluster.until("the killed one follows", |status| {
        let answer = SyncedCluster::answer(status, leader);
        (answer["role"] == "follower").then_some(())
    })?;
    Ok(Kill {
        at,
        local,
        replaced,
        served_after: served_after.map(|after| Duration::from_micros(after.0)),
    })
}

#[derive(Default)]
struct Table {
    served: Spread,
    confirmed: Spread,
    quiet_served: Spread,
    quiet_confirmed: Spread,
    stalled: u32,
}

impl Table {
    fn add(&mut self, kill: &Kill, gap: Duration, stall: Duration) {
        let millis = |span: Duration| 1e3 * span.as_secs_f64();
        let is_quiet = stall < STALL_MIN;
        self.stalled += u32::from(!is_quiet);
        if let Some(served) = kill.served_after {
            self.served.add(millis(served));
            if is_quiet {
                self.quiet_served.add(millis(served));
            }
        }
        self.confirmed.add(millis(gap));
        if is_quiet {
            self.quiet_confirmed.add(millis(gap));
        }
    }

    fn print(&self) {
        println!("| ms | mean | p50 | p99 | longest |");
        println!("|---|---|---|---|---|");
        let rows = [
            ("kill to the next leader's first commit", &self.served),
            (
                "last confirmed before to first confirmed after",
                &self.confirmed,
            ),
            (
                "the first of these, where nothing stalled",
                &self.quiet_served,
            ),
            ("the second", &self.quiet_confirmed),
        ];
        for (what, spread) in rows {
            println!(
                "| {what} | {:.1} | {:.1} | {:.1} | {:.1} |",
                spread.mean(),
                spread.median(),
                spread.quantile(0.99),
                spread.quantile(1.0)
            );
        }
        println!(
            "An idle thread stalled for {STALL_MIN:?} or longer during {} kills.",
            self.stalled
        );
    }
}
