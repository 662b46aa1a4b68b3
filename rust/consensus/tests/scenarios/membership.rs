//! Servers that come and go.

use synced_consensus::{ChangeError, MembersWanted, Role};
use synced_protocol::{id::ServerId, time::Micros};

use crate::{
    cluster::{Cluster, GROUP, server},
    server::addresses,
};

fn wanted(servers: impl IntoIterator<Item = u16>) -> MembersWanted {
    let servers: Vec<ServerId> = servers.into_iter().map(server).collect();
    MembersWanted {
        servers: addresses(&servers),
    }
}

/// Asks whoever leads for these voters, and runs under load until it is so, nobody having been refused but for a moment.
fn change(cluster: &mut Cluster, servers: &[u16]) {
    let leader = cluster.leader().unwrap();
    let asked = wanted(servers.iter().copied());
    cluster
        .act(leader, |c, _| c.change_members(GROUP, asked.clone()))
        .unwrap();
    let voters: Vec<ServerId> = servers.iter().copied().map(server).collect();
    let mut refused = 0;
    for _ in 0..2_000 {
        let Some(leader) = cluster.leader() else {
            cluster.run(Micros(500));
            continue;
        };
        let members = cluster.status(leader).members;
        let now: Vec<ServerId> = members.voters.iter().map(|v| v.server()).collect();
        if now == voters && members.outgoing.is_empty() && members.learners.is_empty() {
            assert_eq!(members.addresses, asked.servers);
            assert!(refused < 10, "{refused} proposals were refused");
            return;
        }
        refused += u32::from(cluster.propose(leader, GROUP, vec![1; 2_000]).is_err());
        cluster.run(Micros(500));
    }
    panic!(
        "the members did not become {servers:?}: {}",
        cluster.describe()
    );
}

fn founded_with_two_more(seed: u64) -> Cluster {
    let mut cluster = Cluster::new(5, seed);
    cluster.elect();
    for n in 0..20_u8 {
        cluster.commit(vec![n]);
    }
    for id in [6, 7] {
        cluster.add(server(id), 1_000, |_| {});
        cluster.start(server(id));
    }
    cluster
}

#[test]
fn five_become_seven_and_five_again_under_load() {
    let mut cluster = founded_with_two_more(50);
    change(&mut cluster, &[1, 2, 3, 4, 5, 6, 7]);
    cluster.converge(Micros::from_millis(100));
    assert_eq!(cluster.status(server(7)).role, Role::Follower);
    assert_eq!(cluster.state(server(7)), cluster.state(server(1)));
    change(&mut cluster, &[3, 4, 5, 6, 7]);
    let leader = cluster.leader().unwrap();
    assert!(leader >= server(3), "{leader} was to go");
    for gone in [1, 2] {
        cluster.kill(server(gone));
    }
    cluster.converge(Micros::from_millis(100));
    assert_eq!(cluster.state(server(7)), cluster.state(server(3)));
}

#[test]
fn a_leader_that_is_removed_hands_over_and_the_removed_disturb_nobody() {
    let mut cluster = Cluster::new(5, 51);
    assert_eq!(cluster.elect(), server(1));
    change(&mut cluster, &[3, 4, 5]);
    cluster.run_ms(100);
    let leader = cluster.leader().unwrap();
    let term = cluster.status(leader).term;
    assert!(leader >= server(3));
    cluster.run_ms(1_000);
    assert_eq!(
        cluster.status(leader).term,
        term,
        "nobody who has gone brings on an election"
    );
    assert_eq!(cluster.status(server(1)).counters.leaderships_lost, 0);
    assert_ne!(cluster.status(server(1)).role, Role::Leader);
    cluster.commit("on");
}

#[test]
fn a_leader_that_dies_at_any_moment_of_a_change_leaves_members_that_can_go_on() {
    for after_us in (0..12_000).step_by(400) {
        let mut cluster = founded_with_two_more(5_100);
        let leader = cluster.leader().unwrap();
        cluster
            .act(leader, |c, _| c.change_members(GROUP, wanted(1..=7)))
            .unwrap();
        cluster.run(Micros(after_us));
        cluster.kill(leader);
        cluster.run_until(Micros::from_millis(200), |c| {
            c.leader().is_some_and(|id| id != leader)
        });
        cluster.commit("on");
        cluster.run_ms(100);
        let members = cluster.status(cluster.leader().unwrap()).members;
        assert!(
            members.outgoing.is_empty(),
            "whoever leads ends a joint change: {members:?}"
        );
        assert!([5, 7].contains(&members.voters.len()), "{members:?}");
        cluster.start(leader);
        cluster.run_ms(20);
        change(&mut cluster, &[1, 2, 3, 4, 5, 6, 7]);
    }
}

#[test]
fn a_server_that_is_not_there_yet_is_waited_for_while_all_else_goes_on() {
    let mut cluster = Cluster::new(3, 52);
    let leader = cluster.elect();
    cluster
        .act(leader, |c, _| c.change_members(GROUP, wanted(1..=5)))
        .unwrap();
    cluster.run_ms(100);
    cluster.commit("on");
    assert_eq!(cluster.status(leader).members.voters.len(), 3);
    for id in [4, 5] {
        cluster.add(server(id), 9, |_| {});
        cluster.start(server(id));
    }
    cluster.run_until(Micros::from_secs(1), |c| {
        c.status(leader).members.voters.len() == 5
    });
}

#[test]
fn several_servers_that_lost_their_memory_are_replaced_one_after_the_other() {
    let mut cluster = Cluster::new(5, 53);
    let leader = cluster.elect();
    cluster.commit("x");
    for id in [4, 5] {
        cluster.kill_and_lose(server(id), 77);
        cluster.start(server(id));
    }
    cluster.run_until(Micros::from_secs(1), |c| {
        let members = c.status(leader).members;
        members.outgoing.is_empty()
            && members
                .voters
                .iter()
                .filter(|v| v.incarnation() == 77)
                .count()
                == 2
    });
    // And again, before anybody could have forgotten the last time.
    cluster.kill_and_lose(server(5), 78);
    cluster.start(server(5));
    cluster.run_until(Micros::from_secs(1), |c| {
        let members = c.status(leader).members;
        members.outgoing.is_empty() && members.voters.iter().any(|v| v.incarnation() == 78)
    });
    cluster.run_ms(50);
    let members = cluster.status(leader).members;
    assert_eq!(
        (members.voters.len(), members.learners.len()),
        (5, 0),
        "{members:?}"
    );
}

#[test]
fn no_voters_are_taken_away_while_too_few_of_the_rest_could_decide() {
    let mut cluster = founded_with_two_more(57);
    change(&mut cluster, &[1, 2, 3, 4, 5, 6, 7]);
    let leader = cluster.leader().unwrap();
    let founders = (1..=5).map(server).filter(|id| *id != leader);
    let lost: Vec<_> = founders.take(3).collect();
    for id in &lost {
        cluster.kill_and_lose(*id, 77);
    }
    cluster.run_ms(300);
    cluster
        .act(leader, |c, _| c.change_members(GROUP, wanted(1..=5)))
        .unwrap();
    for number in 0..20_u8 {
        cluster.run_ms(50);
        cluster.commit(vec![number]);
    }
    let leader = cluster.leader().unwrap();
    assert_eq!(cluster.status(leader).members.voters.len(), 7);
    for id in lost {
        cluster.start(id);
    }
    cluster.run_until(Micros::from_secs(2), |cluster| {
        let leader = cluster.leader();
        let members = leader.map(|leader| cluster.status(leader).members);
        members.is_some_and(|it| it.outgoing.is_empty() && it.voters.len() == 5)
    });
    cluster.commit("on");
}

#[test]
fn members_that_make_no_sense_are_refused_with_what_to_ask_for_instead() {
    let mut cluster = Cluster::new(3, 54);
    let leader = cluster.elect();
    let mut ask = |servers: Vec<u16>| {
        let asked = cluster.act(leader, |c, _| c.change_members(GROUP, wanted(servers)));
        match asked {
            Err(ChangeError::Members(what)) => what,
            other => panic!("{other:?}"),
        }
    };
    assert!(ask(vec![1, 2, 3, 4]).contains("odd number"));
    assert!(ask(vec![1, 2, 2]).contains("named twice"));
    assert!(ask(vec![0, 1, 2]).contains("from 1"));
    assert!(ask((1..=17).collect()).contains("at most 15"));
    let at_follower = cluster.act(server(2), |c, _| c.change_members(GROUP, wanted(1..=3)));
    assert!(matches!(at_follower, Err(ChangeError::NotLeading { .. })));
}

#[test]
fn a_server_that_cannot_catch_up_does_not_vote_and_its_former_life_counts_on() {
    let mut cluster = Cluster::new(5, 55);
    let leader = cluster.elect();
    cluster.commit("x");
    cluster.kill_and_lose(server(5), 99);
    // It is heard, and hears nothing.
    cluster.faults.cut.insert((leader, server(5)));
    cluster.start(server(5));
    cluster.run_ms(300);
    let members = cluster.status(leader).members;
    let learners: Vec<u32> = members
        .learners
        .iter()
        .map(|learner| learner.incarnation())
        .collect();
    assert_eq!(learners, [99]);
    assert!(
        members.voters.iter().all(|voter| voter.incarnation() == 0),
        "{members:?}"
    );
    cluster.faults.cut.clear();
    cluster.run_until(Micros::from_secs(1), |c| {
        c.status(leader)
            .members
            .voters
            .iter()
            .any(|voter| voter.incarnation() == 99)
    });
}
