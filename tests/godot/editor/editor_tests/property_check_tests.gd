@tool
extends "suite.gd"

const PropertyCheck := preload("res://addons/synced_node/editor/property_check.gd")

var node: SyncedNode


func before_each() -> void:
	await super()
	node = scene_node(^"Lamp/SyncedNode")


func test_properties_of_the_root_and_of_a_child_are_found() -> void:
	check_equal(PropertyCheck.problem(node, "transform"), "", "of the root")
	check_equal(PropertyCheck.problem(node, "Bulb:light_color"), "", "of a child")


func test_a_value_that_cannot_cross_is_named_with_its_type() -> void:
	check_equal(PropertyCheck.problem(node, "Bulb:light_projector"),
			"A value of type Object cannot cross the network.", "object")


func test_a_path_to_no_node_is_told() -> void:
	check_equal(PropertyCheck.problem(node, "Gone:visible"), "There is no node here.", "node")
	node.root_path = ^"../Nowhere"
	check_equal(PropertyCheck.problem(node, "visible"), "Root Path leads to no node.", "root")


func test_a_path_is_written_relative_to_the_root() -> void:
	var lamp := scene_node(^"Lamp")
	check_equal(PropertyCheck.path_to(lamp, lamp, "visible"), "visible", "of the root")
	check_equal(PropertyCheck.path_to(lamp, scene_node(^"Lamp/Bulb"), "visible"), "Bulb:visible", "of a child")
