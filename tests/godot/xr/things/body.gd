extends Node3D
## A player's head and hands. Drawn to the headset where there is one.

func _ready() -> void:
	var openxr := XRServer.find_interface("OpenXR")
	if openxr != null and openxr.is_initialized():
		get_viewport().use_xr = true
