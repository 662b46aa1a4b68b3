@tool
extends "suite.gd"

var node: SyncedNode


func before_each() -> void:
	await super()
	node = scene_node(^"Lamp/SyncedNode")
	await check_warns(node, "")


func test_a_root_path_to_no_node_is_warned_of() -> void:
	node.root_path = ^"../Nowhere"
	await check_warns(node, "Root path \"../Nowhere\" leads to no node")


func test_a_property_that_does_not_exist_is_warned_of() -> void:
	node.confirmed_properties = ["colour"]
	await check_warns(node, "has no property \"colour\"")


func test_a_property_of_a_node_that_does_not_exist_is_warned_of() -> void:
	node.live_properties = ["Gone:position"]
	await check_warns(node, "no node \"Gone\"")


func test_a_property_that_is_listed_twice_is_warned_of() -> void:
	node.live_properties = ["visible"]
	await check_warns(node, "listed twice")


func test_a_property_whose_type_cannot_cross_is_warned_of() -> void:
	node.live_properties = ["Sign:region_rect"]
	await check_warns(node, "cannot be synced")


func test_a_tracker_that_does_not_exist_is_warned_of() -> void:
	node.tracker = "left_foot"
	await check_warns(node, "there is no tracker \"left_foot\": choose left_hand, right_hand or head")


func test_a_tracker_of_a_root_that_is_no_node3d_is_warned_of() -> void:
	node.tracker = "head"
	await check_warns(node, "")
	node.confirmed_properties = []
	node.root_path = ^"."
	await check_warns(node, "a tracker moves a Node3D, but the root \"SyncedNode\" is a SyncedNode")


func test_a_trace_that_is_not_set_or_not_there_is_warned_of() -> void:
	node.tracker = "head"
	node.tracker_source = SyncedNode.SOURCE_TRACE
	await check_warns(node, "no trace file is set: choose one, or another source")
	node.trace_file = "res://none.trace"
	await check_warns(node, "There is no trace file \"res://none.trace\"")


func test_a_trace_without_a_tracker_is_warned_of() -> void:
	node.tracker_source = SyncedNode.SOURCE_TRACE
	await check_warns(node, "choose which controller the trace is")


func test_a_property_that_the_tracker_moves_itself_is_warned_of() -> void:
	node.tracker = "head"
	node.live_properties = ["transform"]
	await check_warns(node, "take \"transform\" off the list")
