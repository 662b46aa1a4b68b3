class_name Avatar
extends Node3D
## One player in the room: a head and two hands, which follow that player's controllers on every machine.
## The avatar itself stands where the player's play space is.

signal bot_reported(bot_player_id: int)

const GROUP := &"avatars"
const TINTS: PackedColorArray = [
	Color("5fd7c5"), Color("f2a65a"), Color("9d8df1"), Color("f27d9b"), Color("8ccf6b"), Color("6fb7ff"), Color("f2d55a"),
]

var player_id := 0
var display_name := ""
## What a bot is doing: "playing" or "resting"; empty for people.
var activity := ""
## Set before the avatar enters the tree, for the own one alone: its trackers move by themselves.
var is_synthetic := false:
	set(value):
		is_synthetic = value
		if value:
			_use_synthetic_trackers()

@onready var synced: SyncedNode = $SyncedNode
@onready var head: Node3D = $Head
@onready var left_hand: Hand = $LeftHand
@onready var right_hand: Hand = $RightHand
@onready var _head_shape: Node3D = $Head/Shape


func _ready() -> void:
	add_to_group(GROUP)
	_paint(tint())
	($Head/Shape/NameTag as Label3D).text = display_name


func tint() -> Color:
	return TINTS[player_id % TINTS.size()]


## What the player draws with.
func ink() -> Color:
	return tint().darkened(0.35)


## The player does not see the own head from inside.
func hide_head() -> void:
	_head_shape.hide()


func show_head() -> void:
	_head_shape.show()


## Called on every machine when a bot has written its report.
func report_written() -> void:
	bot_reported.emit(player_id)


func _paint(color: Color) -> void:
	var material := StandardMaterial3D.new()
	material.albedo_color = color
	material.roughness = 0.45
	material.rim_enabled = true
	material.rim = 0.4
	for part: MeshInstance3D in find_children("*", "MeshInstance3D", true, false):
		if part.is_in_group(&"tinted"):
			part.material_override = material


func _use_synthetic_trackers() -> void:
	for path: NodePath in [^"Head/SyncedNode", ^"LeftHand/SyncedNode", ^"RightHand/SyncedNode"]:
		(get_node(path) as SyncedNode).tracker_source = SyncedNode.SOURCE_SYNTHETIC
