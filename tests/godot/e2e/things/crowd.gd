class_name Crowd
extends Node3D
## Many things, the same for every player.

const THING := preload("res://things/thing.tscn")

## How many there are. To be set before the scene is opened.
static var count := 100


func _init() -> void:
	for number in count:
		var thing: Thing = THING.instantiate()
		thing.name = "Thing%d" % number
		add_child(thing)
