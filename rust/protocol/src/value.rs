//! The values that can cross the network: those of Godot's Variants that mean the same on another machine.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{
    bytes_io::{Reader, count_len, put_count, put_text},
    error::DecodeError,
    id::NodeId,
    limits::{MAX_VALUE_BYTES, MAX_VALUE_DEPTH},
};

/// A value, its variants named as Godot names them.
///
/// Equality is that of IEEE floats: a NaN never equals itself, so the engine layer refuses NaNs.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// `null`.
    #[default]
    Nil,
    /// `bool`.
    Bool(bool),
    /// `int`.
    Int(i64),
    /// `float`.
    Float(f64),
    /// `String`.
    String(String),
    /// `StringName`.
    StringName(String),
    /// `NodePath`.
    NodePath(String),
    /// `Vector2`: x, y.
    Vector2([f32; 2]),
    /// `Vector2i`: x, y.
    Vector2i([i32; 2]),
    /// `Vector3`: x, y, z.
    Vector3([f32; 3]),
    /// `Vector3i`: x, y, z.
    Vector3i([i32; 3]),
    /// `Vector4`: x, y, z, w.
    Vector4([f32; 4]),
    /// `Quaternion`: x, y, z, w.
    Quaternion([f32; 4]),
    /// `Basis`: its three columns (the axes x, y, z).
    Basis([f32; 9]),
    /// `Transform2D`: its columns x, y, then the origin.
    Transform2D([f32; 6]),
    /// `Transform3D`: the basis as above, then the origin.
    Transform3D([f32; 12]),
    /// `Color`: r, g, b, a.
    Color([f32; 4]),
    /// A reference to a synced node; [`NodeId::ROOT`] is none.
    Node(NodeId),
    /// `PackedByteArray`.
    PackedByteArray(Vec<u8>),
    /// `PackedInt32Array`.
    PackedInt32Array(Vec<i32>),
    /// `PackedInt64Array`.
    PackedInt64Array(Vec<i64>),
    /// `PackedFloat32Array`.
    PackedFloat32Array(Vec<f32>),
    /// `PackedFloat64Array`.
    PackedFloat64Array(Vec<f64>),
    /// `PackedStringArray`.
    PackedStringArray(Vec<String>),
    /// `PackedVector2Array`.
    PackedVector2Array(Vec<[f32; 2]>),
    /// `PackedVector3Array`.
    PackedVector3Array(Vec<[f32; 3]>),
    /// `PackedVector4Array`.
    PackedVector4Array(Vec<[f32; 4]>),
    /// `PackedColorArray`.
    PackedColorArray(Vec<[f32; 4]>),
    /// `Array`.
    Array(Vec<Value>),
    /// `Dictionary`: pairs in its own order.
    Dictionary(Vec<(Value, Value)>),
}

impl Value {
    /// Appends the value: a byte that names its kind, then its content, little-endian.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.tag());
        match self {
            Self::Nil => {}
            Self::Bool(value) => out.push(u8::from(*value)),
            Self::Int(value) => value.put(out),
            Self::Float(value) => value.put(out),
            Self::String(text) | Self::StringName(text) | Self::NodePath(text) => {
                put_text(out, text)
            }
            Self::Vector2(numbers) => numbers.put(out),
            Self::Vector2i(numbers) => numbers.put(out),
            Self::Vector3(numbers) => numbers.put(out),
            Self::Vector3i(numbers) => numbers.put(out),
            Self::Vector4(numbers) | Self::Quaternion(numbers) | Self::Color(numbers) => {
                numbers.put(out)
            }
            Self::Basis(numbers) => numbers.put(out),
            Self::Transform2D(numbers) => numbers.put(out),
            Self::Transform3D(numbers) => numbers.put(out),
            Self::Node(node) => out.extend_from_slice(&node.0.to_le_bytes()),
            Self::PackedByteArray(bytes) => put_bytes(bytes, out),
            Self::PackedInt32Array(items) => put_packed(items, out),
            Self::PackedInt64Array(items) => put_packed(items, out),
            Self::PackedFloat32Array(items) => put_packed(items, out),
            Self::PackedFloat64Array(items) => put_packed(items, out),
            Self::PackedStringArray(items) => put_packed(items, out),
            Self::PackedVector2Array(items) => put_packed(items, out),
            Self::PackedVector3Array(items) => put_packed(items, out),
            Self::PackedVector4Array(items) | Self::PackedColorArray(items) => {
                put_packed(items, out)
            }
            Self::Array(items) => {
                put_count(out, items.len());
                items.iter().for_each(|item| item.encode(out));
            }
            Self::Dictionary(pairs) => {
                put_count(out, pairs.len());
                for (key, value) in pairs {
                    key.encode(out);
                    value.encode(out);
                }
            }
        }
    }

    /// Reads one value and leaves the reader behind it.
    ///
    /// # Errors
    /// Any [`DecodeError`] but `Trailing` and `BadMessage`. What is allocated on the way is at most one [`Value`] for each byte
    /// that is really there.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::decode_at(reader, 0, 0)
    }

    /// Reads a value that is exactly `bytes`.
    ///
    /// # Errors
    /// As [`Value::decode`], [`DecodeError::Trailing`], or `TooLong` past [`MAX_VALUE_BYTES`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > MAX_VALUE_BYTES {
            return Err(DecodeError::TooLong {
                what: "value",
                limit: MAX_VALUE_BYTES,
            });
        }
        let mut reader = Reader::new(bytes);
        let value = Self::decode(&mut reader)?;
        reader.finish()?;
        Ok(value)
    }

    /// The number of bytes that [`Value::encode`] appends.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let content = match self {
            Self::Nil => 0,
            Self::Bool(_) => 1,
            Self::Int(_) | Self::Float(_) | Self::Node(_) => 8,
            Self::String(text) | Self::StringName(text) | Self::NodePath(text) => text_len(text),
            Self::Vector2(numbers) => size_of_val(numbers),
            Self::Vector2i(numbers) => size_of_val(numbers),
            Self::Vector3(numbers) => size_of_val(numbers),
            Self::Vector3i(numbers) => size_of_val(numbers),
            Self::Vector4(numbers) | Self::Quaternion(numbers) | Self::Color(numbers) => {
                size_of_val(numbers)
            }
            Self::Basis(numbers) => size_of_val(numbers),
            Self::Transform2D(numbers) => size_of_val(numbers),
            Self::Transform3D(numbers) => size_of_val(numbers),
            Self::PackedByteArray(items) => packed_len(items),
            Self::PackedInt32Array(items) => packed_len(items),
            Self::PackedInt64Array(items) => packed_len(items),
            Self::PackedFloat32Array(items) => packed_len(items),
            Self::PackedFloat64Array(items) => packed_len(items),
            Self::PackedStringArray(items) => {
                count_len(items.len()) + items.iter().map(|text| text_len(text)).sum::<usize>()
            }
            Self::PackedVector2Array(items) => packed_len(items),
            Self::PackedVector3Array(items) => packed_len(items),
            Self::PackedVector4Array(items) | Self::PackedColorArray(items) => packed_len(items),
            Self::Array(items) => {
                count_len(items.len()) + items.iter().map(Self::encoded_len).sum::<usize>()
            }
            Self::Dictionary(pairs) => {
                let pair_len =
                    |(key, value): &(Self, Self)| key.encoded_len() + value.encoded_len();
                count_len(pairs.len()) + pairs.iter().map(pair_len).sum::<usize>()
            }
        };
        1 + content
    }

    /// How deep arrays and dictionaries nest in it: 0 for a plain value.
    #[must_use]
    pub fn depth(&self) -> usize {
        match self {
            Self::Array(items) => 1 + items.iter().map(Self::depth).max().unwrap_or(0),
            Self::Dictionary(pairs) => {
                1 + pairs
                    .iter()
                    .map(|(key, value)| key.depth().max(value.depth()))
                    .max()
                    .unwrap_or(0)
            }
            _ => 0,
        }
    }

    /// `owed` bytes at the reader's end belong to the arrays and dictionaries around this value.
    fn decode_at(reader: &mut Reader<'_>, depth: usize, owed: usize) -> Result<Self, DecodeError> {
        Ok(match reader.u8()? {
            0 => Self::Nil,
            1 => Self::Bool(take_bool(reader)?),
            2 => Self::Int(reader.i64()?),
            3 => Self::Float(reader.f64()?),
            4 => Self::String(String::take(reader)?),
            5 => Self::StringName(String::take(reader)?),
            6 => Self::NodePath(String::take(reader)?),
            7 => Self::Vector2(Wire::take(reader)?),
            8 => Self::Vector2i(Wire::take(reader)?),
            9 => Self::Vector3(Wire::take(reader)?),
            10 => Self::Vector3i(Wire::take(reader)?),
            11 => Self::Vector4(Wire::take(reader)?),
            12 => Self::Quaternion(Wire::take(reader)?),
            13 => Self::Basis(Wire::take(reader)?),
            14 => Self::Transform2D(Wire::take(reader)?),
            15 => Self::Transform3D(Wire::take(reader)?),
            16 => Self::Color(Wire::take(reader)?),
            17 => Self::Node(NodeId(reader.u64()?)),
            18 => Self::PackedByteArray(take_bytes(reader, owed)?),
            19 => Self::PackedInt32Array(take_packed(reader, owed)?),
            20 => Self::PackedInt64Array(take_packed(reader, owed)?),
            21 => Self::PackedFloat32Array(take_packed(reader, owed)?),
            22 => Self::PackedFloat64Array(take_packed(reader, owed)?),
            23 => Self::PackedStringArray(take_packed(reader, owed)?),
            24 => Self::PackedVector2Array(take_packed(reader, owed)?),
            25 => Self::PackedVector3Array(take_packed(reader, owed)?),
            26 => Self::PackedVector4Array(take_packed(reader, owed)?),
            27 => Self::PackedColorArray(take_packed(reader, owed)?),
            28 | 29 if depth >= MAX_VALUE_DEPTH => return Err(DecodeError::TooDeep),
            28 => Self::Array(take_items(reader, owed, 1, |reader, owed| {
                Self::decode_at(reader, depth + 1, owed)
            })?),
            29 => Self::Dictionary(take_items(reader, owed, 2, |reader, owed| {
                Ok((
                    Self::decode_at(reader, depth + 1, owed + 1)?,
                    Self::decode_at(reader, depth + 1, owed)?,
                ))
            })?),
            tag => return Err(DecodeError::BadTag { what: "value", tag }),
        })
    }

    const fn tag(&self) -> u8 {
        match self {
            Self::Nil => 0,
            Self::Bool(_) => 1,
            Self::Int(_) => 2,
            Self::Float(_) => 3,
            Self::String(_) => 4,
            Self::StringName(_) => 5,
            Self::NodePath(_) => 6,
            Self::Vector2(_) => 7,
            Self::Vector2i(_) => 8,
            Self::Vector3(_) => 9,
            Self::Vector3i(_) => 10,
            Self::Vector4(_) => 11,
            Self::Quaternion(_) => 12,
            Self::Basis(_) => 13,
            Self::Transform2D(_) => 14,
            Self::Transform3D(_) => 15,
            Self::Color(_) => 16,
            Self::Node(_) => 17,
            Self::PackedByteArray(_) => 18,
            Self::PackedInt32Array(_) => 19,
            Self::PackedInt64Array(_) => 20,
            Self::PackedFloat32Array(_) => 21,
            Self::PackedFloat64Array(_) => 22,
            Self::PackedStringArray(_) => 23,
            Self::PackedVector2Array(_) => 24,
            Self::PackedVector3Array(_) => 25,
            Self::PackedVector4Array(_) => 26,
            Self::PackedColorArray(_) => 27,
            Self::Array(_) => 28,
            Self::Dictionary(_) => 29,
        }
    }
}

/// A plain content with one layout.
trait Wire: Sized {
    const MIN_BYTES: usize;
    fn put(&self, out: &mut Vec<u8>);
    fn take(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;
}

macro_rules! wire_numbers {
    ($($kind:ident),+) => {$(
        impl Wire for $kind {
            const MIN_BYTES: usize = size_of::<Self>();

            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn take(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                reader.$kind()
            }
        }
    )+};
}

wire_numbers!(i32, i64, f32, f64);

impl Wire for String {
    const MIN_BYTES: usize = 1;

    fn put(&self, out: &mut Vec<u8>) {
        put_text(out, self);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.text("text", MAX_VALUE_BYTES).map(str::to_owned)
    }
}

impl<T: Wire + Copy + Default, const N: usize> Wire for [T; N] {
    const MIN_BYTES: usize = N * T::MIN_BYTES;

    fn put(&self, out: &mut Vec<u8>) {
        self.iter().for_each(|number| number.put(out));
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut numbers = [T::default(); N];
        for number in &mut numbers {
            *number = T::take(reader)?;
        }
        Ok(numbers)
    }
}

/// Numbers are as long on the wire as in memory.
fn packed_len<T: Copy>(items: &[T]) -> usize {
    count_len(items.len()) + size_of_val(items)
}

fn text_len(text: &str) -> usize {
    count_len(text.len()) + text.len()
}

fn take_bool(reader: &mut Reader<'_>) -> Result<bool, DecodeError> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        tag => Err(DecodeError::BadTag { what: "bool", tag }),
    }
}

fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    put_count(out, bytes.len());
    out.extend_from_slice(bytes);
}

fn put_packed<T: Wire>(items: &[T], out: &mut Vec<u8>) {
    put_count(out, items.len());
    items.iter().for_each(|item| item.put(out));
}

fn take_bytes(reader: &mut Reader<'_>, owed: usize) -> Result<Vec<u8>, DecodeError> {
    take_count(reader, owed, 1).and_then(|count| Ok(reader.take(count)?.to_vec()))
}

fn take_packed<T: Wire>(reader: &mut Reader<'_>, owed: usize) -> Result<Vec<T>, DecodeError> {
    take_items(reader, owed, T::MIN_BYTES, |reader, _| T::take(reader))
}

/// Reads a count and that many items of at least `item_bytes` each.
fn take_items<T>(
    reader: &mut Reader<'_>,
    owed: usize,
    item_bytes: usize,
    mut item: impl FnMut(&mut Reader<'_>, usize) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let count = take_count(reader, owed, item_bytes)?;
    let mut items = Vec::with_capacity(count);
    for following in (0..count).rev() {
        items.push(item(reader, owed + following * item_bytes)?);
    }
    Ok(items)
}

/// A count whose items cannot be in the bytes left, less those `owed` to the arrays around this one, is a lie, found before
/// anything is allocated for it. So a value never allocates more than one item for each of its bytes, and an array
/// is allocated once.
fn take_count(
    reader: &mut Reader<'_>,
    owed: usize,
    item_bytes: usize,
) -> Result<usize, DecodeError> {
    let count = reader.count("array", MAX_VALUE_BYTES)?;
    if count * item_bytes > reader.rest().len().saturating_sub(owed) {
        return Err(DecodeError::Truncated);
    }
    Ok(count)
}

/// In control messages a value is its own encoding, as bytes: serde's recursion would have no bound on its depth.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::new();
        self.encode(&mut bytes);
        serializer.serialize_bytes(&bytes)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = <&serde_bytes::Bytes>::deserialize(deserializer)?;
        Self::from_bytes(bytes).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> Value {
        (0..depth).fold(Value::Nil, |inner, _| Value::Array(vec![inner]))
    }

    #[test]
    fn values_nest_to_the_limit_and_no_deeper() {
        let round_trip = |value: &Value| {
            let mut bytes = Vec::new();
            value.encode(&mut bytes);
            Value::from_bytes(&bytes)
        };
        let deepest = nested(MAX_VALUE_DEPTH);
        assert_eq!(deepest.depth(), MAX_VALUE_DEPTH);
        assert_eq!(round_trip(&deepest), Ok(deepest.clone()));
        assert_eq!(
            round_trip(&nested(MAX_VALUE_DEPTH + 1)),
            Err(DecodeError::TooDeep)
        );
    }

    #[test]
    fn items_that_cannot_be_in_the_bytes_left_are_refused() {
        let (array, dictionary, bytes, numbers) = (28, 29, 18, 19);
        let liars: [&[u8]; 5] = [
            &[bytes, 0xff, 0x7f],
            &[numbers, 2, 0, 0, 0, 0, 0, 0, 0],
            &[array, 2, 0],
            &[dictionary, 2, 0, 0, 0],
            &[array, 3, array, 2, 0, 0, 0],
        ];
        for liar in liars {
            assert_eq!(Value::from_bytes(liar), Err(DecodeError::Truncated));
        }
    }

    #[test]
    fn a_value_past_its_size_is_refused() {
        let bytes = vec![0; MAX_VALUE_BYTES + 1];
        assert!(matches!(
            Value::from_bytes(&bytes),
            Err(DecodeError::TooLong { .. })
        ));
    }
}
