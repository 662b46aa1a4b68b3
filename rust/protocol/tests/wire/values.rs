//! Each kind of value.

use synced_protocol::{error::DecodeError, id::NodeId, value::Value};

use crate::golden::{dump, hex};

/// Small whole numbers as the floats that they are.
fn floats<const N: usize>() -> [f32; N] {
    std::array::from_fn(|place| place as f32 + 1.0)
}

const ONE_TO_FOUR: &str = "0000803f 00000040 00004040 00008040";
const FIVE_TO_NINE: &str = "0000a040 0000c040 0000e040 00000041 00001041";
const TEN_TO_TWELVE: &str = "00002041 00003041 00004041";

fn plain() -> Vec<(Value, String)> {
    let text = || "h\u{e9}".to_owned();
    vec![
        (Value::Nil, "00".into()),
        (Value::Bool(false), "01 00".into()),
        (Value::Bool(true), "01 01".into()),
        (Value::Int(-2), "02 feffffffffffffff".into()),
        (Value::Float(-2.5), "03 00000000000004c0".into()),
        (Value::String(text()), "04 03 68c3a9".into()),
        (Value::StringName(text()), "05 03 68c3a9".into()),
        (Value::NodePath(text()), "06 03 68c3a9".into()),
        (Value::Vector2([0.5, -1.0]), "07 0000003f 000080bf".into()),
        (Value::Vector2i([1, -1]), "08 01000000 ffffffff".into()),
        (
            Value::Vector3([0.5, -1.0, 0.0]),
            "09 0000003f 000080bf 00000000".into(),
        ),
        (
            Value::Vector3i([1, -1, i32::MIN]),
            "0a 01000000 ffffffff 00000080".into(),
        ),
        (Value::Vector4(floats()), format!("0b {ONE_TO_FOUR}")),
        (Value::Quaternion(floats()), format!("0c {ONE_TO_FOUR}")),
        (
            Value::Basis(floats()),
            format!("0d {ONE_TO_FOUR} {FIVE_TO_NINE}"),
        ),
        (
            Value::Transform2D(floats()),
            format!("0e {ONE_TO_FOUR} 0000a040 0000c040"),
        ),
        (
            Value::Transform3D(floats()),
            format!("0f {ONE_TO_FOUR} {FIVE_TO_NINE} {TEN_TO_TWELVE}"),
        ),
        (Value::Color(floats()), format!("10 {ONE_TO_FOUR}")),
        (
            Value::Node(NodeId(0x8000_0000_0000_0001)),
            "11 0100000000000080".into(),
        ),
    ]
}

fn packed() -> Vec<(Value, String)> {
    let texts = || vec![String::new(), "ab".to_owned()];
    vec![
        (Value::PackedByteArray(vec![1, 255]), "12 02 01 ff".into()),
        (
            Value::PackedInt32Array(vec![1, -1]),
            "13 02 01000000 ffffffff".into(),
        ),
        (
            Value::PackedInt64Array(vec![-1]),
            "14 01 ffffffffffffffff".into(),
        ),
        (
            Value::PackedFloat32Array(floats::<4>().to_vec()),
            format!("15 04 {ONE_TO_FOUR}"),
        ),
        (
            Value::PackedFloat64Array(vec![1.0]),
            "16 01 000000000000f03f".into(),
        ),
        (Value::PackedStringArray(texts()), "17 02 00 02 6162".into()),
        (
            Value::PackedVector2Array(vec![[1.0, 2.0], [3.0, 4.0]]),
            format!("18 02 {ONE_TO_FOUR}"),
        ),
        (
            Value::PackedVector3Array(vec![[10.0, 11.0, 12.0]]),
            format!("19 01 {TEN_TO_TWELVE}"),
        ),
        (
            Value::PackedVector4Array(vec![floats()]),
            format!("1a 01 {ONE_TO_FOUR}"),
        ),
        (
            Value::PackedColorArray(vec![floats()]),
            format!("1b 01 {ONE_TO_FOUR}"),
        ),
    ]
}

fn nested() -> Vec<(Value, String)> {
    let pair = (Value::String("a".to_owned()), Value::Array(Vec::new()));
    let nothing = (Value::Nil, Value::Bool(true));
    vec![
        (
            Value::Array(vec![Value::Nil, Value::Array(vec![Value::Bool(true)])]),
            "1c 02  00  1c 01 01 01".into(),
        ),
        (
            Value::Dictionary(vec![pair, nothing]),
            "1d 02  04 01 61  1c 00  00  01 01".into(),
        ),
        (
            Value::PackedByteArray(vec![7; 300]),
            format!("12 ac02 {}", "07".repeat(300)),
        ),
        (
            Value::PackedByteArray(vec![7; 16_380]),
            format!("12 fc7f {}", "07".repeat(16_380)),
        ),
    ]
}

#[test]
fn each_kind_is_these_bytes_and_these_bytes_are_it() {
    for (value, golden) in [plain(), packed(), nested()].concat() {
        let golden = hex(&golden);
        let mut encoded = Vec::new();
        value.encode(&mut encoded);
        assert_eq!(dump(&encoded), dump(&golden), "{value:?}");
        assert_eq!(value.encoded_len(), golden.len());
        assert_eq!(Value::from_bytes(&golden), Ok(value));
        let longer = [golden.as_slice(), &[0]].concat();
        assert_eq!(Value::from_bytes(&longer), Err(DecodeError::Trailing));
        for cut in 0..golden.len().min(100) {
            let refused = Value::from_bytes(&golden[..cut]);
            assert_eq!(refused, Err(DecodeError::Truncated), "cut at {cut}");
        }
    }
}

#[test]
fn bytes_that_are_no_kind_bool_or_text_are_refused() {
    let refused = |bytes: &str| Value::from_bytes(&hex(bytes)).unwrap_err();
    assert_eq!(
        refused("1e"),
        DecodeError::BadTag {
            what: "value",
            tag: 30
        }
    );
    assert_eq!(
        refused("01 02"),
        DecodeError::BadTag {
            what: "bool",
            tag: 2
        }
    );
    assert_eq!(refused("04 01 ff"), DecodeError::BadText);
}

/// Floats cross unchanged, bit by bit: a NaN keeps its payload and a zero its sign.
#[test]
fn the_bits_of_a_float_are_kept() {
    for bits in [0x7ff8_0000_0000_0001, 1 << 63, 1] {
        let mut bytes = Vec::new();
        Value::Float(f64::from_bits(bits)).encode(&mut bytes);
        assert!(
            matches!(Value::from_bytes(&bytes), Ok(Value::Float(float)) if float.to_bits() == bits)
        );
    }
}
