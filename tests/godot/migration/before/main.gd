extends Node3D
## Players collect coins; who is quicker gets more. The server keeps the rules.

const PORT := 4871
const COINS := 12
const PLAYERS := 2
const PLAYER := preload("res://player.tscn")
const COIN := preload("res://coin.tscn")

var _has_ended := false


func _ready() -> void:
	if "--host" in OS.get_cmdline_user_args():
		_host()
	else:
		_join()


func _host() -> void:
	var peer := ENetMultiplayerPeer.new()
	peer.create_server(PORT)
	multiplayer.multiplayer_peer = peer
	multiplayer.peer_connected.connect(_add_player)
	multiplayer.peer_disconnected.connect(_remove_player)
	_add_player(1)
	for number in COINS:
		_add_coin(number)


func _join() -> void:
	var peer := ENetMultiplayerPeer.new()
	peer.create_client("127.0.0.1", PORT)
	multiplayer.multiplayer_peer = peer


func _add_player(id: int) -> void:
	var player := PLAYER.instantiate()
	player.name = str(id)
	player.color = Color.from_hsv(randf(), 0.6, 0.9)
	$Players.add_child(player)


func _remove_player(id: int) -> void:
	var player := $Players.get_node_or_null(str(id))
	if player != null:
		player.queue_free()


func _add_coin(number: int) -> void:
	var coin := COIN.instantiate()
	coin.position = Vector3(sin(number * 2.4), 0.0, cos(number * 2.4)) * (2.0 + number * 0.5)
	$Coins.add_child(coin, true)


## A player asks; the server decides, so that a coin is never counted twice.
@rpc("any_peer", "call_local", "reliable")
func take(coin_path: NodePath) -> void:
	if not multiplayer.is_server():
		return
	var coin := get_node_or_null(coin_path)
	if coin == null or coin.is_queued_for_deletion():
		return
	coin.queue_free()
	var player_id := multiplayer.get_remote_sender_id()
	$Players.get_node(str(player_id)).add_point.rpc()
	cheer.rpc(player_id)


@rpc("authority", "call_local", "reliable")
func cheer(player_id: int) -> void:
	print("player %d has a coin" % player_id)


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
		scores[player.name] = player.score
	print("all coins are taken: %s" % scores)
	await get_tree().create_timer(1.0).timeout
	get_tree().quit()
