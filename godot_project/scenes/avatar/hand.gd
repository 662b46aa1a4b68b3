class_name Hand
extends Node3D
## A hand that can hold one cup and throw it. What moves the hand is not its business.

const GRAB_METERS := 0.16

@export var is_left := false

@onready var synced: SyncedNode = $SyncedNode
@onready var _fingers: Node3D = $Shape/Fingers

var _held: Cup


func is_holding() -> bool:
	return is_instance_valid(_held) and _held.grab.get_holder() == synced


func grab(cup: Cup) -> bool:
	if is_holding() or not cup.grab.can_grab() or not cup.grab.grab(synced):
		return false
	_held = cup
	return true


## The free cup that the hand touches; null if there is none.
func nearest_cup() -> Cup:
	var nearest: Cup
	var nearest_meters := GRAB_METERS
	for cup: Cup in get_tree().get_nodes_in_group(Cup.GROUP):
		var meters := cup.global_position.distance_to(global_position)
		if meters < nearest_meters and cup.grab.can_grab():
			nearest = cup
			nearest_meters = meters
	return nearest


func release() -> void:
	if is_holding():
		_held.grab.release()


func _process(delta: float) -> void:
	var is_closed: bool = is_holding() or synced.get_controls().get("grip", 0.0) > 0.5
	_fingers.rotation.x = lerp_angle(_fingers.rotation.x, -1.2 if is_closed else -0.25, minf(delta * 18.0, 1.0))
