//! Resume tokens.

use std::fmt;

use chacha20::{
    ChaCha20Rng,
    rand_core::{Rng as _, SeedableRng as _},
};
use synced_protocol::message::ResumeToken;

/// Mints tokens that nobody can guess who does not know the seed. The same seed mints the same tokens.
pub(crate) struct Mint(ChaCha20Rng);

impl Mint {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self(ChaCha20Rng::from_seed(seed))
    }

    pub(crate) fn token(&mut self) -> ResumeToken {
        let mut bytes = [0; 16];
        self.0.fill_bytes(&mut bytes);
        ResumeToken(bytes)
    }
}

impl fmt::Debug for Mint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mint(secret)")
    }
}
