@tool
extends RefCounted
## Asks for a node below a root, then for one of its properties, with the editor's own dialogs.

signal property_found(path: String)
signal node_refused(reason: String)

const PropertyCheck := preload("property_check.gd")

var _root: Node
var _node: Node


func start(root: Node) -> void:
	_root = root
	EditorInterface.popup_node_selector(_on_node_selected, [], root)


func _on_node_selected(path: NodePath) -> void:
	if path.is_empty() or not is_instance_valid(_root):
		return
	_node = EditorInterface.get_edited_scene_root().get_node_or_null(path)
	if _node != _root and not _root.is_ancestor_of(_node):
		node_refused.emit("Choose %s or a node below it." % _root.name)
		return
	EditorInterface.popup_property_selector(_node, _on_property_selected, PropertyCheck.SYNCABLE_TYPES)


func _on_property_selected(property: NodePath) -> void:
	if property.is_empty() or not is_instance_valid(_root) or not is_instance_valid(_node):
		return
	property_found.emit(PropertyCheck.path_to(_root, _node, str(property).trim_prefix(":")))
