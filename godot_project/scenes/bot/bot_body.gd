class_name BotBody
extends Node
## Moves an avatar as a person would: walks, looks, reaches, swings. Each movement can be awaited.

const WALK_METERS_PER_SEC := 4.0
const TURN_RADIANS_PER_SEC := 9.0
const EYE_HEIGHT := 1.55
const TABLE_METERS := 1.0
const STAND_METERS := 1.2
const ARM_METERS := 0.5
const REST: Dictionary[bool, Vector3] = {true: Vector3(-0.26, 1.15, -0.34), false: Vector3(0.26, 1.15, -0.34)}
const GREETING := Vector3(-0.32, 1.55, -0.38)

## With synthetic trackers the head and the hands are not ours to move.
var moves_trackers := true

var _avatar: Avatar
var _seat: Vector3


func _init(avatar: Avatar) -> void:
	_avatar = avatar
	_seat = avatar.position


func stand_up() -> void:
	if moves_trackers:
		_avatar.head.position = Vector3(0.0, EYE_HEIGHT, 0.0)
		for hand: Hand in [_avatar.left_hand, _avatar.right_hand]:
			hand.transform = Transform3D(Basis.IDENTITY, REST[hand.is_left])


## To within an arm's length of a point.
func walk_to(point: Vector3) -> void:
	await _walk(_standing_point(point), point)


## Back to where it began, among the others, with a hand raised.
func take_seat() -> void:
	await _walk(_seat, Vector3.UP)
	await relax(_avatar.right_hand)
	await reach(_avatar.left_hand, _avatar.to_global(GREETING), 0.3)


func reach(hand: Hand, point: Vector3, seconds: float) -> void:
	var from := hand.global_transform
	var goal := Transform3D(_pointing(point - _avatar.global_position), point)
	var passed := 0.0
	while passed < seconds:
		var delta := await _next_frame()
		passed += delta
		_look_at(point, delta)
		if moves_trackers:
			hand.global_transform = from.interpolate_with(goal, smoothstep(0.0, seconds, passed))


## Draws the hand back, then forward at a velocity in metres a second, which it still has at the end.
func swing(hand: Hand, velocity: Vector3, seconds: float) -> void:
	await reach(hand, hand.global_position - velocity * seconds * 0.4, 0.15)
	var passed := 0.0
	while passed < seconds:
		var delta := await _next_frame()
		passed += delta
		if moves_trackers:
			hand.global_position += velocity * delta
			hand.rotate_object_local(Vector3.RIGHT, -2.5 * delta)


func relax(hand: Hand) -> void:
	await reach(hand, _avatar.to_global(REST[hand.is_left]), 0.12)


func _walk(goal: Vector3, looking_at: Vector3) -> void:
	var is_there := false
	while not is_there:
		var delta := await _next_frame()
		_avatar.global_position = _flat(_avatar.global_position).move_toward(goal, WALK_METERS_PER_SEC * delta)
		is_there = _face(looking_at, delta) and _flat(_avatar.global_position).distance_to(goal) < 0.02
		_look_at(looking_at, delta)


func _next_frame() -> float:
	await get_tree().process_frame
	return get_process_delta_time()


func _standing_point(point: Vector3) -> Vector3:
	var flat := _flat(point)
	if flat.length() < TABLE_METERS:
		var outward := flat if flat.length() > 0.05 else _flat(_avatar.global_position)
		return outward.normalized() * STAND_METERS
	return flat - flat.normalized() * ARM_METERS


## True when it faces that way.
func _face(point: Vector3, delta: float) -> bool:
	var direction := _flat(point) - _flat(_avatar.global_position)
	if direction.length() < 0.05:
		return true
	var goal := atan2(-direction.x, -direction.z)
	_avatar.rotation.y = rotate_toward(_avatar.rotation.y, goal, TURN_RADIANS_PER_SEC * delta)
	return absf(angle_difference(_avatar.rotation.y, goal)) < 0.02


func _look_at(point: Vector3, delta: float) -> void:
	if not moves_trackers or point.distance_to(_avatar.head.global_position) < 0.1:
		return
	var goal := _pointing(point - _avatar.head.global_position)
	var basis := _avatar.head.global_basis.orthonormalized()
	_avatar.head.global_basis = basis.slerp(goal, minf(delta * 8.0, 1.0))


func _pointing(direction: Vector3) -> Basis:
	var up := Vector3.UP if absf(direction.normalized().y) < 0.98 else Vector3.BACK
	return Basis.looking_at(direction, up)


func _flat(point: Vector3) -> Vector3:
	return Vector3(point.x, 0.0, point.z)
