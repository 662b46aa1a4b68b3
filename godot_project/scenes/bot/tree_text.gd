class_name TreeText
extends RefCounted
## What every synced node shows, as text, so that two players whose digests differ can be compared.


## By the node's id, as text.
static func of(tree: SceneTree) -> Dictionary[String, String]:
	var texts: Dictionary[String, String] = {}
	for node: SyncedNode in tree.root.find_children("*", "SyncedNode", true, false):
		texts[str(node.get_synced_id())] = _describe(node)
	return texts


static func _describe(node: SyncedNode) -> String:
	var root := node.get_root()
	var parts := PackedStringArray([str(root.get_path()), "owner %d" % node.get_owner_id()])
	for path in node.confirmed_properties + node.live_properties:
		var resource := root.get_node_and_resource(path if ":" in path else ":" + path)
		var holder: Node = resource[0] if resource[0] != null else root
		parts.append("%s %s" % [path, var_to_str(holder.get_indexed(path.substr(path.find(":") + 1)))])
	return ", ".join(parts)
