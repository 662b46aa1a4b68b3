class_name PeersWorld
extends Node3D
## Bodies that go round, alike for every way to share them. One player moves them, the others look on.

const RADIUS := 0.5
const PERIOD_SEC := 2.0
## How far each body is ahead of the one before, in radians.
const STEP := 0.37
const TURN := 0.5

## How many bodies there are. To be set before the scene is opened.
static var count := 1

var bodies: Array[PeersBody] = []
## Frames in which the bodies were moved.
var frames := 0
## The longest time between two of them.
var pause_usec := 0.0

var _is_moving := false
var _moved_usec := 0.0


func _enter_tree() -> void:
	for number in count:
		var body := PeersBody.new()
		body.name = "Body%d" % number
		bodies.append(body)
		var properties: PackedStringArray = ["position", "rotation"]
		if number == middle():
			properties.append("stamp")
		body.add_child(sharer(properties))
		add_child(body)


## The node that shares these properties of what is above it.
func sharer(_properties: PackedStringArray) -> Node:
	return null


static func middle() -> int:
	return count >> 1


## The body in the middle also tells when it was moved.
func stamped() -> PeersBody:
	return bodies[middle()]


func begin() -> void:
	frames = 0
	pause_usec = 0.0
	_moved_usec = now_usec()
	_is_moving = true


func rest() -> void:
	_is_moving = false


func is_seen() -> bool:
	return now_usec() - stamped().stamp < 1e6


func _process(_delta: float) -> void:
	if _is_moving:
		_move(now_usec())


## Every body is where it belongs at this time, in microseconds since 1970.
func _move(usec: float) -> void:
	var angle := TAU * fposmod(usec * 1e-6, PERIOD_SEC) / PERIOD_SEC
	for body in bodies:
		body.position = Vector3(RADIUS * cos(angle), RADIUS * sin(angle), 0.0)
		body.rotation = Vector3(TURN * sin(angle), TURN * cos(angle), 0.0)
		angle += STEP
	stamped().stamp = int(usec)
	frames += 1
	pause_usec = maxf(pause_usec, usec - _moved_usec)
	_moved_usec = usec


static func now_usec() -> float:
	return Time.get_unix_time_from_system() * 1e6
