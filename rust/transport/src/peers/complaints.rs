//! Why a server cannot be reached, as often as the log is to hear of it.

use synced_protocol::peer::PeerAddress;
use tokio::time::Instant;

use super::refusals::Quiet;

/// How many reasons are told apart; further ones count as the last of these.
const REASONS_MAX: usize = 8;

/// The reasons that there were for one server. Each is said once a minute, so that none hides another.
#[derive(Debug, Default)]
pub(super) struct Complaints(Vec<(String, Quiet)>);

impl Complaints {
    pub(super) fn say(&mut self, PeerAddress { server, address }: &PeerAddress, why: &str) {
        match self.may_say(why, Instant::now()) {
            Some(unsaid) => tracing::warn!(unsaid, "no connection to {server} at {address}: {why}"),
            None => tracing::debug!("no connection to {server} at {address}: {why}"),
        }
    }

    fn may_say(&mut self, why: &str, now: Instant) -> Option<u64> {
        let known = self.0.iter().position(|(reason, _)| reason == why);
        if known.is_none() && self.0.len() < REASONS_MAX {
            self.0.push((why.to_owned(), Quiet::default()));
        }
        let place = known.unwrap_or(self.0.len() - 1);
        self.0[place].1.may_speak(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::REFUSAL_LOG_INTERVAL;

    #[test]
    fn each_reason_is_said_once_a_minute_and_hides_no_other() {
        let (mut complaints, now) = (Complaints::default(), Instant::now());
        let mut say = |why, at| complaints.may_say(why, at);
        assert_eq!(say("no answer", now), Some(0));
        assert_eq!(say("no answer", now), None);
        assert_eq!(say("a stranger", now), Some(0));
        assert_eq!(say("no answer", now + REFUSAL_LOG_INTERVAL), Some(1));
    }

    #[test]
    fn with_ever_new_reasons_the_log_does_not_grow() {
        let (mut complaints, now) = (Complaints::default(), Instant::now());
        let said = (0..100).filter(|number| complaints.may_say(&number.to_string(), now).is_some());
        assert_eq!(said.count(), REASONS_MAX);
        assert_eq!(complaints.0.len(), REASONS_MAX);
    }
}
