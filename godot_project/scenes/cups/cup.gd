class_name Cup
extends RigidBody3D
## A cup that one player at a time can take. Its owner simulates it and streams it; where it comes to rest is confirmed,
## and then it is free again.

signal grab_won
signal grab_lost(owner_id: int)

const GROUP := &"cups"
## Below this it fell out of the room.
const LOWEST_Y := -2.0
## Cups this near to one that is taken may have leant on it.
const NEIGHBOUR_METERS := 0.25
## After whatever moves the hands in the same frame.
const FOLLOW_PRIORITY := 100

@onready var synced: SyncedNode = $SyncedNode

var _holder: Hand
var _grip := Transform3D.IDENTITY
var _is_asking := false
var _last_owner := 0


func _ready() -> void:
	add_to_group(GROUP)
	process_priority = FOLLOW_PRIORITY
	body_entered.connect(_on_body_entered)
	synced.ownership_changed.connect(_on_ownership_changed)
	synced.ownership_denied.connect(_on_ownership_denied)
	SyncedSession.player_left.connect(_on_player_left)


## Whether a hand of this player has it.
func is_held() -> bool:
	return is_instance_valid(_holder)


func is_free() -> bool:
	return not is_held() and not _is_asking and (synced.is_owner() or synced.get_owner_id() == 0)


## Takes the cup into a hand at once; [signal grab_won] or [signal grab_lost] follows with the session's decision.
func pick_up(hand: Hand) -> bool:
	if not is_free():
		return false
	_holder = hand
	_grip = hand.global_transform.affine_inverse() * global_transform
	_ask()
	freeze = true
	_wake_neighbours()
	return true


func let_go(velocity: Vector3, spin: Vector3) -> void:
	_holder = null
	if not _put_on_shelf():
		_simulate()
		linear_velocity = velocity
		angular_velocity = spin


func _process(_delta: float) -> void:
	if is_held():
		global_transform = (_holder.global_transform * _grip).orthonormalized()


func _physics_process(_delta: float) -> void:
	if is_held() or not synced.is_owner():
		return
	if global_position.y < LOWEST_Y:
		_return_to_room()
	elif sleeping and not freeze and not synced.is_pending() and synced.get_owner_id() != 0:
		synced.release_ownership()


## Whoever moves a cup has to own it, and so simulates it until it rests.
func _ask() -> void:
	if synced.is_owner():
		grab_won.emit.call_deferred()
	else:
		_is_asking = true
		synced.request_ownership()


func _wake_neighbours() -> void:
	for cup: Cup in get_tree().get_nodes_in_group(GROUP):
		if cup != self and cup.global_position.distance_to(global_position) < NEIGHBOUR_METERS:
			cup.wake()


## A free cup rests on every machine; this player takes it so that it may fall.
func wake() -> void:
	if is_free() and not synced.is_owner() and not get_parent() is ShelfPlace:
		_is_asking = true
		synced.request_ownership()


func _put_on_shelf() -> bool:
	for shelf: Shelf in get_tree().get_nodes_in_group(Shelf.GROUP):
		if shelf.has_room_for(self):
			shelf.take(self)
			return true
	return false


## A body that was frozen counts as asleep until it is told otherwise.
func _simulate() -> void:
	freeze = false
	sleeping = false


func _return_to_room() -> void:
	linear_velocity = Vector3.ZERO
	angular_velocity = Vector3.ZERO
	global_transform = Transform3D(Basis.IDENTITY, Vector3(randf_range(-0.3, 0.3), 1.6, randf_range(-0.3, 0.3)))


func _on_body_entered(body: Node) -> void:
	if body is Cup and synced.is_owner():
		(body as Cup).wake()


func _on_ownership_changed(from_player: int, to_player: int) -> void:
	if to_player == SyncedSession.get_player_id():
		_become_owner()
	elif is_held():
		_keep_if_free(to_player)
	_last_owner = from_player if to_player == 0 else to_player


func _become_owner() -> void:
	_is_asking = false
	if not is_held():
		_simulate()
		return
	freeze = true
	grab_won.emit()
	Shelf.take_off(self)


## The cup was taken again while it was still being given back.
func _keep_if_free(owner_id: int) -> void:
	if owner_id == 0:
		_ask()
		freeze = true
	else:
		_lose(owner_id)


func _on_ownership_denied(owner_id: int) -> void:
	_is_asking = false
	if is_held():
		_lose(owner_id)


func _lose(owner_id: int) -> void:
	_holder.lose()
	_holder = null
	grab_lost.emit(owner_id)


## A cup whose owner left may hang in the air: the player who has been here longest lets it fall.
func _on_player_left(player_id: int) -> void:
	if player_id == _last_owner and SyncedSession.get_players().keys().min() == SyncedSession.get_player_id():
		wake()
