class_name Witness
extends Node
## Writes down in each frame where Godot's own trackers are.

const POSES: Dictionary[String, StringName] = {"left_hand": &"grip", "right_hand": &"grip", "head": &"default"}

## Of each frame: by each tracker that has a pose its position and orientation, seven numbers.
var frames: Array[Dictionary] = []


static func begin(player: Node) -> void:
	var witness := Witness.new()
	witness.name = "Witness"
	player.add_child(witness)


func _process(_delta: float) -> void:
	var frame := {}
	for tracker: String in POSES:
		var positional := XRServer.get_tracker(tracker) as XRPositionalTracker
		var pose := positional.get_pose(POSES[tracker]) if positional != null else null
		if pose != null and pose.has_tracking_data:
			frame[tracker] = _numbers(pose.transform)
	frames.append(frame)


func _numbers(transform: Transform3D) -> Array[float]:
	var position := transform.origin
	var turn := transform.basis.get_rotation_quaternion()
	return [position.x, position.y, position.z, turn.x, turn.y, turn.z, turn.w]
