class_name Churn
extends Node
## Grabs, releases, writes, moves, spawns, despawns, hangs elsewhere and rings things at random, from a seed.

const ACT_SEC := 0.05
const SPAWNED_MAX := 8
const THING := "res://things/thing.tscn"

var is_done := false
## How often each thing was done.
var done: Dictionary[String, int] = {}
## The sequence numbers of the requests for ownership.
var requests: Array[int] = []

var _random := RandomNumberGenerator.new()
var _seconds_left := 0.0
var _until_next := 0.0
var _moving: Array[Thing] = []
var _world: Node


static func begin(player: Node, world: Node, from_seed: int, seconds: float) -> void:
	var churn := Churn.new()
	churn.name = "Churn"
	churn._random.seed = from_seed
	churn._seconds_left = seconds
	churn._world = world
	player.add_child(churn)


func _process(delta: float) -> void:
	_seconds_left -= delta
	if _seconds_left < 0.0:
		is_done = true
		set_process(false)
		return
	_move(delta)
	_until_next -= delta
	if _until_next < 0.0:
		_until_next += ACT_SEC
		_act()


func _act() -> void:
	var acts: Array[Callable] = [_grab, _let_go, _write, _push, _spawn, _despawn, _hang_elsewhere, _ring, _swap]
	var act := acts[_random.rand_weighted([8.0, 4.0, 4.0, 4.0, 2.0, 1.5, 2.0, 2.0, 1.0])]
	if act.call():
		var count_name := act.get_method().trim_prefix("_")
		done[count_name] = done.get(count_name, 0) + 1


func _grab() -> bool:
	var thing := _any(func(thing: Thing) -> bool: return thing.synced.get_owner_id() == 0 and not thing.synced.is_pending())
	if thing == null:
		return false
	var request := thing.synced.request_ownership()
	# Its parent may have been despawned in this very frame.
	if request == 0:
		return false
	requests.append(request)
	return true


func _let_go() -> bool:
	var thing := _any(_is_own)
	if thing == null:
		return false
	_moving.erase(thing)
	thing.synced.release_ownership()
	return true


func _write() -> bool:
	var thing := _any(_is_own)
	if thing == null:
		return false
	thing.color = Color(_random.randf(), _random.randf(), _random.randf())
	thing.label = "by %d" % SyncedSession.get_player_id()
	return true


func _push() -> bool:
	var thing := _any(_is_own)
	if thing == null or thing in _moving:
		return false
	_moving.append(thing)
	return true


func _spawn() -> bool:
	var own := _things().filter(func(thing: Thing) -> bool: return _is_spawned(thing) and _is_own(thing))
	if own.size() >= SPAWNED_MAX:
		return false
	var spawner: SyncedSpawner = _world.get_node("SyncedSpawner")
	return spawner.spawn(THING, {"color": Color.AQUA, "position": Vector3.ONE * _random.randf()}) != null


func _despawn() -> bool:
	var thing := _any(func(thing: Thing) -> bool: return _is_spawned(thing) and _is_own(thing))
	if thing == null:
		return false
	_moving.erase(thing)
	thing.synced.despawn()
	return true


## Below a place of the scene, or below a thing that somebody spawned and may despawn with all below it.
func _hang_elsewhere() -> bool:
	var thing := _any(func(thing: Thing) -> bool: return _is_spawned(thing) and _is_own(thing))
	if thing == null:
		return false
	var places: Array[Node] = [_world, _world.get_node("Left"), _world.get_node("Right")]
	var other := _any(_is_spawned)
	if other != null and other != thing and not thing.is_ancestor_of(other):
		places.append(other)
	var place := places[_random.randi_range(0, places.size() - 1)]
	if thing.get_parent() == place:
		return false
	thing.synced.reparent_synced(place)
	return true


func _ring() -> bool:
	var thing := _any(func(_thing: Thing) -> bool: return true)
	return thing != null and thing.synced.call_synced(&"ring", [_random.randi()]) != 0


## Two labels at once, if nobody has written the first meanwhile.
func _swap() -> bool:
	var thing := _any(_is_own)
	var other := _any(_is_own)
	if thing == null or thing == other:
		return false
	var labels := [thing.label, other.label]
	return SyncedTransaction.new() \
			.require_version(thing.synced, "label", thing.synced.get_property_version("label")) \
			.set_property(thing.synced, "label", labels[1]) \
			.set_property(other.synced, "label", labels[0]) \
			.commit() != 0


func _move(delta: float) -> void:
	_moving = _moving.filter(_is_still_own)
	for thing in _moving:
		thing.position += Vector3(_random.randf() - 0.5, _random.randf() - 0.5, _random.randf() - 0.5) * delta


## Untyped: it may be freed.
func _is_still_own(thing: Variant) -> bool:
	return is_instance_valid(thing) and _is_own(thing)


func _any(is_wanted: Callable) -> Thing:
	var wanted := _things().filter(is_wanted)
	return wanted[_random.randi_range(0, wanted.size() - 1)] if not wanted.is_empty() else null


func _things() -> Array[Thing]:
	var found: Array[Thing] = []
	for node in _world.find_children("*", "Node3D", true, false):
		if node is Thing and _is_toy(node) and not node.is_queued_for_deletion():
			found.append(node)
	return found


## What is to be seen by everyone and what follows a controller is no toy.
func _is_toy(thing: Thing) -> bool:
	var synced_node: SyncedNode = thing.get_node_or_null("SyncedNode")
	return synced_node != null and synced_node.tracker.is_empty() and thing.name not in ["Board", "Rules"]


func _is_own(thing: Thing) -> bool:
	return thing.synced.is_owner()


func _is_spawned(thing: Thing) -> bool:
	return not thing.scene_file_path.is_empty() and thing.synced.get_synced_id() > 0
