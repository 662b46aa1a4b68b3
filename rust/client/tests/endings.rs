//! How a session ends, and what it says of itself on the way.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{
    authored_cup, cup, game, give, ms,
    scripted::{OTHER, Script, commit, spawn_cup, transaction, updates},
};
use synced_client::{
    SessionConfig, command::Command, limits::UPDATES_WAITING_MAX, update::EndReason,
};
use synced_protocol::{
    control::encode,
    id::{NodeId, PropertyId},
    link::{CloseCode, CloseReason, Event, Logic, Output},
    message::ClientMessage,
    mutation::{Lane, Mutation, PropertySpec},
    time::Micros,
    value::Value,
};

#[test]
fn without_leave_to_reconnect_a_loss_is_the_end() {
    let mut config = SessionConfig::new(game(), "ann");
    config.retry.reconnect = false;
    let mut script = Script::up_with(config);
    script.lose(CloseReason::TimedOut);
    assert_eq!(
        script.game.ended,
        Some(EndReason::Closed(CloseReason::TimedOut))
    );
}

#[test]
fn leaving_says_so_closes_in_order_and_needs_no_connection() {
    let mut script = Script::up();
    script.session.command(script.now, Command::Leave);
    script.event(Event::Woken);
    assert_eq!(script.frames().len(), 1);
    assert_eq!(script.closed_with(), Some(CloseCode::Done));
    assert_eq!(script.game.ended, Some(EndReason::Left));
    assert_eq!(script.session.poll_deadline(), None);

    let mut script = Script::new(SessionConfig::new(game(), "ann"));
    script.connect();
    script.outputs.clear();
    script.session.command(script.now, Command::Leave);
    script.event(Event::Woken);
    let leave = encode(&ClientMessage::Leave).unwrap();
    assert_eq!(script.frames(), [leave], "behind the hello");
    assert_eq!(script.closed_with(), Some(CloseCode::Done));

    let mut script = Script::up();
    script.lose(CloseReason::TimedOut);
    script.session.command(script.now, Command::Leave);
    script.event(Event::Woken);
    assert_eq!(script.game.ended, Some(EndReason::Left));
}

#[test]
fn leaving_while_connecting_gives_the_attempt_up_once_and_sends_nothing_by_it() {
    let mut script = Script::new(SessionConfig::new(game(), "ann"));
    let connection = script.wanted().unwrap();
    script.outputs.clear();
    script.session.command(script.now, Command::Leave);
    script.event(Event::Woken);
    script.event(Event::Connected {
        connection,
        remote: ([127, 0, 0, 1], 7_000).into(),
    });
    let close = Output::Close {
        connection,
        code: CloseCode::Done,
    };
    assert_eq!(script.outputs, [close]);
    assert_eq!(script.game.ended, Some(EndReason::Left));
}

#[test]
fn a_game_that_reads_nothing_is_taken_for_dead_and_the_session_ends_with_a_reason() {
    let mut script = Script::up();
    let node = NodeId::spawned(OTHER, 1);
    let mut spawn = cup(node, OTHER);
    spawn.properties = (0..64)
        .map(|place| PropertySpec {
            path: format!(":p{place}"),
            lane: Lane::Confirmed,
            value: Value::Nil,
        })
        .collect();
    script.say(&commit(11, transaction(OTHER, 1, Mutation::Spawn(spawn))));
    let all = || {
        (0..64)
            .map(|place| (PropertyId(place), Value::Nil))
            .collect()
    };
    let connection = script.connection();
    for index in 0..10_000 {
        let set = Mutation::SetProperties {
            node,
            properties: all(),
        };
        let message = commit(12 + index, transaction(OTHER, 2 + index, set));
        let bytes = encode(&message).unwrap();
        script
            .session
            .handle(script.now, Event::Frame { connection, bytes });
    }
    let limit = UPDATES_WAITING_MAX;
    assert!(script.session.is_finished());
    assert!(script.session.updates_waiting() < limit + 200);
    let updates = updates(&mut script.session);
    let reason = CloseReason::ByUs(CloseCode::TooSlow);
    let last = format!("{:?}", updates.last());
    assert_eq!(
        last,
        format!("Some(Ended({:?}))", EndReason::Closed(reason))
    );
}

#[test]
fn what_the_session_counted_is_told_about_once_a_second_and_at_the_end() {
    let mut script = Script::up();
    let told = script.game.stats.counters.frames_received;
    script.say(&commit(11, spawn_cup(1)));
    assert_eq!(script.game.stats.counters.frames_received, told);
    script.now = script.now + Micros::from_secs(1);
    script.event(Event::Woken);
    assert_eq!(script.game.stats.counters.commits, 1);
    assert_eq!(script.game.stats.world.log_index, 11);
    script.now = script.now + ms(10);
    script.say(&commit(
        12,
        transaction(OTHER, 2, give(authored_cup().node, OTHER)),
    ));
    script.session.command(script.now, Command::Leave);
    script.event(Event::Woken);
    assert_eq!(script.game.stats.counters.commits, 2);
}
