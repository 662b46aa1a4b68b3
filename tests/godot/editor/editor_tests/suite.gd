@tool
extends RefCounted
## What every suite shares: a fresh copy of the test scene in the editor, and checks that are collected.

const SCENE := "res://world.tscn"
const FRAMES_TO_SETTLE := 4
## The scene tree of the editor shows a new warning with a delay.
const WARNED_WITHIN_MSEC := 5000

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


## Checks that the editor shows a warning with this text at a node; none at all if the text is empty.
func check_warns(node: Node, text: String) -> void:
	node.update_configuration_warnings()
	var deadline := Time.get_ticks_msec() + WARNED_WITHIN_MSEC
	while not _warns(node, text) and Time.get_ticks_msec() < deadline:
		await settle()
	if not _warns(node, text):
		_failures.append("expected a warning with \"%s\", the editor shows \"%s\"" % [text, _warning_at(node)])


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


func _warns(node: Node, text: String) -> bool:
	var warning := _warning_at(node)
	return warning.is_empty() if text.is_empty() else text in warning


func _warning_at(node: Node) -> String:
	var item := _item_of(node)
	if item == null:
		return "(not in the scene tree)"
	for button in item.get_button_count(0):
		if "warning" in item.get_button_tooltip_text(0, button):
			return item.get_button_tooltip_text(0, button)
	return ""


## The first item of the scene tree that has the node's name.
func _item_of(node: Node) -> TreeItem:
	var trees := EditorInterface.get_base_control().find_children("*", "Tree", true, false)
	for tree: Tree in trees:
		if tree.is_visible_in_tree() and tree.get_parent().get_class() == "SceneTreeEditor":
			var item := tree.get_root()
			while item != null and item.get_text(0) != node.name:
				item = item.get_next_in_tree()
			return item
	return null
