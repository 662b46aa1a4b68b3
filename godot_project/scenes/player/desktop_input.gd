class_name DesktopInput
extends Node
## Drives an avatar by mouse and keyboard: looks, walks, and reaches with the right hand for what is under the crosshair.

signal pointed_at(what: String)

const WALK_METERS_PER_SEC := 2.2
const LOOK_RADIANS_PER_PIXEL := 0.0022
const EYE_HEIGHT := 1.62
const REACH_METERS := 2.6
const REACH_SPEED := 14.0
const ROOM_HALF := Vector3(3.6, 0.0, 2.7)
const REST_RIGHT := Vector3(0.24, -0.26, -0.5)
const REST_LEFT := Vector3(-0.26, -0.34, -0.42)
const HOLD := Vector3(0.16, -0.16, -0.55)

## With synthetic trackers the head and the hands are not ours to move.
var moves_trackers := true

var _avatar: Avatar
var _camera := Camera3D.new()
var _yaw := 0.0
var _pitch := -0.12
var _wanted: Cup
var _stroke := PackedVector2Array()


func _init(avatar: Avatar) -> void:
	_avatar = avatar


func _ready() -> void:
	_avatar.hide_head()
	_avatar.head.add_child(_camera)
	_camera.fov = 70.0
	_camera.near = 0.03
	_camera.current = true
	_yaw = _avatar.rotation.y
	_place_head()


func _unhandled_input(event: InputEvent) -> void:
	if Input.mouse_mode != Input.MOUSE_MODE_CAPTURED:
		if event is InputEventMouseButton and event.is_pressed():
			Input.mouse_mode = Input.MOUSE_MODE_CAPTURED
		return
	if event is InputEventMouseMotion:
		_look((event as InputEventMouseMotion).relative)
	elif event.is_action_pressed(&"free_mouse"):
		Input.mouse_mode = Input.MOUSE_MODE_VISIBLE
	elif event.is_action_pressed(&"grab"):
		_reach_or_press()
	elif event.is_action_released(&"grab"):
		_wanted = null
		_avatar.right_hand.release()
	elif event.is_action_pressed(&"spawn_cup"):
		(get_tree().get_first_node_in_group(SpawnButton.GROUP) as SpawnButton).press()
	elif event.is_action_released(&"draw"):
		_finish_stroke()


func _process(delta: float) -> void:
	_walk(delta)
	if moves_trackers:
		_place_head()
		_place_hands(delta)
	if Input.is_action_pressed(&"draw") and Input.mouse_mode == Input.MOUSE_MODE_CAPTURED:
		_extend_stroke()
	pointed_at.emit(_describe(_cup_under_crosshair()))


func _look(pixels: Vector2) -> void:
	_yaw = wrapf(_yaw - pixels.x * LOOK_RADIANS_PER_PIXEL, -PI, PI)
	_pitch = clampf(_pitch - pixels.y * LOOK_RADIANS_PER_PIXEL, -1.4, 1.4)


func _walk(delta: float) -> void:
	var keys := Input.get_vector(&"move_left", &"move_right", &"move_forward", &"move_back")
	var step := Vector3(keys.x, 0.0, keys.y).rotated(Vector3.UP, _yaw) * WALK_METERS_PER_SEC * delta
	_avatar.rotation.y = _yaw
	_avatar.position = (_avatar.position + step).clamp(-ROOM_HALF, ROOM_HALF)


func _place_head() -> void:
	_avatar.head.transform = Transform3D(Basis.from_euler(Vector3(_pitch, 0.0, 0.0)), Vector3(0.0, EYE_HEIGHT, 0.0))


func _place_hands(delta: float) -> void:
	var weight := minf(delta * REACH_SPEED, 1.0)
	_avatar.left_hand.transform = _avatar.left_hand.transform.interpolate_with(_beside_head(REST_LEFT), weight)
	_avatar.right_hand.transform = _avatar.right_hand.transform.interpolate_with(_right_hand_goal(), weight)
	if is_instance_valid(_wanted) and _avatar.right_hand.global_position.distance_to(_wanted.global_position) < Hand.GRAB_METERS:
		_avatar.right_hand.grab(_wanted)
		_wanted = null


func _right_hand_goal() -> Transform3D:
	if not is_instance_valid(_wanted):
		return _beside_head(HOLD if _avatar.right_hand.is_holding() else REST_RIGHT)
	var goal := _beside_head(HOLD)
	goal.origin = _avatar.to_local(_wanted.global_position)
	return goal


func _beside_head(offset: Vector3) -> Transform3D:
	return _avatar.head.transform.translated_local(offset)


func _reach_or_press() -> void:
	var hit := _hit_under_crosshair()
	var body: Object = hit.get("collider")
	if body is Cup:
		_wanted = body
	elif body is Node and (body as Node).get_parent() is SpawnButton:
		((body as Node).get_parent() as SpawnButton).press()


func _cup_under_crosshair() -> Cup:
	return _hit_under_crosshair().get("collider") as Cup


func _hit_under_crosshair() -> Dictionary:
	var from := _camera.global_position
	var ray := PhysicsRayQueryParameters3D.create(from, from - _camera.global_basis.z * REACH_METERS)
	return _camera.get_world_3d().direct_space_state.intersect_ray(ray)


func _describe(cup: Cup) -> String:
	if cup == null or _avatar.right_hand.is_holding():
		return ""
	return "grab" if cup.grab.can_grab() else "held by player %d" % cup.synced.get_owner_id()


func _board() -> Whiteboard:
	return get_tree().get_first_node_in_group(Whiteboard.GROUP)


func _extend_stroke() -> void:
	var point := _board().board_point(_camera.global_position, -_camera.global_basis.z)
	if point != Vector2.INF and (_stroke.is_empty() or _stroke[-1].distance_to(point) > 0.004):
		_stroke.append(point)
		_board().preview(_avatar.ink(), _stroke)


func _finish_stroke() -> void:
	if not _stroke.is_empty():
		_board().add_stroke(_avatar.ink(), _stroke)
	_stroke = PackedVector2Array()

