@tool
extends "suite.gd"

## The scene tree of the editor shows a new warning with a delay.
const SHOWN_WITHIN_MSEC := 5000

var node: SyncedNode


func before_each() -> void:
	await super()
	node = scene_node(^"Lamp/SyncedNode")
	await check_warns("")


func test_a_root_path_to_no_node_is_warned_of() -> void:
	node.root_path = ^"../Nowhere"
	await check_warns("Root path \"../Nowhere\" leads to no node")


func test_a_property_that_does_not_exist_is_warned_of() -> void:
	node.confirmed_properties = ["colour"]
	await check_warns("has no property \"colour\"")


func test_a_property_of_a_node_that_does_not_exist_is_warned_of() -> void:
	node.live_properties = ["Gone:position"]
	await check_warns("no node \"Gone\"")


func test_a_property_that_is_listed_twice_is_warned_of() -> void:
	node.live_properties = ["visible"]
	await check_warns("listed twice")


func test_a_property_whose_type_cannot_cross_is_warned_of() -> void:
	node.live_properties = ["Sign:region_rect"]
	await check_warns("cannot be synced")


func test_a_tracker_that_does_not_exist_is_warned_of() -> void:
	node.tracker = "left_foot"
	await check_warns("there is no tracker \"left_foot\": choose left_hand, right_hand or head")


func test_a_tracker_of_a_root_that_is_no_node3d_is_warned_of() -> void:
	node.tracker = "head"
	await check_warns("")
	node.confirmed_properties = []
	node.root_path = ^"."
	await check_warns("a tracker moves a Node3D, but the root \"SyncedNode\" is a SyncedNode")


func test_a_trace_that_is_not_set_or_not_there_is_warned_of() -> void:
	node.tracker = "head"
	node.tracker_source = SyncedNode.SOURCE_TRACE
	await check_warns("no trace file is set: choose one, or another source")
	node.trace_file = "res://none.trace"
	await check_warns("There is no trace file \"res://none.trace\"")


func test_a_trace_without_a_tracker_is_warned_of() -> void:
	node.tracker_source = SyncedNode.SOURCE_TRACE
	await check_warns("choose which controller the trace is")


func test_a_property_that_the_tracker_moves_itself_is_warned_of() -> void:
	node.tracker = "head"
	node.live_properties = ["transform"]
	await check_warns("take \"transform\" off the list")


## Checks that the editor shows a warning with this text at the node; none at all if the text is empty.
func check_warns(text: String) -> void:
	node.update_configuration_warnings()
	var deadline := Time.get_ticks_msec() + SHOWN_WITHIN_MSEC
	while not is_shown(text) and Time.get_ticks_msec() < deadline:
		await settle()
	if not is_shown(text):
		_failures.append("expected a warning with \"%s\", the editor shows \"%s\"" % [text, shown_warning()])


func is_shown(text: String) -> bool:
	var shown := shown_warning()
	return shown.is_empty() if text.is_empty() else text in shown


func shown_warning() -> String:
	var item := item_of(node.name)
	if item == null:
		return "(not in the scene tree)"
	for button in item.get_button_count(0):
		if "warning" in item.get_button_tooltip_text(0, button):
			return item.get_button_tooltip_text(0, button)
	return ""


func item_of(node_name: String) -> TreeItem:
	var trees := EditorInterface.get_base_control().find_children("*", "Tree", true, false)
	for tree: Tree in trees:
		if tree.is_visible_in_tree() and tree.get_parent().get_class() == "SceneTreeEditor":
			var item := tree.get_root()
			while item != null and item.get_text(0) != node_name:
				item = item.get_next_in_tree()
			return item
	return null
