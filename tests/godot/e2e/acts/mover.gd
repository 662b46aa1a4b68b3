class_name Mover
extends Node
## Moves things along a line for some seconds, and remembers where the first of them was in each frame.

const METERS_PER_SEC := Vector3(1.0, 0.0, 0.0)

var is_done := false
var positions := PackedVector3Array()

var _things: Array[Node3D]
var _seconds_left: float


static func begin(player: Node, things: Array[Node3D], seconds: float) -> void:
	var mover := Mover.new()
	mover.name = "Mover"
	mover._things = things
	mover._seconds_left = seconds
	player.add_child(mover)


func _process(delta: float) -> void:
	_seconds_left -= delta
	if _seconds_left < 0.0:
		is_done = true
		set_process(false)
		return
	for thing in _things:
		thing.position += METERS_PER_SEC * delta
	positions.append(_things[0].position)
