class_name Values
extends RefCounted
## One value of each type that can cross, and those at the edges of some.


static func all(reference: Node) -> Array:
	return [
		true, false,
		0, -1, 9223372036854775807, -9223372036854775807 - 1,
		0.1, -1.5e300, INF,
		"", "Grüße, 世界", &"name", ^"Child/Path:property",
		Vector2(1.5, -2.5), Vector2i(-3, 4), Vector3(0.1, 0.2, 0.3), Vector3i(1, -2, 3), Vector4(1.0, 2.0, 3.0, 4.5),
		Quaternion(Vector3.UP, 1.0), Basis(Vector3.RIGHT, 0.5), Transform2D(0.3, Vector2(4.0, 5.0)),
		Transform3D(Basis(Vector3.FORWARD, 0.7), Vector3(1.0, 2.0, 3.0)), Color(0.1, 0.2, 0.3, 0.4),
		reference,
		PackedByteArray([0, 255]), PackedInt32Array([-2147483648, 2147483647]), PackedInt64Array([1 << 40]),
		PackedFloat32Array([0.5, -0.25]), PackedFloat64Array([0.1]), PackedStringArray(["a", "ß"]),
		PackedVector2Array([Vector2.ONE]), PackedVector3Array([Vector3.ONE]), PackedVector4Array([Vector4.ONE]),
		PackedColorArray([Color.RED]),
		[], [1, "two", [3.0, [null]]],
		{}, {"a": 1, 2: Vector3i.ONE, &"b": {"c": [true]}},
		null,
	]


static func are_same(one: Variant, other: Variant) -> bool:
	return typeof(one) == typeof(other) and one == other
