//! Every kind of value, from one Godot to another.

use synced_tests::{
    Outcome,
    play::{Play, agree},
};

#[test]
fn every_value_that_can_cross_arrives_as_it_was_by_property_and_by_call() -> Outcome {
    let play = Play::begin("values")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "things")?;
    let count: usize = ann.get("Values.all(thing(\"Cup1\")).size()")?;
    for place in 0..count {
        let value = format!("Values.all(thing(\"Cup1\"))[{place}]");
        ann.run(&format!("thing(\"Board\").value = {value}"))?;
        ann.run(&format!(
            "synced(\"Board\").call_synced(\"ring\", [{value}])"
        ))?;
        for player in [&mut ann, &mut ben] {
            player.until(&format!("thing(\"Board\").rung.size() == {}", place + 1))?;
            player.until(&format!("Values.are_same(thing(\"Board\").value, {value})"))?;
            player.until(&format!(
                "Values.are_same(thing(\"Board\").rung[-1], {value})"
            ))?;
        }
    }
    let mut both = [ann, ben];
    agree(&mut both)?;
    play.end(both)
}

#[test]
fn a_call_carries_all_its_arguments_and_is_made_on_every_machine_once() -> Outcome {
    let play = Play::begin("calls")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "things")?;
    for number in 0..20 {
        ann.run(&format!(
            "synced(\"Cup1\").call_synced(\"ring_with\", [{number}, \"two\", Vector3.UP])"
        ))?;
        ben.run(&format!(
            "synced(\"Cup1\").call_synced(\"ring\", [{number}])"
        ))?;
    }
    for player in [&mut ann, &mut ben] {
        player.until("thing(\"Cup1\").rung.size() == 40")?;
        player.until("thing(\"Cup1\").rung.filter(func(it): return it is Array).map(func(it): return it[0]) == range(20)")?;
        player.until("thing(\"Cup1\").rung.filter(func(it): return it is int) == range(20)")?;
        player.until("thing(\"Cup1\").rung.filter(func(it): return it is Array)[0] == [0, \"two\", Vector3.UP]")?;
    }
    let orders = [
        ann.get::<String>("str(thing(\"Cup1\").rung)")?,
        ben.get::<String>("str(thing(\"Cup1\").rung)")?,
    ];
    assert_eq!(orders[0], orders[1]);
    play.end([ann, ben])
}
