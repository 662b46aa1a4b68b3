class_name XrInput
extends XROrigin3D
## Drives the avatar that it is a child of by a headset and two controllers: grip grabs or presses, trigger draws on the board, the stick walks.
## The head and the hands follow by themselves, through the trackers of their SyncedNodes.

const PRESSED := 0.6
const WALK_METERS_PER_SEC := 1.8
const BUTTON_METERS := 0.2
const DRAW_METERS := 1.5

var _gripping: Dictionary[Hand, bool] = {}
var _strokes: Dictionary[Hand, PackedVector2Array] = {}

@onready var _avatar: Avatar = get_parent()
@onready var _camera: XRCamera3D = $XRCamera3D


## Whether a headset is there and was started (the project setting xr/openxr/enabled, or --xr-mode on).
static func is_available() -> bool:
	var openxr := XRServer.find_interface("OpenXR")
	return openxr != null and openxr.is_initialized()


func _ready() -> void:
	_avatar.hide_head()
	get_viewport().use_xr = true
	_camera.current = true


func _process(delta: float) -> void:
	_walk(delta)
	for hand: Hand in [_avatar.left_hand, _avatar.right_hand]:
		var controls := hand.synced.get_controls()
		_grip(hand, controls.get("grip", 0.0) > PRESSED)
		_draw_with(hand, controls.get("trigger", 0.0) > PRESSED)


func _walk(delta: float) -> void:
	var stick: Vector2 = _avatar.left_hand.synced.get_controls().get("stick", Vector2.ZERO)
	var direction := (_camera.global_basis * Vector3(stick.x, 0.0, -stick.y)) * Vector3(1.0, 0.0, 1.0)
	_avatar.position += direction * WALK_METERS_PER_SEC * delta


func _grip(hand: Hand, is_gripping: bool) -> void:
	if is_gripping == _gripping.get(hand, false):
		return
	_gripping[hand] = is_gripping
	if not is_gripping:
		hand.release()
		return
	var cup := hand.nearest_cup()
	if cup != null:
		hand.grab(cup)
	else:
		_press_button_near(hand)


func _press_button_near(hand: Hand) -> void:
	for button: SpawnButton in get_tree().get_nodes_in_group(SpawnButton.GROUP):
		if button.global_position.distance_to(hand.global_position) < BUTTON_METERS:
			button.press()


func _draw_with(hand: Hand, is_drawing: bool) -> void:
	var board: Whiteboard = get_tree().get_first_node_in_group(Whiteboard.GROUP)
	var stroke: PackedVector2Array = _strokes.get(hand, PackedVector2Array())
	if not is_drawing:
		if not stroke.is_empty():
			board.add_stroke(_avatar.ink(), stroke)
		_strokes.erase(hand)
		return
	var point := board.board_point(hand.global_position, -hand.global_basis.z)
	if point != Vector2.INF and board.world_point(point).distance_to(hand.global_position) < DRAW_METERS:
		stroke.append(point)
		_strokes[hand] = stroke
		board.preview(_avatar.ink(), stroke)
