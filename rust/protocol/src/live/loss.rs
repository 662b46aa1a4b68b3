//! How much of what was sent did not arrive.

/// A share of datagrams that were lost, in ten-thousandths; what is above 10,000 counts as all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Loss(pub u16);

impl Loss {
    /// Nothing is lost.
    pub const NONE: Self = Self(0);
    /// Everything is lost.
    pub const ALL: Self = Self(10_000);

    /// `lost` of `sent`, none when nothing was sent.
    #[must_use]
    pub fn of(lost: u64, sent: u64) -> Self {
        let whole = u128::from(sent.max(1));
        let share = u128::from(lost.min(sent)) * u128::from(Self::ALL.0) / whole;
        Self(u16::try_from(share).unwrap_or(Self::ALL.0))
    }

    /// From 0 to 1.
    #[must_use]
    pub fn ratio(self) -> f32 {
        f32::from(self.0.min(Self::ALL.0)) / f32::from(Self::ALL.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_told_in_ten_thousandths() {
        assert_eq!(Loss::of(0, 0), Loss::NONE);
        assert_eq!(Loss::of(1, 20), Loss(500));
        assert_eq!(Loss::of(2, 3), Loss(6666));
        assert_eq!(Loss::of(5, 4), Loss::ALL);
        assert_eq!(Loss::of(u64::MAX, u64::MAX), Loss::ALL);
    }

    #[test]
    fn no_share_is_above_all() {
        assert_eq!(Loss(u16::MAX).ratio(), 1.0);
        assert_eq!(Loss(2500).ratio(), 0.25);
    }
}
