@tool
extends EditorProperty
## The scenes that a [SyncedSpawner] may spawn, chosen from the project's files.

const PROPERTY := "spawnable_scenes"

var rows := VBoxContainer.new()
var add_button := Button.new()

var _shown := PackedStringArray()
var _dialog: EditorFileDialog


func _init() -> void:
	var list := VBoxContainer.new()
	add_button.text = "Add Scene…"
	add_button.pressed.connect(_on_add_pressed)
	list.add_child(rows)
	list.add_child(add_button)
	add_child(list)
	set_bottom_editor(list)
	add_focusable(add_button)


func _notification(what: int) -> void:
	if what == NOTIFICATION_THEME_CHANGED:
		add_button.icon = get_theme_icon(&"Add", &"EditorIcons")


func _update_property() -> void:
	var scenes := _scenes()
	if scenes != _shown or rows.get_child_count() != scenes.size():
		_shown = scenes
		_rebuild_rows()


func _set_read_only(is_fixed: bool) -> void:
	add_button.disabled = is_fixed
	for row in rows.get_children():
		(row.get_child(-1) as Button).disabled = is_fixed


func add_scenes(paths: PackedStringArray) -> void:
	var changed := _scenes()
	for path in paths:
		if not path in changed:
			changed.append(path)
	_commit(changed)


func remove_scene(index: int) -> void:
	var changed := _scenes()
	changed.remove_at(index)
	_commit(changed)


func _scenes() -> PackedStringArray:
	return (get_edited_object().get(PROPERTY) as PackedStringArray).duplicate()


## The inspector makes the change, and the undo of it.
func _commit(changed: PackedStringArray) -> void:
	emit_changed(PROPERTY, changed)


func _rebuild_rows() -> void:
	for row in rows.get_children():
		rows.remove_child(row)
		row.queue_free()
	for index in _shown.size():
		rows.add_child(_build_row(index))


func _build_row(index: int) -> HBoxContainer:
	var row := HBoxContainer.new()
	row.add_child(_build_name(_shown[index]))
	var remove := Button.new()
	remove.flat = true
	remove.icon = get_theme_icon(&"Remove", &"EditorIcons")
	remove.tooltip_text = "Do not spawn this scene any more"
	remove.pressed.connect(remove_scene.bind(index))
	row.add_child(remove)
	return row


func _build_name(path: String) -> Label:
	var scene_label := Label.new()
	scene_label.text = path.trim_prefix("res://")
	scene_label.tooltip_text = path
	scene_label.mouse_filter = Control.MOUSE_FILTER_STOP
	scene_label.size_flags_horizontal = SIZE_EXPAND_FILL
	scene_label.text_overrun_behavior = TextServer.OVERRUN_TRIM_ELLIPSIS
	if not ResourceLoader.exists(path, "PackedScene"):
		scene_label.text += "  (missing)"
		scene_label.add_theme_color_override(&"font_color", get_theme_color(&"warning_color", &"Editor"))
	return scene_label


func _on_add_pressed() -> void:
	if _dialog == null:
		_dialog = EditorFileDialog.new()
		_dialog.file_mode = EditorFileDialog.FILE_MODE_OPEN_FILES
		for extension in ResourceLoader.get_recognized_extensions_for_type("PackedScene"):
			_dialog.add_filter("*." + extension)
		_dialog.files_selected.connect(add_scenes)
		add_child(_dialog)
	_dialog.popup_file_dialog()
