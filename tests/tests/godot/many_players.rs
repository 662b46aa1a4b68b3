//! Many players who change everything at once.

use std::{collections::BTreeMap, time::Duration};

use synced_tests::{
    Outcome,
    play::{Play, agree},
    player::{Player, all_run},
};

const PLAY_SEC: u32 = 30;
/// A busy machine makes frames longer, and so the play.
const PLAY_TIME_MAX: Duration = Duration::from_secs(120);
const CONTESTS: u32 = 10;

/// By node, who passed it to whom.
type Passes = BTreeMap<String, Vec<(u32, u32)>>;

#[test]
fn four_players_who_change_everything_at_random_end_with_the_same_tree() -> Outcome {
    let play = Play::begin("many-players")?;
    let mut players = play.join_all(["ann", "ben", "cid", "dot"], "things")?;
    for (seed, player) in (1..).zip(&mut players) {
        player.run(&format!("Churn.begin(player, world, {seed}, {PLAY_SEC})"))?;
    }
    for player in &mut players {
        player.until_within(PLAY_TIME_MAX, "act(\"Churn\").is_done")?;
    }
    let digest = agree(&mut players)?;
    assert_all_did_everything(&mut players)?;
    assert_all_saw_the_same_order(&mut players)?;
    assert_every_grab_was_decided(&mut players)?;
    let late = play.join("eve", "things")?;
    let mut all: Vec<_> = players.into_iter().chain([late]).collect();
    assert_eq!(
        agree(&mut all)?,
        digest,
        "a late joiner changed what the others see"
    );
    play.end(all)
}

#[test]
fn of_players_who_grab_at_once_exactly_one_gets_it_and_all_are_told() -> Outcome {
    let play = Play::begin("contest")?;
    let mut players = play.join_all(["ann", "ben", "cid", "dot"], "things")?;
    for contest in 1..=CONTESTS {
        all_run(&mut players, "synced(\"Cup1\").request_ownership()")?;
        let told = format!(
            "journal.of(synced(\"Cup1\"), \"ownership_changed\").size() == {}",
            2 * contest - 1
        );
        let mut winners = 0;
        for player in &mut players {
            player.until(&told)?;
            player.until("not synced(\"Cup1\").is_pending()")?;
            winners += u32::from(player.get::<bool>("synced(\"Cup1\").is_owner()")?);
        }
        assert_eq!(winners, 1, "contest {contest}");
        all_run(
            &mut players,
            "if synced(\"Cup1\").is_owner(): synced(\"Cup1\").release_ownership()",
        )?;
        for player in &mut players {
            player.until("synced(\"Cup1\").get_owner_id() == 0")?;
        }
    }
    let mut denials = 0;
    for player in &mut players {
        denials +=
            player.get::<u32>("journal.of(synced(\"Cup1\"), \"ownership_denied\").size()")?;
    }
    assert_eq!(
        denials,
        3 * CONTESTS,
        "every loser of every contest is told"
    );
    assert_all_saw_the_same_order(&mut players)?;
    play.end(players)
}

fn assert_all_did_everything(players: &mut [Player]) -> Outcome {
    for player in players {
        let done: BTreeMap<String, u32> = player.get("act(\"Churn\").done")?;
        assert_eq!(done.len(), 9, "some act was never done: {done:?}");
    }
    Ok(())
}

/// The log orders: so the passes of each node are one chain, and the same for everyone, and so are its calls.
fn assert_all_saw_the_same_order(players: &mut [Player]) -> Outcome {
    let mut seen = Vec::new();
    for player in players {
        let passes: Passes = player.get("journal.of_nodes(\"ownership_changed\")")?;
        let rung: BTreeMap<String, Vec<i64>> = player.get("what_was_rung()")?;
        seen.push((passes, rung));
    }
    assert!(
        seen.windows(2).all(|pair| pair[0] == pair[1]),
        "players saw different orders: {seen:#?}"
    );
    for (node, passes) in &seen[0].0 {
        let is_chain = passes.windows(2).all(|pair| pair[0].1 == pair[1].0);
        assert!(
            is_chain,
            "node {node} was passed on by players who did not own it: {passes:?}"
        );
    }
    Ok(())
}

/// Each request is confirmed or rejected, once; each that is confirmed made its player the owner of a free node.
fn assert_every_grab_was_decided(players: &mut [Player]) -> Outcome {
    for player in players {
        let requests: Vec<u64> = player.get("act(\"Churn\").requests")?;
        let confirmed: Vec<(u64,)> = player.get("journal.all(\"mutation_confirmed\")")?;
        let rejected: Vec<(u64, String, String)> =
            player.get("journal.all(\"mutation_rejected\")")?;
        let won = requests
            .iter()
            .filter(|request| confirmed.iter().any(|(seq,)| seq == *request));
        let lost = requests
            .iter()
            .filter(|request| rejected.iter().any(|(seq, ..)| seq == *request));
        let (won, lost) = (won.count(), lost.count());
        assert_eq!(
            won + lost,
            requests.len(),
            "a request was never decided, or twice"
        );
        let me: u32 = player.get("me")?;
        let passes: Passes = player.get("journal.of_nodes(\"ownership_changed\")")?;
        let granted = passes
            .values()
            .flatten()
            .filter(|pass| **pass == (0, me))
            .count();
        assert_eq!(won, granted, "what was confirmed was not granted");
    }
    Ok(())
}
