//! Says so in the log when there is no leader for long, and what to do.

use synced_node::ClusterStats;

/// After how many looks without a leader it is said first, and how many lie between one time and the next.
const LOOKS_FIRST: u32 = 15;
const LOOKS_BETWEEN: u32 = 60;

/// How often no leader was known in a row.
#[derive(Debug, Default)]
pub(crate) struct Leaderless {
    looks: u32,
}

impl Leaderless {
    /// Looks at how a server stands, once a second, and gives what there is to say. Of one whose clock is wrong that is said elsewhere:
    /// it hears nobody, whoever leads.
    pub(crate) fn look(&mut self, standing: &ClusterStats) -> Option<&'static str> {
        if standing.leader.is_some() || standing.clock_trouble.is_some() {
            self.looks = 0;
            return None;
        }
        self.looks += 1;
        let since = self.looks.checked_sub(LOOKS_FIRST)?;
        since
            .is_multiple_of(LOOKS_BETWEEN)
            .then(|| advice(standing))
    }
}

fn advice(standing: &ClusterStats) -> &'static str {
    if standing.voters.is_empty() {
        "this server came back without its memory and finds no leader to get everything from: more than half of the servers must be up \
         that have theirs. If more than half lost it at once, stop all servers and run `synced cluster recover`"
    } else {
        "nobody leads: more than half of the voters must be up and reach one another. If more than half came back without their memory, \
         stop all servers and run `synced cluster recover`"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(leaderless: &mut Leaderless, standing: &ClusterStats, looks: u32) -> Vec<&'static str> {
        (0..looks)
            .filter_map(|_| leaderless.look(standing))
            .collect()
    }

    #[test]
    fn that_nobody_leads_is_said_after_a_while_and_again_and_not_while_somebody_does() {
        let (mut leaderless, nobody) = (Leaderless::default(), ClusterStats::default());
        let somebody = ClusterStats {
            leader: Some(1),
            ..ClusterStats::default()
        };
        assert!(said(&mut leaderless, &nobody, LOOKS_FIRST - 1).is_empty());
        assert!(said(&mut leaderless, &somebody, 1_000).is_empty());
        let twice = said(&mut leaderless, &nobody, LOOKS_FIRST + LOOKS_BETWEEN);
        assert_eq!(twice.len(), 2);
        assert!(twice[0].contains("synced cluster recover"));
    }

    #[test]
    fn whoever_hears_nobody_since_its_clock_is_wrong_is_not_told_to_recover_the_cluster() {
        let wrong = ClusterStats {
            clock_trouble: Some("its clock is slow".to_owned()),
            ..ClusterStats::default()
        };
        assert!(said(&mut Leaderless::default(), &wrong, 1_000).is_empty());
    }

    #[test]
    fn a_server_without_its_memory_is_told_otherwise_than_a_voter() {
        let voter = ClusterStats {
            voters: vec![1, 2, 3],
            ..ClusterStats::default()
        };
        let texts = [voter, ClusterStats::default()]
            .map(|standing| said(&mut Leaderless::default(), &standing, LOOKS_FIRST));
        assert_ne!(texts[0], texts[1]);
    }
}
