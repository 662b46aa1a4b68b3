//! Tests of the checks: each mistake that is made on purpose is noticed, by the check that is meant to notice it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "so a test fails")]

use simulator::{
    check::Promise, plan::Plan, plant::Plant, report::Report, run::Settings, runner::run_plan,
};
use synced_protocol::time::Micros;

/// In so many runs each mistake must have been noticed.
const SEEDS: u64 = 150;
const TIME: Micros = Micros::from_secs(5);

fn plan(name: &str) -> Plan {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/plans");
    let text = std::fs::read_to_string(format!("{folder}/{name}.toml")).unwrap();
    Plan::parse(&text).unwrap()
}

fn runs(name: &str, engine: bool, plant: Option<Plant>) -> impl Iterator<Item = Report> {
    let mut plan = plan(name);
    if engine {
        plan.cluster.system = simulator::plan::SystemKind::Engine;
    }
    (1..=SEEDS).map(move |seed| {
        let settings = Settings {
            seed,
            plan: plan.clone(),
            time: TIME,
            plant,
        };
        run_plan(settings, None).0
    })
}

/// Which promises the runs with a mistake break, until the first that is expected.
fn noticed(name: &str, engine: bool, plant: Plant, expected: &[Promise]) {
    let violations = runs(name, engine, Some(plant)).filter_map(|report| report.violation);
    let mut others = Vec::new();
    for violation in violations {
        if expected.contains(&violation.promise) {
            return;
        }
        others.push(violation.to_string());
    }
    panic!("{plant} was not noticed, but {others:#?}");
}

#[test]
fn a_disk_that_answers_before_it_has_written_is_noticed_as_publishing_early() {
    for engine in [true, false] {
        noticed(
            "quorum-disk",
            engine,
            Plant::EarlyPublish,
            &[Promise::NothingEarly],
        );
    }
}

#[test]
fn a_disk_that_forgets_votes_is_noticed_as_two_histories_or_two_leaders() {
    let expected = [
        Promise::OneHistory,
        Promise::NothingEarly,
        Promise::OneLeader,
    ];
    noticed("duels", true, Plant::LostVote, &expected);
}

#[test]
fn a_player_who_proposes_anew_what_is_not_lost_is_noticed_as_a_thing_that_happens_twice() {
    for engine in [true, false] {
        let expected = [Promise::ExactlyOnce];
        noticed(
            "kills-and-partitions",
            engine,
            Plant::DoubleApply,
            &expected,
        );
    }
}

#[test]
fn a_lease_that_does_not_end_is_noticed_as_two_who_serve() {
    for engine in [true, false] {
        let expected = [Promise::OneLeader, Promise::NoStaleRead];
        noticed("partitions", engine, Plant::StaleRead, &expected);
    }
}

#[test]
fn a_server_that_comes_back_as_itself_without_its_memory_is_noticed() {
    for engine in [true, false] {
        let expected = [
            Promise::OneHistory,
            Promise::NothingEarly,
            Promise::NothingLost,
            Promise::Sanity,
        ];
        noticed("power-losses", engine, Plant::WrongRestart, &expected);
    }
}
