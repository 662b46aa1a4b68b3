class_name PeersRecorder
extends Node
## Writes down each frame what is shown of some bodies, as the last thing that the frame does.

## A row a frame, one after the other: the time, the stamp, and of each watched body x and y.
var numbers := PackedFloat64Array()

var _world: PeersWorld
var _watched: Array[PeersBody] = []
var _is_on := false


static func begin(player: Node, world: PeersWorld, watched: Array) -> void:
	var recorder := PeersRecorder.new()
	recorder.name = "PeersRecorder"
	recorder.process_priority = 1000
	recorder._world = world
	for number: int in watched:
		recorder._watched.append(world.bodies[number])
	player.add_child(recorder)


func start() -> void:
	numbers.clear()
	_is_on = true


func stop() -> Array:
	_is_on = false
	return Array(numbers)


func _process(_delta: float) -> void:
	if not _is_on:
		return
	numbers.append(PeersWorld.now_usec())
	numbers.append(_world.stamped().stamp)
	for body in _watched:
		numbers.append(body.position.x)
		numbers.append(body.position.y)
