//! Reading the texts and lists of control messages without trusting the lengths that they claim.
//!
//! Every `String` and `Vec` field of a message is read through here: left to themselves, serde and bincode set aside
//! up to a mebibyte for a list, and whatever a text claims, before they have seen its content.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};

/// What is set aside for a list before its items are there: enough for most.
const EAGER_ITEMS: usize = 4;

/// A text, copied once it is known to be there.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    <&str>::deserialize(deserializer).map(str::to_owned)
}

/// Bytes, copied once they are known to be there.
pub(crate) mod bytes {
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
        <&serde_bytes::Bytes>::deserialize(d).map(|bytes| bytes.to_vec())
    }
}

/// A list, grown as its items arrive.
pub(crate) fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_seq(List(PhantomData))
}

struct List<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Vec<T>, A::Error> {
        let claimed = access.size_hint().unwrap_or(0);
        let mut items = Vec::with_capacity(claimed.min(EAGER_ITEMS));
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(items)
    }
}
