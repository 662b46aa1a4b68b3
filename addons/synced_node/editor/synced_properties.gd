@tool
extends RefCounted
## The properties of one [SyncedNode] over both lanes, and the edits of them, each of which can be undone.

const CONFIRMED := "confirmed_properties"
const LIVE := "live_properties"
const LANES: PackedStringArray = [CONFIRMED, LIVE]

var _node: SyncedNode
var _undo_redo: EditorUndoRedoManager


func _init(node: SyncedNode, undo_redo: EditorUndoRedoManager) -> void:
	_node = node
	_undo_redo = undo_redo


## The paths of one lane, in their own order.
func paths(lane: String) -> PackedStringArray:
	return (_node.get(lane) as PackedStringArray).duplicate()


## Every path as [code][path, lane][/code], sorted by path, so that a row stays where it is when its lane changes.
func entries() -> Array[Array]:
	var found: Array[Array] = []
	for lane in LANES:
		for path in paths(lane):
			found.append([path, lane])
	found.sort()
	return found


func has(path: String) -> bool:
	return path in paths(CONFIRMED) or path in paths(LIVE)


func add(path: String, lane: String) -> void:
	_commit("Add Synced Property", {lane: _with(lane, path)})


func remove(path: String, lane: String) -> void:
	_commit("Remove Synced Property", {lane: _without(lane, path)})


func move(path: String, from: String, to: String) -> void:
	if from != to:
		_commit("Change Lane of Synced Property", {from: _without(from, path), to: _with(to, path)})


func _with(lane: String, path: String) -> PackedStringArray:
	var changed := paths(lane)
	changed.append(path)
	return changed


func _without(lane: String, path: String) -> PackedStringArray:
	var changed := paths(lane)
	changed.remove_at(changed.rfind(path))
	return changed


func _commit(action: String, changes: Dictionary[String, PackedStringArray]) -> void:
	_undo_redo.create_action(action, UndoRedo.MERGE_DISABLE, _node)
	for lane in changes:
		_undo_redo.add_do_property(_node, lane, changes[lane])
		_undo_redo.add_undo_property(_node, lane, paths(lane))
	_undo_redo.commit_action()
