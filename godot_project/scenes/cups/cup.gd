class_name Cup
extends RigidBody3D
## A cup that one player at a time can take. Its owner simulates it and streams it; where it comes to rest is confirmed,
## and then it is free again.

const GROUP := &"cups"
## Below this it fell out of the room.
const LOWEST_Y := -2.0
## Cups this near to one that is taken may have leant on it.
const NEIGHBOUR_METERS := 0.25

@onready var synced: SyncedNode = $SyncedNode
@onready var grab: SyncedGrab = $SyncedGrab

var _last_owner := 0


func _ready() -> void:
	add_to_group(GROUP)
	body_entered.connect(_on_body_entered)
	grab.grabbed.connect(_on_grabbed)
	grab.grab_confirmed.connect(_on_grab_confirmed)
	grab.released.connect(_on_released)
	synced.ownership_changed.connect(_on_ownership_changed)
	SyncedSession.player_left.connect(_on_player_left)


## A free cup rests on every machine; this player takes it so that it may fall.
func wake() -> void:
	if grab.can_grab() and not synced.is_owner() and not get_parent() is ShelfPlace:
		synced.request_ownership()


func _physics_process(_delta: float) -> void:
	if global_position.y < LOWEST_Y and synced.is_owner() and not grab.is_held():
		_return_to_room()


func _return_to_room() -> void:
	linear_velocity = Vector3.ZERO
	angular_velocity = Vector3.ZERO
	global_transform = Transform3D(Basis.IDENTITY, Vector3(randf_range(-0.3, 0.3), 1.6, randf_range(-0.3, 0.3)))


func _on_grabbed(_hand: SyncedNode) -> void:
	for cup: Cup in get_tree().get_nodes_in_group(GROUP):
		if cup != self and cup.global_position.distance_to(global_position) < NEIGHBOUR_METERS:
			cup.wake()


func _on_grab_confirmed() -> void:
	var is_on_shelf := freeze and not grab.is_held()
	if not is_on_shelf:
		Shelf.take_off(self)


## A cup let go at the shelf stays there.
func _on_released(_linear_velocity: Vector3, _angular_velocity: Vector3) -> void:
	for shelf: Shelf in get_tree().get_nodes_in_group(Shelf.GROUP):
		if shelf.has_room_for(self):
			shelf.take(self)
			return


func _on_body_entered(body: Node) -> void:
	if body is Cup and synced.is_owner():
		(body as Cup).wake()


func _on_ownership_changed(from_player: int, to_player: int) -> void:
	_last_owner = from_player if to_player == 0 else to_player


## A cup whose owner left may hang in the air: the player who has been here longest lets it fall.
func _on_player_left(player_id: int) -> void:
	if player_id == _last_owner and SyncedSession.get_players().keys().min() == SyncedSession.get_player_id():
		wake()
