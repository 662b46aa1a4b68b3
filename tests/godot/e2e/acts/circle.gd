class_name Circle
extends RefCounted
## A trace of a hand that goes round once a second and turns with its way, as a stone in a sling would.

const CENTRE := Vector3(0.5, 1.2, 0.0)
const RADIUS := 0.3
const RADIANS_PER_SEC := TAU
const SAMPLES := 1000


## Its grip is closed over the first half of each round.
static func write_trace(path: String) -> void:
	var file := FileAccess.open(path, FileAccess.WRITE)
	for number in SAMPLES:
		var angle := TAU * number / SAMPLES
		var arm := Vector3(cos(angle), sin(angle), 0.0)
		var place := CENTRE + RADIUS * arm
		var turn := Quaternion(Vector3.BACK, angle)
		var speed := RADIANS_PER_SEC * Vector3.BACK.cross(RADIUS * arm)
		var numbers: Array = [number * 1000, place.x, place.y, place.z, turn.x, turn.y, turn.z, turn.w,
				speed.x, speed.y, speed.z, 0, 0, RADIANS_PER_SEC, 0, 0, 1 if angle < PI else 0, 0, 0]
		file.store_line(" ".join(numbers.map(func(part: Variant) -> String: return str(part))))


## The velocity of what the hand holds, when that is at a place.
static func velocity_at(place: Vector3) -> Vector3:
	return RADIANS_PER_SEC * Vector3.BACK.cross(place - CENTRE)
