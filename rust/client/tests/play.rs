//! Whole sessions between players and a node, in virtual time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{
    authored_cup, below, cup, game, give,
    mirror::Decision,
    ms,
    network::{BAD, GOOD, Network, node_config},
    paint, root,
};
use synced_client::{
    RetryPolicy, SessionConfig,
    limits::{PROPOSAL_BURST_MAX, PROPOSALS_IN_FLIGHT_MAX, PROPOSALS_PER_SECOND_MAX},
    update::EndReason,
};
use synced_node::{Limits, NodeConfig, Rate};
use synced_protocol::{
    id::{NodeId, PlayerId},
    message::{Game, Refusal},
    mutation::{Mutation, Rejection},
    time::Micros,
};

#[test]
fn what_one_player_does_everybody_sees_a_late_joiner_too() {
    let mut net = Network::new(GOOD, 1);
    let [ann, _] = net.joined(["ann", "bob"]);
    let [table, mug] = [1, 2].map(|counter| NodeId::spawned(ann, counter));
    let handle = &mut net.players[0].handle;
    handle.propose(Mutation::Spawn(cup(table, ann)));
    handle.propose(Mutation::Spawn(cup(mug, ann)));
    handle.propose(paint(mug, 3));
    handle.propose(Mutation::Reparent {
        node: mug,
        parent: below(table),
    });
    handle.propose(Mutation::Call {
        node: mug,
        method: "ring".into(),
        arguments: Vec::new(),
    });
    net.run_for(ms(100));
    net.join("cleo");
    net.run_for(ms(100));
    net.assert_all_agree();
    assert_eq!(net.node.world().nodes().len(), 2);
    assert_eq!(net.players[1].game.calls, ["ring"]);
    assert!(
        net.players[2].game.calls.is_empty(),
        "a call is over when it is done"
    );
    assert_eq!(net.players[0].game.decisions.len(), 5);
}

#[test]
fn of_many_players_who_grab_one_cup_exactly_one_gets_it_and_every_one_is_told() {
    for seed in 0..30 {
        let mut net = Network::new(BAD, seed);
        let players = net.joined(["ann", "bob", "cleo", "dan"]);
        let cup = authored_cup();
        net.players[0].handle.propose(Mutation::Spawn(cup.clone()));
        net.run_for(ms(200));
        let seqs = [0, 1, 2, 3].map(|place| {
            let me = players[place];
            net.players[place].handle.propose(give(cup.node, me))
        });
        net.run_for(ms(300));
        net.assert_all_agree();
        let owner = net.node.world().node(cup.node).unwrap().owner();
        for (place, seq) in seqs.into_iter().enumerate() {
            let decision = net.players[place].game.decisions[&seq];
            let expected = if players[place] == owner {
                Decision::Confirmed
            } else {
                Decision::Rejected(Rejection::NotOwner {
                    node: cup.node,
                    owner,
                })
            };
            assert_eq!(decision, expected, "seed {seed}, {}", players[place]);
        }
        assert!(players.contains(&owner));
    }
}

/// Spawns, paints and gives away at random, while links break.
fn play_through_losses(seed: u64, config: NodeConfig) -> Network {
    let mut net = Network::with_node(BAD, seed, config);
    let players = net.joined(["ann", "bob", "cleo"]);
    let mut spawned = [0; 3];
    for _ in 0..120 {
        let place = (net.next_random() % 3) as usize;
        let me = players[place];
        let choice = net.next_random();
        let node = NodeId::spawned(me, 1 + (choice >> 32) as u32 % (spawned[place] + 1));
        let mutation = match choice % 10 {
            0..4 => {
                spawned[place] += 1;
                Mutation::Spawn(cup(NodeId::spawned(me, spawned[place]), me))
            }
            4..7 => paint(node, choice as i64),
            7 => give(node, players[(choice >> 16) as usize % 3]),
            8 => Mutation::Reparent {
                node,
                parent: below(NodeId::spawned(players[(choice >> 16) as usize % 3], 1)),
            },
            _ => Mutation::Despawn { node },
        };
        net.players[place].handle.propose(mutation);
        if net.next_random().is_multiple_of(12) {
            let unlucky = (net.next_random() % 3) as usize;
            net.break_links(unlucky);
        }
        let pause = Micros(net.next_random() % 60_000);
        net.run_for(pause);
    }
    net.run_for(Micros::from_secs(10));
    net
}

fn assert_every_proposal_was_decided_once(net: &Network) {
    for player in &net.players {
        let decided: Vec<_> = player.game.decisions.keys().map(|seq| seq.0).collect();
        let count = decided.len() as u64;
        assert_eq!(decided, (1..=count).collect::<Vec<_>>());
        assert_eq!(player.game.stats.counters.divergences, 0);
    }
    let proposed: usize = net
        .players
        .iter()
        .map(|player| player.game.decisions.len())
        .sum();
    assert_eq!(proposed, 120);
}

#[test]
fn through_broken_links_every_proposal_is_decided_exactly_once_and_all_worlds_agree() {
    for seed in 0..15 {
        let net = play_through_losses(seed, node_config());
        net.assert_all_agree();
        assert_every_proposal_was_decided_once(&net);
        let resumed = net.players.iter().any(|player| player.game.joins.len() > 1);
        let settled = |decision: &Decision| *decision == Decision::Settled;
        let unknown = net
            .players
            .iter()
            .any(|player| player.game.decisions.values().any(settled));
        assert!(
            resumed && !unknown,
            "who resumes from the stream hears every decision"
        );
    }
}

/// Of the proposals that a player is told were rejected as too many, none happens, however links break. Each spawns a node
/// with its own number for a counter.
fn assert_what_came_too_fast_never_happens(seed: u64, config: NodeConfig) -> usize {
    let mut net = Network::with_node(BAD, seed, config);
    let [ann, _] = net.joined(["ann", "bob"]);
    for counter in 1..=60 {
        let spawn = cup(NodeId::spawned(ann, counter), ann);
        net.players[0].handle.propose(Mutation::Spawn(spawn));
        if net.next_random().is_multiple_of(12) {
            net.break_links(0);
        }
        let pause = Micros(net.next_random() % 120_000);
        net.run_for(pause);
    }
    net.run_for(Micros::from_secs(10));
    net.assert_all_agree();
    let decisions = &net.players[0].game.decisions;
    assert_eq!(decisions.len(), 60, "each is decided");
    for (seq, decision) in decisions {
        let node = NodeId::spawned(ann, seq.0 as u32);
        let is_there = net.node.world().node(node).is_some();
        match decision {
            Decision::Confirmed => assert!(is_there, "seed {seed}, {seq}"),
            Decision::Rejected(_) => assert!(!is_there, "seed {seed}, {seq}"),
            Decision::Settled => {}
        }
    }
    let too_many = Decision::Rejected(Rejection::TooMany);
    decisions.values().filter(|it| **it == too_many).count()
}

#[test]
fn what_is_rejected_as_too_many_does_not_happen_after_a_broken_link() {
    let mut rejected = 0;
    for kept_frames_max in [0, 3, 1_000] {
        let mut config = node_config();
        config.limits.kept_frames_max = kept_frames_max;
        config.limits.proposals = Rate::new(4, 16);
        for seed in 0..20 {
            rejected += assert_what_came_too_fast_never_happens(seed, config.clone());
        }
    }
    assert!(rejected > 100, "{rejected}");
}

// All that is with the leader may come at one time with all that a client may send at once.
const _: () =
    assert!(Limits::DEFAULT.proposals.burst >= PROPOSAL_BURST_MAX + PROPOSALS_IN_FLIGHT_MAX as u32);
const _: () = assert!(Limits::DEFAULT.proposals.per_second >= PROPOSALS_PER_SECOND_MAX);

/// What is sent in this time arrives all at once, at its end.
fn hold_up(net: &mut Network, span: Micros) {
    let release = net.now + span;
    while net.now < release {
        net.path.delay = release - net.now;
        net.run_for(ms(1));
    }
    net.path = GOOD;
}

#[test]
fn what_a_client_sends_is_never_too_much_however_long_the_network_held_it_up() {
    for seconds in [1, 2] {
        let mut net = Network::new(GOOD, 5);
        let [ann] = net.joined(["ann"]);
        let proposed = 1_000 * seconds;
        for counter in 1..=proposed {
            let spawn = cup(NodeId::spawned(ann, counter), ann);
            net.players[0].handle.propose(Mutation::Spawn(spawn));
        }
        for _ in 0..seconds {
            hold_up(&mut net, Micros::from_secs(1));
            net.run_for(ms(100));
        }
        net.run_for(Micros::from_secs(10));
        let decisions = &net.players[0].game.decisions;
        let confirmed = decisions.values().filter(|it| **it == Decision::Confirmed);
        assert_eq!(
            confirmed.count(),
            proposed as usize,
            "held up {seconds} times"
        );
    }
}

#[test]
fn who_is_away_too_long_for_the_stream_is_told_the_difference() {
    let mut config = node_config();
    config.limits.kept_frames_max = 0;
    let mut settled = 0;
    for seed in 0..15 {
        let net = play_through_losses(seed, config.clone());
        net.assert_all_agree();
        assert_every_proposal_was_decided_once(&net);
        let decisions = net
            .players
            .iter()
            .flat_map(|player| player.game.decisions.values());
        settled += decisions
            .filter(|decision| **decision == Decision::Settled)
            .count();
    }
    assert!(settled > 0, "some were decided while nobody listened");
}

#[test]
fn a_server_that_is_away_for_a_while_is_found_again_with_longer_and_longer_waits() {
    let mut net = Network::new(GOOD, 3);
    net.joined(["ann"]);
    net.server_is_there = false;
    net.break_links(0);
    net.run_for(Micros::from_secs(5));
    let tries = net.players[0].game.tries.clone();
    assert_eq!(tries, (1..=tries.len() as u32).collect::<Vec<_>>());
    assert!((3..8).contains(&tries.len()), "{tries:?}");
    net.server_is_there = true;
    net.run_for(Micros::from_secs(5));
    let game = &net.players[0].game;
    assert!(game.joins[1].resumed);
    assert_eq!((game.joins.len(), game.ended.as_ref()), (2, None));
    assert_eq!(game.joins[1].player, game.joins[0].player);
}

#[test]
fn a_server_that_never_answers_ends_a_session_that_was_not_to_be_tried_again() {
    let mut net = Network::new(GOOD, 3);
    net.server_is_there = false;
    net.join("ann");
    net.run_for(ms(100));
    assert!(matches!(
        net.players[0].game.ended,
        Some(EndReason::Closed(_))
    ));
}

#[test]
fn a_first_connection_is_tried_again_on_request_and_given_up_in_time() {
    let mut net = Network::new(GOOD, 3);
    net.server_is_there = false;
    let mut config = SessionConfig::new(game(), "ann");
    config.retry = RetryPolicy {
        first_connect: true,
        give_up_after: Some(Micros::from_secs(10)),
        ..RetryPolicy::default()
    };
    net.join_with(config.clone());
    net.run_for(Micros::from_secs(11));
    assert!(net.players[0].game.tries.len() > 3);
    assert!(matches!(
        net.players[0].game.ended,
        Some(EndReason::Closed(_))
    ));

    let late = net.join_with(config);
    net.run_for(Micros::from_secs(3));
    net.server_is_there = true;
    net.run_for(Micros::from_secs(5));
    assert_eq!(net.players[late].game.joins.len(), 1);
}

#[test]
fn a_server_that_began_anew_ends_the_session_though_it_gives_out_the_same_numbers() {
    let mut net = Network::new(GOOD, 4);
    net.joined(["zoe", "ann"]);
    net.restart_node();
    net.run_for(Micros::from_secs(5));
    for player in &net.players {
        assert_eq!(player.game.ended, Some(EndReason::Expired));
    }
    assert_eq!(
        net.node.world().players().len(),
        0,
        "who expired left no trace"
    );
}

#[test]
fn who_leaves_is_gone_for_the_others_and_hears_that_it_left() {
    let mut net = Network::new(GOOD, 5);
    let [_, bob] = net.joined(["ann", "bob"]);
    let last = net.players[1]
        .handle
        .propose(Mutation::Spawn(cup(NodeId::spawned(bob, 1), bob)));
    net.players[1].handle.leave();
    net.run_for(ms(100));
    let game = &net.players[1].game;
    assert_eq!(game.ended, Some(EndReason::Left));
    assert!(
        !game.decisions.contains_key(&last),
        "its answer came too late"
    );
    assert!(net.players[1].session.session().world().is_some());
    net.assert_all_agree();
    let world = net.node.world();
    assert!(world.player(bob).is_none());
    assert_eq!(
        world.node(NodeId::spawned(bob, 1)).unwrap().owner(),
        PlayerId::SERVER
    );
}

#[test]
fn another_game_is_refused_with_both_named_and_not_tried_again() {
    let mut net = Network::new(GOOD, 6);
    let mine = Game {
        version: "2".into(),
        ..game()
    };
    let mut config = SessionConfig::new(mine.clone(), "ann");
    config.retry.first_connect = true;
    net.join_with(config);
    net.run_for(Micros::from_secs(2));
    let refusal = Refusal::Game {
        server: game(),
        client: mine,
    };
    assert_eq!(net.players[0].game.ended, Some(EndReason::Refused(refusal)));
    assert!(net.players[0].game.tries.is_empty());
}

#[test]
fn the_clocks_of_all_players_agree_with_the_servers_within_a_millisecond() {
    let mut net = Network::new(GOOD, 7);
    net.joined(["ann", "bob"]);
    for place in 0..2 {
        let offset_us = net.players[place].game.clock.offset_us;
        let session = net.local(place).shifted(offset_us);
        let truth = net.now + common::network::EPOCH_OFFSET;
        assert!(
            session.offset_from(truth).abs() < 1_000,
            "{session:?} for {truth:?}"
        );
    }
}

#[test]
fn a_world_of_a_thousand_nodes_comes_in_parts_and_whole() {
    let mut net = Network::new(GOOD, 8);
    let [ann] = net.joined(["ann"]);
    for counter in 1..=1_000 {
        let mut spawn = cup(NodeId::spawned(ann, counter), ann);
        spawn.parent = if counter % 10 == 1 {
            root()
        } else {
            below(NodeId::spawned(ann, counter - 1))
        };
        net.players[0].handle.propose(Mutation::Spawn(spawn));
    }
    net.run_for(Micros::from_secs(5));
    net.join("bob");
    net.run_for(Micros::from_secs(2));
    assert_eq!(net.node.world().nodes().len(), 1_000);
    net.assert_all_agree();
}
