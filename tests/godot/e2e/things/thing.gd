class_name Thing
extends Node3D
## Something to grab, paint, move and ring.

var color := Color.WHITE
var label := ""
var value: Variant
## What it was rung with, in order.
var rung: Array = []

@onready var synced: SyncedNode = $SyncedNode


func ring(argument: Variant = null) -> void:
	rung.append(argument)


func ring_with(first: Variant, second: Variant, third: Variant) -> void:
	rung.append([first, second, third])
