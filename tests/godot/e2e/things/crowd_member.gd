class_name CrowdMember
extends Node
## What one player of a crowd writes: operations of 1 KB, each of which begins with when it was made and its number.

const NUMBER_AT := 8

var confirmed := PackedByteArray()
## The parts of a live operation. Whoever has the last one has all, unless part of it is lost.
var live_1 := PackedByteArray()
var live_2 := PackedByteArray()
var live_3 := PackedByteArray()

## The numbers of the operations that were looked at last.
var confirmed_seen := 0
var live_seen := 0

@onready var synced: SyncedNode = $SyncedNode


## In microseconds since 1970.
static func made_usec(operation: PackedByteArray) -> int:
	return operation.decode_s64(0)


## 0 for what is no operation, as the first value of a node.
static func number(operation: PackedByteArray) -> int:
	return operation.decode_s64(NUMBER_AT) if operation.size() > NUMBER_AT + 7 else 0


static func operation(bytes: int, usec: int, its_number: int) -> PackedByteArray:
	var made := PackedByteArray()
	made.resize(bytes)
	made.encode_s64(0, usec)
	made.encode_s64(NUMBER_AT, its_number)
	return made
