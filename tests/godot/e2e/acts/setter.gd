class_name Setter
extends Node
## Gives many things another value of one property in each frame, and writes down how long that takes.

## Microseconds, one number a frame.
var took: Array[int] = []

var _things: Array[Node3D]
var _property: StringName
var _values: Array
var _before: Array


static func begin(player: Node, things: Array[Node3D], property: StringName, values: Array) -> void:
	var setter := Setter.new()
	setter.name = "Setter"
	setter._things = things
	setter._property = property
	setter._values = values
	setter._before = things.map(func(thing: Node3D) -> Variant: return thing.get(property))
	player.add_child(setter)


## In the end each thing is as it was.
func stop() -> Array[int]:
	set_process(false)
	for place in _things.size():
		_things[place].set(_property, _before[place])
	return took


func _process(_delta: float) -> void:
	var value: Variant = _values[took.size() % _values.size()]
	var began := Time.get_ticks_usec()
	for thing in _things:
		thing.set(_property, value)
	took.append(Time.get_ticks_usec() - began)
