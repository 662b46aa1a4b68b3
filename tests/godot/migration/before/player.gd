extends Node3D
## A cube that runs to the nearest coin by itself, so that the game can be tried without hands.

const SPEED := 4.0
const REACH := 0.6

@export var color := Color.WHITE
@export var score := 0

var _asked: Node


func _enter_tree() -> void:
	set_multiplayer_authority(name.to_int())


func _ready() -> void:
	var material := StandardMaterial3D.new()
	material.albedo_color = color
	($Body as MeshInstance3D).material_override = material


@rpc("any_peer", "call_local", "reliable")
func add_point() -> void:
	if is_multiplayer_authority():
		score += 1


func _process(delta: float) -> void:
	if not is_multiplayer_authority():
		return
	var coin := _nearest_coin()
	if coin == null:
		return
	position = position.move_toward(coin.position, SPEED * delta)
	if position.distance_to(coin.position) < REACH and coin != _asked:
		_asked = coin
		var main := get_node("/root/Main")
		main.take.rpc_id(1, main.get_path_to(coin))


func _nearest_coin() -> Node3D:
	var nearest: Node3D = null
	for coin: Node3D in get_node("/root/Main/Coins").get_children():
		if nearest == null or position.distance_to(coin.position) < position.distance_to(nearest.position):
			nearest = coin
	return nearest
