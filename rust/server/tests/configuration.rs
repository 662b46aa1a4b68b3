//! Settings, their order, and what becomes of wrong ones.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{fs, net::UdpSocket, path::Path};

use support::{Server, error_text, folder, run, synced};

const BASIC: [&str; 5] = ["serve", "--game", "cups", "--listen", "127.0.0.1:0"];

/// Runs it with what cannot work, and gives what it says.
fn fails(folder: &Path, arguments: &[&str], code: i32) -> String {
    let output = run(&mut synced(folder, arguments));
    let text = error_text(&output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(output.stdout.is_empty(), "nobody was told that it listens");
    text
}

fn basic_and<'a>(more: &[&'a str]) -> Vec<&'a str> {
    BASIC.iter().chain(more).copied().collect()
}

#[test]
fn a_flag_goes_before_a_variable_before_the_file_before_the_default() {
    let folder = folder("a_flag_goes_before");
    fs::write(
        folder.join("synced.toml"),
        "game = \"cups\"\nlisten = \"127.0.0.2:0\"",
    )
    .unwrap();
    let address_with = |variable: bool, flag: bool| {
        let mut command = synced(&folder, &["serve", "--config", "synced.toml"]);
        if variable {
            command.env("SYNCED_LISTEN", "127.0.0.3:0");
        }
        if flag {
            command.args(["--listen", "127.0.0.4:0"]);
        }
        let server = Server::listening(command);
        let (host, _) = server.address.split_once(':').unwrap();
        let host = host.to_owned();
        server.stop();
        host
    };
    assert_eq!(address_with(false, false), "127.0.0.2");
    assert_eq!(address_with(true, false), "127.0.0.3");
    assert_eq!(address_with(true, true), "127.0.0.4");
}

#[test]
fn the_default_file_is_printed_and_can_be_used() {
    let folder = folder("the_default_file");
    let printed = run(&mut synced(&folder, &["serve", "--print-default"]));
    assert!(printed.status.success());
    fs::write(folder.join("synced.toml"), &printed.stdout).unwrap();
    Server::start(&folder, &["--config", "synced.toml"]).stop();
}

#[test]
fn a_wrong_file_is_named_with_its_key_and_what_is_allowed() {
    let folder = folder("a_wrong_file");
    let says = |text: &str| {
        fs::write(folder.join("synced.toml"), text).unwrap();
        fails(&folder, &basic_and(&["--config", "synced.toml"]), 3)
    };
    let unknown = says("player_max = 3");
    let wrong = says("players_max = 0");
    let broken = says("players_max =");
    for text in [&unknown, &wrong, &broken] {
        assert!(
            text.contains("synced.toml") && text.contains("line 1"),
            "{text}"
        );
    }
    assert!(unknown.contains("player_max") && unknown.contains("`players_max`"));
    assert!(wrong.contains("a whole number from 1 to 10000"), "{wrong}");
    let missing = fails(&folder, &basic_and(&["--config", "nowhere.toml"]), 3);
    assert!(missing.contains("nowhere.toml"), "{missing}");
}

#[test]
fn a_wrong_variable_is_named_with_what_is_allowed() {
    let folder = folder("a_wrong_variable");
    let output = run(synced(&folder, &BASIC).env("SYNCED_LOG_FORMAT", "xml"));
    let text = error_text(&output);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("SYNCED_LOG_FORMAT") && text.contains("text or json"));
}

#[test]
fn a_wrong_flag_is_named_with_what_is_allowed() {
    let folder = folder("a_wrong_flag");
    let wrong = fails(&folder, &basic_and(&["--players-max", "0"]), 2);
    assert!(
        wrong.contains("--players-max") && wrong.contains("from 1 to 10000"),
        "{wrong}"
    );
    let unknown = fails(&folder, &basic_and(&["--colour", "red"]), 2);
    assert!(unknown.contains("--colour"), "{unknown}");
}

#[test]
fn without_a_game_it_says_how_to_name_one() {
    let folder = folder("without_a_game");
    let text = fails(&folder, &["serve"], 3);
    for way in ["--game", "SYNCED_GAME", "\"game\""] {
        assert!(text.contains(way), "{text}");
    }
}

#[test]
fn an_address_that_is_taken_is_named() {
    let folder = folder("an_address_that_is_taken");
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let text = fails(
        &folder,
        &["serve", "--game", "cups", "--listen", &address],
        4,
    );
    assert!(text.contains(&address), "{text}");
}

#[test]
fn a_key_that_is_none_is_named() {
    let folder = folder("a_key_that_is_none");
    fs::create_dir(folder.join("data")).unwrap();
    for file in ["key.pem", "cert.pem"] {
        fs::write(folder.join("data").join(file), "not PEM").unwrap();
    }
    let text = fails(&folder, &basic_and(&["--data-dir", "data"]), 5);
    assert!(text.contains("data/"), "{text}");
}

#[test]
fn a_stats_file_that_cannot_be_written_is_named_before_anyone_joins() {
    let folder = folder("a_stats_file");
    let text = fails(
        &folder,
        &basic_and(&["--stats-file", "nowhere/stats.json"]),
        6,
    );
    assert!(text.contains("nowhere/stats.json"), "{text}");
}

#[test]
fn the_log_goes_to_the_standard_error_in_the_format_asked_for() {
    let folder = folder("the_log_goes");
    for (format, starts_with) in [("json", "{"), ("text", "20")] {
        let log = folder.join(format);
        let mut command = synced(&folder, &basic_and(&["--log-format", format]));
        command.stderr(fs::File::create(&log).unwrap());
        command.env("SYNCED_LISTN", "127.0.0.1:1");
        Server::listening(command).stop();
        let text = fs::read_to_string(&log).unwrap();
        assert!(
            text.lines().all(|line| line.starts_with(starts_with)),
            "{text}"
        );
        assert!(
            text.contains("SYNCED_LISTN") && text.contains("SIGTERM"),
            "{text}"
        );
    }
}

#[test]
fn help_tells_the_exit_codes_and_version_the_version() {
    let folder = folder("help_tells");
    for arguments in [&["--help"][..], &["serve", "--help"]] {
        let help = run(&mut synced(&folder, arguments)).stdout;
        let help = String::from_utf8(help).unwrap();
        assert!(
            help.contains("Exit codes:") && help.contains("\n  6  "),
            "{help}"
        );
    }
    let version = run(&mut synced(&folder, &["--version"])).stdout;
    let expected = format!("synced {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8(version).unwrap(), expected);
}
