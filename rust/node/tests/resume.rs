//! Lost connections, and players who come back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Table, config, openings::*, words::*};
use synced_node::{Limits, NodeConfig, Rate};
use synced_protocol::{
    id::{ClientSeq, LogIndex, PlayerId},
    link::{CloseCode, ConnectionId},
    message::{ClientMessage, Hello, Resume, ResumeToken},
    mutation::Rejection,
    time::Micros,
    value::Value,
};

#[test]
fn a_player_who_comes_back_gets_only_what_was_missed() {
    let (mut table, ann, bob, cup) = two_players_and_a_cup();
    table.lose(bob);
    table.propose(ann, give(cup, table.player(ann)));
    table.propose(ann, set(cup, CONFIRMED, Value::Int(1)));
    let back = table.come_back(bob);
    assert_eq!(table.player(back), table.player(bob));
    assert!(table.client(back).welcome().resumed);
    assert_eq!(table.client(back).commits.len(), 2);
    assert_eq!(table.client(back).snapshot_frames, 0);
    table.propose(ann, set(cup, CONFIRMED, Value::Int(2)));
    table.assert_agree(&[ann, back]);
    assert_eq!(table.stats().counters.players_resumed, 1);
}

#[test]
fn a_player_who_was_away_for_too_many_commits_gets_the_world_anew() {
    let limits = Limits {
        kept_frames_max: 3,
        ..Limits::DEFAULT
    };
    for missed in [3, 4] {
        let mut table = Table::with(NodeConfig { limits, ..config() });
        let (ann, bob) = (table.join("Ann"), table.join("Bob"));
        table.lose(bob);
        for counter in 1..=missed {
            table.spawn(ann, counter);
        }
        let back = table.come_back(bob);
        assert_eq!(table.player(back), table.player(bob));
        assert_eq!(table.client(back).welcome().resumed, missed == 3);
        table.spawn(ann, 10);
        table.assert_agree(&[ann, back]);
    }
}

#[test]
fn a_cursor_from_the_future_gets_the_world_anew() {
    let (mut table, _, bob, _) = two_players_and_a_cup();
    let hello = table.client(bob).hello_again();
    let resume = hello.resume.map(|resume| Resume {
        cursor: table.log_index().next(),
        ..resume
    });
    let id = table.connect();
    table.send_first(id, &ClientMessage::Hello(Hello { resume, ..hello }));
    assert!(!table.client(id).welcome().resumed);
    table.assert_agree(&[id]);
}

#[test]
fn a_proposal_that_is_sent_again_after_a_lost_connection_counts_once() {
    let (mut table, ann, bob, cup) = two_players_and_a_cup();
    table.propose(bob, give(cup, table.player(bob)));
    let decided = table.propose(bob, set(cup, CONFIRMED, Value::Int(1)));
    table.lose(bob);
    let back = table.come_back(bob);
    assert_eq!(table.client(back).welcome().last_seq, decided);
    table.propose_as(back, decided, set(cup, CONFIRMED, Value::Int(99)));
    table.propose_as(back, decided.next(), set(cup, CONFIRMED, Value::Int(2)));
    table.propose_as(back, decided.next(), set(cup, CONFIRMED, Value::Int(99)));
    let node = table.world_of(ann).node(cup).unwrap();
    assert_eq!(node.property(CONFIRMED).unwrap().value(), &Value::Int(2));
    assert_eq!(table.stats().counters.duplicates, 2);
    assert_eq!(table.client(back).rejected, []);
}

#[test]
fn a_rejection_reaches_its_player_alone_also_after_a_lost_connection() {
    let (mut table, ann, bob, cup) = two_players_and_a_cup();
    let seq = table.propose(bob, despawn(cup));
    assert_eq!(table.client(bob).rejected.len(), 1);
    table.lose(bob);
    let back = table.come_back(bob);
    let told: Vec<ClientSeq> = table.client(back).rejected.iter().map(|r| r.0).collect();
    assert!(told.iter().all(|told| *told == seq) && !told.is_empty());
    assert_eq!(table.client(ann).rejected, []);
}

#[test]
fn a_lost_player_stays_for_the_grace_and_then_leaves_for_good() {
    let (mut table, ann, bob, cup) = two_players_and_a_cup();
    let player = table.player(bob);
    table.propose(bob, give(cup, player));
    table.lose(bob);
    let grace = config().resume_grace;
    table.pass(grace - Micros(1));
    assert!(table.world_of(ann).player(player).is_some());
    table.pass(Micros(1));
    assert!(table.world_of(ann).player(player).is_none());
    assert_eq!(
        table.world_of(ann).node(cup).unwrap().owner(),
        PlayerId::SERVER
    );
    let stranger = table.come_back(bob);
    assert_ne!(table.player(stranger), player);
    table.assert_agree(&[ann, stranger]);
}

#[test]
fn a_player_who_came_back_has_the_whole_grace_again() {
    let (mut table, ann, bob, _) = two_players_and_a_cup();
    let player = table.player(bob);
    let most = config().resume_grace - Micros(1);
    table.lose(bob);
    table.pass(most);
    let back = table.come_back(bob);
    table.pass(most);
    table.lose(back);
    table.pass(most);
    assert!(table.world_of(ann).player(player).is_some());
}

#[test]
fn a_player_who_comes_back_while_still_connected_supersedes_the_old_connection() {
    let (mut table, ann, bob, _) = two_players_and_a_cup();
    let back = table.come_back(bob);
    assert_eq!(table.closed(bob), Some(CloseCode::Superseded));
    assert_eq!(table.player(back), table.player(bob));
    let before = table.log_index();
    table.propose_as(bob, ClientSeq(50), despawn(synced_protocol::id::NodeId(1)));
    table.lose(bob);
    table.pass(Micros::from_secs(60));
    assert_eq!(
        table.log_index(),
        before,
        "the old connection says nothing any more"
    );
    table.assert_agree(&[ann, back]);
}

#[test]
fn an_unknown_token_joins_as_a_new_player() {
    let (mut table, ann, _, _) = two_players_and_a_cup();
    let id = table.connect();
    let resume = Some(Resume {
        token: ResumeToken([9; 16]),
        cursor: LogIndex(1),
    });
    let hello = Hello {
        resume,
        ..hello("Eve")
    };
    table.send_first(id, &ClientMessage::Hello(hello));
    assert_eq!(table.player(id), PlayerId(3));
    assert!(!table.client(id).welcome().resumed);
    table.assert_agree(&[ann, id]);
}

#[test]
fn every_player_gets_a_token_of_their_own_and_keeps_it() {
    let (mut table, ann, bob, _) = two_players_and_a_cup();
    let token = |table: &Table, id| table.client(id).welcome().token;
    assert_ne!(token(&table, ann), token(&table, bob));
    let back = table.come_back(bob);
    assert_eq!(token(&table, back), token(&table, bob));
}

#[test]
fn a_player_who_comes_back_knows_the_last_id_that_was_used() {
    let (mut table, _, bob, _) = two_players_and_a_cup();
    table.spawn(bob, 7);
    table.lose(bob);
    let back = table.come_back(bob);
    assert_eq!(table.client(back).welcome().last_spawn_counter, 7);
}

/// A table where Bob may propose once a second, and the commits and rejections that are kept.
fn table_with_one_proposal_a_second(kept_frames_max: usize) -> (Table, ConnectionId) {
    let limits = Limits {
        proposals: Rate::new(1, 1),
        kept_frames_max,
        ..Limits::DEFAULT
    };
    let mut table = Table::with(NodeConfig { limits, ..config() });
    let bob = table.join("Bob");
    (table, bob)
}

#[test]
fn a_proposal_that_was_rejected_before_the_log_and_is_sent_again_is_not_done_after_all() {
    let (mut table, bob) = table_with_one_proposal_a_second(100);
    let cup = table.spawn(bob, 1);
    let seq = table.propose(bob, set(cup, CONFIRMED, Value::Int(1)));
    let told = [(seq, table.log_index(), Rejection::TooMany)];
    assert_eq!(table.client(bob).rejected, told);
    table.lose(bob);
    table.pass(Micros::from_secs(5));
    let back = table.come_back(bob);
    assert_eq!(table.client(back).welcome().last_seq, seq);
    assert_eq!(table.client(back).rejected, told, "it may not have heard");
    table.propose_as(back, seq, set(cup, CONFIRMED, Value::Int(1)));
    assert_eq!(table.stats().counters.duplicates, 1);
    table.pass(Micros::from_secs(1));
    table.propose_as(back, seq.next(), set(cup, LIVE, Value::Int(2)));
    let values = table.world_of(back).node(cup).unwrap().properties();
    assert_eq!(values[0].value(), &Value::Int(0));
    assert_eq!(values[1].value(), &Value::Int(2));
    assert_eq!(table.client(back).rejected, told);
    table.assert_agree(&[back]);
}

#[test]
fn the_last_decided_number_is_the_logs_again_once_that_is_ahead() {
    let (mut table, bob) = table_with_one_proposal_a_second(100);
    let cup = table.spawn(bob, 1);
    table.propose(bob, set(cup, CONFIRMED, Value::Int(1)));
    table.pass(Micros::from_secs(1));
    let last = table.propose(bob, set(cup, CONFIRMED, Value::Int(2)));
    table.lose(bob);
    let back = table.come_back(bob);
    assert_eq!(table.client(back).welcome().last_seq, last);
}

#[test]
fn who_may_have_missed_a_rejection_that_is_not_kept_gets_the_world_anew() {
    let (mut table, bob) = table_with_one_proposal_a_second(1);
    let cup = table.spawn(bob, 1);
    for _ in 0..2 {
        table.propose(bob, despawn(cup));
    }
    let last = table.client(bob).last_seq;
    table.lose(bob);
    let back = table.come_back(bob);
    let welcome = table.client(back).welcome();
    assert_eq!((welcome.resumed, welcome.last_seq), (false, last));
    table.assert_agree(&[back]);
}
