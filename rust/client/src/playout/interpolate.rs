//! Values between two values.

use glam::{Mat3, Quat, Vec3};
use synced_protocol::value::Value;

/// How far from a right angle, as a cosine, two axes of a basis may be to be taken for a rotation and a scale.
const SKEW_MAX: f32 = 1e-3;

/// The value at `t`, from 0 for `a` to 1 for `b`: rotations by slerp, all else along a straight line. `None` for kinds
/// without a between, and for two different kinds.
///
/// At both ends and beyond them it is exactly the value there. A basis whose axes are not at right angles is mixed axis by
/// axis.
#[must_use]
pub fn interpolate(a: &Value, b: &Value, t: f32) -> Option<Value> {
    let inner = between(a, b, t.clamp(0.0, 1.0))?;
    Some(if t <= 0.0 {
        a.clone()
    } else if t >= 1.0 {
        b.clone()
    } else {
        inner
    })
}

/// Whether it says where something is or how it is turned, which is what an eye follows.
#[must_use]
pub const fn is_spatial(value: &Value) -> bool {
    matches!(
        value,
        Value::Vector2(_)
            | Value::Vector3(_)
            | Value::Quaternion(_)
            | Value::Basis(_)
            | Value::Transform2D(_)
            | Value::Transform3D(_)
    )
}

fn between(a: &Value, b: &Value, t: f32) -> Option<Value> {
    Some(match (a, b) {
        (Value::Float(a), Value::Float(b)) => Value::Float(a + (b - a) * f64::from(t)),
        (Value::Vector2(a), Value::Vector2(b)) => Value::Vector2(lerp(a, b, t)),
        (Value::Vector3(a), Value::Vector3(b)) => Value::Vector3(lerp(a, b, t)),
        (Value::Vector4(a), Value::Vector4(b)) => Value::Vector4(lerp(a, b, t)),
        (Value::Color(a), Value::Color(b)) => Value::Color(lerp(a, b, t)),
        (Value::Quaternion(a), Value::Quaternion(b)) => Value::Quaternion(slerp(a, b, t)?),
        (Value::Basis(a), Value::Basis(b)) => Value::Basis(mix_basis(a, b, t)),
        (Value::Transform2D(a), Value::Transform2D(b)) => Value::Transform2D(mix_2d(a, b, t)),
        (Value::Transform3D(a), Value::Transform3D(b)) => Value::Transform3D(mix_3d(a, b, t)),
        _ => return None,
    })
}

fn lerp<const N: usize>(a: &[f32; N], b: &[f32; N], t: f32) -> [f32; N] {
    std::array::from_fn(|place| a[place] + (b[place] - a[place]) * t)
}

fn slerp(a: &[f32; 4], b: &[f32; 4], t: f32) -> Option<[f32; 4]> {
    let unit = |raw: &[f32; 4]| {
        let quat = Quat::from_array(*raw);
        (quat.length_squared() > f32::EPSILON && quat.is_finite()).then(|| quat.normalize())
    };
    Some(unit(a)?.slerp(unit(b)?, t).normalize().to_array())
}

fn mix_basis(a: &[f32; 9], b: &[f32; 9], t: f32) -> [f32; 9] {
    let parts = RotationScale::of(a).zip(RotationScale::of(b));
    parts.map_or_else(|| lerp(a, b, t), |(a, b)| a.mix(&b, t).basis())
}

fn mix_3d(a: &[f32; 12], b: &[f32; 12], t: f32) -> [f32; 12] {
    let mut mixed = lerp(a, b, t);
    if let (Some((a, _)), Some((b, _)), Some((basis, _))) = (
        a.split_first_chunk(),
        b.split_first_chunk(),
        mixed.split_first_chunk_mut::<9>(),
    ) {
        *basis = mix_basis(a, b, t);
    }
    mixed
}

/// A basis as a rotation after a scale.
#[derive(Debug, Clone, Copy)]
struct RotationScale {
    rotation: Quat,
    scale: Vec3,
}

impl RotationScale {
    fn of(basis: &[f32; 9]) -> Option<Self> {
        let matrix = Mat3::from_cols_array(basis);
        let mirror = if matrix.determinant() < 0.0 {
            -1.0
        } else {
            1.0
        };
        let scale = mirror
            * Vec3::new(
                matrix.x_axis.length(),
                matrix.y_axis.length(),
                matrix.z_axis.length(),
            );
        let axes = Mat3::from_cols(
            matrix.x_axis / scale.x,
            matrix.y_axis / scale.y,
            matrix.z_axis / scale.z,
        );
        let cosines = Vec3::new(
            axes.x_axis.dot(axes.y_axis),
            axes.y_axis.dot(axes.z_axis),
            axes.z_axis.dot(axes.x_axis),
        );
        let right_angled = axes.is_finite() && cosines.abs().max_element() <= SKEW_MAX;
        right_angled.then(|| Self {
            rotation: Quat::from_mat3(&axes).normalize(),
            scale,
        })
    }

    fn mix(&self, other: &Self, t: f32) -> Self {
        Self {
            rotation: self.rotation.slerp(other.rotation, t).normalize(),
            scale: self.scale.lerp(other.scale, t),
        }
    }

    fn basis(&self) -> [f32; 9] {
        let axes = Mat3::from_quat(self.rotation);
        let scaled = Mat3::from_cols(
            axes.x_axis * self.scale.x,
            axes.y_axis * self.scale.y,
            axes.z_axis * self.scale.z,
        );
        scaled.to_cols_array()
    }
}

/// The x axis turns the short way round, the y axis keeps its angle to it, as Godot does it.
fn mix_2d(a: &[f32; 6], b: &[f32; 6], t: f32) -> [f32; 6] {
    let [a_polar, b_polar] = [a, b].map(|[xx, xy, yx, yy, ..]| Axes2::of([*xx, *xy], [*yx, *yy]));
    let [x, y] = a_polar.mix(&b_polar, t).axes();
    let origin = lerp(&[a[4], a[5]], &[b[4], b[5]], t);
    [x[0], x[1], y[0], y[1], origin[0], origin[1]]
}

/// Two axes by the angle of the first, the angle from there to the second, and their lengths.
#[derive(Debug, Clone, Copy)]
struct Axes2 {
    angle: f32,
    to_y: f32,
    lengths: [f32; 2],
}

impl Axes2 {
    fn of(x: [f32; 2], y: [f32; 2]) -> Self {
        let angle = x[1].atan2(x[0]);
        Self {
            angle,
            to_y: wrapped(y[1].atan2(y[0]) - angle),
            lengths: [x, y].map(|axis| axis[0].hypot(axis[1])),
        }
    }

    fn mix(&self, other: &Self, t: f32) -> Self {
        Self {
            angle: self.angle + wrapped(other.angle - self.angle) * t,
            to_y: self.to_y + (other.to_y - self.to_y) * t,
            lengths: lerp(&self.lengths, &other.lengths, t),
        }
    }

    fn axes(&self) -> [[f32; 2]; 2] {
        let axis = |angle: f32, length: f32| [angle.cos() * length, angle.sin() * length];
        [
            axis(self.angle, self.lengths[0]),
            axis(self.angle + self.to_y, self.lengths[1]),
        ]
    }
}

/// The same angle between half a turn back and half a turn on.
fn wrapped(angle: f32) -> f32 {
    use std::f32::consts::{PI, TAU};
    (angle + PI).rem_euclid(TAU) - PI
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers<const N: usize>() -> impl Strategy<Value = [f32; N]> {
        prop::collection::vec(-100.0_f32..100.0, N)
            .prop_map(|numbers| std::array::from_fn(|place| numbers[place]))
    }

    fn rotation() -> impl Strategy<Value = Quat> {
        numbers::<3>().prop_map(|axis| Quat::from_scaled_axis(Vec3::from_array(axis)))
    }

    fn pair() -> impl Strategy<Value = (Value, Value)> {
        prop_oneof![
            (any::<f32>(), any::<f32>())
                .prop_filter("finite", |(a, b)| a.is_finite() && b.is_finite())
                .prop_map(|(a, b)| (Value::Float(a.into()), Value::Float(b.into()))),
            (numbers(), numbers()).prop_map(|(a, b)| (Value::Vector2(a), Value::Vector2(b))),
            (numbers(), numbers()).prop_map(|(a, b)| (Value::Vector3(a), Value::Vector3(b))),
            (numbers(), numbers()).prop_map(|(a, b)| (Value::Vector4(a), Value::Vector4(b))),
            (numbers(), numbers()).prop_map(|(a, b)| (Value::Color(a), Value::Color(b))),
            (rotation(), rotation()).prop_map(|(a, b)| {
                (
                    Value::Quaternion(a.to_array()),
                    Value::Quaternion(b.to_array()),
                )
            }),
            (numbers(), numbers()).prop_map(|(a, b)| (Value::Basis(a), Value::Basis(b))),
            (numbers(), numbers())
                .prop_map(|(a, b)| (Value::Transform2D(a), Value::Transform2D(b))),
            (numbers(), numbers())
                .prop_map(|(a, b)| (Value::Transform3D(a), Value::Transform3D(b))),
        ]
    }

    proptest! {
        #[test]
        fn both_ends_are_exact_and_beyond_them_nothing_moves((a, b) in pair(), t in 0.0_f32..1.0) {
            prop_assert_eq!(interpolate(&a, &b, -t), Some(a.clone()));
            prop_assert_eq!(interpolate(&a, &b, 1.0 + t), Some(b.clone()));
            prop_assert!(interpolate(&a, &b, t).is_some());
        }

        #[test]
        fn unit_quaternions_stay_units_and_turn_the_short_way(a in rotation(), b in rotation(), t in 0.0_f32..1.0) {
            let [from, to] = [a, b].map(|quat| Value::Quaternion(quat.to_array()));
            let Some(Value::Quaternion(mixed)) = interpolate(&from, &to, t) else { panic!() };
            let mixed = Quat::from_array(mixed);
            prop_assert!(mixed.is_normalized());
            let way = a.angle_between(mixed) + mixed.angle_between(b);
            prop_assert!((way - a.angle_between(b)).abs() < 5e-3, "{way}");
        }

        #[test]
        fn a_transform_keeps_its_rotation_and_scale_apart(
            a in rotation(), b in rotation(), sizes in [0.1_f32..10.0, 0.1..10.0], mirrored: bool, t in 0.0_f32..1.0,
        ) {
            let sign = if mirrored { -1.0 } else { 1.0 };
            let basis = |rotation, size: f32| RotationScale { rotation, scale: sign * Vec3::new(size, 2.0 * size, size) };
            let [from, to] = [basis(a, sizes[0]), basis(b, sizes[1])].map(|parts| Value::Basis(parts.basis()));
            let Some(Value::Basis(mixed)) = interpolate(&from, &to, t) else { panic!() };
            let size = sizes[0] + (sizes[1] - sizes[0]) * t;
            let columns = Mat3::from_cols_array(&mixed);
            prop_assert!((columns.x_axis.length() - size).abs() < 1e-2 * size);
            prop_assert!((columns.y_axis.length() - 2.0 * size).abs() < 1e-2 * size);
            prop_assert!(columns.determinant() * sign > 0.0);
        }
    }

    #[test]
    fn a_quarter_turn_in_the_plane_is_an_eighth_halfway() {
        let from = Value::Transform2D([2.0, 0.0, 0.0, 2.0, 0.0, 0.0]);
        let to = Value::Transform2D([0.0, 4.0, -4.0, 0.0, 10.0, 0.0]);
        let Some(Value::Transform2D(mixed)) = interpolate(&from, &to, 0.5) else {
            panic!()
        };
        let eighth = 3.0 * std::f32::consts::FRAC_1_SQRT_2;
        for (found, wanted) in mixed
            .into_iter()
            .zip([eighth, eighth, -eighth, eighth, 5.0, 0.0])
        {
            assert!((found - wanted).abs() < 1e-5, "{mixed:?}");
        }
    }

    #[test]
    fn kinds_without_a_between_and_two_different_kinds_have_none() {
        let pairs = [
            (Value::Int(1), Value::Int(3)),
            (Value::Bool(false), Value::Bool(true)),
            (Value::Float(1.0), Value::Int(3)),
            (
                Value::Quaternion([0.0; 4]),
                Value::Quaternion([0.0, 0.0, 0.0, 1.0]),
            ),
        ];
        for (a, b) in pairs {
            assert_eq!(interpolate(&a, &b, 0.5), None, "{a:?} to {b:?}");
        }
    }

    #[test]
    fn a_basis_without_a_rotation_is_mixed_number_by_number() {
        let flat = Value::Basis([0.0; 9]);
        let sheared = Value::Basis([1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
        let halfway = Value::Basis([0.5, 0.0, 0.0, 0.5, 0.5, 0.0, 0.0, 0.0, 0.5]);
        assert_eq!(interpolate(&flat, &sheared, 0.5), Some(halfway));
    }
}
