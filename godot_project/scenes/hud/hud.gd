class_name Hud
extends CanvasLayer
## Tells where the session stands, what the crosshair points at, and the keys.

const MESSAGE_SEC := 4.0
const STATE_NAMES: Dictionary[int, String] = {
	SyncedSession.STATE_OFFLINE: "Offline",
	SyncedSession.STATE_CONNECTING: "Connecting…",
	SyncedSession.STATE_JOINED: "Joined",
	SyncedSession.STATE_RECONNECTING: "Reconnecting…",
}
const STATE_COLORS: Dictionary[int, Color] = {
	SyncedSession.STATE_OFFLINE: Color("8a8794"),
	SyncedSession.STATE_CONNECTING: Color("f2d55a"),
	SyncedSession.STATE_JOINED: Color("5fd7c5"),
	SyncedSession.STATE_RECONNECTING: Color("f2a65a"),
}

@onready var _dot: Panel = %Dot
@onready var _state: Label = %State
@onready var _details: Label = %Details
@onready var _target: Label = %Target
@onready var _message: Label = %Message

var _fade: Tween


func _ready() -> void:
	SyncedSession.player_joined.connect(_on_player_joined)
	SyncedSession.player_left.connect(func(player_id: int) -> void: show_message("Player %d left" % player_id))
	SyncedSession.session_lost.connect(func(reason: String) -> void: show_message("Connection lost: %s" % reason))
	SyncedSession.session_resumed.connect(func() -> void: show_message("Connected again"))


func show_message(text: String) -> void:
	_message.text = text
	_message.modulate.a = 1.0
	if _fade != null:
		_fade.kill()
	_fade = create_tween()
	_fade.tween_property(_message, ^"modulate:a", 0.0, 0.6).set_delay(MESSAGE_SEC)


func show_target(what: String) -> void:
	_target.text = what


func _on_player_joined(player_id: int, player_name: String) -> void:
	show_message("%s joined" % (player_name if not player_name.is_empty() else "Player %d" % player_id))


func _process(_delta: float) -> void:
	var state := SyncedSession.get_state()
	_state.text = STATE_NAMES[state]
	_dot.self_modulate = STATE_COLORS[state]
	_details.visible = SyncedSession.is_joined()
	if _details.visible:
		_details.text = _describe_session()


func _describe_session() -> String:
	var players := SyncedSession.get_players().size()
	return "player %d%s   ·   %d here   ·   %.1f ms" % [
		SyncedSession.get_player_id(),
		" (host)" if SyncedSession.is_hosting() else "",
		players,
		SyncedSession.get_round_trip_msec(),
	]
