//! Which layouts a server understands.

/// The newest layout of messages between servers.
pub const PEER_VERSION: u8 = 1;
/// The oldest that is still understood: the one before, as soon as there is one.
pub const PEER_VERSION_MIN: u8 = 1;

const _: () = assert!(PEER_VERSION_MIN == PEER_VERSION || PEER_VERSION_MIN + 1 == PEER_VERSION);

/// The layouts that a server understands. Two servers talk in the newest that both do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PeerVersions {
    /// The oldest.
    pub min: u8,
    /// The newest.
    pub max: u8,
}

impl PeerVersions {
    /// Those of this program.
    pub const OURS: Self = Self {
        min: PEER_VERSION_MIN,
        max: PEER_VERSION,
    };

    /// Whether a version is among them.
    #[must_use]
    pub const fn contains(self, version: u8) -> bool {
        self.min <= version && version <= self.max
    }

    /// The newest that both sides understand.
    #[must_use]
    pub fn common(self, other: Self) -> Option<u8> {
        let newest = self.max.min(other.max);
        (newest >= self.min.max(other.min)).then_some(newest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_one_version_apart_talk_in_the_older_one_and_further_apart_not_at_all() {
        let versions = |min, max| PeerVersions { min, max };
        assert_eq!(versions(1, 2).common(versions(2, 3)), Some(2));
        assert_eq!(versions(1, 2).common(versions(1, 1)), Some(1));
        assert_eq!(versions(1, 2).common(versions(3, 4)), None);
        assert_eq!(versions(3, 4).common(versions(1, 2)), None);
    }
}
