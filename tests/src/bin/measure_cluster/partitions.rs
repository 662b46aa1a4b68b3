//! Servers are cut off from each other again and again, and hear each other again.

use std::{
    fmt,
    time::{Duration, Instant},
};

use serde_json::Value;
use synced_protocol::time::Micros;
use synced_tests::{
    Failure, Outcome,
    cluster::SyncedCluster,
    folder,
    lan::{HERE, LanCluster},
    stalls::{self, Stall, Stalls},
    steady::{Steady, Story},
};
use synced_transport::{clock, limits::PEER_IDLE_TIMEOUT};

use crate::{GAME, median::Spread, options, standing::Standing};

const ALL: [u8; 5] = [1, 2, 3, 4, 5];
/// Stalls of this length or longer are told beside a cut.
const STALL_MIN: Duration = Duration::from_millis(2);
/// How often a player writes, so that gaps are told to this precision. What piles up during a cut must go out before the next one.
const WRITE_INTERVAL: Duration = Duration::from_millis(2);
/// How many writes are confirmed between two cuts.
const BETWEEN: u64 = 200;
const SHORTEST_MS: u64 = 20;
const LONGEST_MS_MAX: u64 = 2_000;

/// How often, and for how long.
#[derive(Debug, clap::Args)]
pub(crate) struct Partitions {
    /// How often servers are cut off from each other, in each of the ways
    #[arg(long, default_value_t = 50)]
    cuts: u32,
    /// How long the longest cut lasts; they are of all lengths from 20 ms on
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(SHORTEST_MS + 1..=LONGEST_MS_MAX))]
    longest_ms: u64,
    /// Print every cut
    #[arg(long)]
    each: bool,
}

/// Who does not hear whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// The leader and the other servers.
    Leader,
    /// The leader and the other servers and the players.
    LeaderGone,
    /// Every server and every other.
    Alone,
}

/// One cut, by the players' clock.
#[derive(Debug)]
struct Cut {
    shape: Shape,
    at: Micros,
    healed: Micros,
    /// When that was.
    healed_at: Instant,
    /// From the heal until the server that was cut off had all that had been committed by then.
    followed_after: Option<Duration>,
}

impl Partitions {
    pub(crate) fn run(&self) -> Outcome {
        let folder = folder::fresh("measure-partitions")?;
        let Some(mut all) = LanCluster::start(&folder, options())? else {
            return Ok(());
        };
        let url = all.cluster.url();
        let steady = Steady::begin([url, url], GAME, WRITE_INTERVAL)?;
        let standing = Standing::of(&all.cluster)?;
        steady.go_on(BETWEEN)?;
        let watch = Stalls::watch(STALL_MIN);
        let mut cuts = Vec::new();
        for turn in 0..self.cuts {
            for shape in [Shape::Leader, Shape::LeaderGone, Shape::Alone] {
                cuts.push(cut(&mut all, &standing, shape, self.length(turn))?);
                if let Err(failure) = steady.go_on(BETWEEN) {
                    // Players who were thrown out say why.
                    return steady.end().and(Err(failure));
                }
                all_follow(&mut all.cluster)?;
            }
        }
        let story = steady.end()?;
        let stalls = watch.end();
        story.check()?;
        let mut table = Table::default();
        for cut in &cuts {
            table.add(cut, &story, &stalls, self.each)?;
        }
        print!("{table}");
        all.cluster.end()
    }

    /// Every length between the shortest and the longest, in an order that has nothing to do with the leader's.
    fn length(&self, turn: u32) -> Duration {
        const STEP: u64 = 7_919;
        let span = self.longest_ms - SHORTEST_MS;
        Duration::from_millis(SHORTEST_MS + u64::from(turn) * STEP % (span + 1))
    }
}

/// Cuts, waits, and heals.
fn cut(all: &mut LanCluster, standing: &Standing, shape: Shape, length: Duration) -> Outcome<Cut> {
    let status = all.cluster.status()?;
    let leader = status["leader"]
        .as_u64()
        .and_then(|one| u8::try_from(one).ok());
    let leader = leader.ok_or_else(|| Failure::new("nobody leads"))?;
    let others: Vec<_> = ALL.into_iter().filter(|one| *one != leader).collect();
    let left = standing.ask(&status, leader.into())?;
    let other = standing.ask(&status, others[0].into())?;
    let at = clock::now();
    match shape {
        Shape::Leader => all.lan.part(&[&[leader], &others])?,
        Shape::LeaderGone => all
            .lan
            .part(&[&[leader], &[&others[..], &[HERE]].concat()])?,
        Shape::Alone => all.lan.part(&[&[1], &[2], &[3], &[4], &[5]])?,
    }
    standing.wait(length);
    let committed = other.committed()?;
    let (healed, healed_at) = (clock::now(), Instant::now());
    all.lan.heal()?;
    let mut followed_after = None;
    if shape == Shape::Leader {
        left.until_applied(committed)?;
        followed_after = Some(healed_at.elapsed());
    }
    left.end();
    other.end();
    Ok(Cut {
        shape,
        at,
        healed,
        healed_at,
        followed_after,
    })
}

/// Waits until there are a leader and four who follow it.
fn all_follow(cluster: &mut SyncedCluster) -> Outcome {
    cluster.until("all follow", |status| {
        let leader = status["leader"].as_u64()?;
        let follows = |server: &u8| {
            let answer: &Value = SyncedCluster::answer(status, u16::from(*server));
            u64::from(*server) == leader
                || (answer["role"] == "follower" && answer["leader"] == leader)
        };
        ALL.iter().all(follows).then_some(())
    })
}

/// Milliseconds of one thing, in all cuts, and in those during which nothing stalled.
#[derive(Debug, Default)]
struct Row {
    all: Spread,
    quiet: Spread,
}

#[derive(Debug, Default)]
struct Table {
    replaced: Row,
    replaced_gone: Row,
    followed: Row,
    on_return: Row,
    short: Row,
    long: Row,
    cuts: u32,
    stalled: u32,
}

impl Table {
    fn add(&mut self, cut: &Cut, story: &Story, stalls: &[Stall], tell: bool) -> Outcome {
        let missing = || Failure::new("nothing was confirmed after a cut");
        let lasted = micros(cut.healed.since(cut.at));
        let stall = |from: Micros, span: Duration| {
            let from = cut.healed_at - micros(cut.healed.since(from));
            stalls::longest_between(stalls, from, from + span)
        };
        let told = match cut.shape {
            Shape::Leader | Shape::LeaderGone => {
                let gap = story.gap_between(cut.at, cut.healed).map(micros);
                let gap = gap.ok_or_else(missing)?;
                let rows = [&mut self.replaced, &mut self.replaced_gone];
                let [row, row_gone] = rows;
                let row = if cut.shape == Shape::Leader {
                    row
                } else {
                    row_gone
                };
                row.add(gap, stall(cut.at, gap));
                let back = story
                    .gap_between(cut.healed, cut.healed + RETURN)
                    .map(micros);
                let back = back.ok_or_else(missing)?;
                self.on_return.add(back, stall(cut.healed, micros(RETURN)));
                if let Some(followed) = cut.followed_after {
                    self.followed.add(followed, stall(cut.healed, followed));
                }
                (gap, stall(cut.at, gap))
            }
            Shape::Alone => {
                let first = story.first_after(cut.healed).ok_or_else(missing)?;
                let after = micros(first.since(cut.healed));
                let is_short = lasted < PEER_IDLE_TIMEOUT;
                let row = if is_short {
                    &mut self.short
                } else {
                    &mut self.long
                };
                row.add(after, stall(cut.healed, after));
                (after, stall(cut.healed, after))
            }
        };
        self.cuts += 1;
        self.stalled += u32::from(told.1 >= STALL_MIN);
        if tell {
            let (
                Cut {
                    shape,
                    followed_after,
                    ..
                },
                (after, stall),
            ) = (cut, told);
            println!(
                "{shape:?} for {lasted:?}: confirmed again after {after:?}, followed after {followed_after:?}, stalled {stall:?}"
            );
        }
        Ok(())
    }
}

/// How long after a heal something may still come of it.
const RETURN: Micros = Micros::from_millis(100);

impl Row {
    fn add(&mut self, span: Duration, stall: Duration) {
        let millis = 1e3 * span.as_secs_f64();
        self.all.add(millis);
        if stall < STALL_MIN {
            self.quiet.add(millis);
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let idle = PEER_IDLE_TIMEOUT.as_millis();
        let rows = [
            (
                "leader cut off from servers: last confirmed before the cut to first after",
                &self.replaced,
            ),
            (
                "leader cut off from servers and players: the same",
                &self.replaced_gone,
            ),
            (
                "leader cut off from servers: heal until it has all",
                &self.followed,
            ),
            (
                "after either heal: longest time without a confirmation",
                &self.on_return,
            ),
            (
                "nobody led, for less than the idle timeout: heal to first confirmed",
                &self.short,
            ),
            ("nobody led, for longer: the same", &self.long),
        ];
        writeln!(
            f,
            "| ms | cuts | mean | p50 | p99 | longest | where nothing stalled: cuts | mean | p50 | p99 | longest |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|---|---|---|---|")?;
        for (what, row) in rows {
            write!(f, "| {what} |")?;
            for spread in [&row.all, &row.quiet] {
                let values = [
                    spread.mean(),
                    spread.median(),
                    spread.quantile(0.99),
                    spread.quantile(1.0),
                ];
                write!(f, " {} |", spread.count())?;
                values
                    .iter()
                    .try_for_each(|value| write!(f, " {value:.1} |"))?;
            }
            writeln!(f)?;
        }
        writeln!(
            f,
            "The idle timeout is {idle} ms. An idle thread stalled for {STALL_MIN:?} or longer during {} of {} cuts.",
            self.stalled, self.cuts
        )
    }
}

const fn micros(span: Micros) -> Duration {
    Duration::from_micros(span.0)
}
