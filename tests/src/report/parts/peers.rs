//! Beside Godot's own `MultiplayerSynchronizer`, in Godot.

use std::time::Duration;

use super::rows;
use crate::{
    Outcome,
    peers::{self, Cell, Figure, Plan, Spread, Step},
    report::{
        findings::Findings,
        part::{Bench, Beside, Chapter, Length, Part, REPETITIONS_LONG},
        plot::{Axes, Line, Plot, Point, lines},
        sample::At,
        verdict::Verdict,
    },
};

/// The part.
pub(super) struct Peers;

const OURS: &str = "SyncedNode";
const THEIRS: &str = "MultiplayerSynchronizer";
/// What the aim is about: so many objects, for so many clients.
const AIMED: Cell = Cell::lossless(100, 4);
/// Half of what the built-in takes, in bytes.
const BYTES_AIM: f64 = 23.0;
const SETTLING: Duration = Duration::from_millis(1_000);
const SPAN: Duration = Duration::from_millis(1_500);
const REPETITIONS: usize = 5;
const REPETITIONS_OF_LOSSES: usize = 3;

const ABOUT: &str = "\
One player hosts and moves objects sixty times a second, the others look on; the peer is Godot's own `MultiplayerSynchronizer` over ENet, in \
the same Godot, in the same processes, in turn. ENet's packets are in the clear, SyncedNode's are TLS 1.3. *IP bytes an update* are those of \
whole packets, both ways, for each update of one object that a client saw. *Latency* is from the change to the end of the first frame that \
shows it, *gap* from one frame that shows an object elsewhere to the next, *error* how far an object is shown from where it was a constant lag \
before (the best such lag beside it), *age* how old it is when it is shown. CPU is in percent of one core. *Tuned* is SyncedNode with batches of \
1 ms and no playout delay, and ENet with its range coder and sent at the end of the frame. The whole grid of 1, 20, 100 and 500 objects for 1, 4 and \
16 clients is measured with `--long`; otherwise less often, or in part: *runs* says how often.";

impl Part for Peers {
    fn name(&self) -> &'static str {
        "peers"
    }

    fn measure(&self, bench: &mut Bench<'_>) -> Outcome {
        let plan = match bench.length {
            Length::Long => long(),
            Length::Full => full(),
            Length::Quick => quick(),
            Length::Smallest => smallest(),
        };
        let seed = bench.seed;
        let mut progress = |text: &str| bench.tell(text);
        let collected = peers::repetitions_in_godot(&plan, seed, &mut progress)?;
        rows::add(bench, &collected);
        Ok(())
    }

    fn chapter(&self, found: &Findings) -> Outcome<Chapter> {
        Ok(Chapter {
            title: "Beside MultiplayerSynchronizer in Godot".to_owned(),
            plots: by_objects(found)?.into_iter().collect(),
            verdicts: vec![verdict(found)],
            ratios: short(found),
            ..rows::chapter(ABOUT, &rows::of(found, peers::Part::Godot)?)
        })
    }
}

/// Again and again each number of objects for four clients, and one loss; the other losses less often, other numbers of clients once.
fn full() -> Plan {
    let objects = [1, 20, 500].map(|objects| Cell::lossless(objects, 4).by_defaults());
    let each = objects.into_iter().chain([AIMED.by_all(), lossy(50)]);
    let each: Vec<_> = each.collect();
    let mut rounds = vec![each; REPETITIONS];
    for round in &mut rounds[..REPETITIONS_OF_LOSSES] {
        round.extend([10, 100].map(lossy));
    }
    rounds[0].extend([1, 16].map(|clients| Cell::lossless(100, clients).by_defaults()));
    plan(rounds)
}

/// Again and again each number of objects for each number of clients, and each loss.
fn long() -> Plan {
    let step = |cell: Cell| {
        if cell == AIMED {
            cell.by_all()
        } else {
            cell.by_defaults()
        }
    };
    let losses = [10, 50, 100].map(lossy);
    let each: Vec<_> = peers::grid().map(step).chain(losses).collect();
    plan(vec![each; REPETITIONS_LONG as usize])
}

fn quick() -> Plan {
    plan(vec![vec![AIMED.by_defaults(), lossy(50)]; 2])
}

fn smallest() -> Plan {
    let step = Cell::lossless(3, 1).by_defaults();
    Plan {
        settling: Duration::from_millis(200),
        span: Duration::from_millis(500),
        ..plan(vec![vec![step]])
    }
}

fn lossy(loss_permille: u16) -> Step {
    Cell::lossless(20, 4).losing(loss_permille).by_defaults()
}

const fn plan(rounds: Vec<Vec<Step>>) -> Plan {
    Plan {
        rounds,
        settling: SETTLING,
        span: SPAN,
    }
}

fn aimed() -> At {
    rows::at(AIMED.objects, AIMED.clients, 0.0)
}

fn verdict(found: &Findings) -> Verdict {
    Verdict {
        what: format!("{AIMED}: IP bytes for an update of one object"),
        figure: String::new(),
        measured: found.spread(OURS, &aimed(), Figure::BytesPerUpdate.name()),
        unit: "B",
        at_most: BYTES_AIM,
        stopped_by: String::new(),
    }
}

/// How ours does beside the other at what says most.
fn short(found: &Findings) -> Vec<Beside> {
    let ratio =
        |at: &At, figure| -> Option<Spread> { rows::ratio(found, [OURS, THEIRS], at, figure) };
    let told = [
        (aimed(), Figure::BytesPerUpdate),
        (aimed(), Figure::ServerCpu),
        (aimed(), Figure::LatencyP50),
        (rows::at(20, 4, 5.0), Figure::ErrorP99),
    ];
    let told = told.into_iter().filter_map(|(at, figure)| {
        Some(Beside {
            what: format!("{}: {OURS} by {THEIRS}", at.words()),
            figure: figure.title().to_owned(),
            value: ratio(&at, figure)?.to_string(),
        })
    });
    told.collect()
}

fn by_objects(found: &Findings) -> Outcome<Option<Plot>> {
    let peers = [
        OURS,
        THEIRS,
        "SyncedNode tuned",
        "MultiplayerSynchronizer tuned",
    ];
    let lines_of: Vec<_> = peers
        .into_iter()
        .map(|peer| line(found, peer))
        .filter(|line| !line.points.is_empty())
        .collect();
    if lines_of.is_empty() {
        return Ok(None);
    }
    let title = format!(
        "IP bytes an update, {} clients, nothing lost",
        AIMED.clients
    );
    let axes = Axes {
        title: &title,
        x: "objects",
        y: "bytes",
        log_y: true,
    };
    Ok(Some(Plot {
        svg: lines(axes, &lines_of)?,
        file: "bytes-by-objects.svg".to_owned(),
        title,
    }))
}

fn line(found: &Findings, peer: &str) -> Line {
    let is_shown = |at: &&At| {
        at.number("clients") == Some(f64::from(AIMED.clients))
            && at.number("loss_percent") == Some(0.0)
    };
    let point = |at: &At| {
        Some(Point {
            x: at.number("objects")?,
            y: found.spread(peer, at, Figure::BytesPerUpdate.name())?,
        })
    };
    let settings = found.settings().into_iter();
    let mut points: Vec<_> = settings.filter(is_shown).filter_map(point).collect();
    points.sort_by(|one, other| one.x.total_cmp(&other.x));
    Line {
        name: peer.to_owned(),
        points,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::parts::rows::tests::compared;

    #[test]
    fn bytes_are_held_against_half_of_the_built_in_and_drawn_beside_it() {
        let found = compared(
            AIMED.clients,
            &[
                (OURS, Figure::UpdatesPerSecond, 60.0),
                (THEIRS, Figure::UpdatesPerSecond, 60.0),
                (OURS, Figure::BytesPerUpdate, 24.5),
                (THEIRS, Figure::BytesPerUpdate, 49.0),
            ],
        );
        let chapter = Peers.chapter(&found).unwrap();
        assert_eq!(chapter.verdicts[0].to_string(), "missed by 1.50 B (7 %)");
        assert_eq!(chapter.ratios.len(), 1);
        assert_eq!(chapter.ratios[0].value, "0.50");
        assert!(
            chapter
                .text
                .contains("**SyncedNode by MultiplayerSynchronizer**")
        );
        for text in [OURS, THEIRS, "24.5", "49"] {
            assert!(chapter.plots[0].svg.contains(text), "no {text}");
        }
    }

    #[test]
    fn the_long_plan_repeats_the_whole_grid_and_every_loss() {
        let plan = long();
        for round in &plan.rounds {
            let cells: Vec<_> = round.iter().map(|step| step.cell).collect();
            assert!(peers::grid().all(|cell| cells.contains(&cell)));
            let lossy = [10, 50, 100].map(|loss| lossy(loss).cell);
            assert!(lossy.iter().all(|cell| cells.contains(cell)));
        }
        assert_eq!(plan.rounds.len(), REPETITIONS_LONG as usize);
    }

    #[test]
    fn the_full_plan_repeats_objects_and_losses_and_has_every_number_of_clients() {
        let plan = full();
        assert_eq!((plan.rounds.len(), plan.clients_max()), (REPETITIONS, 16));
        let each = |is: &dyn Fn(&Cell) -> bool| {
            let rounds = plan.rounds.iter();
            rounds
                .filter(|round| round.iter().any(|step| is(&step.cell)))
                .count()
        };
        for objects in [1, 20, 100, 500] {
            assert_eq!(each(&|cell| cell.objects == objects), REPETITIONS);
        }
        for (loss, repetitions) in [(0, 5), (10, 3), (50, 5), (100, 3)] {
            assert_eq!(each(&|cell| cell.loss_permille == loss), repetitions);
        }
        assert_eq!(
            (
                each(&|cell| cell.clients == 1),
                each(&|cell| cell.clients == 16)
            ),
            (1, 1)
        );
    }
}
