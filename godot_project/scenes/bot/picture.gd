class_name Picture
extends RefCounted
## A picture of the room, for which there has to be a display.

const FRAMES_TO_SETTLE := 4


## Without a graphics card a frame may take a second, which no player could keep up with.
static func stop_drawing() -> void:
	RenderingServer.render_loop_enabled = false


static func take(viewport: Viewport, file: String) -> void:
	if DisplayServer.get_name() == "headless":
		push_error("no picture: a headless game draws nothing")
		return
	RenderingServer.render_loop_enabled = true
	(viewport.get_tree().get_first_node_in_group(&"picture_cameras") as Camera3D).make_current()
	viewport.get_tree().call_group(&"hud", &"hide")
	viewport.get_tree().call_group(StrokeCanvas.GROUP, &"redraw")
	viewport.get_tree().call_group(Avatar.GROUP, &"show_head")
	for frame in FRAMES_TO_SETTLE:
		await RenderingServer.frame_post_draw
	var error := viewport.get_texture().get_image().save_png(file)
	if error == OK:
		print("picture: %s" % file)
	else:
		push_error("cannot save %s: %s" % [file, error_string(error)])
