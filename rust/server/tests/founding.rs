//! Making a cluster, and what becomes of one that cannot be.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use support::{error_text, folder, run, synced};

const INIT: [&str; 6] = ["cluster", "init", "--directory", "cups", "--game", "Cups"];

fn init(folder: &Path, more: &[&str]) -> String {
    let output = run(synced(folder, &INIT).args(more));
    assert!(output.status.success(), "{}", error_text(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn fails(folder: &Path, arguments: &[&str], code: i32) -> String {
    let output = run(&mut synced(folder, arguments));
    let text = error_text(&output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    text
}

fn files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_cluster_has_an_authority_an_operator_and_a_folder_for_each_server() {
    let folder = folder("a_cluster_has");
    let said = init(&folder, &["--nodes", "3"]);
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[1], "synced serve --config cups/server-2/server.toml");
    let hosts = "invite synced://127.0.0.1:4870,127.0.0.1:4871,127.0.0.1:4872#sha256=";
    assert!(lines[3].starts_with(hosts), "{said}");
    let cups = folder.join("cups");
    let of_operator = [
        "ca-key.pem",
        "ca.pem",
        "cluster.toml",
        "operator-key.pem",
        "operator.pem",
        "resume.key",
        "server-1",
        "server-2",
        "server-3",
    ];
    assert_eq!(files(&cups), of_operator);
    let of_server = [
        "certificate.pem",
        "data",
        "key.pem",
        "resume.key",
        "server.toml",
    ];
    assert_eq!(files(&cups.join("server-3")), of_server);
}

#[test]
fn secrets_can_be_read_by_their_owner_alone() {
    let folder = folder("secrets");
    init(&folder, &["--nodes", "1"]);
    for file in [
        "ca-key.pem",
        "operator-key.pem",
        "resume.key",
        "server-1/key.pem",
        "server-1/resume.key",
    ] {
        let mode = fs::metadata(folder.join("cups").join(file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{file}");
    }
}

#[test]
fn servers_on_hosts_of_their_own_are_reached_there_and_listen_everywhere() {
    let folder = folder("servers_on_hosts");
    let said = init(
        &folder,
        &["--nodes", "3", "--hosts", "a.example,b.example,10.0.0.3"],
    );
    assert!(
        said.contains("synced://a.example:4870,b.example:4870,10.0.0.3:4870#"),
        "{said}"
    );
    let server = fs::read_to_string(folder.join("cups/server-2/server.toml")).unwrap();
    for line in [
        "listen = \"0.0.0.0:4870\"",
        "peer_listen = \"0.0.0.0:4970\"",
        "2 b.example:4970 b.example:4870",
    ] {
        assert!(server.contains(line), "{server}");
    }
}

#[test]
fn an_even_number_of_servers_is_told_what_to_write_instead() {
    let folder = folder("an_even_number");
    let six = fails(
        &folder,
        &["cluster", "init", "--game", "x", "--nodes", "6"],
        3,
    );
    assert!(
        six.contains("5 voters survive two failures, 6 no more: write 5 or 7"),
        "{six}"
    );
    let many = fails(
        &folder,
        &["cluster", "init", "--game", "x", "--nodes", "17"],
        3,
    );
    assert!(many.contains("at most 15"), "{many}");
    assert_eq!(
        files(&folder),
        Vec::<String>::new(),
        "something is left of it"
    );
}

#[test]
fn a_cluster_needs_a_game_and_a_folder_of_its_own() {
    let folder = folder("a_cluster_needs");
    let no_game = fails(&folder, &["cluster", "init"], 3);
    assert!(no_game.contains("--game \"My Game\""), "{no_game}");
    init(&folder, &["--nodes", "1"]);
    let again = fails(&folder, &INIT, 7);
    assert!(
        again.contains("holds a cluster already") && again.contains("--directory"),
        "{again}"
    );
    fs::create_dir(folder.join("full")).unwrap();
    fs::write(folder.join("full/file"), "").unwrap();
    let full = fails(
        &folder,
        &["cluster", "init", "--game", "x", "--directory", "full"],
        7,
    );
    assert!(full.contains("full is not empty"), "{full}");
}

#[test]
fn a_folder_without_a_cluster_is_told_how_to_get_one() {
    let folder = folder("a_folder_without");
    for arguments in [
        &["status"][..],
        &["cluster", "remove", "--server", "1"],
        &["cluster", "transfer"],
    ] {
        let text = fails(&folder, arguments, 3);
        assert!(
            text.contains("synced-cluster/cluster.toml") && text.contains("synced cluster init"),
            "{text}"
        );
    }
}
