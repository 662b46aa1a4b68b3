//! Hands that hold and throw.

use synced_tests::{
    Outcome, folder,
    godot::Godot,
    play::{Play, agree, opened},
    player::{Player, all_run},
};

type Point = (f64, f64, f64);

/// By how much a throw may miss what the hand really did.
const THROW_SHARE: f64 = 0.02;
/// When something was shown in microseconds, and where: x and y.
type Place = (i64, f64, f64);

/// What is looked at of a flight: until it hits the ground.
const FLIGHT_USEC: i64 = 400_000;
/// How far from its true place it may be shown: a frame's own work is a few milliseconds, in which it flies so far.
const SEEN_METERS: f64 = 0.01;
/// How often two players reach for one cup.
const CONTESTS: usize = 6;

#[test]
fn a_cup_is_in_the_hand_at_once_flies_as_the_hand_did_and_is_free_where_it_rests() -> Outcome {
    let play = Play::begin("grab")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "cups")?;
    bring_hand(&mut ann)?;
    ann.run("grab(\"Cup\").grab(hand().synced)")?;
    assert!(
        ann.get::<bool>("grab(\"Cup\").is_held() and grab(\"Cup\").get_holder() == hand().synced")?
    );
    ann.until("journal.of_grab(grab(\"Cup\"), \"grab_confirmed\").size() == 1")?;
    assert_follows_the_hand(&mut ann)?;
    ben.until("synced(\"Cup\").get_owner_id() == 1 and not grab(\"Cup\").can_grab()")?;

    let_go_and_check_the_throw(&mut ann)?;
    for player in [&mut ann, &mut ben] {
        player.until("synced(\"Cup\").get_owner_id() == 0 and grab(\"Cup\").can_grab()")?;
        player.until("thing(\"Cup\").freeze and thing(\"Cup\").position.y < 0.5")?;
    }
    let mut both = [ann, ben];
    agree(&mut both)?;
    play.end(both)
}

#[test]
fn what_is_thrown_is_shown_to_others_where_it_was_at_that_time() -> Outcome {
    let play = Play::begin("grab-seen")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "cups")?;
    bring_hand(&mut ann)?;
    ann.run("grab(\"Cup\").grab(hand().synced)")?;
    ann.until("journal.of_grab(grab(\"Cup\"), \"grab_confirmed\").size() == 1")?;
    for player in [&mut ann, &mut ben] {
        player.run("Flight.begin(player, thing(\"Cup\"))")?;
    }
    // Above the circle's centre, where the hand moves to the left.
    ann.run(
        "while (hand().position - Circle.CENTRE).normalized().dot(Vector3.UP) < 0.97:
	await player.get_tree().process_frame
grab(\"Cup\").release()
player.set_meta(&\"let_go_usec\", SyncedSession.get_session_time_usec())",
    )?;
    let let_go_usec: i64 = ann.get("player.get_meta(&\"let_go_usec\")")?;
    ben.until("synced(\"Cup\").get_owner_id() == 0")?;
    let [flown, seen] = [&mut ann, &mut ben].map(|player| {
        let shown: Outcome<Vec<Place>> = player.get("act(\"Flight\").shown");
        shown.map(|mut shown| {
            shown.retain(|(usec, ..)| (0..FLIGHT_USEC).contains(&(usec - let_go_usec)));
            shown
        })
    });
    let (flown, seen) = (flown?, seen?);
    let mut off: Vec<f64> = seen
        .iter()
        .filter_map(|place| meters_off(place, &flown))
        .collect();
    off.sort_by(f64::total_cmp);
    assert!(off.len() > 5, "{seen:?} of {flown:?}");
    let middle = off[off.len() / 2];
    assert!(middle < SEEN_METERS, "{off:?}");
    play.end([ann, ben])
}

#[test]
fn of_two_players_who_grab_one_cup_exactly_one_gets_it_and_both_are_told() -> Outcome {
    let play = Play::begin("grab-contest")?;
    let mut both = play.join_all(["ann", "ben"], "cups")?;
    for player in &mut both {
        bring_hand(player)?;
    }
    for contest in 1..=CONTESTS {
        all_run(&mut both, "grab(\"Cup\").grab(own_hand().synced)")?;
        let told = "journal.of_grab(grab(\"Cup\"), \"grab_confirmed\").size() + journal.of_grab(grab(\"Cup\"), \"grab_denied\").size()";
        for player in &mut both {
            player.until(&format!("{told} == {contest}"))?;
        }
        let held: Vec<bool> = both
            .iter_mut()
            .map(|player| player.get("grab(\"Cup\").is_held()"))
            .collect::<Outcome<_>>()?;
        assert_eq!(
            held.iter().filter(|held| **held).count(),
            1,
            "{held:?} hold it"
        );
        let winner = usize::from(held[1]);
        let owner = winner + 1;
        let loser = &mut both[1 - winner];
        assert_eq!(
            loser.get::<Vec<u32>>("journal.of_grab(grab(\"Cup\"), \"grab_denied\")[-1]")?,
            [owner as u32]
        );
        loser.until("thing(\"Cup\").freeze")?;
        // Thrown from where it lies it would fly ever farther.
        both[winner].run("grab(\"Cup\").release(); var cup := thing(\"Cup\"); cup.linear_velocity = Vector3.ZERO; cup.angular_velocity = Vector3.ZERO; cup.position = Vector3(0.9, 0.5, 0.0)")?;
        for player in &mut both {
            player.until("synced(\"Cup\").get_owner_id() == 0")?;
        }
    }
    agree(&mut both)?;
    play.end(both)
}

#[test]
fn without_a_session_a_hand_follows_its_tracker_and_throws_all_the_same() -> Outcome {
    let folder = folder::fresh("grab-alone")?;
    let mut ann = opened(&Godot::find()?, &folder, &["ann"], "cups")?.swap_remove(0);
    ann.run("Circle.write_trace(\"user://circle.trace\"); world.add_child(load(\"res://things/circling_hand.tscn\").instantiate()); thing(\"CirclingHand\").label = \"hand\"")?;
    ann.until("hand().position.x < 0.5")?;
    ann.run("grab(\"Cup\").grab(hand().synced)")?;
    assert!(ann.get::<bool>("journal.of_grab(grab(\"Cup\"), \"grab_confirmed\").size() == 1")?);
    assert_follows_the_hand(&mut ann)?;
    let_go_and_check_the_throw(&mut ann)?;
    ann.until("thing(\"Cup\").sleeping and thing(\"Cup\").position.y < 0.5")?;
    ann.quit()
}

#[test]
fn who_walks_while_throwing_throws_by_as_much_faster() -> Outcome {
    let folder = folder::fresh("grab-walking")?;
    let mut ann = opened(&Godot::find()?, &folder, &["ann"], "cups")?.swap_remove(0);
    ann.run("Circle.write_trace(\"user://circle.trace\"); thing(\"Cart\").add_child(load(\"res://things/circling_hand.tscn\").instantiate()); thing(\"Cart/CirclingHand\").label = \"hand\"")?;
    ann.until("hand().position.x < 0.5")?;
    ann.run("grab(\"Cup\").grab(hand().synced); Mover.begin(player, [thing(\"Cart\")] as Array[Node3D], 5.0); await seconds(0.5)")?;
    ann.run("player.set_meta(&\"truth\", Circle.velocity_at(thing(\"Cart\").to_local(thing(\"Cup\").global_position))); grab(\"Cup\").release()")?;
    let [linear, _]: [Point; 2] = ann.get(RELEASED)?;
    let by_hand: Point = ann.get("as_numbers([player.get_meta(&\"truth\")])[0]")?;
    let walk = (linear.0 - by_hand.0, linear.1 - by_hand.1);
    // A frame's time is not exact: the walk is a metre a second only in the mean.
    assert!((walk.0 - 1.0).abs() < 0.5 && walk.1.abs() < 0.1, "{walk:?}");
    ann.quit()
}

#[test]
fn what_anybody_may_take_is_taken_out_of_the_hand_and_who_had_it_is_told() -> Outcome {
    let play = Play::begin("grab-taken")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "cups")?;
    for player in [&mut ann, &mut ben] {
        bring_hand(player)?;
    }
    ann.run("grab(\"Prize\").grab(own_hand().synced)")?;
    ann.until("journal.of_grab(grab(\"Prize\"), \"grab_confirmed\").size() == 1")?;
    ben.until("synced(\"Prize\").get_owner_id() == 1 and grab(\"Prize\").can_grab()")?;
    ben.run("grab(\"Prize\").grab(own_hand().synced)")?;
    ben.until("journal.of_grab(grab(\"Prize\"), \"grab_confirmed\").size() == 1")?;
    ann.until("journal.of_grab(grab(\"Prize\"), \"grab_denied\") == [[2]]")?;
    assert!(!ann.get::<bool>("grab(\"Prize\").is_held()")?);
    assert!(ben.get::<bool>("grab(\"Prize\").is_held()")?);
    ann.until("thing(\"Prize\").freeze")?;
    play.end([ann, ben])
}

#[test]
fn what_is_just_being_given_back_can_be_taken_again() -> Outcome {
    let play = Play::begin("grab-again")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "cups")?;
    bring_hand(&mut ann)?;
    ann.run("grab(\"Cup\").grab(hand().synced)")?;
    ann.until("journal.of_grab(grab(\"Cup\"), \"grab_confirmed\").size() == 1")?;
    ann.run("grab(\"Cup\").release(); synced(\"Cup\").release_ownership(); grab(\"Cup\").grab(hand().synced)")?;
    assert!(ann.get::<bool>("journal.of_grab(grab(\"Cup\"), \"grab_confirmed\").size() == 1")?);
    ann.until("journal.of_grab(grab(\"Cup\"), \"grab_confirmed\").size() == 2")?;
    assert_follows_the_hand(&mut ann)?;
    let owners = "journal.of(synced(\"Cup\"), \"ownership_changed\")";
    ben.until(&format!("{owners} == [[0, 1], [1, 0], [0, 1]]"))?;
    play.end([ann, ben])
}

#[test]
fn what_is_no_body_stays_where_the_hand_left_it_and_is_free_at_once() -> Outcome {
    let play = Play::begin("grab-no-body")?;
    let [mut ann, mut ben] = play.join_all(["ann", "ben"], "cups")?;
    bring_hand(&mut ann)?;
    ann.run("grab(\"Lantern\").grab(own_hand().synced); await seconds(0.3); grab(\"Lantern\").release()")?;
    for player in [&mut ann, &mut ben] {
        player.until("synced(\"Lantern\").get_owner_id() == 0 and grab(\"Lantern\").can_grab()")?;
    }
    let left: Point = ann.get("as_numbers([thing(\"Lantern\").position])[0]")?;
    assert_ne!(left, (0.0, 0.0, 0.0));
    let mut both = [ann, ben];
    agree(&mut both)?;
    for player in &mut both {
        assert_eq!(
            player.get::<Point>("as_numbers([thing(\"Lantern\").position])[0]")?,
            left
        );
    }
    play.end(both)
}

#[test]
fn a_grip_that_closes_near_a_cup_takes_it_and_one_that_opens_throws_it() -> Outcome {
    let play = Play::begin("grab-by-grip")?;
    let mut ann = play.join("ann", "cups")?;
    ann.run("grab(\"Cup\").auto_grab = true")?;
    bring_hand(&mut ann)?;
    ann.until("grab(\"Cup\").get_holder() == hand().synced")?;
    ann.until("journal.of_grab(grab(\"Cup\"), \"released\").size() == 1")?;
    let [linear, angular]: [Point; 2] = ann.get(RELEASED)?;
    // Its grip opens at the left end of the circle, where it goes down.
    assert!(linear.1 < -1.5 && linear.0.abs() < 1.5, "{linear:?}");
    assert!(
        (angular.2 - std::f64::consts::TAU).abs() < 0.2,
        "{angular:?}"
    );
    play.end([ann])
}

#[test]
fn what_one_hand_holds_passes_over_to_the_other_and_falls_when_that_is_gone() -> Outcome {
    let play = Play::begin("grab-passed-over")?;
    let mut ann = play.join("ann", "cups")?;
    for _ in 0..2 {
        bring_hand(&mut ann)?;
    }
    ann.run("grab(\"Cup\").grab(hands()[0].synced)")?;
    ann.until("journal.of_grab(grab(\"Cup\"), \"grab_confirmed\").size() == 1")?;
    ann.run("grab(\"Cup\").grab(hands()[1].synced)")?;
    assert!(ann.get::<bool>("grab(\"Cup\").get_holder() == hands()[1].synced")?);
    ann.run("hands()[1].synced.despawn()")?;
    ann.until("journal.of_grab(grab(\"Cup\"), \"released\").size() == 1")?;
    assert!(!ann.get::<bool>("grab(\"Cup\").is_held()")?);
    ann.until("synced(\"Cup\").get_owner_id() == 0 and thing(\"Cup\").position.y < 0.5")?;
    play.end([ann])
}

const RELEASED: &str =
    "journal.of_grab(grab(\"Cup\"), \"released\")[-1].map(func(it): return as_numbers([it])[0])";

/// A player's own hand, which goes round in a circle.
fn bring_hand(player: &mut Player) -> Outcome {
    player.run("Circle.write_trace(\"user://circle.trace\"); spawner().spawn(\"res://things/circling_hand.tscn\", {label = \"hand of %d\" % me})")?;
    player.until("own_hand().position.x > 0.1")
}

/// Over some frames the cup keeps its place in the hand.
fn assert_follows_the_hand(player: &mut Player) -> Outcome {
    player.run("await seconds(0.1)")?;
    let drift: f64 = player.get(
        "await (func():
	var grip = func(): return hand().global_transform.affine_inverse() * thing(\"Cup\").global_transform
	var first = grip.call()
	var drift := 0.0
	for frame in 20:
		await player.get_tree().process_frame
		drift = maxf(drift, grip.call().origin.distance_to(first.origin))
	return drift).call()",
    )?;
    assert!(drift < 1e-4, "it slipped by {drift} m");
    Ok(())
}

fn let_go_and_check_the_throw(player: &mut Player) -> Outcome {
    player.run("var cup := thing(\"Cup\"); player.set_meta(&\"truth\", Circle.velocity_at(cup.global_position)); grab(\"Cup\").release(); player.set_meta(&\"flies\", cup.linear_velocity)")?;
    let [linear, angular]: [Point; 2] = player.get(RELEASED)?;
    let truth: Point = player.get("as_numbers([player.get_meta(&\"truth\")])[0]")?;
    let flies: Point = player.get("as_numbers([player.get_meta(&\"flies\")])[0]")?;
    assert_eq!(flies, linear, "the body does not fly as it was said to");
    assert_near(linear, truth);
    assert_near(angular, (0.0, 0.0, std::f64::consts::TAU));
    Ok(())
}

fn assert_near(found: Point, truth: Point) {
    let length = |point: Point| point.0.hypot(point.1).hypot(point.2);
    let off = length((found.0 - truth.0, found.1 - truth.1, found.2 - truth.2));
    assert!(
        off < THROW_SHARE * length(truth),
        "{found:?} is not {truth:?}"
    );
}

/// How far a place is from the line through those of the same time; none before and after all of them.
fn meters_off(&(at, x, y): &Place, flown: &[Place]) -> Option<f64> {
    let pair = flown
        .windows(2)
        .find(|pair| (pair[0].0..pair[1].0).contains(&at))?;
    let share = (at - pair[0].0) as f64 / (pair[1].0 - pair[0].0) as f64;
    let between = |from: f64, to: f64| from + (to - from) * share;
    Some((x - between(pair[0].1, pair[1].1)).hypot(y - between(pair[0].2, pair[1].2)))
}
