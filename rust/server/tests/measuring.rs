//! `synced bench`, small: real servers, real players, every number there.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{fs, path::Path, process::Command};

use serde_json::Value;
use support::{Server, error_text, folder, run, synced};

/// Three servers, five players in two processes, two seconds, unless told otherwise.
const SMALL: [[&str; 2]; 7] = [
    ["--nodes", "3"],
    ["--players", "5"],
    ["--processes", "2"],
    ["--confirmed-hz", "10"],
    ["--live-hz", "10"],
    ["--seconds", "2"],
    ["--bytes", "1024"],
];

/// `synced bench` with these flags, and those of [`SMALL`] that they do not replace.
fn bench(folder: &Path, flags: &[[&str; 2]]) -> Command {
    let replaces = |of_small: &str| {
        let mut given = flags.iter().map(|[flag, _]| *flag);
        given.any(|flag| flag == of_small || (flag == "--soak" && of_small == "--seconds"))
    };
    let rest = SMALL.iter().filter(|[flag, _]| !replaces(flag));
    let mut command = synced(folder, &["bench"]);
    command.args(rest.chain(flags).flatten());
    command
}

fn count(times: &Value) -> u64 {
    let pairs = times.as_array().unwrap().iter();
    pairs.map(|pair| pair[1].as_u64().unwrap()).sum()
}

fn bytes(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value}"))
}

/// What was measured, without a failure.
fn figures(folder: &Path, flags: &[[&str; 2]]) -> Value {
    let output = run(bench(folder, flags).arg("--json"));
    assert!(output.status.success(), "{}", error_text(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_crowd_is_measured_stage_by_stage_and_everything_that_was_written_arrives_in_order() {
    let figures = figures(&folder("a_crowd_is_measured"), &[["--seconds", "4"]]);
    let (crowd, servers) = (&figures["crowd"], &figures["servers"]);
    assert_eq!(crowd["players"], 5);
    for none in [
        "rejected",
        "undecided",
        "out_of_order",
        "unseen",
        "reconnects",
    ] {
        assert_eq!(crowd[none], 0, "{none}");
    }
    let seen = count(&crowd["confirmed"]["whole"]);
    assert!(seen > 0 && count(&crowd["live"]) > 0 && count(&crowd["own"]) > 0);
    for stage in ["order", "commit", "apply"] {
        assert_eq!(count(&crowd["confirmed"][stage]), seen, "{stage}");
    }
    assert_eq!(servers["servers"], 3);
    for stage in ["leader", "replication", "propagation"] {
        assert!(servers[stage]["count"].as_u64().unwrap() > 0, "{stage}");
    }
    assert_eq!(
        (&figures["broken"], &figures["soak"]),
        (&Value::Null, &Value::Null)
    );
    traffic_adds_up(&figures["traffic"]);
    memory_is_told(&figures["memory"]);
}

/// What the leader sent the players is about what these received: their spans are not quite the same.
fn traffic_adds_up(traffic: &Value) {
    let (leader, players) = (&traffic["leader"], &traffic["players"]);
    let rate = |side: &Value, name: &str| side[name].as_f64().unwrap();
    for (sent, received) in [(leader, players), (players, leader)] {
        let sent_bytes = rate(sent, "bytes_sent_per_s");
        let received_bytes = rate(received, "bytes_received_per_s");
        let ratio = received_bytes / sent_bytes;
        assert!((0.5..2.0).contains(&ratio), "{ratio} in {traffic}");
        let headers = rate(sent, "ip_bytes_sent_per_s") - sent_bytes;
        let datagrams = rate(sent, "datagrams_sent_per_s");
        assert!((headers - 28.0 * datagrams).abs() < 1.0, "{traffic}");
    }
    assert!(rate(&traffic["leader_peers"], "datagrams_sent_per_s") > 0.0);
    assert!(rate(traffic, "join_s") > 0.0);
}

fn memory_is_told(memory: &Value) {
    for who in ["leader_bytes", "follower_bytes", "players_bytes"] {
        assert!(
            bytes(&memory["before"][who]) > 1_000_000,
            "{who} in {memory}"
        );
        assert!(bytes(&memory["end"][who]) > 1_000_000, "{who} in {memory}");
    }
    let players = |when: &str| bytes(&memory[when]["players_bytes"]);
    assert!(players("end") > players("before"), "{memory}");
}

#[test]
fn a_world_at_rest_is_there_before_the_players_and_idle_players_cost_no_latency() {
    const WORLD: [[&str; 2]; 2] = [["--world-nodes", "3000"], ["--world-properties", "8"]];
    const IDLE: [[&str; 2]; 2] = [["--confirmed-hz", "0"], ["--live-hz", "0"]];
    let folder = folder("a_world_at_rest");
    let empty = figures(&folder, &IDLE);
    let full = figures(&folder, &[&WORLD[..], &IDLE[..]].concat());
    for figures in [&empty, &full] {
        assert_eq!(count(&figures["crowd"]["confirmed"]["whole"]), 0);
        assert_eq!(count(&figures["crowd"]["live"]), 0);
        assert!(count(&figures["crowd"]["frame_late"]) > 0);
    }
    assert_eq!(full["world"]["nodes"], 3_000);
    for (when, who) in [
        ("before", "leader_bytes"),
        ("before", "follower_bytes"),
        ("end", "players_bytes"),
    ] {
        let held = |figures: &Value| bytes(&figures["memory"][when][who]);
        assert!(held(&full) > held(&empty) + 1_000_000, "{when} {who}");
    }
}

#[test]
fn servers_that_run_already_are_measured_by_their_invitation_and_get_their_world_back() {
    let folder = folder("servers_that_run_already");
    let server = Server::start(&folder, &["--stats-file", "stats.json"]);
    let flags = [
        ["--url", &server.invitation],
        ["--game", "cups"],
        ["--world-nodes", "70"],
    ];
    let output = run(&mut bench(&folder, &flags));
    assert!(output.status.success(), "{}", error_text(&output));
    let told = String::from_utf8(output.stdout).unwrap();
    let heading = "5 players and 70 nodes at rest with 1 property each, 2 s: ";
    assert!(told.starts_with(heading), "{told}");
    assert!(!told.contains("replication"), "{told}");
    server.stop();
    let stats = fs::read(folder.join("stats.json")).unwrap();
    let stats: Value = serde_json::from_slice(&stats).unwrap();
    assert_eq!(stats["node"]["nodes"], 0, "{stats}");
}

#[test]
fn a_soak_tells_what_each_process_held_all_along() {
    let folder = folder("a_soak");
    let output = run(bench(&folder, &[["--soak", "6s"]]).arg("--json"));
    assert!(output.status.success(), "{}", error_text(&output));
    let figures: Value = serde_json::from_slice(&output.stdout).unwrap();
    let processes = figures["soak"]["processes"].as_array().unwrap();
    let names: Vec<_> = processes
        .iter()
        .map(|process| process["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["server 1", "server 2", "server 3", "players 1", "players 2"]
    );
    for process in processes {
        let samples = process["samples"].as_array().unwrap();
        assert!(samples.len() >= 4, "{process}");
        assert!(samples.iter().all(|sample| bytes(&sample[1]) > 1_000_000));
        assert!(process["trend"]["bytes_per_s"].is_f64(), "{process}");
    }
    let told = error_text(&output);
    assert!(
        told.contains("0 of 0 min") && told.contains("leads"),
        "{told}"
    );
}

#[test]
fn what_cannot_be_measured_is_told_with_its_reason() {
    let folder = folder("what_cannot_be_measured");
    let fails = |flags: &[[&str; 2]]| {
        let output = run(&mut bench(&folder, flags));
        (output.status.code(), error_text(&output))
    };
    let (code, text) = fails(&[["--url", "nonsense://"]]);
    assert_eq!(code, Some(3));
    assert!(text.contains("--url nonsense://"), "{text}");
    let server = Server::start(&folder, &[]);
    let (code, text) = fails(&[["--url", &server.invitation], ["--game", "mugs"]]);
    assert_eq!(code, Some(11));
    assert!(text.contains("the session ended"), "{text}");
}

#[test]
fn too_many_players_are_a_result_that_tells_why_and_more_are_not_tried() {
    let folder = folder("too_many_players");
    let server = Server::start(&folder, &["--players-max", "6"]);
    let flags = [
        ["--url", &server.invitation],
        ["--game", "cups"],
        ["--players", "3,9,12"],
    ];
    let output = run(bench(&folder, &flags).arg("--json"));
    assert_eq!(output.status.code(), Some(11));
    let lines = String::from_utf8(output.stdout.clone()).unwrap();
    let results: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let [three, nine] = &results[..] else {
        panic!("{lines}");
    };
    assert_eq!(
        (&three["players"], &three["broken"]),
        (&3.into(), &Value::Null)
    );
    assert_eq!(
        (&nine["players"], &nine["crowd"]),
        (&9.into(), &Value::Null)
    );
    let reason = nine["broken"]["reason"].as_str().unwrap();
    assert!(reason.contains("players_max: 6"), "{reason}");
    assert!(
        error_text(&output).contains(reason),
        "{}",
        error_text(&output)
    );
}
