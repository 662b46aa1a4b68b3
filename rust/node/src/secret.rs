//! Resume tokens, and what is told of join keys.

use std::fmt;

use chacha20::{
    ChaCha20Rng,
    rand_core::{Rng as _, SeedableRng as _},
};
use synced_protocol::{
    id::PlayerId,
    message::{JoinKey, JoinMark, ResumeToken},
};

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
        ResumeToken(keystream(self.secret, player.0.into()))
    }
}

/// What the log may say of a key: 16 bytes of the keystream that it is the key of, given twice to be long enough.
pub(crate) fn mark(JoinKey(key): JoinKey) -> JoinMark {
    let mut secret = [0; 32];
    secret[..16].copy_from_slice(&key);
    secret[16..].copy_from_slice(&key);
    JoinMark(keystream(secret, 0))
}

fn keystream(secret: [u8; 32], nonce: u64) -> [u8; 16] {
    let mut keystream = ChaCha20Rng::from_seed(secret);
    keystream.set_stream(nonce);
    let mut bytes = [0; 16];
    keystream.fill_bytes(&mut bytes);
    bytes
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

    #[test]
    fn a_mark_tells_keys_apart_and_not_what_they_are() {
        let keys = (0..=255).map(|byte| JoinKey([byte; 16]));
        let marks: BTreeSet<_> = keys.clone().map(mark).collect();
        assert_eq!(marks.len(), 256);
        assert!(keys.clone().all(|key| mark(key) == mark(key)));
        assert!(keys.clone().all(|key| !marks.contains(&JoinMark(key.0))));
    }
}
