extends Node3D
## A hundred things, the same for every player.

const COUNT := 100
const THING := preload("res://things/thing.tscn")


func _init() -> void:
	for number in COUNT:
		var thing: Thing = THING.instantiate()
		thing.name = "Thing%d" % number
		add_child(thing)
