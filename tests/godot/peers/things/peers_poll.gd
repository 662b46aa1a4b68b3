class_name PeersPoll
extends Node
## Polls the multiplayer where it stands in the frame.


func _process(_delta: float) -> void:
	multiplayer.poll()
