extends Node3D
## Players collect coins; who is quicker gets more. The session keeps the rules.

const PORT := 4871
const COINS := 12
const PLAYERS := 2
const PLAYER := "res://player.tscn"
const COIN := "res://coin.tscn"

var _has_ended := false


func _ready() -> void:
	SyncedSession.session_joined.connect(_on_session_joined)
	if "--host" in OS.get_cmdline_user_args():
		SyncedSession.host({"port": PORT})
	else:
		SyncedSession.connect_to_server("synced://127.0.0.1:%d" % PORT)


func _on_session_joined(_player_id: int) -> void:
	$PlayerSpawner.spawn(PLAYER, {"color": Color.from_hsv(randf(), 0.6, 0.9)})
	if SyncedSession.is_hosting():
		for number in COINS:
			_add_coin(number)


func _add_coin(number: int) -> void:
	var place := Vector3(sin(number * 2.4), 0.0, cos(number * 2.4)) * (2.0 + number * 0.5)
	$CoinSpawner.spawn(COIN, {"position": place}, false)


func _process(_delta: float) -> void:
	var players := $Players.get_children()
	if _has_ended or players.size() < PLAYERS or $Coins.get_child_count() > 0:
		return
	var points := 0
	for player in players:
		points += player.score
	if points == COINS:
		_has_ended = true
		_end()


func _end() -> void:
	var scores := {}
	for player in $Players.get_children():
		scores[player.get_node("SyncedNode").get_owner_id()] = player.score
	print("all coins are taken: %s" % scores)
	await get_tree().create_timer(1.0).timeout
	get_tree().quit()
