extends Node3D
## Starts the session, puts this player's avatar into the room, and hands it to whoever is to drive it.

const AVATAR := "res://scenes/avatar/avatar.tscn"
const XR_INPUT := preload("res://scenes/player/xr_input.tscn")
const SEAT_METERS := 1.6
const FIRST_SEAT_RADIANS := 3.9
## The golden angle: however many they are, no two sit close together.
const SEAT_STEP_RADIANS := 2.4
const EXIT_FAILED := 1
const EXIT_USAGE := 2

var _arguments := Arguments.from_command_line()
var _is_joined := false

@onready var _hud: Hud = $Hud
@onready var _avatar_spawner: SyncedSpawner = $AvatarSpawner
@onready var _starter: SessionStarter = $SessionStarter


func _ready() -> void:
	if not _arguments.problem.is_empty():
		printerr("%s\n%s" % [_arguments.problem, Arguments.HELP])
		get_tree().quit(EXIT_USAGE)
		return
	_show_room()
	SyncedSession.session_joined.connect(_on_session_joined)
	SyncedSession.session_failed.connect(_on_session_failed)
	SyncedSession.session_lost.connect(func(reason: String) -> void: print("session lost: %s" % reason))
	_starter.gave_up.connect(_on_gave_up)
	_starter.start(_arguments)


func _on_session_joined(player_id: int) -> void:
	_is_joined = true
	print("joined as player %d%s" % [player_id, ", hosting at %s" % SyncedSession.get_invite_url() if SyncedSession.is_hosting() else ""])
	var avatar := _spawn_avatar(player_id)
	if avatar == null:
		get_tree().quit(EXIT_FAILED)
	elif _arguments.is_bot():
		_start_bot(avatar)
	else:
		_start_player(avatar)


## The session is over for good, and what was spawned in it is gone.
func _on_session_failed(reason: String) -> void:
	if not _is_joined:
		return
	_is_joined = false
	_show_room()
	_on_gave_up(reason)
	if _arguments.leaves_place_open():
		_starter.start(_arguments)


func _on_gave_up(reason: String) -> void:
	printerr("no session: %s" % reason)
	_hud.show_message("No session: %s" % reason)
	if _arguments.is_bot():
		get_tree().quit(EXIT_FAILED)


func _show_room() -> void:
	($Room/PictureCamera as Camera3D).make_current()


func _spawn_avatar(player_id: int) -> Avatar:
	var angle := FIRST_SEAT_RADIANS + SEAT_STEP_RADIANS * (player_id - 1)
	var seat := Vector3(sin(angle), 0.0, cos(angle)) * SEAT_METERS
	var player_name := _arguments.player_name
	return _avatar_spawner.spawn(AVATAR, {
		"transform": Transform3D(Basis(Vector3.UP, angle), seat),
		"player_id": player_id,
		"display_name": player_name if not player_name.is_empty() else "Player %d" % player_id,
		"activity": "playing" if _arguments.is_bot() else "",
		"is_synthetic": _arguments.is_synthetic,
	}) as Avatar


## Whoever drives the avatar goes with it.
func _start_player(avatar: Avatar) -> void:
	if XrInput.is_available():
		avatar.add_child(XR_INPUT.instantiate())
		return
	var desktop := DesktopInput.new(avatar)
	desktop.moves_trackers = not _arguments.is_synthetic
	desktop.pointed_at.connect(_hud.show_target)
	avatar.add_child(desktop)


func _start_bot(avatar: Avatar) -> void:
	var bot := Bot.new(avatar, _arguments)
	bot.finished.connect(_leave_and_quit)
	avatar.add_child(bot)
	bot.run()


func _leave_and_quit(exit_code: int) -> void:
	SyncedSession.leave()
	await get_tree().process_frame
	get_tree().quit(exit_code)
