//! `synced bench`, small: real servers, real players, every number there.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::Value;
use support::{Server, error_text, folder, run, synced};

/// Three servers, five players in two processes, a second.
const SMALL: [&str; 15] = [
    "bench",
    "--nodes",
    "3",
    "--players",
    "5",
    "--processes",
    "2",
    "--confirmed-hz",
    "10",
    "--live-hz",
    "10",
    "--seconds",
    "2",
    "--bytes",
    "1024",
];

fn count(times: &Value) -> u64 {
    let pairs = times.as_array().unwrap().iter();
    pairs.map(|pair| pair[1].as_u64().unwrap()).sum()
}

#[test]
fn a_crowd_is_measured_stage_by_stage_and_everything_that_was_written_arrives_in_order() {
    let folder = folder("a_crowd_is_measured");
    let output = run(synced(&folder, &SMALL).arg("--json"));
    assert!(output.status.success(), "{}", error_text(&output));
    let figures: Value = serde_json::from_slice(&output.stdout).unwrap();
    let (crowd, servers) = (&figures["crowd"], &figures["servers"]);
    assert_eq!(crowd["players"], 5);
    for none in ["rejected", "undecided", "out_of_order", "reconnects"] {
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
}

#[test]
fn servers_that_run_already_are_measured_by_their_invitation() {
    let folder = folder("servers_that_run_already");
    let server = Server::start(&folder, &[]);
    let more = ["--url", &server.invitation, "--game", "cups"];
    let output = run(synced(&folder, &SMALL).args(more));
    assert!(output.status.success(), "{}", error_text(&output));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.starts_with("5 players, 2 s: "), "{told}");
    assert!(!told.contains("replication"), "{told}");
}

#[test]
fn what_cannot_be_measured_is_told_with_its_reason() {
    let folder = folder("what_cannot_be_measured");
    let fails = |more: &[&str]| {
        let output = run(synced(&folder, &SMALL).args(more));
        assert!(!output.status.success());
        error_text(&output)
    };
    let text = fails(&["--url", "nonsense://"]);
    assert!(text.contains("--url nonsense://"), "{text}");
    let server = Server::start(&folder, &[]);
    let text = fails(&["--url", &server.invitation, "--game", "mugs"]);
    assert!(text.contains("the session ended"), "{text}");
}
