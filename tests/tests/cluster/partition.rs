//! Servers that do not hear each other, each on a host of its own.

use std::{thread, time::Duration};

use synced_tests::{
    Outcome,
    cluster::SyncedCluster,
    folder,
    headless::HeadlessPlayer,
    lan::{HERE, Lan, LanCluster},
    steady::Steady,
};

use crate::{GAME, SOME, assert_same_worlds, options, players};

const ALL: [u8; 5] = [1, 2, 3, 4, 5];
/// So much of what is sent gets lost on a bad day.
const LOSS_PERCENT: u8 = 20;
/// For somebody to serve who would.
const LONG_ENOUGH: Duration = Duration::from_secs(1);

/// Five servers on hosts of their own, and players outside who are at it.
struct Parted {
    cluster: SyncedCluster,
    lan: Lan,
    steady: Steady,
    leader: u8,
}

impl Parted {
    /// `None` where there can be no such network.
    fn begin(test: &str) -> Outcome<Option<Self>> {
        let folder = folder::fresh(&format!("cluster-{test}"))?;
        let Some(LanCluster { mut cluster, lan }) = LanCluster::start(&folder, options())? else {
            return Ok(None);
        };
        let steady = players(&cluster)?;
        steady.go_on(SOME)?;
        Ok(Some(Self {
            leader: host(cluster.leader()?),
            cluster,
            lan,
            steady,
        }))
    }

    /// All servers but the one that led in the beginning.
    fn others(&self) -> Vec<u8> {
        all_but(&[self.leader])
    }

    /// Waits until one of these leads and serves, and gives its term.
    fn led_by(&mut self, some: &[u8]) -> Outcome<u64> {
        self.cluster.until("one of the others leads", |status| {
            let leader = SyncedCluster::leader_of(status)?;
            let term = SyncedCluster::answer(status, leader)["term"].as_u64();
            term.filter(|_| some.contains(&host(leader)))
        })
    }

    /// The cut is over: whoever led before this term takes part, and nothing that was confirmed is lost at any server.
    fn end(mut self, since: u64) -> Outcome {
        self.lan.heal()?;
        let before = u16::from(self.leader);
        self.cluster
            .until("the one that led takes part", |status| {
                SyncedCluster::takes_part(status, before, since).then_some(())
            })?;
        self.same_worlds()
    }

    /// The players have all that they were told, and all servers the same.
    fn same_worlds(self) -> Outcome {
        self.steady.go_on(SOME)?;
        self.steady.end()?.check()?;
        assert_same_worlds(self.cluster)
    }
}

fn host(server: u16) -> u8 {
    u8::try_from(server).unwrap()
}

fn all_but(some: &[u8]) -> Vec<u8> {
    ALL.into_iter().filter(|one| !some.contains(one)).collect()
}

#[test]
fn when_the_leader_is_cut_off_from_the_servers_players_who_still_hear_it_go_on_with_another()
-> Outcome {
    let Some(mut parted) = Parted::begin("leader-cut-off")? else {
        return Ok(());
    };
    let others = parted.others();
    parted.lan.part(&[&[parted.leader], &others])?;
    let since = parted.led_by(&others)?;
    parted.steady.go_on(SOME)?;
    parted.end(since)
}

#[test]
fn when_the_leader_is_cut_off_from_everybody_players_go_on_with_another() -> Outcome {
    let Some(mut parted) = Parted::begin("leader-gone")? else {
        return Ok(());
    };
    let others = parted.others();
    let outside = [&others[..], &[HERE]].concat();
    parted.lan.part(&[&[parted.leader], &outside])?;
    let since = parted.led_by(&others)?;
    parted.steady.go_on(SOME)?;
    parted.end(since)
}

#[test]
fn a_leader_that_hears_no_server_is_replaced_although_all_hear_it() -> Outcome {
    let Some(mut parted) = Parted::begin("leader-deaf")? else {
        return Ok(());
    };
    let others = parted.others();
    parted.lan.cut(&others, &[parted.leader])?;
    let since = parted.led_by(&others)?;
    parted.steady.go_on(SOME)?;
    parted.end(since)
}

#[test]
fn a_leader_that_no_server_hears_is_replaced_although_it_hears_all() -> Outcome {
    let Some(mut parted) = Parted::begin("leader-mute")? else {
        return Ok(());
    };
    let others = parted.others();
    parted.lan.cut(&[parted.leader], &others)?;
    let since = parted.led_by(&others)?;
    parted.steady.go_on(SOME)?;
    parted.end(since)
}

#[test]
fn three_servers_go_on_without_the_two_that_are_cut_off_although_they_hear_each_other_badly()
-> Outcome {
    let Some(mut parted) = Parted::begin("minority-and-loss")? else {
        return Ok(());
    };
    let minority = [parted.leader, parted.others()[0]];
    let majority = all_but(&minority);
    parted.lan.part(&[&minority, &majority])?;
    parted.lan.lose(&majority, LOSS_PERCENT)?;
    let since = parted.led_by(&majority)?;
    parted.steady.go_on(SOME)?;
    parted.end(since)
}

#[test]
fn without_a_majority_nothing_is_confirmed_and_nobody_let_in_until_the_servers_hear_each_other()
-> Outcome {
    let Some(mut parted) = Parted::begin("no-majority")? else {
        return Ok(());
    };
    parted.lan.part(&[&[1, 2], &[3, 4], &[5]])?;
    parted.cluster.until("nobody leads", |status| {
        status["leader"].is_null().then_some(())
    })?;
    let confirmed = parted.steady.confirmed();
    // To be let in is to be shown the world: that of a leader of old might be a stale one.
    let newcomer = thread::spawn({
        let url = parted.cluster.url().to_owned();
        move || HeadlessPlayer::join(&url, HeadlessPlayer::config(GAME.0, GAME.1, "newcomer"))
    });
    thread::sleep(LONG_ENOUGH);
    assert_eq!(
        parted.steady.confirmed(),
        confirmed,
        "confirmed without a majority"
    );
    assert!(
        !newcomer.is_finished(),
        "somebody was let in without a majority"
    );
    parted.lan.heal()?;
    newcomer.join().unwrap()?.leave()?;
    parted.same_worlds()
}
