//! Many things shared out over parts.

use std::ops::Range;

/// Which of so many things each part has, as evenly as can be. Where there are more parts than things, those that would have
/// none are left out.
pub fn shares(things: usize, parts: usize) -> impl Iterator<Item = Range<usize>> {
    let parts = parts.min(things);
    (0..parts).map(move |part| things * part / parts..things * (part + 1) / parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_thing_is_in_one_part_and_every_part_has_some() {
        for (things, parts) in [
            (100, 4),
            (100, 8),
            (1_000, 7),
            (7, 3),
            (2, 4),
            (3, 4),
            (1, 1),
        ] {
            let shares: Vec<_> = shares(things, parts).collect();
            assert!(shares.iter().all(|share| !share.is_empty()));
            assert!(shares.into_iter().flatten().eq(0..things));
        }
    }

    #[test]
    fn no_part_has_two_more_than_another() {
        let sizes: Vec<_> = shares(98, 4).map(|share| share.len()).collect();
        assert_eq!(sizes, [24, 25, 24, 25]);
    }
}
