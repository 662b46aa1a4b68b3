class_name SessionStarter
extends Node
## Gets the game into a session. Told nothing, it joins the one on this machine, or hosts it if there is none.

signal gave_up(reason: String)
signal _answered(joined: bool)

## How long to look for a session on this machine before hosting one.
const LOOK_AROUND_MSEC := 500
const CONNECT_MSEC := 5000

var _last_failure := ""


func _ready() -> void:
	SyncedSession.session_joined.connect(func(_player_id: int) -> void: _answered.emit(true))
	SyncedSession.session_failed.connect(_on_session_failed)


func start(arguments: Arguments) -> void:
	if not arguments.player_name.is_empty():
		SyncedSession.player_name = arguments.player_name
	var joined: bool
	if not arguments.url.is_empty():
		joined = await _connect_to(arguments.url, CONNECT_MSEC)
	elif arguments.hosts:
		joined = await _host(arguments.port)
	else:
		joined = await _join_or_host(arguments.port)
	if not joined:
		gave_up.emit(_last_failure)


## Two games that start at once may both find nobody. Just one of them gets the port; the other one joins it.
func _join_or_host(port: int) -> bool:
	var url := "synced://127.0.0.1:%d" % port
	return await _connect_to(url, LOOK_AROUND_MSEC) or await _host(port) or await _connect_to(url, CONNECT_MSEC)


func _connect_to(url: String, timeout_msec: int) -> bool:
	return await _outcome(SyncedSession.connect_to_server(url, {"timeout_msec": timeout_msec}))


func _host(port: int) -> bool:
	return await _outcome(SyncedSession.host({"port": port}))


func _outcome(error: Error) -> bool:
	if error != OK:
		_last_failure = error_string(error)
		return false
	return await _answered


func _on_session_failed(reason: String) -> void:
	_last_failure = reason
	_answered.emit(false)
