class_name Journal
extends Node
## Writes down what is signalled, in order.

const SESSION: Array[StringName] = [
	&"session_joined", &"session_failed", &"session_lost", &"session_resumed", &"session_left", &"leader_changed",
	&"player_joined", &"player_left", &"mutation_confirmed", &"mutation_rejected", &"capture_started", &"capture_lost",
]
const NODE: Array[StringName] = [
	&"ownership_changed", &"ownership_denied", &"property_confirmed", &"write_rejected", &"despawned",
	&"recording_stopped",
]
const GRAB: Array[StringName] = [&"grabbed", &"grab_confirmed", &"grab_denied", &"released"]

## By a synced node's id as text, a grab's path, and "session": by each signal the arguments of each time.
var _written: Dictionary[String, Dictionary] = {}


func _enter_tree() -> void:
	_listen(SyncedSession, SESSION, "session")
	get_tree().node_added.connect(_on_node_added)


## Of nodes that come from now on nothing is written down, which would take time.
func leave_out_nodes() -> void:
	get_tree().node_added.disconnect(_on_node_added)


## The arguments of each time that the session signalled it.
func all(signal_name: StringName) -> Array:
	return _times("session", signal_name)


## How often the session signalled it.
func count(signal_name: StringName) -> int:
	return all(signal_name).size()


## The arguments of the last time that the session signalled it.
func last(signal_name: StringName) -> Array:
	return all(signal_name)[-1] if count(signal_name) > 0 else []


## The arguments of each time that a node signalled it.
func of(node: SyncedNode, signal_name: StringName) -> Array:
	return _times(str(node.get_synced_id()), signal_name)


## The arguments of each time that a grab signalled it.
func of_grab(grab: SyncedGrab, signal_name: StringName) -> Array:
	return _times(str(grab.get_path()), signal_name)


## What each node, by its id, signalled of this.
func of_nodes(signal_name: StringName) -> Dictionary[String, Array]:
	var found: Dictionary[String, Array] = {}
	for subject in _written:
		if subject.is_valid_int() and not _times(subject, signal_name).is_empty():
			found[subject] = _times(subject, signal_name)
	return found


func _times(subject: String, signal_name: StringName) -> Array:
	return _written.get(subject, {}).get(signal_name, [])


## A node that is hung elsewhere comes by a second time.
func _on_node_added(node: Node) -> void:
	if node is SyncedNode and not node.has_meta(&"is_in_journal"):
		node.set_meta(&"is_in_journal", true)
		_listen(node, NODE, str((node as SyncedNode).get_synced_id()))
	elif node is SyncedGrab and not node.has_meta(&"is_in_journal"):
		node.set_meta(&"is_in_journal", true)
		_listen(node, GRAB, str(node.get_path()))


func _listen(object: Object, signals: Array[StringName], subject: String) -> void:
	for signal_name in signals:
		object.connect(signal_name, _write.bind(signal_name, subject))


func _write(...words: Array) -> void:
	var subject: String = words.pop_back()
	var signal_name: StringName = words.pop_back()
	_written.get_or_add(subject, {}).get_or_add(signal_name, []).append(words)
