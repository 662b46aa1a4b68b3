class_name SyncedHands
extends Node3D
## Two hands that follow traces at whoever owns them, and that owner everywhere else.

const HANDS: PackedStringArray = ["Left", "Right"]

## Where the traces are. To be set before the scene is opened.
static var folder := ""
## As [member SyncedNode.tracker_precision].
static var precision := 1


func _enter_tree() -> void:
	for hand in HANDS:
		var node := synced(hand)
		node.trace_file = folder.path_join(hand.to_lower() + ".trace")
		node.tracker_precision = precision


func root_of(hand: String) -> Node3D:
	return find_child(hand)


func synced(hand: String) -> SyncedNode:
	return root_of(hand).get_node("SyncedNode")


func take() -> void:
	for hand in HANDS:
		synced(hand).request_ownership()


func are_taken() -> bool:
	return Array(HANDS).all(func(hand: String) -> bool: return synced(hand).is_owner())


## The time that a hand is shown at, in microseconds of session time.
func shown_usec(hand: String) -> int:
	return synced(hand).get_shown_time_usec()


## What was sampled of a hand within the last so many microseconds: the times, and the positions as arrays of numbers.
func sampled(hand: String, usec: int) -> Array:
	var now := SyncedSession.get_session_time_usec()
	var trajectory := synced(hand).get_trajectory(now - usec, now)
	var points := Array(trajectory.positions).map(func(at: Vector3) -> Array: return [at.x, at.y, at.z])
	return [Array(trajectory.times_usec), points]


## The velocity of a hand at a time, as numbers.
func velocity_at(hand: String, usec: int) -> Array:
	var velocity: Vector3 = synced(hand).sample_at(usec).linear_velocity
	return [velocity.x, velocity.y, velocity.z]


## The samples of a hand from a time to a time: when they were taken, and how fast the hand was.
func speeds(hand: String, from_usec: int, to_usec: int) -> Array:
	var trajectory := synced(hand).get_trajectory(from_usec, to_usec)
	var lengths := Array(trajectory.linear_velocities).map(func(velocity: Vector3) -> float: return velocity.length())
	return [Array(trajectory.times_usec), lengths]
