@tool
extends EditorProperty
## The list of a [SyncedNode]'s properties with their lanes, in place of two arrays of typed strings.

const PropertyCheck := preload("property_check.gd")
const PropertyRow := preload("property_row.gd")
const PropertySearch := preload("property_search.gd")
const SyncedProperties := preload("synced_properties.gd")

var rows := VBoxContainer.new()
var add_button := Button.new()
var note := Label.new()

var _properties: SyncedProperties
var _search := PropertySearch.new()
var _shown: Array[Array] = []
var _is_fixed := false


func _init() -> void:
	var list := VBoxContainer.new()
	add_button.text = "Add Property…"
	add_button.pressed.connect(_on_add_pressed)
	note.autowrap_mode = TextServer.AUTOWRAP_WORD_SMART
	for control: Control in [rows, note, add_button]:
		list.add_child(control)
	add_child(list)
	set_bottom_editor(list)
	add_focusable(add_button)
	_search.property_found.connect(add_property)
	_search.node_refused.connect(_show_note)


## An undo would otherwise show only at the inspector's next periodic refresh.
func _enter_tree() -> void:
	EditorInterface.get_editor_undo_redo().version_changed.connect(update_property)


func _exit_tree() -> void:
	EditorInterface.get_editor_undo_redo().version_changed.disconnect(update_property)


func _notification(what: int) -> void:
	if what == NOTIFICATION_THEME_CHANGED:
		add_button.icon = get_theme_icon(&"Add", &"EditorIcons")
		note.add_theme_color_override(&"font_color", get_theme_color(&"warning_color", &"Editor"))


func _update_property() -> void:
	var edited := _edited()
	if _properties == null:
		_properties = SyncedProperties.new(edited, EditorInterface.get_editor_undo_redo())
	var entries := _entries_with_problems(edited)
	if entries != _shown or rows.get_child_count() != entries.size():
		_shown = entries
		_rebuild_rows(edited)


func _set_read_only(is_fixed: bool) -> void:
	_is_fixed = is_fixed
	add_button.disabled = is_fixed
	for row: PropertyRow in rows.get_children():
		row.fix(is_fixed)


## What moves all the time begins on the live lane; everything else is confirmed.
func add_property(path: String) -> void:
	if _properties.has(path):
		_show_note("“%s” is synced already." % path)
		return
	_show_note("")
	var spatial := PropertyCheck.property_of(path) in ["transform", "position", "rotation", "quaternion", "basis"]
	_properties.add(path, SyncedProperties.LIVE if spatial else SyncedProperties.CONFIRMED)
	update_property()


func _edited() -> SyncedNode:
	return get_edited_object() as SyncedNode


func _entries_with_problems(edited: SyncedNode) -> Array[Array]:
	var entries := _properties.entries()
	var seen := PackedStringArray()
	for entry in entries:
		var path: String = entry[0]
		entry.append("This property is listed twice." if path in seen else PropertyCheck.problem(edited, path))
		seen.append(path)
	return entries


func _rebuild_rows(edited: SyncedNode) -> void:
	for row in rows.get_children():
		rows.remove_child(row)
		row.queue_free()
	for entry in _shown:
		_add_row(edited, entry[0], entry[1], entry[2])
	_show_note("")


func _add_row(edited: SyncedNode, path: String, lane: String, problem: String) -> void:
	var row := PropertyRow.new(path, lane, _icon_of(edited, path), problem)
	row.fix(_is_fixed)
	row.lane_selected.connect(_on_lane_selected.bind(path, lane))
	row.remove_pressed.connect(_on_remove_pressed.bind(path, lane))
	rows.add_child(row)


func _icon_of(edited: SyncedNode, path: String) -> Texture2D:
	var root := PropertyCheck.root_of(edited)
	var node := PropertyCheck.node_of(root, path) if root != null else null
	if node == null:
		return get_theme_icon(&"NodeWarning", &"EditorIcons")
	var icon := StringName(node.get_class())
	return get_theme_icon(icon if has_theme_icon(icon, &"EditorIcons") else &"Node", &"EditorIcons")


func _show_note(text: String) -> void:
	note.text = text
	note.visible = not text.is_empty()


func _on_add_pressed() -> void:
	var root := PropertyCheck.root_of(_edited())
	if root == null:
		_show_note("Root Path leads to no node.")
	else:
		_search.start(root)


func _on_lane_selected(to: String, path: String, from: String) -> void:
	_properties.move(path, from, to)
	update_property()


func _on_remove_pressed(path: String, lane: String) -> void:
	_properties.remove(path, lane)
	update_property()
