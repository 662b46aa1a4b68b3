class_name EnetBodies
extends PeersWorld
## Shared by MultiplayerSynchronizer over ENet: position and rotation are sent always, which means in each frame.

## Packets are compressed, and sent at the end of the frame that moved the bodies instead of at the beginning of the next; and
## none is left out because the way has become slower, as ENet else does.
static var is_tuned := false

const THROTTLE_MSEC := 5000
const THROTTLE_MAX := 32

var _poll: PeersPoll


func sharer(properties: PackedStringArray) -> Node:
	var config := SceneReplicationConfig.new()
	for property in properties:
		var path := NodePath(".:" + property)
		config.add_property(path)
		config.property_set_replication_mode(path, SceneReplicationConfig.REPLICATION_MODE_ALWAYS)
	var node := MultiplayerSynchronizer.new()
	node.name = "MultiplayerSynchronizer"
	node.replication_config = config
	return node


func host(port: int, clients: int) -> void:
	var peer := ENetMultiplayerPeer.new()
	assert(peer.create_server(port, clients) == OK)
	_use(peer)
	if is_tuned:
		multiplayer.peer_connected.connect(_let_all_through)
		_poll = PeersPoll.new()
		_poll.process_priority = 2000
		add_child(_poll)
		get_tree().multiplayer_poll = false


func join(port: int) -> void:
	var peer := ENetMultiplayerPeer.new()
	assert(peer.create_client("127.0.0.1", port) == OK)
	_use(peer)


func has_host() -> bool:
	return multiplayer.get_peers().has(1)


func has_peers(number: int) -> bool:
	return multiplayer.get_peers().size() == number


## Nothing is on its way any more to clients who leave, which ENet would complain about.
func rest() -> void:
	super()
	for body in bodies:
		(body.get_node("MultiplayerSynchronizer") as MultiplayerSynchronizer).public_visibility = false


func leave() -> void:
	get_tree().multiplayer_poll = true
	multiplayer.multiplayer_peer.close()
	multiplayer.multiplayer_peer = OfflineMultiplayerPeer.new()


func _let_all_through(id: int) -> void:
	(multiplayer.multiplayer_peer as ENetMultiplayerPeer).get_peer(id).throttle_configure(THROTTLE_MSEC, THROTTLE_MAX, 0)


func _use(peer: ENetMultiplayerPeer) -> void:
	if is_tuned:
		peer.host.compress(ENetConnection.COMPRESS_RANGE_CODER)
	multiplayer.multiplayer_peer = peer
