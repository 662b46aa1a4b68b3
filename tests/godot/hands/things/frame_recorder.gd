class_name FrameRecorder
extends Node
## Writes down each frame what is shown of both hands, as the last thing that the frame does.

## A row a frame: the time in microseconds since 1970, session time or 0, and of each hand the time at which it is shown or
## 0, position and quaternion.
var rows: Array = []

var _hands: Node3D
var _is_on := false


static func begin(player: Node, hands: Node3D) -> void:
	var recorder := FrameRecorder.new()
	recorder.name = "FrameRecorder"
	recorder.process_priority = 1000
	recorder._hands = hands
	player.add_child(recorder)


func start() -> void:
	rows.clear()
	_is_on = true


func stop() -> Array:
	_is_on = false
	return rows


func _process(_delta: float) -> void:
	if not _is_on:
		return
	var in_session := SyncedSession.get_state() != SyncedSession.STATE_OFFLINE
	var session_usec := SyncedSession.get_session_time_usec() if in_session else 0
	var row: Array = [Time.get_unix_time_from_system() * 1e6, session_usec]
	for hand in SyncedHands.HANDS:
		var root: Node3D = _hands.root_of(hand)
		var q := root.quaternion
		row.append_array([_hands.shown_usec(hand), root.position.x, root.position.y, root.position.z, q.x, q.y, q.z, q.w])
	rows.append(row)
