@tool
extends "suite.gd"

const PropertyPicker := preload("res://addons/synced_node/editor/property_picker.gd")

var node: SyncedNode
var picker: PropertyPicker


func before_each() -> void:
	await super()
	node = scene_node(^"Lamp/SyncedNode")
	picker = await inspect(node, PropertyPicker)


func test_the_picker_stands_in_place_of_both_arrays() -> void:
	var raw := 0
	for editor: EditorProperty in EditorInterface.get_inspector().find_children("*", "EditorProperty", true, false):
		if editor != picker and str(editor.get_edited_property()) in ["confirmed_properties", "live_properties"]:
			raw += 1
	check_equal(raw, 0, "raw array editors")
	check_equal(shown(), PackedStringArray(["visible"]), "rows")


func test_an_added_property_is_confirmed_and_what_moves_is_live() -> void:
	picker.add_property("Bulb:light_energy")
	picker.add_property("transform")
	check_equal(node.confirmed_properties, PackedStringArray(["visible", "Bulb:light_energy"]), "confirmed")
	check_equal(node.live_properties, PackedStringArray(["transform"]), "live")
	check_equal(shown(), PackedStringArray(["Bulb:light_energy", "transform", "visible"]), "rows")


func test_adding_can_be_undone_and_redone() -> void:
	picker.add_property("Bulb:light_energy")
	await undo()
	check_equal(node.confirmed_properties, PackedStringArray(["visible"]), "after undo")
	check_equal(shown(), PackedStringArray(["visible"]), "rows after undo")
	await redo()
	check_equal(node.confirmed_properties, PackedStringArray(["visible", "Bulb:light_energy"]), "after redo")


func test_a_property_is_not_added_twice_on_either_lane() -> void:
	picker.add_property("transform")
	picker.add_property("transform")
	picker.add_property("visible")
	check_equal(node.confirmed_properties, PackedStringArray(["visible"]), "confirmed")
	check_equal(node.live_properties, PackedStringArray(["transform"]), "live")
	check_equal(picker.note.visible, true, "note shown")


func test_the_lane_switch_moves_a_property_in_one_step() -> void:
	row("visible").lane_button.item_selected.emit(1)
	check_equal(node.confirmed_properties, PackedStringArray(), "confirmed")
	check_equal(node.live_properties, PackedStringArray(["visible"]), "live")
	await undo()
	check_equal(node.confirmed_properties, PackedStringArray(["visible"]), "confirmed after undo")
	check_equal(node.live_properties, PackedStringArray(), "live after undo")
	check_equal(row("visible").lane_button.selected, 0, "switch after undo")


func test_a_removed_property_comes_back_by_undo() -> void:
	row("visible").remove_button.pressed.emit()
	check_equal(node.confirmed_properties, PackedStringArray(), "confirmed")
	check_equal(shown(), PackedStringArray(), "rows")
	await undo()
	check_equal(node.confirmed_properties, PackedStringArray(["visible"]), "confirmed after undo")


func test_a_property_that_does_not_exist_is_marked_in_its_row() -> void:
	picker.add_property("Bulb:colour")
	check_equal(row("Bulb:colour").warning_label.text, "Bulb has no property “colour”.", "warning")
	check_equal(row("visible").warning_label.visible, false, "warning of a good row")


func test_a_property_that_is_listed_twice_is_marked_once() -> void:
	node.live_properties = ["visible"]
	picker.update_property()
	var warnings := PackedStringArray()
	for shown_row: PropertyPicker.PropertyRow in picker.rows.get_children():
		warnings.append(shown_row.warning_label.text)
	check_equal(warnings, PackedStringArray(["", "This property is listed twice."]), "warnings")


func test_the_dialogs_of_the_editor_lead_to_a_property_of_a_child() -> void:
	picker.add_button.pressed.emit()
	await choose(&"SceneTreeDialog", scene_node(^"Lamp/Bulb").get_path())
	await choose(&"PropertySelector", "light_color")
	check_equal(node.confirmed_properties, PackedStringArray(["visible", "Bulb:light_color"]), "confirmed")


func test_a_node_outside_the_root_is_refused() -> void:
	picker.add_button.pressed.emit()
	await choose(&"SceneTreeDialog", scene_node(^"Bystander").get_path())
	check_equal(node.confirmed_properties, PackedStringArray(["visible"]), "confirmed")
	check_equal(picker.note.text, "Choose Lamp or a node below it.", "note")


func shown() -> PackedStringArray:
	var paths := PackedStringArray()
	for shown_row: PropertyPicker.PropertyRow in picker.rows.get_children():
		paths.append(shown_row.path)
	return paths


func row(path: String) -> PropertyPicker.PropertyRow:
	return picker.rows.get_child(shown().find(path))


## Answers the newest dialog of a class as its user would.
func choose(dialog_class: StringName, selected: Variant) -> void:
	await settle()
	var dialogs := EditorInterface.get_base_control().find_children("*", dialog_class, true, false)
	if dialogs.is_empty():
		check_equal("no dialog", dialog_class, "open dialog")
		return
	(dialogs[-1] as Window).hide()
	dialogs[-1].emit_signal(&"selected", selected)
	await settle()
