class_name Whiteboard
extends Node3D
## A board that everyone draws on. All strokes are one confirmed property, so a late joiner sees them too.
##
## Two players may finish a stroke at the same time. Each proposes "if nobody drew since, these strokes and mine"; one of
## the two is rejected, and tries again on top of the other's. So no stroke is lost.

const GROUP := &"whiteboards"
const SIZE_METERS := Vector2(1.9, 1.05)
## With as many points, the whole board stays far below the largest value that can cross.
const STROKES_MAX := 24
const POINTS_MAX := 40

## Each is [code][color, points][/code], the points from (0, 0) top left to (1, 1).
var strokes: Array = []:
	set(value):
		strokes = value
		_redraw()

@onready var synced: SyncedNode = $SyncedNode
@onready var _canvas: StrokeCanvas = $SubViewport/StrokeCanvas

var _waiting: Array = []
var _proposal := 0


func _ready() -> void:
	add_to_group(GROUP)
	SyncedSession.mutation_confirmed.connect(_on_mutation_confirmed)
	SyncedSession.mutation_rejected.connect(_on_mutation_rejected)
	_redraw()


## Adds a finished stroke. It is shown at once.
func add_stroke(color: Color, points: PackedVector2Array) -> void:
	_waiting.append([color, _thinned(points)])
	_redraw()
	_propose()


## Shows a stroke that is still being drawn, on this machine only.
func preview(color: Color, points: PackedVector2Array) -> void:
	_canvas.show_strokes(strokes + _waiting + [[color, points]])


func is_settled() -> bool:
	return _waiting.is_empty()


## Where a ray meets the board, from (0, 0) to (1, 1); Vector2.INF if it does not.
func board_point(from: Vector3, direction: Vector3) -> Vector2:
	var hit: Variant = Plane(global_basis.z, global_position).intersects_ray(from, direction)
	if hit == null:
		return Vector2.INF
	var local := to_local(hit)
	var point := Vector2(local.x, -local.y) / SIZE_METERS + Vector2(0.5, 0.5)
	return point if Rect2(0, 0, 1, 1).has_point(point) else Vector2.INF


func world_point(point: Vector2) -> Vector3:
	var local := (point - Vector2(0.5, 0.5)) * SIZE_METERS
	return to_global(Vector3(local.x, -local.y, 0.0))


func _propose() -> void:
	if _proposal != 0 or _waiting.is_empty() or not SyncedSession.is_joined():
		return
	var drawn := (strokes + [_waiting[0]]).slice(-STROKES_MAX)
	_proposal = SyncedTransaction.new() \
			.require_version(synced, "strokes", synced.get_property_version("strokes")) \
			.set_property(synced, "strokes", drawn) \
			.commit()


func _on_mutation_confirmed(sequence: int) -> void:
	if sequence == _proposal and _proposal != 0:
		_proposal = 0
		_waiting.pop_front()
		_redraw()
		_propose()


func _on_mutation_rejected(sequence: int, code: String, _message: String) -> void:
	if sequence != _proposal or _proposal == 0:
		return
	_proposal = 0
	if code == "guard_failed":
		_propose()
	else:
		_waiting.clear()
		_redraw()


func _redraw() -> void:
	if is_node_ready():
		_canvas.show_strokes(strokes + _waiting)


func _thinned(points: PackedVector2Array) -> PackedVector2Array:
	if points.size() <= POINTS_MAX:
		return points
	var kept := PackedVector2Array()
	for place in POINTS_MAX:
		kept.append(points[roundi(float(place) * (points.size() - 1) / (POINTS_MAX - 1))])
	return kept
