//! Bodies under physics: simulated by their owner alone, the same for everyone where they rest.

use synced_tests::{
    Outcome,
    play::{Play, agree},
};

#[test]
fn a_body_falls_for_its_owner_alone_and_lies_alike_for_everyone_and_for_who_joins_late() -> Outcome
{
    let play = Play::begin("bodies")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "bodies")?;
    for player in [&mut ann, &mut ben] {
        // What nobody owns hangs where it is.
        player.until(
            "[\"Body1\", \"Body2\", \"Body3\"].all(func(name): return thing(name).freeze)",
        )?;
    }
    ann.run("synced(\"Body1\").request_ownership()")?;
    ann.until("synced(\"Body1\").is_owner() and not thing(\"Body1\").freeze")?;
    ann.until("thing(\"Body1\").sleeping and thing(\"Body1\").position.y < 0.5")?;
    ben.until("thing(\"Body1\").position.y < 0.5")?;
    assert!(ben.get::<bool>("thing(\"Body1\").freeze and thing(\"Body2\").freeze")?);
    let cid = play.join("cid", "bodies")?;
    let mut all = [ann, ben, cid];
    agree(&mut all)?;
    all[0].run("synced(\"Body1\").release_ownership()")?;
    for player in &mut all {
        player.until("synced(\"Body1\").get_owner_id() == 0 and thing(\"Body1\").freeze")?;
    }
    agree(&mut all)?;
    play.end(all)
}

#[test]
fn a_body_that_is_thrown_to_another_player_is_caught_in_flight() -> Outcome {
    let play = Play::begin("body-thrown")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "bodies")?;
    ann.run("synced(\"Body3\").request_ownership()")?;
    ann.until("synced(\"Body3\").is_owner()")?;
    // High enough for seconds of flight, also where it fell to the floor before it was thrown.
    ann.run("thing(\"Body3\").linear_velocity = Vector3(0, 25, 1)")?;
    ben.until("thing(\"Body3\").position.y > 4.0")?;
    ann.run("synced(\"Body3\").give_ownership(2)")?;
    ben.until("synced(\"Body3\").is_owner() and not thing(\"Body3\").freeze")?;
    ann.until("thing(\"Body3\").freeze")?;
    ben.until("thing(\"Body3\").sleeping")?;
    let mut both = [ann, ben];
    agree(&mut both)?;
    play.end(both)
}
