@tool
extends VBoxContainer
## One synced property: its path, its lane, and what is wrong with it.

signal lane_selected(lane: String)
signal remove_pressed

const SyncedProperties := preload("synced_properties.gd")
const LANE_NAMES: PackedStringArray = ["Confirmed", "Live"]
const LANE_TOOLTIP := "Confirmed: every change arrives, in order, and is never taken back.\n" \
	+ "Live: the newest value wins; for what moves all the time."

var path: String
var lane_button := OptionButton.new()
var remove_button := Button.new()
var warning_label := Label.new()


func _init(property_path: String, lane: String, icon: Texture2D, problem: String) -> void:
	path = property_path
	add_child(_build_line(icon, lane))
	add_child(_build_warning(problem))


## Whether nothing can be changed here.
func fix(is_fixed: bool) -> void:
	lane_button.disabled = is_fixed
	remove_button.disabled = is_fixed


func _notification(what: int) -> void:
	if what == NOTIFICATION_THEME_CHANGED:
		remove_button.icon = get_theme_icon(&"Remove", &"EditorIcons")
		warning_label.add_theme_color_override(&"font_color", get_theme_color(&"warning_color", &"Editor"))


func _build_line(icon: Texture2D, lane: String) -> HBoxContainer:
	var line := HBoxContainer.new()
	var picture := TextureRect.new()
	picture.texture = icon
	picture.stretch_mode = TextureRect.STRETCH_KEEP_CENTERED
	line.add_child(picture)
	line.add_child(_build_name())
	line.add_child(_build_lane_button(lane))
	line.add_child(_build_remove_button())
	return line


func _build_name() -> Label:
	var label := Label.new()
	label.text = path
	label.tooltip_text = path
	label.mouse_filter = Control.MOUSE_FILTER_STOP
	label.size_flags_horizontal = SIZE_EXPAND_FILL
	label.text_overrun_behavior = TextServer.OVERRUN_TRIM_ELLIPSIS
	return label


func _build_lane_button(lane: String) -> OptionButton:
	for lane_name in LANE_NAMES:
		lane_button.add_item(lane_name)
	lane_button.select(SyncedProperties.LANES.find(lane))
	lane_button.tooltip_text = LANE_TOOLTIP
	lane_button.flat = true
	lane_button.item_selected.connect(func(index: int) -> void: lane_selected.emit(SyncedProperties.LANES[index]))
	return lane_button


func _build_remove_button() -> Button:
	remove_button.flat = true
	remove_button.tooltip_text = "Stop syncing this property"
	remove_button.pressed.connect(remove_pressed.emit)
	return remove_button


func _build_warning(problem: String) -> Label:
	warning_label.text = problem
	warning_label.visible = not problem.is_empty()
	warning_label.autowrap_mode = TextServer.AUTOWRAP_WORD_SMART
	return warning_label
