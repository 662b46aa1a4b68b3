class_name SyncedBodies
extends PeersWorld
## Shared by SyncedNode: position and rotation are live properties.


func sharer(properties: PackedStringArray) -> Node:
	var node := SyncedNode.new()
	node.name = "SyncedNode"
	node.live_properties = properties
	return node


func synced() -> Array[SyncedNode]:
	var found: Array[SyncedNode] = []
	for body in bodies:
		found.append(body.get_node("SyncedNode"))
	return found


func take() -> void:
	for node in synced():
		node.request_ownership()


func are_taken() -> bool:
	return synced().all(func(node: SyncedNode) -> bool: return node.is_owner())


func has_players(number: int) -> bool:
	return SyncedSession.get_players().size() == number
