//! Between the engine's Variants and the values that cross the network.

use std::{borrow::Cow, fmt};

use godot::{builtin::VariantType, prelude::*};
use synced_protocol::{
    id::NodeId,
    limits::{MAX_VALUE_BYTES, MAX_VALUE_DEPTH},
    value::Value,
};

use crate::{directory::Directory, engine::EngineValue};

/// Why a Variant cannot cross the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsupported {
    /// Its type means nothing on another machine.
    Type(VariantType),
    /// It refers to a node that has no `SyncedNode`.
    UnsyncedNode,
    /// It holds a NaN, which equals nothing, not even itself.
    NotANumber,
    /// Its arrays and dictionaries nest too deeply.
    TooDeep,
    /// Its encoding is longer than `MAX_VALUE_BYTES`.
    TooLarge,
}

impl Unsupported {
    /// A short name that a game can compare with; what the server would say where it could say it too.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::TooDeep | Self::TooLarge => "too_large",
            Self::Type(_) | Self::UnsyncedNode | Self::NotANumber => "unsupported_value",
        }
    }
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(kind) => write!(f, "a value of type {kind:?} cannot be synced"),
            Self::UnsyncedNode => f.write_str(
                "a reference to a node can be synced only if that node has a SyncedNode",
            ),
            Self::NotANumber => f.write_str("it contains a NaN"),
            Self::TooDeep => write!(f, "its arrays nest deeper than {MAX_VALUE_DEPTH}"),
            Self::TooLarge => write!(f, "it is larger than {MAX_VALUE_BYTES} bytes"),
        }
    }
}

/// Whether values of this type can cross the network at all.
pub(crate) fn is_supported(kind: VariantType) -> bool {
    !matches!(
        kind,
        VariantType::RECT2
            | VariantType::RECT2I
            | VariantType::VECTOR4I
            | VariantType::PLANE
            | VariantType::AABB
            | VariantType::PROJECTION
            | VariantType::RID
            | VariantType::CALLABLE
            | VariantType::SIGNAL
    )
}

/// The value of a Variant.
pub(crate) fn to_value(variant: &Variant, directory: &Directory) -> Result<Value, Unsupported> {
    let value = value_at(variant, directory, 0)?;
    if is_sized(&value) && value.encoded_len() > MAX_VALUE_BYTES {
        return Err(Unsupported::TooLarge);
    }
    Ok(value)
}

/// A value as properties have it, as [`to_variant`] makes it.
pub(crate) fn to_engine(value: &Value, directory: &Directory) -> EngineValue {
    to_variant(value, directory).into()
}

/// The Variant of a value. A reference to a node that is not here becomes null.
pub(crate) fn to_variant(value: &Value, directory: &Directory) -> Variant {
    match value {
        Value::Nil => Variant::nil(),
        Value::Bool(value) => value.to_variant(),
        Value::Int(value) => value.to_variant(),
        Value::Float(value) => value.to_variant(),
        Value::String(text) => GString::from(text).to_variant(),
        Value::StringName(text) => StringName::from(text).to_variant(),
        Value::NodePath(text) => NodePath::from(text).to_variant(),
        Value::Vector2(v) => vector2(*v).to_variant(),
        Value::Vector2i([x, y]) => Vector2i::new(*x, *y).to_variant(),
        Value::Vector3(v) => vector3(*v).to_variant(),
        Value::Vector3i([x, y, z]) => Vector3i::new(*x, *y, *z).to_variant(),
        Value::Vector4(v) => vector4(*v).to_variant(),
        Value::Quaternion([x, y, z, w]) => Quaternion::new(*x, *y, *z, *w).to_variant(),
        Value::Basis(columns) => basis(columns).to_variant(),
        Value::Transform2D([ax, ay, bx, by, ox, oy]) => Transform2D::from_cols(
            Vector2::new(*ax, *ay),
            Vector2::new(*bx, *by),
            Vector2::new(*ox, *oy),
        )
        .to_variant(),
        Value::Transform3D(numbers) => transform3d(numbers).to_variant(),
        Value::Color(c) => color(*c).to_variant(),
        Value::Node(node) => directory.root(*node).to_variant(),
        Value::PackedByteArray(items) => PackedByteArray::from(items.as_slice()).to_variant(),
        Value::PackedInt32Array(items) => PackedInt32Array::from(items.as_slice()).to_variant(),
        Value::PackedInt64Array(items) => PackedInt64Array::from(items.as_slice()).to_variant(),
        Value::PackedFloat32Array(items) => PackedFloat32Array::from(items.as_slice()).to_variant(),
        Value::PackedFloat64Array(items) => PackedFloat64Array::from(items.as_slice()).to_variant(),
        Value::PackedStringArray(items) => items
            .iter()
            .map(GString::from)
            .collect::<PackedStringArray>()
            .to_variant(),
        Value::PackedVector2Array(items) => items
            .iter()
            .copied()
            .map(vector2)
            .collect::<PackedVector2Array>()
            .to_variant(),
        Value::PackedVector3Array(items) => items
            .iter()
            .copied()
            .map(vector3)
            .collect::<PackedVector3Array>()
            .to_variant(),
        Value::PackedVector4Array(items) => items
            .iter()
            .copied()
            .map(vector4)
            .collect::<PackedVector4Array>()
            .to_variant(),
        Value::PackedColorArray(items) => items
            .iter()
            .copied()
            .map(color)
            .collect::<PackedColorArray>()
            .to_variant(),
        Value::Array(items) => items
            .iter()
            .map(|item| to_variant(item, directory))
            .collect::<VarArray>()
            .to_variant(),
        Value::Dictionary(pairs) => {
            let pairs = pairs
                .iter()
                .map(|(key, value)| (to_variant(key, directory), to_variant(value, directory)));
            pairs.collect::<VarDictionary>().to_variant()
        }
    }
}

/// The synced nodes that a value refers to and that are not in the scene here.
pub(crate) fn missing_nodes(value: &Value, directory: &Directory, found: &mut impl FnMut(NodeId)) {
    match value {
        Value::Node(node) if *node != NodeId::ROOT && directory.root(*node).is_none() => {
            found(*node)
        }
        Value::Array(items) => {
            for item in items {
                missing_nodes(item, directory, found);
            }
        }
        Value::Dictionary(pairs) => {
            for (key, value) in pairs {
                missing_nodes(key, directory, found);
                missing_nodes(value, directory, found);
            }
        }
        _ => {}
    }
}

/// A Variant that shares no array with the one given: those are references, and a script that changes its own in place must
/// not change what the session holds. `current` tells what is to be replaced: a typed array takes only a typed one.
pub(crate) fn detached<'a>(
    variant: &'a EngineValue,
    current: impl FnOnce() -> EngineValue,
) -> Cow<'a, EngineValue> {
    match variant.kind() {
        VariantType::ARRAY | VariantType::DICTIONARY => {
            let current = current();
            let is_typed = current.get_type() == variant.get_type()
                && current.call("is_typed", &[]).booleanize();
            let copy = variant.call("duplicate", &[true.to_variant()]);
            if !is_typed {
                return Cow::Owned(copy.into());
            }
            let typed = current.call("duplicate", &[]);
            typed.call("clear", &[]);
            typed.call("assign", &[copy]);
            Cow::Owned(typed.into())
        }
        kind if is_packed(kind) => Cow::Owned(variant.call("duplicate", &[]).into()),
        _ => Cow::Borrowed(variant),
    }
}

const fn is_packed(kind: VariantType) -> bool {
    matches!(
        kind,
        VariantType::PACKED_BYTE_ARRAY
            | VariantType::PACKED_INT32_ARRAY
            | VariantType::PACKED_INT64_ARRAY
            | VariantType::PACKED_FLOAT32_ARRAY
            | VariantType::PACKED_FLOAT64_ARRAY
            | VariantType::PACKED_STRING_ARRAY
            | VariantType::PACKED_VECTOR2_ARRAY
            | VariantType::PACKED_VECTOR3_ARRAY
            | VariantType::PACKED_VECTOR4_ARRAY
            | VariantType::PACKED_COLOR_ARRAY
    )
}

fn value_at(variant: &Variant, directory: &Directory, depth: usize) -> Result<Value, Unsupported> {
    if depth > MAX_VALUE_DEPTH {
        return Err(Unsupported::TooDeep);
    }
    let kind = variant.get_type();
    let value = match kind {
        VariantType::NIL => Value::Nil,
        VariantType::BOOL => Value::Bool(variant.to()),
        VariantType::INT => Value::Int(variant.to()),
        VariantType::FLOAT => Value::Float(number(variant.to())?),
        VariantType::STRING => Value::String(variant.to::<GString>().to_string()),
        VariantType::STRING_NAME => Value::StringName(variant.to::<StringName>().to_string()),
        VariantType::NODE_PATH => Value::NodePath(variant.to::<NodePath>().to_string()),
        VariantType::VECTOR2 => Value::Vector2(numbers(pair(variant.to()))?),
        VariantType::VECTOR2I => {
            let v: Vector2i = variant.to();
            Value::Vector2i([v.x, v.y])
        }
        VariantType::VECTOR3 => Value::Vector3(numbers(triple(variant.to()))?),
        VariantType::VECTOR3I => {
            let v: Vector3i = variant.to();
            Value::Vector3i([v.x, v.y, v.z])
        }
        VariantType::VECTOR4 => Value::Vector4(numbers(quadruple(variant.to()))?),
        VariantType::QUATERNION => {
            let q: Quaternion = variant.to();
            Value::Quaternion(numbers([q.x, q.y, q.z, q.w])?)
        }
        VariantType::BASIS => Value::Basis(numbers(columns(variant.to()))?),
        VariantType::TRANSFORM2D => {
            let t: Transform2D = variant.to();
            Value::Transform2D(numbers([
                t.a.x, t.a.y, t.b.x, t.b.y, t.origin.x, t.origin.y,
            ])?)
        }
        VariantType::TRANSFORM3D => Value::Transform3D(numbers(transform_numbers(variant.to()))?),
        VariantType::COLOR => Value::Color(numbers(channels(variant.to()))?),
        VariantType::OBJECT => node_reference(variant, directory)?,
        VariantType::PACKED_BYTE_ARRAY => {
            Value::PackedByteArray(variant.to::<PackedByteArray>().to_vec())
        }
        VariantType::PACKED_INT32_ARRAY => {
            Value::PackedInt32Array(variant.to::<PackedInt32Array>().to_vec())
        }
        VariantType::PACKED_INT64_ARRAY => {
            Value::PackedInt64Array(variant.to::<PackedInt64Array>().to_vec())
        }
        VariantType::PACKED_FLOAT32_ARRAY => {
            Value::PackedFloat32Array(variant.to::<PackedFloat32Array>().to_vec())
        }
        VariantType::PACKED_FLOAT64_ARRAY => {
            Value::PackedFloat64Array(variant.to::<PackedFloat64Array>().to_vec())
        }
        VariantType::PACKED_STRING_ARRAY => {
            let items: PackedStringArray = variant.to();
            Value::PackedStringArray(items.as_slice().iter().map(GString::to_string).collect())
        }
        VariantType::PACKED_VECTOR2_ARRAY => {
            Value::PackedVector2Array(each(&variant.to::<PackedVector2Array>(), pair))
        }
        VariantType::PACKED_VECTOR3_ARRAY => {
            Value::PackedVector3Array(each(&variant.to::<PackedVector3Array>(), triple))
        }
        VariantType::PACKED_VECTOR4_ARRAY => {
            Value::PackedVector4Array(each(&variant.to::<PackedVector4Array>(), quadruple))
        }
        VariantType::PACKED_COLOR_ARRAY => {
            Value::PackedColorArray(each(&variant.to::<PackedColorArray>(), channels))
        }
        VariantType::ARRAY => {
            let items: AnyArray = variant.to();
            let items = items
                .iter_shared()
                .map(|item| value_at(&item, directory, depth + 1));
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        VariantType::DICTIONARY => {
            let pairs: AnyDictionary = variant.to();
            let pairs = pairs.iter_shared().map(|(key, value)| {
                Ok((
                    value_at(&key, directory, depth + 1)?,
                    value_at(&value, directory, depth + 1)?,
                ))
            });
            Value::Dictionary(pairs.collect::<Result<_, _>>()?)
        }
        kind => return Err(Unsupported::Type(kind)),
    };
    Ok(value)
}

fn node_reference(variant: &Variant, directory: &Directory) -> Result<Value, Unsupported> {
    // Unchecked, since the object may have been freed: then no node is found for it.
    let Some(object) = variant.object_id_unchecked() else {
        return Ok(Value::Node(NodeId::ROOT));
    };
    directory
        .id_of(object)
        .map(Value::Node)
        .ok_or(Unsupported::UnsyncedNode)
}

/// Whether a value's size depends on its content.
const fn is_sized(value: &Value) -> bool {
    !matches!(
        value,
        Value::Nil
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Vector2(_)
            | Value::Vector2i(_)
            | Value::Vector3(_)
            | Value::Vector3i(_)
            | Value::Vector4(_)
            | Value::Quaternion(_)
            | Value::Basis(_)
            | Value::Transform2D(_)
            | Value::Transform3D(_)
            | Value::Color(_)
            | Value::Node(_)
    )
}

fn number(value: f64) -> Result<f64, Unsupported> {
    if value.is_nan() {
        Err(Unsupported::NotANumber)
    } else {
        Ok(value)
    }
}

fn numbers<const N: usize>(values: [f32; N]) -> Result<[f32; N], Unsupported> {
    if values.iter().any(|value| value.is_nan()) {
        Err(Unsupported::NotANumber)
    } else {
        Ok(values)
    }
}

fn each<T: godot::meta::PackedElement + Copy, const N: usize>(
    items: &PackedArray<T>,
    convert: fn(T) -> [f32; N],
) -> Vec<[f32; N]> {
    items.as_slice().iter().copied().map(convert).collect()
}

const fn pair(v: Vector2) -> [f32; 2] {
    [v.x, v.y]
}

pub(crate) const fn triple(v: Vector3) -> [f32; 3] {
    [v.x, v.y, v.z]
}

const fn quadruple(v: Vector4) -> [f32; 4] {
    [v.x, v.y, v.z, v.w]
}

const fn channels(c: Color) -> [f32; 4] {
    [c.r, c.g, c.b, c.a]
}

fn columns(basis: Basis) -> [f32; 9] {
    let [a, b, c] = [basis.col_a(), basis.col_b(), basis.col_c()];
    [a.x, a.y, a.z, b.x, b.y, b.z, c.x, c.y, c.z]
}

fn transform_numbers(transform: Transform3D) -> [f32; 12] {
    let mut numbers = [0.0; 12];
    numbers[..9].copy_from_slice(&columns(transform.basis));
    numbers[9..].copy_from_slice(&triple(transform.origin));
    numbers
}

const fn vector2([x, y]: [f32; 2]) -> Vector2 {
    Vector2::new(x, y)
}

const fn vector3([x, y, z]: [f32; 3]) -> Vector3 {
    Vector3::new(x, y, z)
}

const fn vector4([x, y, z, w]: [f32; 4]) -> Vector4 {
    Vector4::new(x, y, z, w)
}

const fn color([r, g, b, a]: [f32; 4]) -> Color {
    Color::from_rgba(r, g, b, a)
}

fn basis([ax, ay, az, bx, by, bz, cx, cy, cz]: &[f32; 9]) -> Basis {
    Basis::from_cols(
        Vector3::new(*ax, *ay, *az),
        Vector3::new(*bx, *by, *bz),
        Vector3::new(*cx, *cy, *cz),
    )
}

fn transform3d([columns @ .., x, y, z]: &[f32; 12]) -> Transform3D {
    Transform3D::new(basis(columns), Vector3::new(*x, *y, *z))
}
