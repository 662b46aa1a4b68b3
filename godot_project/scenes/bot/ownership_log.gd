class_name OwnershipLog
extends Node
## Writes down every change of a cup's owner, in the order in which this player saw them.

## By the cup's id, as text: each [code][from, to][/code].
var changes: Dictionary[String, Array] = {}

var _known: Dictionary[Cup, bool] = {}


func _ready() -> void:
	for cup: Cup in get_tree().get_nodes_in_group(Cup.GROUP):
		_listen_to(cup)
	get_tree().node_added.connect(_on_node_added)


## A cup that is hung elsewhere comes by a second time.
func _on_node_added(node: Node) -> void:
	if node is Cup:
		_listen_to.call_deferred(node)


func _listen_to(cup: Cup) -> void:
	if is_instance_valid(cup) and not cup in _known:
		_known[cup] = true
		cup.synced.ownership_changed.connect(_write.bind(cup))


func _write(from_player: int, to_player: int, cup: Cup) -> void:
	changes.get_or_add(str(cup.synced.get_synced_id()), []).append([from_player, to_player])
