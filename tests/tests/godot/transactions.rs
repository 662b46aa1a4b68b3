//! Several changes at once: all or nothing.

use synced_tests::{
    Outcome,
    play::{Play, agree},
    player::Player,
};

#[test]
fn a_transaction_whose_guards_hold_happens_as_a_whole() -> Outcome {
    let play = Play::begin("transaction-holds")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "things")?;
    own_two_cups(&mut ann)?;
    ann.run(
        "SyncedTransaction.new().require_exists(synced(\"Cup1\")).require_owner(synced(\"Cup2\"), me)\
         .require_version(synced(\"Cup1\"), \"label\", synced(\"Cup1\").get_property_version(\"label\"))\
         .set_property(synced(\"Cup1\"), \"label\", \"one\").set_property(synced(\"Cup2\"), \"label\", \"two\")\
         .reparent(synced(\"Cup2\"), world.get_node(\"Left\")).call_method(synced(\"Cup1\"), \"ring\", [7])\
         .transfer_ownership(synced(\"Cup1\"), 2).commit()",
    )?;
    for player in [&mut ann, &mut ben] {
        player
            .until("synced(\"Cup1\").get_owner_id() == 2 and thing(\"Cup1\").label == \"one\"")?;
        player.until("thing(\"Left/Cup2\").label == \"two\" and thing(\"Cup1\").rung == [7]")?;
    }
    let mut both = [ann, ben];
    agree(&mut both)?;
    play.end(both)
}

#[test]
fn a_transaction_with_a_guard_that_fails_changes_nothing_and_says_so() -> Outcome {
    let play = Play::begin("transaction-fails")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "things")?;
    own_two_cups(&mut ann)?;
    let mut before = agree(std::slice::from_mut(&mut ann))?;
    for guard in [
        "require_owner(synced(\"Cup1\"), 2)",
        "require_version(synced(\"Cup1\"), \"label\", synced(\"Cup1\").get_property_version(\"label\") + 1)",
    ] {
        ann.run(&format!("SyncedTransaction.new().{guard}.set_property(synced(\"Cup1\"), \"label\", \"no\").commit()"))?;
        ann.until("journal.last(\"mutation_rejected\").slice(1, 2) == [\"guard_failed\"]")?;
        let after = agree(std::slice::from_mut(&mut ann))?;
        assert_eq!(before, after, "{guard}");
        before = after;
        ann.run("journal.all(\"mutation_rejected\").clear()")?;
    }
    // The first step is allowed, the second is not.
    ben.run(
        "SyncedTransaction.new().set_property(synced(\"Board\"), \"label\", \"no\")\
         .set_property(synced(\"Cup1\"), \"label\", \"no\").commit()",
    )?;
    ben.until("journal.last(\"mutation_rejected\").slice(1, 2) == [\"not_owner\"]")?;
    let mut both = [ann, ben];
    assert_eq!(
        agree(&mut both)?,
        before,
        "a part of a transaction happened"
    );
    play.end(both)
}

fn own_two_cups(player: &mut Player) -> Outcome {
    player.run("synced(\"Cup1\").request_ownership(); synced(\"Cup2\").request_ownership()")?;
    player.until("synced(\"Cup1\").is_owner() and synced(\"Cup2\").is_owner()")
}
