//! When to try again.

use synced_protocol::{id::mix, time::Micros};

use crate::config::RetryPolicy;

/// How long a session must have been up for the tries after the next loss to be counted anew.
pub(crate) const STABLE_AFTER: Micros = Micros::from_secs(5);

/// Exponential backoff with jitter: each wait is between half of its longest and the longest, so that many players who
/// lost one server do not come back all at once.
#[derive(Debug)]
pub(crate) struct Backoff {
    policy: RetryPolicy,
    random: u64,
    attempt: u32,
    lost_at: Option<Micros>,
    up_since: Option<Micros>,
}

/// The next try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Try {
    /// Counts from 1.
    pub(crate) attempt: u32,
    /// When, in local time.
    pub(crate) at: Micros,
}

impl Backoff {
    pub(crate) const fn new(policy: RetryPolicy, seed: u64) -> Self {
        Self {
            policy,
            random: seed,
            attempt: 0,
            lost_at: None,
            up_since: None,
        }
    }

    /// The session is up.
    pub(crate) const fn up(&mut self, now: Micros) {
        self.up_since = Some(now);
    }

    /// The connection was lost or a try failed. `None` when there is to be no further one.
    pub(crate) fn lost(&mut self, now: Micros) -> Option<Try> {
        if let Some(since) = self.up_since.take() {
            self.lost_at = None;
            if now.since(since) >= STABLE_AFTER {
                self.attempt = 0;
            }
        }
        let lost_at = *self.lost_at.get_or_insert(now);
        let at = now + self.wait();
        let policy = self.policy;
        let too_late = policy
            .give_up_after
            .is_some_and(|span| at.since(lost_at) > span);
        let too_often = policy.attempts_max.is_some_and(|most| self.attempt >= most);
        if too_late || too_often {
            return None;
        }
        self.attempt = self.attempt.saturating_add(1);
        Some(Try {
            attempt: self.attempt,
            at,
        })
    }

    fn wait(&mut self) -> Micros {
        let doubled = self
            .policy
            .initial
            .0
            .saturating_mul(1 << self.attempt.min(32));
        let longest = doubled.min(self.policy.max.0);
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        Micros(longest / 2 + mix(self.random) % (longest / 2 + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Micros = Micros::from_secs(1);

    fn policy() -> RetryPolicy {
        RetryPolicy {
            give_up_after: None,
            ..RetryPolicy::default()
        }
    }

    #[test]
    fn waits_double_up_to_the_longest_and_are_at_least_half_of_it() {
        let mut backoff = Backoff::new(policy(), 7);
        for longest_ms in [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000] {
            let wait = backoff.lost(START).unwrap().at - START;
            let longest = Micros::from_millis(longest_ms);
            assert!(
                wait <= longest && wait.0 >= longest.0 / 2,
                "{wait:?} of {longest:?}"
            );
        }
    }

    #[test]
    fn two_players_wait_differently_and_one_seed_waits_alike() {
        let wait = |seed| Backoff::new(policy(), seed).lost(START);
        assert_ne!(wait(1), wait(2));
        assert_eq!(wait(1), wait(1));
    }

    #[test]
    fn tries_end_at_their_number() {
        let limited = RetryPolicy {
            attempts_max: Some(2),
            ..policy()
        };
        let mut backoff = Backoff::new(limited, 1);
        let attempts: Vec<_> = (0..3)
            .map(|_| backoff.lost(START).map(|next| next.attempt))
            .collect();
        assert_eq!(attempts, [Some(1), Some(2), None]);
    }

    #[test]
    fn tries_end_at_their_time_counted_from_the_loss() {
        let limited = RetryPolicy {
            give_up_after: Some(Micros::from_secs(10)),
            ..policy()
        };
        let mut backoff = Backoff::new(limited, 1);
        assert!(backoff.lost(START).is_some());
        assert!(backoff.lost(START + Micros::from_secs(9)).is_some());
        assert_eq!(backoff.lost(START + Micros::from_secs(10)), None);
    }

    #[test]
    fn after_a_session_however_short_the_time_for_tries_begins_anew() {
        let limited = RetryPolicy {
            give_up_after: Some(Micros::from_secs(10)),
            ..policy()
        };
        let mut backoff = Backoff::new(limited, 1);
        for minute in 1..=60 {
            let at = Micros::from_secs(60 * minute);
            assert!(backoff.lost(at).is_some(), "minute {minute}");
            backoff.up(at + Micros::from_secs(59));
        }
    }

    #[test]
    fn a_session_that_falls_at_once_goes_on_counting_and_one_that_was_stable_does_not() {
        let mut backoff = Backoff::new(policy(), 1);
        let mut lost_after_up = |up: Micros, lost: Micros| {
            backoff.up(up);
            backoff.lost(lost).unwrap().attempt
        };
        assert_eq!(lost_after_up(START, START), 1);
        assert_eq!(lost_after_up(START, START + Micros(1)), 2);
        assert_eq!(lost_after_up(START, START + STABLE_AFTER), 1);
    }
}
