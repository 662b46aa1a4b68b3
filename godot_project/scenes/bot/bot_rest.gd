class_name BotRest
extends Node
## Knows when nothing in the room changes any more.

const POLL_SEC := 0.1
const STILL_SEC := 1.5
const REST_TIMEOUT_SEC := 90.0
const REPORT_TIMEOUT_SEC := 30.0

## Why rest was not reached; empty if it was.
var problem := ""

var _reported: Dictionary[int, bool] = {}
var _last_digest := 0


func _ready() -> void:
	for avatar: Avatar in get_tree().get_nodes_in_group(Avatar.GROUP):
		_listen_to(avatar)
	get_tree().node_added.connect(_on_node_added)


## Whether, with at least so many players there, the digest stood still for a while before the time was over.
func reached(players: int) -> bool:
	var still_sec := 0.0
	var waited_sec := 0.0
	while still_sec < STILL_SEC and waited_sec < REST_TIMEOUT_SEC:
		await get_tree().create_timer(POLL_SEC).timeout
		waited_sec += POLL_SEC
		problem = _unrest(players)
		still_sec = still_sec + POLL_SEC if problem.is_empty() else 0.0
	return problem.is_empty()


## Leaving takes an avatar out of the room, so nobody leaves before all have written down what they saw.
func all_reported() -> void:
	var waited_sec := 0.0
	while not _have_all_reported() and waited_sec < REPORT_TIMEOUT_SEC:
		await get_tree().create_timer(POLL_SEC).timeout
		waited_sec += POLL_SEC


func _unrest(players: int) -> String:
	var avatars := get_tree().get_nodes_in_group(Avatar.GROUP)
	if avatars.size() < players:
		return "only %d players are there" % avatars.size()
	for avatar: Avatar in avatars:
		if avatar.activity == "playing":
			return "%s is still playing" % avatar.display_name
	return _unrest_of_things()


func _unrest_of_things() -> String:
	for node: SyncedNode in get_tree().root.find_children("*", "SyncedNode", true, false):
		if node.is_pending():
			return "%s has changes that are not confirmed" % node.get_path()
	for cup: Cup in get_tree().get_nodes_in_group(Cup.GROUP):
		if cup.synced.get_owner_id() != 0:
			return "%s still belongs to player %d" % [cup.name, cup.synced.get_owner_id()]
	if not (get_tree().get_first_node_in_group(Whiteboard.GROUP) as Whiteboard).is_settled():
		return "a stroke is not confirmed"
	var digest := SyncedSession.get_digest()
	var stands_still := digest == _last_digest
	_last_digest = digest
	return "" if stands_still else "the digest changes"


func _have_all_reported() -> bool:
	for avatar: Avatar in get_tree().get_nodes_in_group(Avatar.GROUP):
		if avatar.activity == "resting" and not avatar.player_id in _reported:
			return false
	return true


func _on_node_added(node: Node) -> void:
	if node is Avatar:
		_listen_to(node)


func _listen_to(avatar: Avatar) -> void:
	avatar.bot_reported.connect(func(player_id: int) -> void: _reported[player_id] = true)
