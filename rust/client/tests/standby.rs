//! What a session says to servers that it only watches, and what it makes of theirs, word by word.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use bytes::Bytes;
use common::{
    authored_cup, game, give, ms,
    scripted::{
        ME, OTHER, Script, TOKEN, commit, resumed, snapshot, spawn_cup, transaction, welcome,
    },
};
use synced_client::{SessionConfig, limits::STANDBY_CONNECTIONS_MAX};
use synced_protocol::{
    control::{decode, encode, encode_first},
    id::{LogIndex, ServerId, Term},
    link::{CloseCode, CloseReason, ConnectionId, Event, Output, Target},
    message::{ClientMessage, Leader, Refusal, ServerEntry, ServerMessage, SnapshotPart, Welcome},
};

const WATCH: ClientMessage = ClientMessage::Watch;

/// What a server says of five servers.
fn word(from: u16, term: u64, leader: Option<u16>) -> Leader {
    let servers = (1..=5_u16).map(|server| ServerEntry {
        server: ServerId(server),
        address: format!("server-{server}:7000"),
    });
    let mut servers: Vec<_> = servers.collect();
    servers.sort_by_key(|entry| Some(entry.server.0) == leader);
    Leader {
        from: ServerId(from),
        term: Term(term),
        leader: leader.map(ServerId),
        servers,
    }
}

/// A session that is up with server 1, which leads in term 3, and watches servers 2 and 3.
struct Cluster {
    script: Script,
    leader: ConnectionId,
    watched: [ConnectionId; 2],
}

impl Cluster {
    fn up() -> Self {
        Self::up_with(SessionConfig::new(game(), "ann"))
    }

    fn up_with(config: SessionConfig) -> Self {
        let mut script = Script::new(config);
        script.connect();
        let leader = script.connection();
        script.outputs.clear();
        script.say_first(&ServerMessage::Welcome(Welcome {
            leader: word(1, 3, Some(1)),
            ..welcome(ME, 10)
        }));
        script.say(&ServerMessage::Snapshot(snapshot(10)));
        let wanted = wanted(&script);
        let [(second, _), (third, _)] = wanted[..] else {
            panic!("{wanted:?}");
        };
        let mut cluster = Self {
            script,
            leader,
            watched: [second, third],
        };
        for (place, connection) in cluster.watched.into_iter().enumerate() {
            cluster.come_up(connection);
            let said = word(place as u16 + 2, 3, Some(1));
            cluster.say_first(connection, &ServerMessage::Leader(said));
        }
        cluster.script.outputs.clear();
        cluster
    }

    fn come_up(&mut self, connection: ConnectionId) {
        let remote = ([127, 0, 0, 1], 7_000).into();
        self.script.event(Event::Connected { connection, remote });
    }

    fn say_first(&mut self, connection: ConnectionId, message: &ServerMessage) {
        let bytes = encode_first(message).unwrap();
        self.script.event(Event::Frame { connection, bytes });
    }

    fn say(&mut self, connection: ConnectionId, message: &ServerMessage) {
        let bytes = encode(message).unwrap();
        self.script.event(Event::Frame { connection, bytes });
    }

    fn lose(&mut self, connection: ConnectionId, reason: CloseReason) {
        self.script.event(Event::Closed { connection, reason });
    }

    /// The session says hello by a connection; what it said before is forgotten.
    fn greeted(&mut self, connection: ConnectionId) -> bool {
        let frames = frames_by(&self.script, connection);
        let greeted = frames
            .iter()
            .any(|frame| matches!(decode(frame), Ok(ClientMessage::Hello(_))));
        self.script.outputs.clear();
        greeted
    }

    fn closed(&self) -> Vec<(ConnectionId, CloseCode)> {
        let outputs = self.script.outputs.iter();
        let closed = outputs.filter_map(|output| match output {
            Output::Close { connection, code } => Some((*connection, *code)),
            _ => None,
        });
        closed.collect()
    }
}

fn wanted(script: &Script) -> Vec<(ConnectionId, Target)> {
    let outputs = script.outputs.iter();
    let wanted = outputs.filter_map(|output| match output {
        Output::Connect { connection, to } => Some((*connection, to.clone())),
        _ => None,
    });
    wanted.collect()
}

fn frames_by(script: &Script, by: ConnectionId) -> Vec<Bytes> {
    let outputs = script.outputs.iter();
    let frames = outputs.filter_map(|output| match output {
        Output::Frame { connection, bytes } if *connection == by => Some(bytes.clone()),
        _ => None,
    });
    frames.collect()
}

#[test]
fn the_likeliest_next_leaders_are_watched_and_nothing_else_is_said_to_them() {
    let mut script = Script::new(SessionConfig::new(game(), "ann"));
    script.connect();
    script.outputs.clear();
    script.say_first(&ServerMessage::Welcome(Welcome {
        leader: word(1, 3, Some(1)),
        ..welcome(ME, 10)
    }));
    script.say(&ServerMessage::Snapshot(snapshot(10)));
    let wanted = wanted(&script);
    let addresses: Vec<_> = wanted.iter().map(|(_, target)| target).collect();
    let at = |address: &str| Target::At(address.to_owned());
    assert_eq!(addresses, [&at("server-2:7000"), &at("server-3:7000")]);
    let remote = ([127, 0, 0, 1], 7_000).into();
    for (connection, _) in wanted {
        script.event(Event::Connected { connection, remote });
        let first = encode_first(&WATCH).unwrap();
        assert_eq!(frames_by(&script, connection), [first]);
    }
}

#[test]
fn by_a_watched_connection_hello_and_welcome_need_no_preface_and_no_other_handshake() {
    let mut cluster = Cluster::up();
    let [second, _] = cluster.watched;
    cluster.say(second, &ServerMessage::Leader(word(2, 4, Some(2))));
    assert_eq!(cluster.closed(), [(cluster.leader, CloseCode::Done)]);
    let frames = frames_by(&cluster.script, second);
    let Ok(ClientMessage::Hello(hello)) = decode(&frames[0]) else {
        panic!("{frames:?}");
    };
    let resume = hello.resume.unwrap();
    assert_eq!((resume.token, resume.cursor), (TOKEN, LogIndex(10)));
    let ServerMessage::Welcome(welcome) = resumed(0) else {
        panic!()
    };
    let leader = word(2, 4, Some(2));
    let welcome = ServerMessage::Welcome(Welcome { leader, ..welcome });
    cluster.say(second, &welcome);
    cluster.say(second, &commit(21, spawn_cup(1)));
    let game = &cluster.script.game;
    assert_eq!((game.nodes.len(), game.joins.len()), (1, 1));
    assert_eq!(game.leaders.last(), Some(&(ServerId(2), Term(4))));
    assert_eq!(game.tries, [] as [u32; 0]);
}

#[test]
fn the_word_of_a_term_that_is_over_or_that_nobody_leads_moves_nobody() {
    let mut cluster = Cluster::up();
    let [second, third] = cluster.watched;
    cluster.say(second, &ServerMessage::Leader(word(2, 2, Some(3))));
    cluster.say(third, &ServerMessage::Leader(word(3, 4, None)));
    assert_eq!(cluster.closed(), []);
    cluster.say(third, &ServerMessage::Leader(word(3, 5, Some(1))));
    assert_eq!(cluster.closed(), [], "it is there already");
    assert!(!cluster.greeted(second) && !cluster.greeted(third));
}

#[test]
fn a_welcome_of_a_term_that_is_over_is_declined_and_another_way_is_tried() {
    let mut cluster = Cluster::up();
    let [second, third] = cluster.watched;
    cluster.say(second, &ServerMessage::Leader(word(2, 4, Some(2))));
    assert!(cluster.greeted(second));
    cluster.say(third, &ServerMessage::Leader(word(3, 5, Some(3))));
    assert!(cluster.greeted(third), "the newer word counts");
    let leader = word(3, 4, Some(3));
    let ServerMessage::Welcome(stale) = resumed(0) else {
        panic!()
    };
    cluster.say(third, &ServerMessage::Welcome(Welcome { leader, ..stale }));
    assert_eq!(cluster.closed().last(), Some(&(third, CloseCode::Done)));
    assert_eq!(cluster.script.game.leaders.len(), 1);
}

#[test]
fn a_welcome_that_would_take_the_world_back_is_declined_though_its_term_is_new() {
    for is_resumed in [true, false] {
        let mut cluster = Cluster::up();
        let [second, _] = cluster.watched;
        cluster.say(second, &ServerMessage::Leader(word(2, 4, Some(2))));
        cluster.script.outputs.clear();
        let back = Welcome {
            resumed: is_resumed,
            leader: word(2, 4, Some(2)),
            ..welcome(ME, 9)
        };
        cluster.say(second, &ServerMessage::Welcome(back));
        assert_eq!(cluster.closed(), [(second, CloseCode::Done)]);
        assert_eq!(cluster.script.game.leaders.len(), 1);
        assert_eq!(cluster.script.game.ended, None);
    }
}

#[test]
fn what_is_wrong_with_a_watched_server_costs_that_connection_and_nothing_else() {
    let refused = ServerMessage::Refused(Refusal::NameTooLong);
    let unasked = ServerMessage::Welcome(welcome(ME, 10));
    let stray = commit(11, spawn_cup(1));
    let mut other_version = encode_first(&refused).unwrap().to_vec();
    other_version[4..6].copy_from_slice(&77_u16.to_le_bytes());
    let first_words = [
        (encode_first(&refused).unwrap(), CloseCode::Done),
        (other_version.into(), CloseCode::Done),
        (encode_first(&unasked).unwrap(), CloseCode::Malformed),
        (encode_first(&stray).unwrap(), CloseCode::Malformed),
        (Bytes::from_static(b"what?"), CloseCode::Malformed),
    ];
    for (bytes, code) in first_words {
        let mut cluster = Cluster::up();
        let [second, _] = cluster.watched;
        cluster.lose(second, CloseReason::TimedOut);
        let (connection, _) = wanted(&cluster.script)[0].clone();
        cluster.come_up(connection);
        cluster.script.outputs.clear();
        cluster.script.event(Event::Frame { connection, bytes });
        assert_eq!(cluster.closed(), [(connection, code)]);
        cluster.say(cluster.leader, &commit(11, spawn_cup(1)));
        let game = &cluster.script.game;
        assert_eq!((game.nodes.len(), game.tries.len()), (1, 0));
    }
}

#[test]
fn one_untrusted_server_among_several_is_passed_over_and_a_lone_one_is_the_end() {
    let mut cluster = Cluster::up();
    cluster.say(
        cluster.watched[0],
        &ServerMessage::Leader(word(2, 4, Some(5))),
    );
    let (attempt, target) = wanted(&cluster.script)[0].clone();
    assert_eq!(target, Target::At("server-5:7000".into()));
    let reason = CloseReason::Untrusted("another fingerprint".into());
    cluster.lose(attempt, reason);
    assert_eq!(cluster.script.game.ended, None);
}

#[test]
fn a_session_that_is_not_to_come_back_follows_its_leader_all_the_same() {
    let mut config = SessionConfig::new(game(), "ann");
    config.retry.reconnect = false;
    let mut cluster = Cluster::up_with(config);
    let leader = cluster.leader;
    cluster.say(leader, &ServerMessage::Leader(word(1, 4, Some(2))));
    assert_eq!(cluster.closed(), [], "the one that led is watched now");
    assert!(cluster.greeted(cluster.watched[0]));
    assert_eq!(cluster.script.game.ended, None);
}

#[test]
fn a_server_that_leads_itself_again_is_asked_by_the_same_connection() {
    let mut cluster = Cluster::up();
    let leader = cluster.leader;
    cluster.say(leader, &ServerMessage::Leader(word(1, 4, None)));
    assert!(!cluster.greeted(leader), "others may know more");
    cluster.say(leader, &ServerMessage::Leader(word(1, 5, Some(1))));
    assert!(cluster.greeted(leader));
}

#[test]
fn two_hellos_of_which_the_first_seemed_to_be_answered_may_both_be_welcomed() {
    let mut cluster = Cluster::up();
    let [second, _] = cluster.watched;
    cluster.say(second, &ServerMessage::Leader(word(2, 4, Some(2))));
    assert!(cluster.greeted(second));
    // Both were said before the hello was heard.
    cluster.say(second, &ServerMessage::Leader(word(2, 5, None)));
    cluster.say(second, &ServerMessage::Leader(word(2, 6, Some(2))));
    cluster.script.now = cluster.script.now + ms(10);
    cluster.script.event(Event::Woken);
    assert!(cluster.greeted(second));
    let ServerMessage::Welcome(welcome) = resumed(0) else {
        panic!()
    };
    let welcome = ServerMessage::Welcome(Welcome {
        leader: word(2, 6, Some(2)),
        log_index: LogIndex(22),
        ..welcome
    });
    for answer in [
        &welcome,
        &commit(21, spawn_cup(1)),
        &welcome,
        &commit(21, spawn_cup(1)),
        &commit(22, transaction(OTHER, 2, give(authored_cup().node, OTHER))),
    ] {
        cluster.say(second, answer);
    }
    let game = &cluster.script.game;
    let told: Vec<_> = game.commits.iter().map(|end| end.log_index.0).collect();
    assert_eq!(told, [10, 21, 22]);
    assert_eq!((game.joins.len(), game.tries.len()), (1, 0));
    cluster.say(second, &welcome);
    let malformed = (second, CloseCode::Malformed);
    assert_eq!(cluster.closed().last(), Some(&malformed), "nobody asked");
}

#[test]
fn a_world_that_takes_its_time_to_arrive_is_waited_for_after_a_word_of_who_leads_too() {
    let mut script = Script::new(SessionConfig::new(game(), "ann"));
    let first = script.connect();
    script.outputs.clear();
    script.say_first(&ServerMessage::Leader(word(1, 3, Some(2))));
    let second = script.connect();
    assert_eq!(first.key, second.key, "it is the same client");
    script.say_first(&ServerMessage::Welcome(Welcome {
        leader: word(2, 3, Some(2)),
        ..welcome(ME, 10)
    }));
    let silence = SessionConfig::new(game(), "ann").handshake_timeout - ms(1);
    let part = SnapshotPart {
        players: Vec::new(),
        last: false,
        ..snapshot(10)
    };
    for _ in 0..5 {
        script.pass(silence);
        script.say(&ServerMessage::Snapshot(part.clone()));
    }
    script.pass(silence);
    script.say(&ServerMessage::Snapshot(snapshot(10)));
    assert_eq!((script.game.joins.len(), script.game.tries.len()), (1, 0));
    assert!(script.game.ended.is_none());
}

#[test]
fn no_more_servers_are_watched_than_the_limit_however_many_are_wanted() {
    let mut config = SessionConfig::new(game(), "ann");
    config.standby_connections = usize::MAX;
    let mut script = Script::new(config);
    script.connect();
    script.outputs.clear();
    let mut leader = word(1, 3, Some(1));
    leader.servers = (1..=9)
        .map(|server| ServerEntry {
            server: ServerId(server),
            address: format!("server-{server}:7000"),
        })
        .collect();
    let welcome = Welcome {
        leader,
        ..welcome(ME, 10)
    };
    script.say_first(&ServerMessage::Welcome(welcome));
    script.say(&ServerMessage::Snapshot(snapshot(10)));
    assert_eq!(wanted(&script).len(), STANDBY_CONNECTIONS_MAX);
}

#[test]
fn a_server_that_never_says_a_word_is_given_up_and_another_one_watched() {
    let mut cluster = Cluster::up();
    cluster.lose(cluster.watched[0], CloseReason::TimedOut);
    let (silent, _) = wanted(&cluster.script)[0].clone();
    cluster.come_up(silent);
    cluster.script.outputs.clear();
    let timeout = SessionConfig::new(game(), "ann").handshake_timeout;
    cluster.script.now = cluster.script.now + timeout;
    cluster.script.event(Event::Woken);
    assert_eq!(cluster.closed(), [(silent, CloseCode::HandshakeTimeout)]);
    let next: Vec<_> = wanted(&cluster.script);
    assert_eq!(next.len(), 1);
    assert_eq!(cluster.script.game.tries, [] as [u32; 0]);
}

#[test]
fn a_server_that_takes_part_no_more_is_watched_no_more_and_the_next_one_is() {
    let mut cluster = Cluster::up();
    let [second, third] = cluster.watched;
    let mut said = word(3, 3, Some(1));
    said.servers.retain(|entry| entry.server != ServerId(2));
    cluster.say(third, &ServerMessage::Leader(said));
    assert_eq!(cluster.closed(), [(second, CloseCode::Done)]);
    let (_, target) = wanted(&cluster.script)[0].clone();
    assert_eq!(target, Target::At("server-4:7000".into()));
    assert_eq!(cluster.script.game.servers.len(), 4);
}

#[test]
fn of_two_connections_to_one_server_one_is_closed() {
    let mut cluster = Cluster::up();
    let [second, third] = cluster.watched;
    cluster.say(third, &ServerMessage::Leader(word(2, 3, Some(1))));
    assert_eq!(cluster.closed(), [(second, CloseCode::Done)]);
}
