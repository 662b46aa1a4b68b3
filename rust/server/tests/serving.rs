//! The program from start to stop, with a player.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{collections::VecDeque, fs, path::Path, sync::mpsc};

use rustix::process::Signal;
use serde_json::Value;
use support::{Server, folder};
use synced_protocol::{
    control::{self, First},
    link::{CloseCode, CloseReason, ConnectionId, Event, Logic, Output, Target},
    message::{ClientMessage, Game, Hello, JoinKey, Refusal, ServerMessage},
    time::Micros,
};
use synced_transport::{ClientConfig, ClientEndpoint, Handle, Waker};

/// A player who says hello and tells a test what comes of it.
struct Player {
    outputs: VecDeque<Output>,
    game: Game,
    heard: mpsc::Sender<Heard>,
    first: bool,
}

#[derive(Debug, PartialEq)]
enum Heard {
    Welcome,
    Refused(Refusal),
    Closed(CloseReason),
}

impl Logic for Player {
    fn handle(&mut self, _now: Micros, event: Event) {
        match event {
            Event::Connected { connection, .. } => {
                let hello = Hello {
                    game: self.game.clone(),
                    player_name: "Ann".to_owned(),
                    key: JoinKey([1; 16]),
                    resume: None,
                };
                let bytes = control::encode_first(&ClientMessage::Hello(hello)).unwrap();
                self.outputs.push_back(Output::Frame { connection, bytes });
            }
            Event::Frame { bytes, .. } if self.first => {
                self.first = false;
                let heard = match control::decode_first(&bytes).unwrap() {
                    First::SameVersion(ServerMessage::Welcome(_)) => Heard::Welcome,
                    First::SameVersion(ServerMessage::Refused(refusal)) => Heard::Refused(refusal),
                    other => panic!("{other:?}"),
                };
                self.heard.send(heard).unwrap();
            }
            Event::Closed { reason, .. } => {
                let _ = self.heard.send(Heard::Closed(reason));
            }
            _ => {}
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn poll_deadline(&self) -> Option<Micros> {
        None
    }

    fn is_finished(&self) -> bool {
        false
    }
}

fn connect(invitation: &str, version: &str) -> (Handle<Player>, mpsc::Receiver<Heard>) {
    let (heard, hears) = mpsc::channel();
    let player = Player {
        outputs: [Output::Connect {
            connection: ConnectionId(1),
            to: Target::Configured,
        }]
        .into(),
        game: Game {
            name: "cups".to_owned(),
            version: version.to_owned(),
        },
        heard,
        first: true,
    };
    let config = ClientConfig::new(invitation.parse().unwrap());
    let endpoint = ClientEndpoint::new(config).unwrap();
    (endpoint.spawn(player, Waker::new()).unwrap(), hears)
}

fn stats(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

#[test]
fn a_player_joins_by_the_invitation_and_is_told_when_the_server_stops() {
    let folder = folder("a_player_joins");
    let server = Server::start(&folder, &["--stats-file", "stats.json"]);
    let (_player, hears) = connect(&server.invitation, "");
    assert_eq!(hears.recv(), Ok(Heard::Welcome));
    server.stop();
    let stopping = CloseReason::ByPeer(CloseCode::ServerStopping);
    assert_eq!(hears.recv(), Ok(Heard::Closed(stopping)));
    let stats = stats(&folder.join("stats.json"));
    assert_eq!(stats["node"]["counters"]["players_joined"], 1);
    assert_eq!(stats["node"]["log_index"], 1);
    assert_eq!(stats["node"]["digest"].as_str().unwrap().len(), 16);
    assert!(stats["leader"]["count"].as_u64() >= Some(1));
    assert!(stats["transport"]["bytes_received"].as_u64() > Some(0));
    assert!(stats["uptime_s"].as_f64() > Some(0.0));
}

#[test]
fn the_game_given_by_flags_is_the_one_that_players_must_bring() {
    let folder = folder("the_game_given");
    let server = Server::start(&folder, &["--game-version", "2"]);
    let (_player, hears) = connect(&server.invitation, "1");
    let game = |version: &str| Game {
        name: "cups".to_owned(),
        version: version.to_owned(),
    };
    let refusal = Refusal::Game {
        server: game("2"),
        client: game("1"),
    };
    assert_eq!(hears.recv(), Ok(Heard::Refused(refusal)));
    let refused = CloseReason::ByPeer(CloseCode::Refused);
    assert_eq!(hears.recv(), Ok(Heard::Closed(refused)));
    server.stop();
}

#[test]
fn either_signal_stops_the_server_in_an_orderly_way() {
    let folder = folder("either_signal");
    for signal in [Signal::TERM, Signal::INT] {
        let server = Server::start(&folder, &[]);
        server.signal(signal);
        assert_eq!(server.wait(), (Some(0), String::new()));
    }
}

#[test]
fn the_invitation_names_the_address_and_the_certificate_which_stays_the_same() {
    let folder = folder("the_invitation");
    let first = Server::start(&folder, &[]);
    let expected = format!("synced://{}#sha256={}", first.address, first.fingerprint);
    assert_eq!(first.invitation, expected);
    let fingerprint = first.fingerprint.clone();
    first.stop();
    let second = Server::start(&folder, &["--public-host", "play.example.org"]);
    assert_eq!(second.fingerprint, fingerprint);
    assert!(second.invitation.starts_with("synced://play.example.org:"));
    second.stop();
    assert!(folder.join("synced-data").is_dir());
}

#[test]
fn who_listens_everywhere_invites_to_somewhere() {
    let folder = folder("who_listens_everywhere");
    let server = Server::start(&folder, &["--listen", "0.0.0.0:0"]);
    assert!(server.address.starts_with("0.0.0.0:"));
    assert!(
        !server.invitation.contains("0.0.0.0"),
        "{}",
        server.invitation
    );
    server.stop();
}

#[test]
fn statistics_are_there_from_the_start_and_no_draft_stays() {
    let folder = folder("statistics_are_there");
    let server = Server::start(&folder, &["--stats-file", "stats.json"]);
    assert_eq!(stats(&folder.join("stats.json"))["node"]["players"], 0);
    server.stop();
    let names = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.collect();
    names.sort();
    assert_eq!(names, ["stats.json", "synced-data"]);
}
