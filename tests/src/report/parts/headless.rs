//! Beside libraries without an engine.

use std::time::Duration;

use super::rows;
use crate::{
    Outcome,
    peers::{self, Cell, Figure, Plan},
    report::{
        findings::Findings,
        part::{Bench, Beside, Chapter, Part},
        sample::At,
        verdict::Verdict,
    },
};

/// The part.
pub(super) struct Headless;

const OURS: &str = "SyncedNode headless";
/// What a server's work is held against.
const ENET: &str = "ENet";
const RENET: &str = "renet";
/// What no library can do without.
const UDP: &str = "UDP alone";
/// With as many clients as the aim is about.
const CROWDED: Cell = Cell::lossless(20, 100);
const BUSY: Cell = Cell::lossless(100, 4);
/// How much more of the processor than ENet's server ours may take, encryption included.
const CPU_AIM: f64 = 1.5;
const SETTLING: Duration = Duration::from_millis(300);
const SPAN: Duration = Duration::from_millis(800);
const REPETITIONS: usize = 5;

/// Of a server that relays twenty poses sixty times a second to a hundred players.
const PROFILE: &str = "\
Of ours, in a profile that perf once made on another occasion, a quarter is the system's sending of packets, a fifth what comes back to acknowledge them, an eighth building and encrypting \
them, an eighth waiting and being woken; the rest is what QUIC and its runtime do for each packet and connection: timers, tasks, locks.";

const ABOUT: &str = "\
The same messages by libraries without an engine: a mover sends a pose of each object sixty times a second, a server hands all of them to \
each client. Latency is from the sending to the arrival; there are no frames. SyncedNode and renet encrypt, ENet and plain UDP do not; UDP \
alone is sockets and nothing else, the limit of what a library can reach. *Server CPU* is that of the server alone, in percent of one core.";

impl Part for Headless {
    fn name(&self) -> &'static str {
        "headless"
    }

    fn measure(&self, bench: &mut Bench<'_>) -> Outcome {
        let plan = bench.by_length(
            plan(&[BUSY, CROWDED], REPETITIONS),
            plan(&[BUSY, CROWDED], 1),
            plan(&[Cell::lossless(5, 3)], 1),
        );
        let mut progress = |text: &str| bench.tell(text);
        let collected = peers::headless::repetitions(&plan, &mut progress)?;
        rows::add(bench, &collected);
        Ok(())
    }

    fn chapter(&self, found: &Findings) -> Outcome<Chapter> {
        Ok(Chapter {
            title: "Beside libraries without an engine".to_owned(),
            verdicts: vec![verdict(found)],
            ratios: short(found),
            ..rows::chapter(ABOUT, &rows::of(found, peers::Part::Headless)?)
        })
    }
}

fn plan(cells: &[Cell], repetitions: usize) -> Plan {
    let steps = cells.iter().copied().map(Cell::by_defaults);
    Plan {
        rounds: vec![steps.collect(); repetitions],
        settling: SETTLING,
        span: SPAN,
    }
}

fn verdict(found: &Findings) -> Verdict {
    let Cell {
        objects, clients, ..
    } = CROWDED;
    let at = rows::at(objects, clients, 0.0);
    Verdict {
        what: format!("{objects} objects, {clients} clients: CPU of the server, by that of {ENET}"),
        figure: String::new(),
        measured: rows::ratio(found, [OURS, ENET], &at, Figure::ServerCpu),
        unit: "",
        at_most: CPU_AIM,
        stopped_by: stopped_by(found, &at),
    }
}

/// What others take for the same, and where ours goes, as perf saw it.
fn stopped_by(found: &Findings, at: &At) -> String {
    let by_enet = |peer| rows::ratio(found, [peer, ENET], at, Figure::ServerCpu);
    let Some((udp, renet)) = by_enet(UDP).zip(by_enet(RENET)) else {
        return String::new();
    };
    format!(
        "{UDP} takes {:.2} of {ENET}'s, {RENET}, which encrypts too, {:.2}. {PROFILE}",
        udp.median, renet.median
    )
}

fn short(found: &Findings) -> Vec<Beside> {
    let at = rows::at(BUSY.objects, BUSY.clients, 0.0);
    let figures = [Figure::BytesPerUpdate, Figure::ServerCpu];
    let told = figures.into_iter().filter_map(|figure| {
        let ratio = rows::ratio(found, [OURS, RENET], &at, figure)?;
        Some(Beside {
            what: format!("{BUSY}: {OURS} by {RENET}"),
            figure: figure.title().to_owned(),
            value: ratio.to_string(),
        })
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::findings::tests::measured;

    #[test]
    fn the_server_s_work_is_held_against_that_of_enet() {
        let at = rows::at(CROWDED.objects, CROWDED.clients, 0.0);
        let cpu = Figure::ServerCpu.name();
        let found = measured(&[(OURS, &at, cpu, 60.0), (ENET, &at, cpu, 30.0)]);
        assert_eq!(verdict(&found).to_string(), "missed by 0.50 (33 %)");
        assert_eq!(verdict(&found).stopped_by, "");
        let alone = measured(&[(OURS, &at, cpu, 60.0)]);
        assert_eq!(verdict(&alone).to_string(), "not measured");
    }

    #[test]
    fn what_is_told_in_short_is_beside_an_encrypted_library() {
        let at = rows::at(BUSY.objects, BUSY.clients, 0.0);
        let bytes = Figure::BytesPerUpdate.name();
        let found = measured(&[(OURS, &at, bytes, 20.0), (RENET, &at, bytes, 40.0)]);
        assert_eq!(short(&found)[0].value, "0.50");
    }
}
