//! What a leader could not even decode is found out before it is sent: the connection would be closed for it.

use synced_protocol::{
    limits::{MAX_VALUE_BYTES, MAX_VALUE_DEPTH},
    mutation::{Limit, Mutation, Rejection, Transaction},
    value::Value,
};

/// Checks every value of a transaction.
pub(crate) fn check(transaction: &Transaction) -> Result<(), Rejection> {
    transaction.steps.iter().try_for_each(|step| match step {
        Mutation::Spawn(spawn) => spawn
            .properties
            .iter()
            .try_for_each(|property| check_value(&property.value)),
        Mutation::SetProperties { properties, .. } => properties
            .iter()
            .try_for_each(|(_, value)| check_value(value)),
        Mutation::Call { arguments, .. } => arguments.iter().try_for_each(check_value),
        Mutation::Despawn { .. }
        | Mutation::Reparent { .. }
        | Mutation::TransferOwnership { .. } => Ok(()),
    })
}

/// Checks one value.
pub(crate) fn check_value(value: &Value) -> Result<(), Rejection> {
    if value.depth() > MAX_VALUE_DEPTH {
        return Err(Rejection::TooLarge(Limit::ValueDepth));
    }
    // Most values are told apart without encoding them, and a huge one is never encoded at all.
    let bound = bytes_bound(value);
    let fits = bound <= MAX_VALUE_BYTES
        || (bound <= BOUND_FACTOR * MAX_VALUE_BYTES && value.encoded_len() <= MAX_VALUE_BYTES);
    if fits {
        Ok(())
    } else {
        Err(Rejection::TooLarge(Limit::ValueBytes))
    }
}

/// How much more than the encoding's bytes [`bytes_bound`] may be: a `bool` has 2.
const BOUND_FACTOR: usize = 10;

/// At least the bytes of the encoding.
fn bytes_bound(value: &Value) -> usize {
    const HEAD: usize = 4;
    let texts = |texts: &[String]| texts.iter().map(|text| text.len() + 3).sum::<usize>();
    HEAD + match value {
        Value::String(text) | Value::StringName(text) | Value::NodePath(text) => text.len(),
        Value::PackedByteArray(items) => items.len(),
        Value::PackedInt32Array(items) => items.len() * 4,
        Value::PackedInt64Array(items) => items.len() * 8,
        Value::PackedFloat32Array(items) => items.len() * 4,
        Value::PackedFloat64Array(items) => items.len() * 8,
        Value::PackedStringArray(items) => texts(items),
        Value::PackedVector2Array(items) => items.len() * 8,
        Value::PackedVector3Array(items) => items.len() * 12,
        Value::PackedVector4Array(items) | Value::PackedColorArray(items) => items.len() * 16,
        Value::Array(items) => items.iter().map(bytes_bound).sum(),
        Value::Dictionary(pairs) => pairs
            .iter()
            .map(|(key, value)| bytes_bound(key) + bytes_bound(value))
            .sum(),
        Value::Basis(_) | Value::Transform2D(_) | Value::Transform3D(_) => 48,
        Value::Nil => 0,
        _ => 16,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_bytes(count: usize) -> Value {
        const KIND_AND_COUNT: usize = 1 + 2;
        Value::PackedByteArray(vec![0; count - KIND_AND_COUNT])
    }

    #[test]
    fn a_value_at_the_limit_passes_and_one_byte_more_does_not() {
        assert_eq!(of_bytes(MAX_VALUE_BYTES).encoded_len(), MAX_VALUE_BYTES);
        assert_eq!(check_value(&of_bytes(MAX_VALUE_BYTES)), Ok(()));
        let refused = Err(Rejection::TooLarge(Limit::ValueBytes));
        assert_eq!(check_value(&of_bytes(MAX_VALUE_BYTES + 1)), refused);
    }

    #[test]
    fn a_value_that_no_count_can_tell_is_refused_without_being_encoded() {
        let refused = Err(Rejection::TooLarge(Limit::ValueBytes));
        assert_eq!(
            check_value(&Value::PackedByteArray(vec![0; 1 << 22])),
            refused
        );
    }

    #[test]
    fn many_small_items_pass_when_their_encoding_fits() {
        let items = Value::Array(vec![Value::Bool(true); MAX_VALUE_BYTES / 2 - 8]);
        assert!(items.encoded_len() <= MAX_VALUE_BYTES);
        assert_eq!(check_value(&items), Ok(()));
    }
}
