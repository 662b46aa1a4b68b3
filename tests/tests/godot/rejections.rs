//! What a player may not do, and what it is told.

use synced_tests::{
    Outcome,
    play::{Play, agree},
    player::Player,
};

#[test]
fn who_writes_what_is_not_his_is_told_and_nobody_sees_it() -> Outcome {
    let play = Play::begin("not-owner")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "things")?;
    ann.run("synced(\"Cup1\").request_ownership(); thing(\"Cup1\").label = \"mine\"")?;
    ben.until("synced(\"Cup1\").get_owner_id() == 1 and thing(\"Cup1\").label == \"mine\"")?;
    ben.run("synced(\"Cup2\").request_ownership(); await seconds(0.3)")?;
    let before = agree(std::slice::from_mut(&mut ann))?;

    ben.run("thing(\"Cup1\").label = \"stolen\"")?;
    ben.until("journal.of(synced(\"Cup1\"), \"write_rejected\").map(func(it): return it[0]) == [\"not_owner\"]")?;
    ben.until("thing(\"Cup1\").label == \"mine\"")?;
    for (attempt, code) in [
        (
            "SyncedTransaction.new().set_property(synced(\"Cup1\"), \"label\", \"stolen\").commit()",
            "not_owner",
        ),
        ("synced(\"Cup1\").request_ownership()", "not_owner"),
        ("synced(\"Cup1\").despawn()", "not_owner"),
        ("synced(\"Cup1\").give_ownership(2)", "not_owner"),
        (
            "SyncedTransaction.new().set_property(synced(\"Rules\"), \"label\", \"mine\").commit()",
            "server_only",
        ),
        ("synced(\"Rules\").call_synced(\"ring\")", "server_only"),
        (
            "SyncedTransaction.new().transfer_ownership(synced(\"Cup2\"), 99).commit()",
            "player_missing",
        ),
    ] {
        assert_rejected(&mut ben, attempt, code)?;
    }
    let mut both = [ann, ben];
    assert_eq!(agree(&mut both)?, before);
    let [ann, ben] = both;
    ben.quit_expecting(&["is not synced: this player may not write the node"])?;
    play.end([ann])
}

#[test]
fn what_is_proposed_for_a_node_that_is_gone_is_rejected() -> Outcome {
    let play = Play::begin("missing-node")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "things")?;
    ann.run("spawner().spawn(\"res://things/thing.tscn\", {label = \"new\"})")?;
    ben.until("labelled(\"new\").size() == 1")?;
    // The proposals are decided in their order, and the second while the node still shows here.
    assert_rejected(
        &mut ann,
        "labelled(\"new\")[0].synced.despawn(); labelled(\"new\")[0].synced.call_synced(\"ring\")",
        "node_missing",
    )?;
    let mut both = [ann, ben];
    agree(&mut both)?;
    play.end(both)
}

#[test]
fn a_value_that_cannot_cross_is_refused_with_its_reason_and_taken_back() -> Outcome {
    let play = Play::begin("unsupported-values")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "things")?;
    ann.run("thing(\"Board\").value = \"good\"")?;
    ben.until("thing(\"Board\").value == \"good\"")?;
    for (value, code) in [
        ("RID()", "unsupported_value"),
        ("Callable(player, \"get_path\")", "unsupported_value"),
        ("NAN", "unsupported_value"),
        ("Vector3(0, NAN, 0)", "unsupported_value"),
        ("[1, [NAN]]", "unsupported_value"),
        ("Resource.new()", "unsupported_value"),
        ("player", "unsupported_value"),
        ("\"x\".repeat(17000)", "too_large"),
    ] {
        ann.run(&format!("thing(\"Board\").value = {value}"))?;
        ann.until(&format!("journal.of(synced(\"Board\"), \"write_rejected\").map(func(it): return it[0]) == [{code:?}]"))?;
        ann.until(
            "typeof(thing(\"Board\").value) == TYPE_STRING and thing(\"Board\").value == \"good\"",
        )?;
        ann.run("journal.of(synced(\"Board\"), \"write_rejected\").clear()")?;
        let sent: u32 = ann.get(&format!(
            "synced(\"Board\").call_synced(\"ring\", [{value}])"
        ))?;
        assert_eq!(sent, 0, "{value} was sent as an argument");
    }
    let mut both = [ann, ben];
    agree(&mut both)?;
    let [ann, ben] = both;
    ann.quit_expecting(&[
        "was changed here but is not synced",
        "an argument is refused",
    ])?;
    play.end([ben])
}

#[test]
fn a_transaction_past_its_size_is_rejected_as_too_large() -> Outcome {
    let play = Play::begin("too-large")?;
    let mut ann = play.join("ann", "things")?;
    let before = agree(std::slice::from_mut(&mut ann))?;
    ann.run("synced(\"Board\").set_meta(\"long\", \"x\".repeat(15000))")?;
    for steps in [3, 5, 70] {
        let step =
            ".set_property(synced(\"Board\"), \"value\", synced(\"Board\").get_meta(\"long\"))";
        assert_rejected(
            &mut ann,
            &format!("SyncedTransaction.new(){}.commit()", step.repeat(steps)),
            "too_large",
        )?;
    }
    assert_eq!(agree(std::slice::from_mut(&mut ann))?, before);
    play.end([ann])
}

#[test]
fn a_call_never_reaches_a_method_that_the_game_did_not_write() -> Outcome {
    let play = Play::begin("calls-refused")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "things")?;
    ann.run("for method in [\"queue_free\", \"set_script\", \"_process\"]: synced(\"Cup1\").call_synced(method)")?;
    ann.run("synced(\"Cup1\").call_synced(\"ring\", [1])")?;
    for player in [&mut ann, &mut ben] {
        player.until("thing(\"Cup1\").rung == [1]")?;
    }
    for player in [ann, ben] {
        player.quit_expecting(&[
            "call_synced(\"queue_free\")",
            "call_synced(\"set_script\")",
            "call_synced(\"_process\")",
        ])?;
    }
    play.end([])
}

fn assert_rejected(player: &mut Player, attempt: &str, code: &str) -> Outcome {
    player.run("journal.all(\"mutation_rejected\").clear()")?;
    player.run(attempt)?;
    player.until("journal.count(\"mutation_rejected\") == 1")?;
    let (_, told, message): (u64, String, String) =
        player.get("journal.last(\"mutation_rejected\")")?;
    assert_eq!(told, code, "{attempt}: {message}");
    assert!(!message.is_empty());
    Ok(())
}
