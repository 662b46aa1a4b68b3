class_name Flight
extends Node
## Remembers in each frame where a body was shown, and for which session time.

## Of each frame: the shown time since the Unix epoch in microseconds, x and y.
var shown: Array[Array] = []

var _body: Node3D
var _synced: SyncedNode


static func begin(player: Node, body: Node3D) -> void:
	var flight := Flight.new()
	flight.name = "Flight"
	flight._body = body
	flight._synced = body.get_node("SyncedNode")
	player.add_child(flight)


func _process(_delta: float) -> void:
	shown.append([_synced.get_shown_time_usec(), _body.position.x, _body.position.y])
