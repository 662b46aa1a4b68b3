class_name Gauge
extends Node
## Writes down of each frame how much news of the session it applied, and what the addon took for it.

## A row a frame, one after the other: updates, microseconds.
var rows := PackedFloat64Array()


static func begin(player: Node) -> void:
	var gauge := Gauge.new()
	gauge.name = "Gauge"
	player.add_child(gauge)
	gauge._read()
	gauge.rows.clear()


func stop() -> Array:
	set_process(false)
	return Array(rows)


## The frame before is the last one that is over.
func _process(_delta: float) -> void:
	_read()


func _read() -> void:
	rows.append(Performance.get_custom_monitor(&"synced_node/updates"))
	rows.append(Performance.get_custom_monitor(&"synced_node/frame_time") * 1e6)
