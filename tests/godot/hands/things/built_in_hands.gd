class_name BuiltInHands
extends Node3D
## Two hands as Godot's own means share them: one player hosts and sets the pose of each frame, the other shows what came
## last.

const USEC_PER_SAMPLE := 1000.0

## By hand, what a trace says of each millisecond.
var _positions: Dictionary[String, PackedVector3Array] = {}
var _orientations: Dictionary[String, Array] = {}
var _begun_usec := 0.0


func root_of(hand: String) -> Node3D:
	return get_node(hand)


func host(port: int) -> void:
	var peer := ENetMultiplayerPeer.new()
	assert(peer.create_server(port, 1) == OK)
	multiplayer.multiplayer_peer = peer


func join(port: int) -> void:
	var peer := ENetMultiplayerPeer.new()
	assert(peer.create_client("127.0.0.1", port) == OK)
	multiplayer.multiplayer_peer = peer


func is_connected_to_peer() -> bool:
	return not multiplayer.get_peers().is_empty()


func leave() -> void:
	multiplayer.multiplayer_peer.close()
	multiplayer.multiplayer_peer = OfflineMultiplayerPeer.new()


## Begins to move as the traces in a folder say. Gives the time of their beginning, in microseconds since 1970.
func begin(folder: String) -> float:
	for hand in SyncedHands.HANDS:
		_read(hand, folder.path_join(hand.to_lower() + ".trace"))
	_begun_usec = _now_usec()
	return _begun_usec


## The time at which a hand is shown is not known.
func shown_usec(_hand: String) -> int:
	return 0


func _process(_delta: float) -> void:
	if _begun_usec > 0.0:
		for hand in SyncedHands.HANDS:
			_move(hand, (_now_usec() - _begun_usec) / USEC_PER_SAMPLE)


## Between two samples, a millisecond apart, it is where the way between them is.
func _move(hand: String, sample: float) -> void:
	var last := _positions[hand].size() - 1
	var place := clampi(floori(sample), 0, last - 1)
	var share := clampf(sample - place, 0.0, 1.0)
	var root := root_of(hand)
	root.position = _positions[hand][place].lerp(_positions[hand][place + 1], share)
	var from: Quaternion = _orientations[hand][place]
	root.quaternion = from.slerp(_orientations[hand][place + 1], share)


func _read(hand: String, path: String) -> void:
	var positions := PackedVector3Array()
	var orientations := []
	for line in FileAccess.get_file_as_string(path).split("\n", false):
		if not line.begins_with("#"):
			var n := line.split_floats(" ")
			positions.append(Vector3(n[1], n[2], n[3]))
			orientations.append(Quaternion(n[4], n[5], n[6], n[7]).normalized())
	_positions[hand] = positions
	_orientations[hand] = orientations


static func _now_usec() -> float:
	return Time.get_unix_time_from_system() * 1e6
