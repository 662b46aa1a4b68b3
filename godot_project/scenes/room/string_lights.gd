@tool
class_name StringLights
extends MultiMeshInstance3D
## Little lamps on a sagging cord between two points.

@export var from := Vector3(-3.8, 2.7, -2.8):
	set(value):
		from = value
		_hang()
@export var to := Vector3(3.8, 2.7, -2.8):
	set(value):
		to = value
		_hang()
@export_range(2, 64) var lamps := 16:
	set(value):
		lamps = value
		_hang()
@export_range(0.0, 1.0, 0.01, "suffix:m") var sag_meters := 0.22:
	set(value):
		sag_meters = value
		_hang()


func _ready() -> void:
	_hang()


func _hang() -> void:
	if multimesh == null:
		return
	multimesh.instance_count = lamps
	for lamp in lamps:
		var part := float(lamp) / (lamps - 1)
		var sag := sag_meters * 4.0 * part * (1.0 - part)
		multimesh.set_instance_transform(lamp, Transform3D(Basis.IDENTITY, from.lerp(to, part) + Vector3.DOWN * sag))
