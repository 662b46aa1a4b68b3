@tool
extends RefCounted
## What every suite shares: a fresh copy of the test scene in the editor, and checks that are collected.

const SCENE := "res://world.tscn"
const FRAMES_TO_SETTLE := 4

var _failures := PackedStringArray()


func before_each() -> void:
	EditorInterface.open_scene_from_path(SCENE)
	EditorInterface.reload_scene_from_path(SCENE)
	await settle()


func take_failures() -> PackedStringArray:
	var failures := _failures.duplicate()
	_failures.clear()
	return failures


func check_equal(actual: Variant, expected: Variant, what: String) -> void:
	if actual != expected:
		_failures.append("%s: expected %s, got %s" % [what, expected, actual])


func settle() -> void:
	for frame in FRAMES_TO_SETTLE:
		await EditorInterface.get_base_control().get_tree().process_frame


func scene_node(path: NodePath) -> Node:
	return EditorInterface.get_edited_scene_root().get_node(path)


## Selects the node as a click in the scene tree would, and gives the picker that its inspector shows.
func inspect(node: Node, picker: GDScript) -> EditorProperty:
	EditorInterface.get_selection().clear()
	EditorInterface.edit_node(node)
	await settle()
	for found in EditorInterface.get_inspector().find_children("*", "EditorProperty", true, false):
		if found.get_script() == picker:
			return found
	_failures.append("the inspector shows no %s" % picker.resource_path)
	return null


## Both by their keys: the editor's own undo is not open to scripts.
func undo() -> void:
	await _press(KEY_Z, false)


func redo() -> void:
	await _press(KEY_Z, true)


func _press(key: Key, shift: bool) -> void:
	var event := InputEventKey.new()
	event.keycode = key
	event.command_or_control_autoremap = true
	event.shift_pressed = shift
	event.pressed = true
	EditorInterface.get_base_control().get_viewport().push_input(event)
	await settle()
