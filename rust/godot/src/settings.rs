//! What a session is told about its streams when it begins.

use std::ops::RangeInclusive;

use synced_client::{
    config::{LiveConfig, PlayoutConfig},
    limits::{BATCH_INTERVAL_MAX, BATCH_INTERVAL_MIN, REDUNDANCY_MAX, STANDBY_CONNECTIONS_MAX},
};
use synced_protocol::{input::Precision, time::Micros};

use crate::classes::{SyncedNode, SyncedSession};

/// The most that `playout_delay_min_msec` and `playout_delay_max_msec` may be. So long ago is in every buffer.
const PLAYOUT_DELAY_MAX: Micros = Micros::from_millis(500);
/// Until the way from a player is measured, this player is shown so late.
const PLAYOUT_DELAY_INITIAL: Micros = Micros::from_millis(50);

/// The properties of `SyncedSession` that a session takes over when it begins, as the game has set them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Given {
    pub playout_delay_min_msec: f64,
    pub playout_delay_max_msec: f64,
    pub batch_interval_msec: f64,
    pub tracker_redundancy: i64,
    pub live_precision: i64,
}

/// The same, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Streams {
    pub live: LiveConfig,
    pub playout: PlayoutConfig,
}

impl Given {
    /// # Errors
    /// Which property is wrong, and what it may be.
    pub(crate) fn check(&self) -> Result<Streams, String> {
        Ok(Streams {
            live: self.live()?,
            playout: self.playout()?,
        })
    }

    fn live(&self) -> Result<LiveConfig, String> {
        let interval = msec(
            "batch_interval_msec",
            self.batch_interval_msec,
            BATCH_INTERVAL_MIN..=BATCH_INTERVAL_MAX,
        )?;
        let redundancy = u8::try_from(self.tracker_redundancy)
            .ok()
            .filter(|redundancy| *redundancy <= REDUNDANCY_MAX)
            .ok_or_else(|| {
                let given = self.tracker_redundancy;
                format!("tracker_redundancy is {given}: choose 0 to {REDUNDANCY_MAX}")
            })?;
        let default = LiveConfig::default();
        Ok(LiveConfig {
            local_delta_max_age: interval,
            redundancy_min: redundancy,
            redundancy_max: default.redundancy_max.max(redundancy),
            precision: self.live_precision()?,
            ..default
        })
    }

    /// `None` for values just as they are.
    fn live_precision(&self) -> Result<Option<Precision>, String> {
        match self.live_precision {
            SyncedSession::PRECISION_UNROUNDED => Ok(None),
            SyncedNode::PRECISION_EXACT => Ok(Some(Precision::Exact)),
            SyncedNode::PRECISION_FINE => Ok(Some(Precision::Fine)),
            SyncedNode::PRECISION_COARSE => Ok(Some(Precision::Coarse)),
            given => Err(format!(
                "live_precision is {given}: choose PRECISION_UNROUNDED, or PRECISION_EXACT, PRECISION_FINE or PRECISION_COARSE of SyncedNode"
            )),
        }
    }

    fn playout(&self) -> Result<PlayoutConfig, String> {
        let (least, most) = (self.playout_delay_min_msec, self.playout_delay_max_msec);
        let allowed = Micros::ZERO..=PLAYOUT_DELAY_MAX;
        let delay_min = msec("playout_delay_min_msec", least, allowed.clone())?;
        let delay_max = msec("playout_delay_max_msec", most, allowed)?;
        if delay_min > delay_max {
            return Err(format!(
                "playout_delay_min_msec ({least}) is more than playout_delay_max_msec ({most}): lower the one or raise the other"
            ));
        }
        Ok(PlayoutConfig {
            delay_min,
            delay_max,
        })
    }
}

impl Streams {
    /// How late a player is shown of whom nothing is measured yet.
    pub(crate) fn initial_delay(&self) -> Micros {
        PLAYOUT_DELAY_INITIAL.clamp(self.playout.delay_min, self.playout.delay_max)
    }
}

/// The property of that name, as the game has set it.
///
/// # Errors
/// What it may be.
pub(crate) fn standby_connections(given: i64) -> Result<usize, String> {
    let wanted = usize::try_from(given).ok();
    wanted
        .filter(|wanted| *wanted <= STANDBY_CONNECTIONS_MAX)
        .ok_or_else(|| {
            format!("standby_connections is {given}: choose 0 to {STANDBY_CONNECTIONS_MAX}")
        })
}

fn msec(name: &str, given: f64, allowed: RangeInclusive<Micros>) -> Result<Micros, String> {
    let [least, most] = [allowed.start(), allowed.end()].map(|time| time.as_secs_f64() * 1e3);
    if (least..=most).contains(&given) {
        Ok(Micros((given * 1e3) as u64))
    } else {
        Err(format!(
            "{name} is {given}: choose {least} to {most} milliseconds"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: Given = Given {
        playout_delay_min_msec: 10.0,
        playout_delay_max_msec: 200.0,
        batch_interval_msec: 4.0,
        tracker_redundancy: 2,
        live_precision: 1,
    };

    #[test]
    fn what_a_session_begins_with_unasked_is_what_the_client_would_choose() {
        let streams = GIVEN.check().unwrap();
        assert_eq!(streams.live, LiveConfig::default());
        assert_eq!(streams.playout, PlayoutConfig::default());
        assert_eq!(streams.initial_delay(), PLAYOUT_DELAY_INITIAL);
    }

    #[test]
    fn every_bound_is_allowed() {
        for (interval, redundancy, least, most) in [(1.0, 0, 0.0, 0.0), (50.0, 8, 500.0, 500.0)] {
            let given = Given {
                playout_delay_min_msec: least,
                playout_delay_max_msec: most,
                batch_interval_msec: interval,
                tracker_redundancy: redundancy,
                live_precision: 1,
            };
            let streams = given.check().unwrap();
            assert_eq!(streams.live, streams.live.within_limits());
            assert_eq!(streams.initial_delay(), Micros((least * 1e3) as u64));
        }
    }

    #[test]
    fn every_precision_can_be_chosen_and_none_at_all() {
        let precision = |live_precision| {
            let given = Given {
                live_precision,
                ..GIVEN
            };
            given.check().unwrap().live.precision
        };
        let chosen = [-1, 0, 1, 2].map(precision);
        let [exact, fine, coarse] = [Precision::Exact, Precision::Fine, Precision::Coarse];
        assert_eq!(chosen, [None, Some(exact), Some(fine), Some(coarse)]);
    }

    #[test]
    fn as_many_servers_are_watched_as_the_client_can_and_no_more() {
        assert_eq!(standby_connections(0), Ok(0));
        assert_eq!(standby_connections(4), Ok(STANDBY_CONNECTIONS_MAX));
        for given in [-1, 5, i64::MAX] {
            let fault = format!("standby_connections is {given}: choose 0 to 4");
            assert_eq!(standby_connections(given), Err(fault));
        }
    }

    #[test]
    fn what_is_out_of_bounds_is_told_by_name() {
        let fault = |change: fn(&mut Given)| {
            let mut given = GIVEN;
            change(&mut given);
            given.check().unwrap_err()
        };
        let told = [
            fault(|given| given.batch_interval_msec = 0.99),
            fault(|given| given.batch_interval_msec = 50.01),
            fault(|given| given.tracker_redundancy = -1),
            fault(|given| given.tracker_redundancy = 9),
            fault(|given| given.live_precision = 3),
            fault(|given| given.playout_delay_min_msec = -1.0),
            fault(|given| given.playout_delay_max_msec = 500.5),
            fault(|given| given.playout_delay_max_msec = f64::NAN),
            fault(|given| given.playout_delay_min_msec = 201.0),
        ];
        assert_eq!(
            told,
            [
                "batch_interval_msec is 0.99: choose 1 to 50 milliseconds",
                "batch_interval_msec is 50.01: choose 1 to 50 milliseconds",
                "tracker_redundancy is -1: choose 0 to 8",
                "tracker_redundancy is 9: choose 0 to 8",
                "live_precision is 3: choose PRECISION_UNROUNDED, or PRECISION_EXACT, PRECISION_FINE or PRECISION_COARSE of SyncedNode",
                "playout_delay_min_msec is -1: choose 0 to 500 milliseconds",
                "playout_delay_max_msec is 500.5: choose 0 to 500 milliseconds",
                "playout_delay_max_msec is NaN: choose 0 to 500 milliseconds",
                "playout_delay_min_msec (201) is more than playout_delay_max_msec (200): lower the one or raise the other",
            ]
        );
    }
}
