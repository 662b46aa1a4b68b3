class_name BotActions
extends Node
## The things that a bot does to the room, each counted.

const ANSWER_SEC := 5.0
## Every so often there is a moment at which bots grab the same cup, if they are at it in time.
const CONTEST_USEC := 1_500_000
const CONTEST_NOTICE_USEC := 700_000
const CONTEST_CHANCE := 0.5

var counts: Dictionary[String, int] = {
	"grabs_won": 0, "grabs_lost": 0, "grabs_late": 0, "thrown": 0, "spawned": 0, "drawn": 0, "reparented": 0, "despawned": 0,
}

var _avatar: Avatar
var _body: BotBody
var _random: RandomNumberGenerator


func _init(avatar: Avatar, body: BotBody, random: RandomNumberGenerator) -> void:
	_avatar = avatar
	_body = body
	_random = random


func do_something() -> void:
	match _random.rand_weighted([9.0, 3.0, 3.0, 3.0, 2.0]):
		0: await _throw_a_cup()
		1: await _spawn_a_cup()
		2: await _draw_a_stroke()
		3: await _put_a_cup_on_the_shelf()
		4: await _put_a_cup_into_the_bin()
	await _body.relax(_hand())


func _throw_a_cup() -> void:
	if not await _grab_a_cup():
		return
	var aim := Vector3(_random.randf_range(-1.2, 1.2), 0.9, _random.randf_range(-1.2, 1.2))
	var direction := (aim - _hand().global_position).normalized() + Vector3.UP * 0.5
	await _body.swing(_hand(), direction * _random.randf_range(1.4, 2.8), 0.2)
	_let_go("thrown")


func _spawn_a_cup() -> void:
	var button: SpawnButton = get_tree().get_first_node_in_group(SpawnButton.GROUP)
	await _body.walk_to(button.global_position)
	await _body.reach(_hand(), button.global_position + Vector3.UP * 0.12, 0.2)
	if button.press() != null:
		counts["spawned"] += 1


func _draw_a_stroke() -> void:
	var board: Whiteboard = get_tree().get_first_node_in_group(Whiteboard.GROUP)
	var stroke := _random_stroke()
	await _body.walk_to(board.world_point(stroke[0]))
	for place in stroke.size():
		board.preview(_avatar.ink(), stroke.slice(0, place + 1))
		await _body.reach(_hand(), board.world_point(stroke[place]) + board.global_basis.z * 0.05, 0.015)
	board.add_stroke(_avatar.ink(), stroke)
	counts["drawn"] += 1


func _put_a_cup_on_the_shelf() -> void:
	var shelf: Shelf = get_tree().get_first_node_in_group(Shelf.GROUP)
	if shelf.free_places().is_empty() or not await _grab_a_cup():
		return
	var places := shelf.free_places()
	if not places.is_empty():
		var place := places[_random.randi_range(0, places.size() - 1)].global_position
		await _body.walk_to(place)
		await _body.reach(_hand(), place + Vector3.UP * 0.08, 0.25)
	_let_go("reparented" if not places.is_empty() else "thrown")


func _put_a_cup_into_the_bin() -> void:
	if get_tree().get_node_count_in_group(Cup.GROUP) < 5 or not await _grab_a_cup():
		return
	var bin: Bin = get_tree().get_first_node_in_group(Bin.GROUP)
	await _body.walk_to(bin.global_position)
	await _body.reach(_hand(), bin.drop_point(), 0.3)
	await _body.reach(_hand(), bin.drop_point(), 0.15)
	_let_go("despawned")


func _grab_a_cup() -> bool:
	var is_contest := _random.randf() < CONTEST_CHANCE
	var moment_usec := _next_contest_usec() if is_contest else 0
	var cup := _contested_cup(moment_usec) if is_contest else _some_free_cup()
	if cup == null:
		return false
	await _body.walk_to(cup.global_position)
	if not is_instance_valid(cup):
		return false
	await _body.reach(_hand(), cup.global_position, 0.2)
	while SyncedSession.get_session_time_usec() < moment_usec:
		await get_tree().process_frame
	return is_instance_valid(cup) and await _won(cup)


func _won(cup: Cup) -> bool:
	var answer: Array[bool] = []
	var on_won := func() -> void: answer.append(true)
	var on_lost := func(_owner_id: int) -> void: answer.append(false)
	cup.grab.grab_confirmed.connect(on_won)
	cup.grab.grab_denied.connect(on_lost)
	if not _hand().grab(cup):
		counts["grabs_late"] += 1
	else:
		var deadline := Time.get_ticks_msec() + ANSWER_SEC * 1000.0
		while answer.is_empty() and is_instance_valid(cup) and Time.get_ticks_msec() < deadline:
			await get_tree().process_frame
	if is_instance_valid(cup):
		cup.grab.grab_confirmed.disconnect(on_won)
		cup.grab.grab_denied.disconnect(on_lost)
	if not answer.is_empty():
		counts["grabs_won" if answer[0] else "grabs_lost"] += 1
	return not answer.is_empty() and answer[0]


func _let_go(count: String) -> void:
	if _hand().is_holding():
		counts[count] += 1
	_hand().release()


func _next_contest_usec() -> int:
	var earliest := SyncedSession.get_session_time_usec() + CONTEST_NOTICE_USEC
	return earliest - earliest % CONTEST_USEC + CONTEST_USEC


## The same one for every bot that aims at the same moment.
func _contested_cup(moment_usec: int) -> Cup:
	var cups := get_tree().get_nodes_in_group(Cup.GROUP)
	cups.sort_custom(func(a: Cup, b: Cup) -> bool: return a.synced.get_synced_id() < b.synced.get_synced_id())
	return cups[hash(moment_usec) % cups.size()] if not cups.is_empty() else null


func _some_free_cup() -> Cup:
	var free := get_tree().get_nodes_in_group(Cup.GROUP).filter(func(cup: Cup) -> bool: return cup.grab.can_grab())
	return free[_random.randi_range(0, free.size() - 1)] if not free.is_empty() else null


func _random_stroke() -> PackedVector2Array:
	var centre := Vector2(_random.randf_range(0.15, 0.85), _random.randf_range(0.25, 0.75))
	var radius := Vector2(_random.randf_range(0.03, 0.1), _random.randf_range(0.05, 0.2))
	var petals := _random.randi_range(1, 4)
	var points := PackedVector2Array()
	for step in 33:
		var angle := TAU * step / 32.0
		points.append(centre + radius * Vector2.from_angle(angle) * (0.65 + 0.35 * cos(petals * angle)))
	return points


func _hand() -> Hand:
	return _avatar.right_hand
