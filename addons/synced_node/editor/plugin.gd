@tool
extends EditorPlugin
## Adds the property picker of [SyncedNode] and the scene picker of [SyncedSpawner] to the inspector.

const InspectorPlugin := preload("inspector_plugin.gd")

var _inspector_plugin: EditorInspectorPlugin


func _enter_tree() -> void:
	_inspector_plugin = InspectorPlugin.new()
	add_inspector_plugin(_inspector_plugin)


func _exit_tree() -> void:
	remove_inspector_plugin(_inspector_plugin)
	_inspector_plugin = null
