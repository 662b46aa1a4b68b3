extends Node3D
## A cube that runs to the nearest coin by itself, so that the game can be tried without hands.

const SPEED := 4.0
const REACH := 0.6

@export var color := Color.WHITE
@export var score := 0

@onready var _synced: SyncedNode = $SyncedNode


func _ready() -> void:
	var material := StandardMaterial3D.new()
	material.albedo_color = color
	($Body as MeshInstance3D).material_override = material


func cheer(player_id: int) -> void:
	print("player %d has a coin" % player_id)


func _process(delta: float) -> void:
	if not _synced.is_owner():
		return
	var coin := _nearest_coin()
	if coin == null:
		return
	position = position.move_toward(coin.position, SPEED * delta)
	if position.distance_to(coin.position) < REACH and not _synced.is_pending():
		_take(coin.get_node("SyncedNode"))


## All of it or nothing: should another player be first, the coin is gone and this changes nothing.
func _take(coin: SyncedNode) -> void:
	SyncedTransaction.new() \
			.require_exists(coin) \
			.despawn(coin) \
			.set_property(_synced, "score", score + 1) \
			.call_method(_synced, &"cheer", [_synced.get_owner_id()]) \
			.commit()


func _nearest_coin() -> Node3D:
	var nearest: Node3D = null
	for coin: Node3D in get_node("/root/Main/Coins").get_children():
		if nearest == null or position.distance_to(coin.position) < position.distance_to(nearest.position):
			nearest = coin
	return nearest
