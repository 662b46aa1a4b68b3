class_name WornHands
extends SyncedHands
## Two hands that follow the controllers of the headset of whoever owns them.

func _ready() -> void:
	var openxr := XRServer.find_interface("OpenXR")
	if openxr != null and openxr.is_initialized():
		get_viewport().use_xr = true
