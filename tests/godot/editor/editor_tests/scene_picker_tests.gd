@tool
extends "suite.gd"

const ScenePicker := preload("res://addons/synced_node/editor/scene_picker.gd")

var spawner: SyncedSpawner
var picker: ScenePicker


func before_each() -> void:
	await super()
	spawner = scene_node(^"SyncedSpawner")
	picker = await inspect(spawner, ScenePicker)


func test_chosen_scenes_are_appended_once() -> void:
	picker.add_scenes(["res://world.tscn"])
	picker.add_scenes(["res://world.tscn", "res://lamp.tscn"])
	await settle()
	check_equal(spawner.spawnable_scenes, PackedStringArray(["res://world.tscn", "res://lamp.tscn"]), "scenes")
	check_equal(picker.rows.get_child_count(), 2, "rows")


func test_a_scene_can_be_removed_and_comes_back_by_undo() -> void:
	spawner.spawnable_scenes = ["res://world.tscn"]
	picker.update_property()
	picker.remove_scene(0)
	await settle()
	check_equal(spawner.spawnable_scenes, PackedStringArray(), "scenes")
	await undo()
	check_equal(spawner.spawnable_scenes, PackedStringArray(["res://world.tscn"]), "scenes after undo")
