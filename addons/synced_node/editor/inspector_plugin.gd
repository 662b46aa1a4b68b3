@tool
extends EditorInspectorPlugin
## Puts pickers where the plain inspector would show arrays of typed strings.

const PropertyPicker := preload("property_picker.gd")
const ScenePicker := preload("scene_picker.gd")
const SyncedProperties := preload("synced_properties.gd")


func _can_handle(object: Object) -> bool:
	return object is SyncedNode or object is SyncedSpawner


func _parse_property(object: Object, _type: Variant.Type, name: String, _hint_type: PropertyHint,
		_hint_string: String, _usage_flags: int, _wide: bool) -> bool:
	if object is SyncedNode:
		return _parse_synced_node(name)
	if name == ScenePicker.PROPERTY:
		add_property_editor(name, ScenePicker.new())
		return true
	return false


## One picker stands for both arrays.
func _parse_synced_node(name: String) -> bool:
	if name == SyncedProperties.CONFIRMED:
		add_property_editor_for_multiple_properties("Synced Properties", SyncedProperties.LANES, PropertyPicker.new())
	return name in SyncedProperties.LANES
