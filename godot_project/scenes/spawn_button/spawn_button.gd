class_name SpawnButton
extends Node3D
## Makes a new cup for everyone when it is pressed.

const GROUP := &"spawn_buttons"
const CUPS_MAX := 20

@onready var synced: SyncedNode = $SyncedNode
@onready var _spawner: SyncedSpawner = $SyncedSpawner
@onready var _cap: MeshInstance3D = $Cap
@onready var _glow: OmniLight3D = $Glow

var _flash: Tween


func _ready() -> void:
	add_to_group(GROUP)


## Null if the room is full, or without a session.
func press() -> Cup:
	if not SyncedSession.is_joined() or get_tree().get_nodes_in_group(Cup.GROUP).size() >= CUPS_MAX:
		return null
	synced.call_synced(&"flash")
	var scene := _spawner.spawnable_scenes[randi() % _spawner.spawnable_scenes.size()]
	var aim := Vector3(randf_range(-0.12, 0.12), 0.28, randf_range(-0.12, 0.12))
	return _spawner.spawn(scene, {"position": _spawn_parent().to_local(global_position + aim)}) as Cup


## Called on every machine.
func flash() -> void:
	if _flash != null:
		_flash.kill()
	_cap.position.y = -0.005
	_glow.light_energy = 2.5
	_flash = create_tween().set_parallel()
	_flash.tween_property(_cap, ^"position:y", 0.02, 0.3).set_trans(Tween.TRANS_BACK).set_ease(Tween.EASE_OUT)
	_flash.tween_property(_glow, ^"light_energy", 0.35, 0.5)


func _spawn_parent() -> Node3D:
	return _spawner.get_node(_spawner.spawn_path)
