extends RefCounted
## What the scripts of a test may use.

var player: Node
## What was signalled so far.
var journal: Journal
## The scene that was opened.
var world: Node

var me: int:
	get: return SyncedSession.get_player_id()


func _init(the_player: Node) -> void:
	player = the_player
	journal = player.get_node("Journal")
	world = player.get_node_or_null("World")


## Puts a scene of the folder things into the tree, where every player has it.
func open(scene: String) -> void:
	world = (load("res://things/%s.tscn" % scene) as PackedScene).instantiate()
	world.name = "World"
	player.add_child(world)


func thing(path: NodePath) -> Thing:
	return world.get_node(path)


func has_thing(path: NodePath) -> bool:
	return world.has_node(path)


func synced(path: NodePath) -> SyncedNode:
	return world.get_node(path).get_node("SyncedNode")


func grab(path: NodePath) -> SyncedGrab:
	return world.get_node(path).get_node("SyncedGrab")


func synced_nodes() -> Array[SyncedNode]:
	var found: Array[SyncedNode] = []
	found.assign(player.find_children("*", "SyncedNode", true, false))
	return found


func spawner() -> SyncedSpawner:
	return world.get_node("SyncedSpawner")


## As text, since JSON knows no whole numbers of 64 bits.
func digest() -> String:
	return str(SyncedSession.get_digest())


func is_settled() -> bool:
	return not synced_nodes().any(func(node: SyncedNode) -> bool: return node.is_pending())


func seconds(count: float) -> Signal:
	return player.get_tree().create_timer(count).timeout


func quit() -> void:
	if SyncedSession.get_state() != SyncedSession.STATE_OFFLINE:
		SyncedSession.leave()
		await SyncedSession.session_left
	player.get_tree().quit.call_deferred()


## What a child of the player does or has seen: a Churn, a Mover, a Watcher.
func act(act_name: String) -> Node:
	return player.get_node(act_name)


## By the id of each thing that is there, what it was rung with.
func what_was_rung() -> Dictionary[String, Array]:
	var rung: Dictionary[String, Array] = {}
	for node in synced_nodes():
		rung[str(node.get_synced_id())] = (node.get_root() as Thing).rung
	return rung


func avatars() -> int:
	return world.get_children().filter(func(node: Node) -> bool: return node.name.begins_with("Avatar")).size()


## The things whose label begins so.
func labelled(beginning: String) -> Array:
	var things := synced_nodes().map(func(node: SyncedNode) -> Node: return node.get_root())
	return things.filter(func(thing: Thing) -> bool:
		return thing.label.begins_with(beginning) and not thing.is_queued_for_deletion())


func as_numbers(points: PackedVector3Array) -> Array:
	return Array(points).map(func(point: Vector3) -> Array: return [point.x, point.y, point.z])


## Puts a node with a SyncedNode of these settings into the scene, of this player alone.
func add_tracker(node_name: String, root: Node, settings: Dictionary) -> void:
	var synced_node := SyncedNode.new()
	synced_node.name = "SyncedNode"
	for setting: String in settings:
		synced_node.set(setting, settings[setting])
	root.name = node_name
	root.add_child(synced_node)
	world.add_child(root)


## At some moments of the last second: the velocities fitted up to a sample, beside those that the sample tells.
func fits(hand_thing: Thing) -> Array:
	var now := SyncedSession.get_session_time_usec()
	var found := []
	for back in range(200_000, 900_000, 70_000):
		var swing := hand_thing.synced.get_trajectory(now - back - 60_000, now - back)
		var fitted := swing.fit_velocity(50.0)
		var told := swing.get_sample(swing.size() - 1)
		if swing.size() > 4:
			found.append(as_numbers([fitted.linear, told.linear_velocity, fitted.angular, told.angular_velocity]))
	return found


func hand() -> Thing:
	return hands()[0]


func hands() -> Array:
	return labelled("hand")


func own_hand() -> Thing:
	return hands().filter(func(hand: Thing) -> bool: return hand.synced.is_owner())[0]


func things() -> Array[Node3D]:
	var found: Array[Node3D] = []
	found.assign(synced_nodes().map(func(node: SyncedNode) -> Node: return node.get_root()))
	return found


## By the id of each synced node what there is of it here, as text.
func tree() -> Dictionary[String, String]:
	var texts: Dictionary[String, String] = {}
	for node in synced_nodes():
		var root := node.get_root()
		var parts := PackedStringArray(["%s owner %d" % [root.get_path(), node.get_owner_id()]])
		for path in node.confirmed_properties + node.live_properties:
			parts.append("%s %s" % [path, var_to_str(root.get_indexed(NodePath(path)))])
		texts[str(node.get_synced_id())] = ", ".join(parts)
	return texts
