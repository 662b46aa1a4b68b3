class_name Hand
extends Node3D
## A hand that can hold one cup and throw it. What moves the hand is not its business.

## How much of the hand's past makes a throw.
const THROW_WINDOW_SEC := 0.09
const GRAB_METERS := 0.16
const SPIN_MAX := 12.0

@export var is_left := false

@onready var synced: SyncedNode = $SyncedNode
@onready var _fingers: Node3D = $Shape/Fingers

var held: Cup

var _past: Array[Transform3D] = []
var _past_sec: Array[float] = []


func is_holding() -> bool:
	return is_instance_valid(held)


func grab(cup: Cup) -> bool:
	if is_holding() or not cup.pick_up(self):
		return false
	held = cup
	return true


## The free cup that the hand touches; null if there is none.
func nearest_cup() -> Cup:
	var nearest: Cup
	var nearest_meters := GRAB_METERS
	for cup: Cup in get_tree().get_nodes_in_group(Cup.GROUP):
		var meters := cup.global_position.distance_to(global_position)
		if meters < nearest_meters and cup.is_free():
			nearest = cup
			nearest_meters = meters
	return nearest


func release() -> void:
	if is_holding():
		held.let_go(velocity(), spin())
	held = null


## Another player was first.
func lose() -> void:
	held = null


## Metres a second, over the last moments.
func velocity() -> Vector3:
	var seconds := _window_sec()
	return (_past[-1].origin - _past[0].origin) / seconds if seconds > 0.0 else Vector3.ZERO


## Radians a second, over the last moments.
func spin() -> Vector3:
	var seconds := _window_sec()
	if seconds <= 0.0:
		return Vector3.ZERO
	var turn := (_past[-1].basis * _past[0].basis.inverse()).get_rotation_quaternion()
	return (turn.get_axis() * (turn.get_angle() / seconds)).limit_length(SPIN_MAX) if turn.get_angle() > 0.01 else Vector3.ZERO


func _process(delta: float) -> void:
	_remember()
	var is_closed: bool = is_holding() or synced.get_controls().get("grip", 0.0) > 0.5
	_fingers.rotation.x = lerp_angle(_fingers.rotation.x, -1.2 if is_closed else -0.25, minf(delta * 18.0, 1.0))


func _remember() -> void:
	_past.append(global_transform)
	_past_sec.append(Time.get_ticks_usec() / 1e6)
	while _window_sec() > THROW_WINDOW_SEC and _past.size() > 2:
		_past.pop_front()
		_past_sec.pop_front()


func _window_sec() -> float:
	return _past_sec[-1] - _past_sec[0] if _past_sec.size() > 1 else 0.0
