class_name Bin
extends Node3D
## What falls in is gone for everyone. The owner of the cup says so.

const GROUP := &"bins"

@onready var _inside: Area3D = $Inside


func _ready() -> void:
	add_to_group(GROUP)
	_inside.body_entered.connect(_on_body_entered)


## A point above the bin, from which a cup falls into it.
func drop_point() -> Vector3:
	return global_position + Vector3.UP * 0.75


func _on_body_entered(body: Node3D) -> void:
	var cup := body as Cup
	if cup != null and cup.synced.is_owner() and cup.synced.get_owner_id() != 0:
		cup.synced.despawn()
