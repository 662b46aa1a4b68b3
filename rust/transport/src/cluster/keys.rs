//! Where key pairs come from.

use rcgen::{Error, KeyPair, PKCS_ED25519};
use ring::digest;

/// What an Ed25519 key begins with in PKCS #8 (RFC 8410 section 7).
const ED25519_HEAD: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// A source of key pairs.
#[derive(Debug)]
pub(crate) enum Keys {
    /// The system's randomness.
    Random,
    /// A number. The keys are such as make signatures of one size, so that handshakes are alike to the byte count.
    Seeded(u64),
}

impl Keys {
    /// A key pair for whoever has that name.
    pub(crate) fn pair(&self, name: &str) -> Result<KeyPair, Error> {
        match self {
            Self::Random => KeyPair::generate(),
            Self::Seeded(seed) => {
                let mut context = digest::Context::new(&digest::SHA256);
                context.update(&seed.to_le_bytes());
                context.update(name.as_bytes());
                let document = [&ED25519_HEAD, context.finish().as_ref()].concat();
                KeyPair::from_pkcs8_der_and_sign_algo(&document.as_slice().into(), &PKCS_ED25519)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_and_a_name_give_one_key_and_others_give_others() {
        let key = |seed, name| {
            let pair = Keys::Seeded(seed).pair(name).unwrap();
            pair.serialize_der()
        };
        assert_eq!(key(1, "a"), key(1, "a"));
        assert_ne!(key(1, "a"), key(2, "a"));
        assert_ne!(key(1, "a"), key(1, "b"));
    }
}
