@tool
extends RefCounted
## Says what is wrong with a synced property before the game runs.

## The types of [Variant] that mean the same on another machine.
const SYNCABLE_TYPES: PackedInt32Array = [
	TYPE_BOOL, TYPE_INT, TYPE_FLOAT, TYPE_STRING, TYPE_STRING_NAME, TYPE_NODE_PATH,
	TYPE_VECTOR2, TYPE_VECTOR2I, TYPE_VECTOR3, TYPE_VECTOR3I, TYPE_VECTOR4, TYPE_QUATERNION,
	TYPE_BASIS, TYPE_TRANSFORM2D, TYPE_TRANSFORM3D, TYPE_COLOR, TYPE_ARRAY, TYPE_DICTIONARY,
	TYPE_PACKED_BYTE_ARRAY, TYPE_PACKED_INT32_ARRAY, TYPE_PACKED_INT64_ARRAY,
	TYPE_PACKED_FLOAT32_ARRAY, TYPE_PACKED_FLOAT64_ARRAY, TYPE_PACKED_STRING_ARRAY,
	TYPE_PACKED_VECTOR2_ARRAY, TYPE_PACKED_VECTOR3_ARRAY, TYPE_PACKED_VECTOR4_ARRAY,
	TYPE_PACKED_COLOR_ARRAY,
]


## The node that the properties belong to; null if [member SyncedNode.root_path] leads nowhere.
static func root_of(synced: SyncedNode) -> Node:
	return synced.get_node_or_null(synced.root_path) if synced.is_inside_tree() else null


## The path of a node's property as [SyncedNode] writes it: "property" or "Child/Path:property".
static func path_to(root: Node, node: Node, property: String) -> String:
	return property if node == root else "%s:%s" % [root.get_path_to(node), property]


## The node that [param path] names; null if it is not there.
static func node_of(root: Node, path: String) -> Node:
	var node_part := path.get_slice(":", 0) if ":" in path else ""
	return root if node_part.is_empty() else root.get_node_or_null(node_part)


static func property_of(path: String) -> String:
	return path.substr(path.find(":") + 1)


## What is wrong with [param path], in one sentence; empty if nothing is.
static func problem(synced: SyncedNode, path: String) -> String:
	var root := root_of(synced)
	if root == null:
		return "Root Path leads to no node."
	var node := node_of(root, path)
	if node == null:
		return "There is no node here."
	return _property_problem(node, property_of(path))


static func _property_problem(node: Node, property: String) -> String:
	var found := _find_property(node, property)
	if found.is_empty():
		return "%s has no property “%s”." % [node.name, property]
	var type: Variant.Type = found["type"]
	if not (type in SYNCABLE_TYPES or type == TYPE_NIL):
		return "A value of type %s cannot cross the network." % type_string(type)
	return ""


## TYPE_NIL stands for a property that takes any type.
static func _find_property(node: Node, property: String) -> Dictionary:
	for candidate in node.get_property_list():
		if candidate["name"] == property and not candidate["usage"] & PROPERTY_USAGE_CATEGORY:
			return candidate
	return {}
