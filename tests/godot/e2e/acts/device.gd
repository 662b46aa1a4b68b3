class_name Device
extends RefCounted
## A mouse and a gamepad that a test moves, as the engine's own drivers would.


## Between two frames the mouse reports so many movements.
static func move_mouse(pixels: Vector2, times: int) -> void:
	for time in times:
		var event := InputEventMouseMotion.new()
		event.relative = pixels
		Input.parse_input_event(event)


static func press_mouse(button: MouseButton, is_pressed: bool) -> void:
	var event := InputEventMouseButton.new()
	event.button_index = button
	event.pressed = is_pressed
	Input.parse_input_event(event)


static func turn_stick(axis: JoyAxis, value: float) -> void:
	var event := InputEventJoypadMotion.new()
	event.axis = axis
	event.axis_value = value
	Input.parse_input_event(event)


static func press_pad(button: JoyButton, is_pressed: bool) -> void:
	var event := InputEventJoypadButton.new()
	event.button_index = button
	event.pressed = is_pressed
	Input.parse_input_event(event)
