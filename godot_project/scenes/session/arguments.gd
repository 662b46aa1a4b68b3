class_name Arguments
extends RefCounted
## What the game was told on the command line after [code]--[/code].

const HELP := """After `--`:
  --connect URL     join the session there      --host          host a session
  --port N          the port to host on         --name NAME     the player's name
  --synthetic       hands that move by themselves
  --bot SECONDS     play by itself, with --seed N; then, when all is at rest and --players N are there,
                    write --report FILE.json and --picture FILE.png"""
const DEFAULT_PORT := 4870

var url := ""
var hosts := false
var port := DEFAULT_PORT
var player_name := ""
var is_synthetic := false
var bot_seconds := 0.0
var bot_seed := 1
var report_file := ""
var picture_file := ""
## So many players have to be there before a bot rests.
var players := 1
## What was wrong; empty if nothing was.
var problem := ""

var _words: PackedStringArray


static func from_command_line() -> Arguments:
	return Arguments.new(OS.get_cmdline_user_args())


func _init(words: PackedStringArray) -> void:
	_words = words.duplicate()
	_words.reverse()
	while not _words.is_empty() and problem.is_empty():
		_take_option(_pop())


func is_bot() -> bool:
	return bot_seconds > 0.0


## Told nothing, the game finds a session or hosts one, as often as it takes.
func leaves_place_open() -> bool:
	return url.is_empty() and not hosts and not is_bot()


func _take_option(option: String) -> void:
	match option:
		"--connect": url = _value(option)
		"--host": hosts = true
		"--port": port = _value(option).to_int()
		"--name": player_name = _value(option)
		"--synthetic": is_synthetic = true
		"--bot": bot_seconds = _value(option).to_float()
		"--seed": bot_seed = _value(option).to_int()
		"--report": report_file = _value(option)
		"--picture": picture_file = _value(option)
		"--players": players = _value(option).to_int()
		_: problem = "unknown option %s" % option


func _value(option: String) -> String:
	if _words.is_empty():
		problem = "%s needs a value" % option
		return ""
	return _pop()


func _pop() -> String:
	var word := _words[-1]
	_words.remove_at(_words.size() - 1)
	return word
