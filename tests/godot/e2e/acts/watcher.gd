class_name Watcher
extends Node
## Remembers where a thing was in each frame, as long as it moves.

var positions := PackedVector3Array()

var _thing: Node3D


static func begin(player: Node, thing: Node3D) -> void:
	var watcher := Watcher.new()
	watcher.name = "Watcher"
	watcher._thing = thing
	player.add_child(watcher)


func _process(_delta: float) -> void:
	if is_instance_valid(_thing) and (positions.is_empty() or positions[-1] != _thing.position):
		positions.append(_thing.position)
