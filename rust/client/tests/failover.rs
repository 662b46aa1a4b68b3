//! A session goes on with whoever leads, in virtual time, over several servers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{
    authored_cup,
    fronts::{Fronts, WAY, long, server_id},
    game, give,
    mirror::Decision,
    ms, paint,
};
use proptest::prelude::*;
use synced_client::{
    SessionConfig,
    command::Command,
    limits::{ASKED_WATCHED_MAX, FAILOVER_QUIET},
    update::EndReason,
};
use synced_protocol::{
    id::{ClientSeq, Term},
    link::Logic,
    mutation::Mutation,
    time::Micros,
};

/// How long after a leader's end another one is elected.
const ELECTION: Micros = Micros::from_millis(8);

fn config() -> SessionConfig {
    SessionConfig::new(game(), "ann")
}

/// Five servers and a player who holds a cup.
fn playing() -> Fronts {
    playing_with(config())
}

fn playing_with(config: SessionConfig) -> Fronts {
    let mut fronts = Fronts::new(5);
    let player = fronts.join(config);
    fronts.run_for(long());
    fronts.propose(player, Mutation::Spawn(authored_cup()));
    fronts.run_for(ms(100));
    let me = fronts.me(player);
    fronts.propose(player, give(authored_cup().node, me));
    fronts.run_for(ms(100));
    assert_eq!(fronts.players[0].game.decisions.len(), 2);
    fronts
}

fn is_decided(fronts: &Fronts, seq: ClientSeq) -> bool {
    fronts.players[0].game.decisions.contains_key(&seq)
}

/// Kills the leader, elects the next one after the usual time, and says how long it took until something was confirmed
/// again.
fn fail_over(fronts: &mut Fronts, next: usize) -> Micros {
    let leader = fronts.true_leader().unwrap();
    let killed_at = fronts.now;
    fronts.kill(leader);
    let seq = fronts.propose(0, paint(authored_cup().node, 7));
    fronts.run_for(ELECTION);
    fronts.elect(next);
    assert!(fronts.run_until(fronts.now + long(), |fronts| is_decided(fronts, seq)));
    fronts.now - killed_at
}

#[test]
fn a_killed_leader_costs_the_election_the_news_and_two_round_trips_and_is_told_as_nothing_but_a_new_leader()
 {
    let mut fronts = playing();
    let before = fronts.players[0].session.poll_deadline();
    assert!(before.is_some());
    let span = fail_over(&mut fronts, 1);
    // The news; hello and welcome; the proposal and its confirmation.
    assert_eq!(span, ELECTION + Micros(5 * WAY.0));
    let game = &fronts.players[0].game;
    assert_eq!((game.joins.len(), game.tries.as_slice()), (1, &[][..]));
    assert_eq!(
        game.leaders,
        [(server_id(0), Term(1)), (server_id(1), Term(2))]
    );
    fronts.run_for(long());
    let stats = &fronts.players[0].game.stats;
    let servers = stats.servers;
    assert_eq!((servers.leader, servers.term), (2, 2));
    assert_eq!((servers.known, servers.watched), (5, 2));
    assert_eq!(
        (stats.counters.failovers, stats.counters.reconnects),
        (1, 0)
    );
    assert!(stats.failover.count == 1);
}

#[test]
fn leaders_that_die_one_after_the_other_cost_no_more_each() {
    let mut fronts = playing();
    for next in [1, 2, 3] {
        let span = fail_over(&mut fronts, next);
        assert!(span <= ELECTION + Micros(6 * WAY.0), "{span:?}");
        fronts.run_for(ms(600));
        fronts.start(next - 1);
    }
    assert_eq!(fronts.players[0].game.leaders.len(), 4);
}

#[test]
fn a_leader_that_does_not_serve_yet_is_gone_to_as_soon_as_it_says_that_it_does() {
    for next in [1, 2, 4] {
        let mut fronts = playing();
        fronts.kill(0);
        let seq = fronts.propose(0, paint(authored_cup().node, 7));
        let after = ms(40);
        fronts.elect_to_serve(next, after);
        let elected_at = fronts.now;
        assert!(fronts.run_until(fronts.now + long(), |fronts| is_decided(fronts, seq)));
        let span = fronts.now - elected_at;
        assert!(span <= after + Micros(7 * WAY.0), "{span:?}");
        assert!(fronts.players[0].attempts.len() < 12);
    }
}

#[test]
fn a_leader_to_whom_no_connection_was_kept_costs_one_handshake_more() {
    let mut fronts = playing();
    assert_eq!(fronts.linked(0).len(), 3);
    assert!(!fronts.linked(0).contains(&4));
    let span = fail_over(&mut fronts, 4);
    assert_eq!(span, ELECTION + Micros((5 + 1 + 2) * WAY.0));
    assert_eq!(fronts.players[0].game.tries, [] as [u32; 0]);
}

#[test]
fn without_standby_connections_the_loss_is_noticed_late_and_the_leader_found_all_the_same() {
    let mut config = config();
    config.standby_connections = 0;
    let mut fronts = playing_with(config);
    assert_eq!(fronts.linked(0).len(), 1);
    let span = fail_over(&mut fronts, 3);
    assert!(span > ms(1_000) && span < ms(1_400), "{span:?}");
    assert!(fronts.players[0].links_max <= 2);
}

#[test]
fn a_leader_that_is_deposed_says_so_and_is_left_without_a_loss() {
    let mut fronts = playing();
    let seq = fronts.propose(0, paint(authored_cup().node, 7));
    fronts.elect(2);
    assert!(fronts.run_until(fronts.now + ms(50), |fronts| is_decided(fronts, seq)));
    fronts.run_for(long());
    let game = &fronts.players[0].game;
    assert_eq!(game.leaders.last(), Some(&(server_id(2), Term(2))));
    assert_eq!((game.joins.len(), game.tries.len()), (1, 0));
    game.assert_equals(fronts.node.world());
}

#[test]
fn whatever_was_proposed_while_nobody_led_is_decided_once_and_in_order() {
    let mut fronts = playing();
    fronts.kill(0);
    let node = authored_cup().node;
    let seqs: Vec<_> = (0..50)
        .map(|colour| {
            fronts.run_for(ms(2));
            fronts.propose(0, paint(node, colour))
        })
        .collect();
    fronts.elect(1);
    fronts.run_for(ms(100));
    let game = &fronts.players[0].game;
    for seq in seqs {
        assert_eq!(game.decisions.get(&seq), Some(&Decision::Confirmed));
    }
    game.assert_equals(fronts.node.world());
    let colours = fronts.node.world().node(node).unwrap().properties();
    assert_eq!(*colours[0].value(), synced_protocol::value::Value::Int(49));
}

#[test]
fn a_failover_that_takes_longer_than_is_kept_quiet_is_told_as_a_loss_and_a_return() {
    let mut fronts = playing();
    fronts.kill(0);
    fronts.run_for(FAILOVER_QUIET - ms(1));
    assert_eq!(fronts.players[0].game.tries.len(), 0);
    fronts.run_for(long());
    assert_eq!(fronts.players[0].game.tries.first(), Some(&1));
    fronts.elect(1);
    fronts.run_for(ms(50));
    let joins = &fronts.players[0].game.joins;
    assert_eq!(
        joins.iter().map(|join| join.resumed).collect::<Vec<_>>(),
        [false, true]
    );
}

#[test]
fn whoever_has_lost_every_server_comes_back_within_the_grace_by_any_of_them() {
    let mut fronts = playing();
    (0..5).for_each(|server| fronts.kill(server));
    fronts.run_for(Micros::from_secs(3));
    let me = fronts.me(0);
    assert!(fronts.players[0].game.tries.len() > 1);
    (2..5).for_each(|server| fronts.start(server));
    fronts.elect(3);
    fronts.run_for(Micros::from_secs(6));
    let game = &fronts.players[0].game;
    assert_eq!(
        game.joins.last().map(|join| (join.resumed, join.player)),
        Some((true, me))
    );
    assert_eq!(game.ended, None);
    game.assert_equals(fronts.node.world());
}

#[test]
fn when_no_server_ever_leads_again_the_session_ends_when_its_patience_does() {
    let mut config = config();
    config.retry.give_up_after = Some(Micros::from_secs(20));
    let mut fronts = playing_with(config);
    fronts.kill(0);
    fronts.run_for(Micros::from_secs(30));
    let player = &fronts.players[0];
    assert!(matches!(player.game.ended, Some(EndReason::Closed(_))));
    assert_eq!(fronts.linked(0).len(), 0, "and leaves nothing behind");
    assert!(player.attempts.len() < 60, "{}", player.attempts.len());
}

#[test]
fn a_player_may_begin_at_any_server_and_is_sent_on_without_a_failed_try() {
    for leader in 0..5 {
        let mut fronts = Fronts::new(5);
        fronts.elect(leader);
        fronts.run_for(ms(10));
        fronts.join(config());
        fronts.run_for(ms(200));
        let game = &fronts.players[0].game;
        assert_eq!((game.joins.len(), game.tries.len()), (1, 0));
        assert_eq!(game.leaders, [(server_id(leader), Term(2))]);
        assert_eq!(game.servers.len(), 5);
    }
}

#[test]
fn leaving_closes_every_connection() {
    let mut fronts = playing();
    assert_eq!(fronts.linked(0).len(), 3);
    fronts.command(0, Command::Leave);
    fronts.run_for(ms(100));
    assert_eq!(fronts.linked(0).len(), 0);
    assert!(fronts.players[0].session.is_finished());
    assert_eq!(fronts.players[0].game.ended, Some(EndReason::Left));
}

#[test]
fn a_server_that_comes_back_is_watched_again_and_nobody_is_asked_all_the_time() {
    let mut fronts = playing();
    [1, 2, 3].into_iter().for_each(|server| fronts.kill(server));
    fronts.run_for(Micros::from_secs(60));
    assert_eq!(
        fronts
            .linked(0)
            .iter()
            .filter(|server| **server == 4)
            .count(),
        1
    );
    let tries = fronts.players[0].attempts.len();
    assert!(tries < 40, "{tries}");
    fronts.start(2);
    fronts.run_for(Micros::from_secs(10));
    let mut linked = fronts.linked(0);
    linked.sort_unstable();
    assert_eq!(linked, [0, 2, 4]);
}

#[test]
fn a_rolling_restart_is_told_as_changes_of_the_leader_and_no_proposal_is_lost() {
    let mut fronts = playing();
    let node = authored_cup().node;
    let mut seqs = Vec::new();
    for server in 0..5 {
        if fronts.true_leader() == Some(server) {
            fronts.elect((server + 1) % 5);
        }
        seqs.push(fronts.propose(0, paint(node, server as i64)));
        fronts.run_for(ms(30));
        fronts.kill(server);
        seqs.push(fronts.propose(0, paint(node, 10 + server as i64)));
        fronts.run_for(Micros::from_secs(2));
        fronts.start(server);
        fronts.run_for(Micros::from_secs(9));
    }
    let game = &fronts.players[0].game;
    assert_eq!((game.tries.len(), game.joins.len()), (0, 1));
    assert!(
        seqs.iter()
            .all(|seq| game.decisions[seq] == Decision::Confirmed)
    );
    game.assert_equals(fronts.node.world());
}

/// What may befall the servers.
#[derive(Debug, Clone)]
enum Fault {
    Kill(usize),
    Start(usize),
    Elect(usize),
    Propose(i64),
    Wait(u64),
}

fn faults() -> impl Strategy<Value = Vec<Fault>> {
    let fault = prop_oneof![
        2 => (0..5_usize).prop_map(Fault::Kill),
        2 => (0..5_usize).prop_map(Fault::Start),
        3 => (0..5_usize).prop_map(Fault::Elect),
        4 => any::<i64>().prop_map(Fault::Propose),
        4 => (0..20_000_u64).prop_map(Fault::Wait),
        2 => (0..900_000_u64).prop_map(Fault::Wait),
    ];
    prop::collection::vec(fault, 0..60)
}

fn befall(fronts: &mut Fronts, fault: &Fault) {
    match *fault {
        Fault::Kill(server) if fronts.is_alive(server) => fronts.kill(server),
        Fault::Start(server) if !fronts.is_alive(server) => fronts.start(server),
        Fault::Elect(server) if fronts.is_alive(server) => fronts.elect(server),
        Fault::Propose(colour) => {
            fronts.propose(0, paint(authored_cup().node, colour));
        }
        Fault::Wait(us) => fronts.run_for(Micros(us)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn whatever_befalls_the_servers_all_that_was_proposed_is_decided_once_when_it_is_over(
        faults in faults(), standby in 0..4_usize,
    ) {
        let mut config = config();
        config.standby_connections = standby;
        config.retry.give_up_after = None;
        let mut fronts = playing_with(config);
        faults.iter().for_each(|fault| befall(&mut fronts, fault));
        (0..5).filter(|server| !fronts.is_alive(*server)).collect::<Vec<_>>()
            .into_iter().for_each(|server| fronts.start(server));
        fronts.elect(2);
        fronts.run_for(Micros::from_secs(9));
        let last = fronts.propose(0, paint(authored_cup().node, 1));
        fronts.run_for(Micros::from_secs(1));
        let player = &fronts.players[0];
        prop_assert_eq!(&player.game.ended, &None);
        prop_assert_eq!(player.game.decisions.len() as u64, last.0);
        player.game.assert_equals(fronts.node.world());
        prop_assert!(player.links_max <= standby + ASKED_WATCHED_MAX + 2, "{} connections", player.links_max);
        prop_assert_eq!(fronts.linked(0).len(), standby + 1);
        prop_assert_eq!(player.game.leaders.last().map(|leader| leader.0), Some(server_id(2)));
    }
}
