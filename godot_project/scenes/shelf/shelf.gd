class_name Shelf
extends Node3D
## Boards with places. A cup let go near a free place becomes a child of the shelf, on every machine.

const GROUP := &"shelves"
const REACH_METERS := 0.3

@onready var places: Node3D = $Places


func _ready() -> void:
	add_to_group(GROUP)


func has_room_for(cup: Cup) -> bool:
	return _nearest_free_place(cup) != null


func take(cup: Cup) -> void:
	var place := _nearest_free_place(cup)
	cup.freeze = true
	cup.global_transform = place.global_transform
	cup.synced.reparent_synced(place)
	cup.synced.release_ownership()


## Hangs a cup that was taken from a shelf among the loose ones again.
static func take_off(cup: Cup) -> void:
	if cup.get_parent() is ShelfPlace:
		cup.synced.reparent_synced(cup.get_tree().get_first_node_in_group(&"loose_cups"))


func free_places() -> Array[ShelfPlace]:
	var free: Array[ShelfPlace] = []
	for place: ShelfPlace in places.get_children():
		if place.is_free():
			free.append(place)
	return free


func _nearest_free_place(cup: Cup) -> ShelfPlace:
	var nearest: ShelfPlace
	var nearest_meters := REACH_METERS
	for place in free_places():
		var meters := place.global_position.distance_to(cup.global_position)
		if meters < nearest_meters:
			nearest = place
			nearest_meters = meters
	return nearest
