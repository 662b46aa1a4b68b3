//! A handful of runs, and that a run can be had again.

#![expect(clippy::unwrap_used, reason = "so a test fails")]

use std::{fs, process::Command};

use simulator::{plan::Plan, report::Report, run::Settings, runner::run_plan};
use synced_protocol::time::Micros;

fn run(name: &str, seed: u64, secs: u64) -> Report {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/plans");
    let text = fs::read_to_string(format!("{folder}/{name}.toml")).unwrap();
    let settings = Settings {
        seed,
        plan: Plan::parse(&text).unwrap(),
        time: Micros::from_secs(secs),
        plant: None,
    };
    run_plan(settings, None).0
}

fn kept(name: &str, seeds: u64, secs: u64) {
    for seed in 1..=seeds {
        let report = run(name, seed, secs);
        assert_eq!(report.violation, None, "plan {name}, seed {seed}");
        assert!(
            report.decided > 0,
            "plan {name}, seed {seed}: nobody played"
        );
    }
}

#[test]
fn whatever_goes_wrong_every_promise_is_kept() {
    kept("all", 2, 6);
    kept("engine-all", 2, 6);
}

#[test]
fn every_promise_is_kept_where_one_kind_of_fault_comes_all_the_time() {
    for name in [
        "calm",
        "duels",
        "kills-and-partitions",
        "leader-kills",
        "membership",
        "partitions",
        "power-losses",
        "quorum-disk",
        "recovery",
        "stalls",
    ] {
        kept(name, 1, 2);
    }
}

#[test]
fn players_know_session_time_to_the_millisecond_where_the_ways_are_alike() {
    let errors_us = run("calm", 1, 8).clock_errors_us;
    assert!(!errors_us.is_empty());
    assert!(
        errors_us.iter().all(|error| *error < 1_000),
        "{errors_us:?}"
    );
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_seed_another() {
    let hash = |seed| run("all", seed, 3).hash;
    let hashes = [hash(5), hash(5), hash(6)];
    assert_eq!(hashes[0], hashes[1]);
    assert_ne!(hashes[0], hashes[2]);
}

#[test]
fn the_same_seed_gives_the_same_run_in_another_process() {
    let printed = || {
        let program = env!("CARGO_BIN_EXE_simulator");
        let arguments = ["--seed", "5", "--plan", "all", "--ticks", "3000"];
        let output = Command::new(program).args(arguments).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let line = text.lines().find(|line| line.starts_with("seed 5: hash "));
        line.unwrap_or_else(|| panic!("{text}")).to_owned()
    };
    let hash = run("all", 5, 3).hash;
    assert_eq!(printed(), format!("seed 5: hash {hash:016x}"));
}

#[test]
fn every_plan_can_be_read() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/plans");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let plan = Plan::parse(&fs::read_to_string(&path).unwrap());
        assert!(plan.is_ok(), "{}: {plan:?}", path.display());
    }
}
