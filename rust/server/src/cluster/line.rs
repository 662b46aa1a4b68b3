//! How a cluster stands, in one line.

use synced_protocol::id::ServerId;

use super::answer::Answer;

/// What is known of one server.
#[derive(Debug)]
pub(crate) struct Glance {
    pub(crate) server: ServerId,
    /// What it said last, if it runs and said anything.
    pub(crate) answer: Option<Answer>,
}

/// Who leads: of those who say that they do, the one of the latest term.
pub(crate) fn leader(glances: &[Glance]) -> Option<ServerId> {
    leading(glances).map(|(server, _)| server)
}

/// The line.
pub(crate) fn line(glances: &[Glance]) -> String {
    let up = glances
        .iter()
        .filter(|glance| glance.answer.is_some())
        .count();
    let all = glances.len();
    let Some((server, answer)) = leading(glances) else {
        return format!("nobody leads; {up} of {all} servers answer");
    };
    let (term, players) = (answer.term(), answer.node.players);
    let committed = answer.cluster().map_or(0, |cluster| cluster.committed);
    format!(
        "{server} leads in term {term}; {up} of {all} servers up; {players} players; {committed} committed"
    )
}

/// Whether a line says something new, other than that what was committed has grown.
pub(crate) fn differs(line: &str, before: &str) -> bool {
    fn without_commits(line: &str) -> &str {
        line.rsplit_once(';').map_or(line, |(rest, _)| rest)
    }
    without_commits(line) != without_commits(before)
}

/// As [`leader`], with its answer.
pub(crate) fn leading(glances: &[Glance]) -> Option<(ServerId, &Answer)> {
    let answers = glances
        .iter()
        .filter_map(|glance| Some((glance.server, glance.answer.as_ref()?)));
    answers
        .filter(|(_, answer)| answer.leads())
        .max_by_key(|(_, answer)| answer.term())
}

#[cfg(test)]
mod tests {
    use super::*;
    use synced_node::{ClusterStats, NodeStats};

    fn glance(server: u16, role: &str, term: u64) -> Glance {
        let cluster = ClusterStats {
            role: role.to_owned(),
            term,
            committed: 7,
            ..ClusterStats::default()
        };
        let node = NodeStats {
            cluster: Some(cluster),
            players: 3,
            ..NodeStats::default()
        };
        let answer = Some(Answer {
            node,
            ..Answer::default()
        });
        Glance {
            server: ServerId(server),
            answer,
        }
    }

    #[test]
    fn of_two_who_think_that_they_lead_the_one_of_the_later_term_does() {
        let glances = [
            glance(1, "leader", 4),
            glance(2, "follower", 5),
            glance(3, "leader", 5),
        ];
        assert_eq!(leader(&glances), Some(ServerId(3)));
        assert_eq!(
            line(&glances),
            "server 3 leads in term 5; 3 of 3 servers up; 3 players; 7 committed"
        );
    }

    #[test]
    fn where_nobody_leads_the_line_says_how_many_answer() {
        let silent = Glance {
            server: ServerId(2),
            answer: None,
        };
        let line = line(&[glance(1, "candidate", 4), silent]);
        assert_eq!(line, "nobody leads; 1 of 2 servers answer");
    }

    #[test]
    fn that_more_was_committed_is_nothing_new() {
        assert!(!differs("a; b; 7 committed", "a; b; 8 committed"));
        assert!(differs("a; b; 7 committed", "a; c; 7 committed"));
    }
}
