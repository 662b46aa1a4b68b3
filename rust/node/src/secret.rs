//! Resume tokens.

use std::fmt;

use chacha20::{
    ChaCha20Rng,
    rand_core::{Rng as _, SeedableRng as _},
};
use synced_protocol::{id::PlayerId, message::ResumeToken};

/// Knows each player's token, which nobody can guess who does not know the secret. All who know it know the same tokens:
/// 16 bytes of ChaCha20's keystream, with the player's id for a nonce.
pub(crate) struct Mint {
    secret: [u8; 32],
}

impl Mint {
    pub(crate) const fn new(secret: [u8; 32]) -> Self {
        Self { secret }
    }

    pub(crate) fn token(&self, player: PlayerId) -> ResumeToken {
        let mut keystream = ChaCha20Rng::from_seed(self.secret);
        keystream.set_stream(player.0.into());
        let mut bytes = [0; 16];
        keystream.fill_bytes(&mut bytes);
        ResumeToken(bytes)
    }
}

impl fmt::Debug for Mint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mint(secret)")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_player_has_one_token_wherever_the_secret_is_known_and_another_one_elsewhere() {
        let tokens =
            |secret| (1..=100).map(move |player| Mint::new(secret).token(PlayerId(player)));
        let distinct: BTreeSet<_> = tokens([1; 32]).chain(tokens([2; 32])).collect();
        assert_eq!(distinct.len(), 200);
        assert!(tokens([1; 32]).eq(tokens([1; 32])));
    }
}
