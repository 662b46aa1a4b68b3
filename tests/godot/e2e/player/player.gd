extends Node
## Does what a test asks. A request is a line of JSON with a piece of GDScript, which sees what words.gd offers; the answer
## is a line too. One request is answered before the next is read.

const FRAME := "extends \"res://player/words.gd\"\n\n\nfunc run() -> Variant:\n"

var _test := StreamPeerTCP.new()
var _received := PackedByteArray()
var _scripts: Dictionary[String, GDScript] = {}
var _is_busy := false


func _ready() -> void:
	var arguments := OS.get_cmdline_user_args()
	SyncedSession.player_name = arguments[arguments.find("--name") + 1]
	var port := arguments[arguments.find("--control") + 1].to_int()
	var error := _test.connect_to_host("127.0.0.1", port)
	if error != OK:
		push_error("no way to the test at port %d: %s" % [port, error_string(error)])
		get_tree().quit(1)


func _process(_delta: float) -> void:
	_test.poll()
	match _test.get_status():
		StreamPeerTCP.STATUS_CONNECTED: _read()
		StreamPeerTCP.STATUS_CONNECTING: pass
		_: get_tree().quit(1)


func _read() -> void:
	_test.set_no_delay(true)
	if _test.get_available_bytes() > 0:
		_received.append_array(_test.get_data(_test.get_available_bytes())[1])
	var end := _received.find(0x0a)
	if end >= 0 and not _is_busy:
		var line := _received.slice(0, end).get_string_from_utf8()
		_received = _received.slice(end + 1)
		_is_busy = true
		_answer(await _done(JSON.parse_string(line)))
		_is_busy = false


func _answer(answer: Dictionary) -> void:
	_test.put_data((JSON.stringify(answer, "", false, true) + "\n").to_utf8_buffer())


func _done(request: Dictionary) -> Dictionary:
	var text: String = request["script"]
	var script := _compiled(text if request["verb"] == "run" else "return (%s)" % text)
	if script == null:
		return {"error": "this cannot be compiled"}
	if request["verb"] == "until":
		return await _until(script, request["msec"])
	return {"value": await _words(script).call("run")}


func _until(script: GDScript, msec: float) -> Dictionary:
	var words := _words(script)
	var deadline := Time.get_ticks_msec() + msec
	while Time.get_ticks_msec() < deadline:
		if words.call("run") == true:
			return {"value": true}
		await get_tree().process_frame
	return {"error": "not true after %d ms" % msec}


func _words(script: GDScript) -> RefCounted:
	return script.new(self)


func _compiled(body: String) -> GDScript:
	if body not in _scripts:
		var script := GDScript.new()
		script.source_code = FRAME + body.indent("\t") + "\n\treturn null\n"
		_scripts[body] = script if script.reload() == OK else null
	return _scripts[body]
