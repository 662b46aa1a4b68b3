class_name Bot
extends Node
## A player that plays by itself from a seed, waits until all is at rest, and writes down what it saw.

signal finished(exit_code: int)

const PROGRESS_SEC := 1.0

var _avatar: Avatar
var _arguments: Arguments
var _actions: BotActions
var _body: BotBody
var _rest := BotRest.new()
var _ownership := OwnershipLog.new()
var _started_msec := Time.get_ticks_msec()
var _is_playing := true


func _init(avatar: Avatar, arguments: Arguments) -> void:
	_avatar = avatar
	_arguments = arguments
	var random := RandomNumberGenerator.new()
	random.seed = arguments.bot_seed
	_body = BotBody.new(avatar)
	_body.moves_trackers = not arguments.is_synthetic
	_actions = BotActions.new(avatar, _body, random)
	for part: Node in [_body, _actions, _rest, _ownership]:
		add_child(part)


func run() -> void:
	if not _arguments.picture_file.is_empty():
		Picture.stop_drawing()
	_say_progress_regularly()
	_body.stand_up()
	while _seconds() < _arguments.bot_seconds:
		await _actions.do_something()
	_is_playing = false
	_avatar.right_hand.release()
	await _body.take_seat()
	_avatar.activity = "resting"
	_say("waits for the others, and until all is at rest")
	var is_at_rest := await _rest.reached(_arguments.players)
	_write_report(is_at_rest)
	if not _arguments.picture_file.is_empty():
		await Picture.take(get_viewport(), _arguments.picture_file)
	_avatar.synced.call_synced(&"report_written")
	await _rest.all_reported()
	finished.emit(0 if is_at_rest else 1)


func _write_report(is_at_rest: bool) -> void:
	var report := {
		"player_id": SyncedSession.get_player_id(),
		"player_name": _avatar.display_name,
		"seed": _arguments.bot_seed,
		"players": SyncedSession.get_players().size(),
		"is_at_rest": is_at_rest,
		"problem": _rest.problem,
		"digest": str(SyncedSession.get_digest()),
		"cups": get_tree().get_node_count_in_group(Cup.GROUP),
		"strokes": (get_tree().get_first_node_in_group(Whiteboard.GROUP) as Whiteboard).strokes.size(),
		"actions": _actions.counts,
		"ownership_changes": _ownership.changes,
		"stats": SyncedSession.get_stats(),
		"tree": TreeText.of(get_tree()),
	}
	_say("reports digest %s, %s" % [report["digest"], _actions.counts])
	if _arguments.report_file.is_empty():
		return
	var file := FileAccess.open(_arguments.report_file, FileAccess.WRITE)
	if file == null:
		push_error("cannot write %s: %s" % [_arguments.report_file, error_string(FileAccess.get_open_error())])
		return
	file.store_string(JSON.stringify(report, "  ") + "\n")


func _say_progress_regularly() -> void:
	while _is_playing:
		await get_tree().create_timer(PROGRESS_SEC).timeout
		if _is_playing:
			_say("%2d s  grabs %d won %d lost, %d cups" % [_seconds(), _actions.counts["grabs_won"],
					_actions.counts["grabs_lost"], get_tree().get_node_count_in_group(Cup.GROUP)])


func _seconds() -> float:
	return (Time.get_ticks_msec() - _started_msec) / 1000.0


func _say(text: String) -> void:
	print("%s: %s" % [_avatar.display_name, text])
