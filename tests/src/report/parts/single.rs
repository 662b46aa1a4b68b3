//! One server, two players without frames: how long a confirmation takes by itself.

use std::{
    thread,
    time::{Duration, Instant},
};

use synced_bench::{Times, spawn_own};
use synced_client::update::Update;
use synced_protocol::{
    id::{ClientSeq, NodeId, PropertyId},
    mutation::{Lane, Mutation, PropertySpec},
    time::Micros,
    value::Value as Property,
};

use crate::{
    Failure, Outcome,
    headless::HeadlessPlayer,
    report::{
        findings::Findings,
        part::{Bench, Chapter, Part},
        sample::{At, Value},
        tables,
        verdict::Verdict,
    },
    server::{ServerOptions, SyncedServer},
};

/// The part.
pub(super) struct Single;

const GAME: (&str, &str) = ("report", "1");
const NUMBER: PropertyId = PropertyId(0);
const OWN: &str = "own confirmation";
const OTHER: &str = "with another player";
/// What is aimed at, at p50, in milliseconds.
const AIM_MS: f64 = 0.5;
/// Between two proposals, so that none waits for another.
const PAUSE: Duration = Duration::from_millis(2);
/// How many are proposed before it counts.
const WARM_UP: u32 = 50;
/// How long one may take until both have seen it.
const TIME_MAX: Duration = Duration::from_secs(10);

const ABOUT: &str = "\
`synced serve` and two players, all on this machine, all packets by loopback and encrypted. One player proposes a number and hands it to the \
network at once; both look without a pause for what comes, so that no frame is in it. *Own confirmation* is until the proposer's client tells \
its game that it is confirmed, *with another player* until the other's client tells its game the new value. A game adds the wait for its own frame.";

impl Part for Single {
    fn name(&self) -> &'static str {
        "single"
    }

    fn measure(&self, bench: &mut Bench<'_>) -> Outcome {
        let proposals = bench.by_length(500, 300, 20);
        let repetitions = bench.repetitions(5, 3);
        let options = ServerOptions::new(GAME.0, GAME.1);
        let server = SyncedServer::start(&bench.folder("server")?, &options)?;
        let mut two = Two::join(&server.url())?;
        two.propose(WARM_UP)?;
        let name = |_: &()| format!("{proposals} proposals");
        bench.repeat(&[()], repetitions, name, |_, ()| {
            Ok((at(), two.propose(proposals)?.values()))
        })?;
        two.leave()?;
        server.stop()
    }

    fn chapter(&self, found: &Findings) -> Outcome<Chapter> {
        let verdict = |subject: &str| Verdict {
            what: "one server on loopback, p50 beyond the frame from a proposal".to_owned(),
            figure: format!("until {subject}"),
            measured: found.spread(subject, &at(), "p50"),
            unit: "ms",
            at_most: AIM_MS,
            stopped_by: String::new(),
        };
        Ok(Chapter {
            title: "One server, without frames".to_owned(),
            text: format!("{ABOUT}\n\n{}", tables::by_settings(found)),
            verdicts: [OWN, OTHER].map(verdict).into(),
            ..Chapter::default()
        })
    }
}

fn at() -> At {
    At::new([("servers", 1), ("players", 2)])
}

/// Who proposes, and who looks on.
struct Two {
    writer: HeadlessPlayer,
    other: HeadlessPlayer,
    node: NodeId,
    number: i64,
}

/// How long proposals took.
#[derive(Default)]
struct Proposed {
    own: Times,
    other: Times,
}

impl Two {
    fn join(url: &str) -> Outcome<Self> {
        let join = |name| HeadlessPlayer::join(url, HeadlessPlayer::config(GAME.0, GAME.1, name));
        let mut writer = join("writer")?;
        let other = join("other")?;
        let node = NodeId::spawned(writer.player(), 1);
        let number = PropertySpec {
            path: ".:number".to_owned(),
            lane: Lane::Confirmed,
            value: Property::Int(0),
        };
        writer.propose(Mutation::Spawn(spawn_own(
            node,
            writer.player(),
            "Single",
            vec![number],
        )));
        Ok(Self {
            writer,
            other,
            node,
            number: 0,
        })
    }

    fn propose(&mut self, times: u32) -> Outcome<Proposed> {
        let mut proposed = Proposed::default();
        for _ in 0..times {
            thread::sleep(PAUSE);
            let [own, other] = self.propose_one()?;
            proposed.own.add(micros(own));
            proposed.other.add(micros(other));
        }
        Ok(proposed)
    }

    /// How long it took until the proposer knew, and until the other did.
    fn propose_one(&mut self) -> Outcome<[Duration; 2]> {
        self.number += 1;
        let (node, number) = (self.node, self.number);
        let properties = vec![(NUMBER, Property::Int(number))];
        let began = Instant::now();
        let seq = self
            .writer
            .propose(Mutation::SetProperties { node, properties });
        let (mut own, mut other) = (None, None);
        while own.is_none() || other.is_none() {
            if began.elapsed() > TIME_MAX {
                return Err(Failure::new(format!(
                    "number {number} was not seen by both players within {} s",
                    TIME_MAX.as_secs()
                )));
            }
            own = own.or_else(|| is_told(&mut self.writer, began, |update| is_end(update, seq)));
            other =
                other.or_else(|| is_told(&mut self.other, began, |update| is_set(update, number)));
            thread::yield_now();
        }
        Ok([own.unwrap_or_default(), other.unwrap_or_default()])
    }

    fn leave(self) -> Outcome {
        self.writer.leave()?;
        self.other.leave().map(drop)
    }
}

impl Proposed {
    fn values(&self) -> Vec<Value> {
        [(OWN, &self.own), (OTHER, &self.other)]
            .map(|(subject, times)| Value::of_times(subject, times))
            .concat()
    }
}

/// When a player was told what is waited for, if it has been.
fn is_told(
    player: &mut HeadlessPlayer,
    began: Instant,
    is: impl Fn(&Update) -> bool,
) -> Option<Duration> {
    while let Some(update) = player.next_update() {
        if is(&update) {
            return Some(began.elapsed());
        }
    }
    None
}

fn is_end(update: &Update, seq: ClientSeq) -> bool {
    matches!(update, Update::CommitEnd(end) if end.own == Some(seq))
}

fn is_set(update: &Update, number: i64) -> bool {
    matches!(update, Update::PropertySet { value: Property::Int(set), .. } if *set == number)
}

fn micros(time: Duration) -> Micros {
    Micros(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_have_their_own_figures() {
        let mut proposed = Proposed::default();
        for us in [100, 200, 900] {
            proposed.own.add(Micros(us));
            proposed.other.add(Micros(2 * us));
        }
        let values = proposed.values();
        let of = |subject: &str| {
            let found = values
                .iter()
                .find(|value| value.subject == subject && value.figure == "p50");
            found.map(|value| (value.value * 10.0).round() / 10.0)
        };
        assert_eq!((of(OWN), of(OTHER)), (Some(0.2), Some(0.4)));
    }
}
