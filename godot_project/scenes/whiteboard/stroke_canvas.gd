class_name StrokeCanvas
extends Control
## Draws strokes into the texture of the whiteboard, and only when they change.

const GROUP := &"stroke_canvases"
const LINE_WIDTH := 7.0

var _strokes: Array = []


func _ready() -> void:
	add_to_group(GROUP)


func show_strokes(strokes: Array) -> void:
	_strokes = strokes
	if RenderingServer.render_loop_enabled:
		redraw()


func redraw() -> void:
	queue_redraw()
	(get_parent() as SubViewport).render_target_update_mode = SubViewport.UPDATE_ONCE


func _draw() -> void:
	for stroke: Array in _strokes:
		_draw_stroke(stroke[0], stroke[1])


func _draw_stroke(color: Color, points: PackedVector2Array) -> void:
	var scaled := points.duplicate()
	for place in scaled.size():
		scaled[place] *= size
	if scaled.size() > 1:
		draw_polyline(scaled, color, LINE_WIDTH, true)
	for end: Vector2 in ([scaled[0], scaled[-1]] if not scaled.is_empty() else []):
		draw_circle(end, LINE_WIDTH / 2.0, color)
