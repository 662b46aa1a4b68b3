class_name PeersBody
extends Node3D
## Something that moves.

## When it was moved last, in microseconds since 1970.
var stamp := 0
