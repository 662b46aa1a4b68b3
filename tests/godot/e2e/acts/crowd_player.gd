class_name CrowdPlayer
extends Node
## One of a crowd of players, most of whom have no engine: writes as they do, and notes when it sees what the others wrote.

const MEMBER := "res://things/crowd_member.tscn"
## By this name the crowd knows its nodes.
const SPAWNER_NAME := "Crowd"
const BYTES := 1024
const LIVE_PARTS := 3

## A row for each operation seen, one after the other: its kind (0 confirmed, 1 live; 2 more if a Godot wrote it), when it was made in
## microseconds since 1970, and how much later it was seen.
var seen := PackedFloat64Array()

var _spawner := SyncedSpawner.new()
var _own: CrowdMember
var _others: Dictionary[CrowdMember, int] = {}
var _confirmed: Schedule
var _live: Schedule


## When something is due that comes so often a second.
class Schedule:
	var number := 0
	var _interval_usec: float
	var _due_usec := 0.0
	var _share: float

	func _init(hz: float, share: float) -> void:
		_interval_usec = 1e6 / hz
		_share = share

	func is_due(usec: int) -> bool:
		if _due_usec == 0.0:
			_due_usec = usec + _share * _interval_usec
		if usec < _due_usec:
			return false
		_due_usec += _interval_usec
		number += 1
		return true


## `share` of the interval passes before the first operation, so that not all write at once.
static func begin(player: Node, confirmed_hz: float, live_hz: float, share: float) -> void:
	var act := CrowdPlayer.new()
	act.name = "CrowdPlayer"
	act._confirmed = Schedule.new(confirmed_hz, share)
	act._live = Schedule.new(live_hz, share)
	player.add_child(act)
	act._begin()


## Puts a node of its own into the world. To be called in a session.
func join() -> void:
	_own = _spawner.spawn(MEMBER)
	_others.erase(_own)


## How many of the crowd are in the scene, this one included.
func sees() -> int:
	return _others.size() + 1


func stop() -> Array:
	set_process(false)
	return Array(seen)


func _begin() -> void:
	_spawner.name = SPAWNER_NAME
	_spawner.spawnable_scenes = [MEMBER]
	_spawner.spawned.connect(_on_spawned)
	_spawner.despawned.connect(_on_despawned)
	get_tree().root.add_child(_spawner)


func _on_spawned(member: CrowdMember) -> void:
	_others[member] = 0


func _on_despawned(member: CrowdMember) -> void:
	_others.erase(member)


## Where the game's own scripts run: after what came was applied, before what is written is collected.
func _process(_delta: float) -> void:
	if _own == null:
		return
	var usec := int(Time.get_unix_time_from_system() * 1e6)
	for member in _others:
		_look(member, usec)
	_write(usec)


func _look(member: CrowdMember, usec: int) -> void:
	var number := CrowdMember.number(member.confirmed)
	if number != member.confirmed_seen:
		member.confirmed_seen = number
		_note(member, 0, CrowdMember.made_usec(member.confirmed), usec)
	number = CrowdMember.number(member.live_3)
	if number != member.live_seen:
		member.live_seen = number
		_note(member, 1, CrowdMember.made_usec(member.live_3), usec)


func _note(member: CrowdMember, kind: int, made_usec: int, usec: int) -> void:
	var writer: String = SyncedSession.get_players().get(member.synced.get_owner_id(), "")
	seen.append(kind + (2 if writer.begins_with("godot") else 0))
	seen.append(made_usec)
	seen.append(usec - made_usec)


func _write(usec: int) -> void:
	if _confirmed.is_due(usec):
		_own.confirmed = CrowdMember.operation(BYTES, usec, _confirmed.number)
	if _live.is_due(usec):
		for part in LIVE_PARTS:
			var bytes := BYTES * (part + 1) / LIVE_PARTS - BYTES * part / LIVE_PARTS
			_own.set("live_%d" % (part + 1), CrowdMember.operation(bytes, usec, _live.number))
