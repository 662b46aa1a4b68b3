class_name ShelfPlace
extends Node3D
## Room for one cup.


func is_free() -> bool:
	return get_child_count() == 0
