//! What comes out of what was packed, against what went in.

use glam::Vec3;
use proptest::prelude::*;

use super::*;

const PRECISIONS: [Precision; 3] = [Precision::Exact, Precision::Fine, Precision::Coarse];

fn again(value: &Value, precision: Precision) -> Option<(Value, usize)> {
    let packed = Packed::of(value, precision)?;
    let mut bytes = Vec::new();
    packed.put(&mut bytes);
    let mut reader = Reader::new(&bytes);
    let read = Packed::take(packed.code(), &mut reader).unwrap();
    assert_eq!(read, packed);
    assert!(reader.rest().is_empty());
    Some((read.value(), bytes.len()))
}

fn any_turn() -> impl Strategy<Value = Quat> {
    let component = prop_oneof![-1.0_f32..=1.0, 0.499_f32..0.501, Just(0.0)];
    prop::array::uniform4(component)
        .prop_filter("turned somehow", |raw| raw.iter().any(|c| c.abs() > 1e-3))
        .prop_map(|raw| Quat::from_array(raw).normalize())
}

fn any_scale() -> impl Strategy<Value = Vec3> {
    prop_oneof![
        Just(Vec3::ONE),
        (1e-3_f32..1e3).prop_map(Vec3::splat),
        prop::array::uniform3(1e-3_f32..1e3).prop_map(Vec3::from_array),
        prop::array::uniform3(0.999_f32..1.001).prop_map(Vec3::from_array),
    ]
}

fn any_place() -> impl Strategy<Value = [f32; 3]> {
    let metres = prop_oneof![-4.0_f32..4.0, -1e3_f32..1e3, -1e-3_f32..1e-3];
    prop::array::uniform3(metres)
}

fn transform(turn: Quat, scale: Vec3, origin: [f32; 3]) -> [f32; 12] {
    let basis = Scaling::Each(scale.to_array()).scaled(Mat3::from_quat(turn));
    let mut transform = [0.0; 12];
    transform[..9].copy_from_slice(&basis.to_cols_array());
    transform[9..].copy_from_slice(&origin);
    transform
}

/// What rounding in 32 bits adds.
const ROUNDING_RAD: f32 = 1e-5;

fn assert_axes(got: &[f32], sent: &[f32], precision: Precision) {
    let bound = precision.orientation_error_rad_max() + 2.0 * UNIT_ERROR_MAX + ROUNDING_RAD;
    for (got, sent) in got.chunks(3).zip(sent.chunks(3)) {
        let [got, sent] = [got, sent].map(Vec3::from_slice);
        let off = got.distance(sent) / sent.length();
        assert!(off <= bound, "{got} for {sent}: {off}");
    }
}

fn assert_place(got: &[f32], sent: &[f32], precision: Precision) {
    for (got, sent) in got.iter().zip(sent) {
        let off = (got - sent).abs();
        assert!(off <= precision.position_error_m_max(), "{got} for {sent}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_transform_is_off_by_no_more_than_the_precision_allows(
        turn in any_turn(), scale in any_scale(), origin in any_place(), precision in prop::sample::select(&PRECISIONS[..]),
    ) {
        let sent = transform(turn, scale, origin);
        let Some((Value::Transform3D(got), bytes)) = again(&Value::Transform3D(sent), precision) else {
            panic!("{sent:?} is not packed");
        };
        assert_axes(&got[..9], &sent[..9], precision);
        assert_place(&got[9..], &sent[9..], precision);
        prop_assert!(bytes <= 28, "{bytes}");
        let basis = Value::Basis(*sent.first_chunk().unwrap());
        let Some((Value::Basis(got), _)) = again(&basis, precision) else {
            panic!("{basis:?} is not packed");
        };
        assert_axes(&got, &sent[..9], precision);
    }

    #[test]
    fn a_quaternion_is_off_by_no_more_than_the_precision_allows(
        turn in any_turn(), precision in prop::sample::select(&PRECISIONS[..]),
    ) {
        let Some((Value::Quaternion(got), bytes)) = again(&Value::Quaternion(turn.to_array()), precision) else {
            panic!("{turn} is not packed");
        };
        let got = Quat::from_array(got);
        let off = 2.0 * (turn.inverse() * got).xyz().length().asin();
        prop_assert!(off <= precision.orientation_error_rad_max() + ROUNDING_RAD, "{off}");
        prop_assert!(bytes <= 6, "{bytes}");
    }

    #[test]
    fn a_vector_is_off_by_no_more_than_the_precision_allows_nor_by_a_thousandth_of_it(
        sent in any_place(), precision in prop::sample::select(&PRECISIONS[..]),
    ) {
        if let Some((Value::Vector3(got), bytes)) = again(&Value::Vector3(sent), precision) {
            assert_place(&got, &sent, precision);
            let [got, sent] = [got, sent].map(Vec3::from_array);
            prop_assert!((got - sent).abs().max_element() <= 1e-3 * sent.abs().max_element());
            prop_assert!(bytes <= 11, "{bytes}");
        } else {
            prop_assert!(Vec3::from_array(sent).abs().max_element() < 1.1);
        }
    }

    #[test]
    fn what_was_packed_is_packed_again_to_the_same_place(
        origin in any_place(), precision in prop::sample::select(&PRECISIONS[..]),
    ) {
        let once = again(&Value::Transform3D(transform(Quat::IDENTITY, Vec3::ONE, origin)), precision).unwrap().0;
        prop_assert_eq!(again(&once, precision).unwrap().0, once);
    }

    #[test]
    fn any_bits_are_a_value_of_numbers_or_an_error(code in 0..10_u8, bytes in prop::collection::vec(any::<u8>(), 0..32)) {
        let mut reader = Reader::new(&bytes);
        if let Ok(packed) = Packed::take(code, &mut reader) {
            let numbers = match packed.value() {
                Value::Vector3(numbers) => numbers.to_vec(),
                Value::Quaternion(numbers) => numbers.to_vec(),
                Value::Basis(numbers) => numbers.to_vec(),
                Value::Transform3D(numbers) => numbers.to_vec(),
                other => panic!("{other:?}"),
            };
            prop_assert!(numbers.iter().all(|number| number.is_finite()));
            let mut again = Vec::new();
            packed.put(&mut again);
            prop_assert!(again.len() <= bytes.len() - reader.rest().len());
        }
    }

    #[test]
    fn any_numbers_are_packed_within_the_precision_or_not_at_all(
        numbers in prop::array::uniform12(prop_oneof![any::<f32>(), -2.0_f32..2.0, Just(0.0), Just(1.0), Just(f32::NAN)]),
    ) {
        let precision = Precision::Fine;
        if let Some((Value::Transform3D(got), _)) = again(&Value::Transform3D(numbers), precision) {
            assert_axes(&got[..9], &numbers[..9], precision);
            assert_place(&got[9..], &numbers[9..], precision);
        }
        if let Some((Value::Vector3(got), _)) = again(&Value::Vector3([numbers[0], numbers[1], numbers[2]]), precision) {
            assert_place(&got, &numbers[..3], precision);
        }
    }
}

#[test]
fn a_pose_in_a_room_takes_twelve_bytes_and_one_a_mile_off_sixteen() {
    let turn = Quat::from_rotation_y(1.0) * Quat::from_rotation_x(0.5);
    let bytes = |scale, origin| {
        let value = Value::Transform3D(transform(turn, scale, origin));
        again(&value, Precision::Fine).unwrap().1
    };
    assert_eq!(bytes(Vec3::ONE, [3.9, 1.2, -3.9]), 12);
    assert_eq!(bytes(Vec3::ONE, [31.0, 1.2, -3.9]), 13);
    assert_eq!(bytes(Vec3::ONE, [1609.0, 1.2, -3.9]), 16);
    assert_eq!(bytes(Vec3::splat(0.5), [3.9, 1.2, -3.9]), 16);
    assert_eq!(bytes(Vec3::new(1.0, 2.0, 3.0), [3.9, 1.2, -3.9]), 24);
}

#[test]
fn what_does_not_fit_is_not_packed() {
    let (one, middle) = (Vec3::ONE, [0.0; 3]);
    let plain = |transform: [f32; 12]| Packed::of(&Value::Transform3D(transform), Precision::Fine);
    assert!(plain(transform(Quat::IDENTITY, one, [2047.9, 0.0, -2047.9])).is_some());
    assert_eq!(
        plain(transform(Quat::IDENTITY, one, [2048.1, 0.0, 0.0])),
        None
    );
    assert_eq!(
        plain(transform(Quat::IDENTITY, one, [0.0, f32::NAN, 0.0])),
        None
    );
    assert_eq!(plain(transform(Quat::IDENTITY, -one, middle)), None);
    assert_eq!(plain(transform(Quat::IDENTITY, Vec3::ZERO, middle)), None);
    let mut skewed = transform(Quat::IDENTITY, one, middle);
    skewed[1] = 0.001;
    assert_eq!(plain(skewed), None);
    for value in [
        Value::Quaternion([0.0, 0.0, 0.0, 1.01]),
        Value::Quaternion([f32::NAN; 4]),
        Value::Vector3([0.01, 0.02, 0.03]),
        Value::Vector3([f32::INFINITY, 0.0, 0.0]),
        Value::Float(0.5),
    ] {
        assert_eq!(Packed::of(&value, Precision::Fine), None, "{value:?}");
    }
    assert!(Packed::of(&Value::Vector3(middle), Precision::Fine).is_some());
}
