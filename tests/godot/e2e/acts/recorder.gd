class_name Recorder
extends Node
## Remembers in each frame where a hand was shown and for which time, and every sample of it.

## Of each frame: the shown time since the first, in microseconds; the position; the playout delay in seconds.
var shown: Array[Array] = []
## Of each sample: its time since the first shown one, in microseconds; position, rotation, velocities as numbers.
var samples: Array[Array] = []
var jumps := 0

var _hand: Node3D
var _synced: SyncedNode
var _since_usec: int
var _read_until_usec := 0


static func begin(player: Node, hand: Thing, since_usec: int) -> void:
	var recorder := Recorder.new()
	recorder.name = "Recorder"
	recorder._hand = hand
	recorder._synced = hand.synced
	recorder._since_usec = since_usec
	recorder._read_until_usec = since_usec
	hand.synced.tracker_jumped.connect(func() -> void: recorder.jumps += 1)
	player.add_child(recorder)


func _process(_delta: float) -> void:
	if not is_instance_valid(_synced):
		set_process(false)
		return
	var at := _synced.get_shown_time_usec()
	var delay: float = Performance.get_custom_monitor(&"synced_node/playout_delay")
	shown.append([at - _since_usec, _numbers(_hand.position), delay])
	_read(at)


## What is a little older than what is shown has all arrived, as far as it ever will.
func _read(shown_usec: int) -> void:
	var until := shown_usec - 200_000
	var read := _synced.get_trajectory(_read_until_usec, until)
	_read_until_usec = maxi(_read_until_usec, until + 1)
	for place in read.size():
		var turned := read.rotations[place]
		samples.append([
			read.times_usec[place] - _since_usec, _numbers(read.positions[place]), [turned.x, turned.y, turned.z, turned.w],
			_numbers(read.linear_velocities[place]), _numbers(read.angular_velocities[place]),
		])


func _numbers(v: Vector3) -> Array:
	return [v.x, v.y, v.z]
