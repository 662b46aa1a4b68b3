@tool
class_name LatheMesh
extends PrimitiveMesh
## A profile turned about the y axis, as a potter would.

const SEGMENTS := 40

## From the bottom of the inside over the rim to the bottom of the outside, or the other way about: x is the radius.
@export var profile: PackedVector2Array:
	set(value):
		profile = value
		request_update()


func _create_mesh_array() -> Array:
	var rings := profile.size()
	var vertices := PackedVector3Array()
	var normals := PackedVector3Array()
	var uvs := PackedVector2Array()
	for ring in rings:
		var normal := _profile_normal(ring)
		for segment in SEGMENTS + 1:
			var turn := Vector2.from_angle(TAU * segment / SEGMENTS)
			vertices.append(Vector3(turn.x * profile[ring].x, profile[ring].y, turn.y * profile[ring].x))
			normals.append(Vector3(turn.x * normal.x, normal.y, turn.y * normal.x))
			uvs.append(Vector2(float(segment) / SEGMENTS, float(ring) / maxi(rings - 1, 1)))
	return _surface(vertices, normals, uvs, _triangles(rings))


func _profile_normal(ring: int) -> Vector2:
	var before := profile[maxi(ring - 1, 0)]
	var after := profile[mini(ring + 1, profile.size() - 1)]
	return (after - before).orthogonal().normalized()


func _triangles(rings: int) -> PackedInt32Array:
	var indices := PackedInt32Array()
	for ring in rings - 1:
		for segment in SEGMENTS:
			var corner := ring * (SEGMENTS + 1) + segment
			var above := corner + SEGMENTS + 1
			indices.append_array([corner, corner + 1, above, corner + 1, above + 1, above])
	return indices


func _surface(vertices: PackedVector3Array, normals: PackedVector3Array, uvs: PackedVector2Array,
		indices: PackedInt32Array) -> Array:
	var surface := []
	surface.resize(Mesh.ARRAY_MAX)
	surface[Mesh.ARRAY_VERTEX] = vertices
	surface[Mesh.ARRAY_NORMAL] = normals
	surface[Mesh.ARRAY_TEX_UV] = uvs
	surface[Mesh.ARRAY_INDEX] = indices
	return surface
