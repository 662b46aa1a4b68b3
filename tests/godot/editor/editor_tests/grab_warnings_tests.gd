@tool
extends "suite.gd"

var grab: SyncedGrab


func before_each() -> void:
	await super()
	grab = scene_node(^"Ball/SyncedGrab")
	await check_warns(grab, "")


func test_a_grab_below_no_node3d_is_warned_of() -> void:
	grab.root_path = ^"../Nowhere"
	await check_warns(grab, "Root path \"../Nowhere\" leads to no node")
	grab.root_path = ^"."
	await check_warns(grab, "SyncedGrab is no Node3D")


func test_a_grab_without_a_synced_node_is_warned_of() -> void:
	grab.root_path = ^"../../Bystander"
	await check_warns(grab, "Bystander has no SyncedNode as a child")


func test_a_grab_whose_node_does_not_stream_where_it_is_is_warned_of() -> void:
	(scene_node(^"Ball/BallSyncedNode") as SyncedNode).live_properties = []
	await check_warns(grab, "does not sync transform on the live lane")


func test_a_grab_that_would_always_be_refused_is_warned_of() -> void:
	(scene_node(^"Ball/BallSyncedNode") as SyncedNode).ownership_transfer = SyncedNode.TRANSFER_BY_OWNER
	await check_warns(grab, "a grab would be refused")


func test_a_throw_of_what_is_no_body_is_warned_of() -> void:
	grab.root_path = ^"../../Lamp"
	(scene_node(^"Lamp/SyncedNode") as SyncedNode).live_properties = ["transform"]
	grab.throw_scale = 2.0
	await check_warns(grab, "only a RigidBody3D is thrown")
