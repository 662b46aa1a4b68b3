//! What the demo promises, and whether it held.

use std::{collections::BTreeMap, fmt, fs, path::Path};

use crate::{band::Ended, host::Failover, session::Played};

/// How many differences between two trees are shown.
const DIFFERENCES_SHOWN: usize = 5;

/// From whom to whom a cup passed.
type Change = (u32, u32);

/// One promise.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) holds: bool,
    text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "  {}  {}",
            if self.holds { "yes" } else { "NO " },
            self.text
        )
    }
}

/// Every promise. That all players ended well was seen before.
pub(crate) fn findings(played: &Played, picture: Option<&Path>) -> Vec<Finding> {
    let always = [
        trees(played),
        rest(played),
        winners(played),
        replicas(played),
    ];
    // A server counts those alone who joined while it led.
    let presence = played.failover.is_none().then(|| presence(played));
    let failover = played.failover.iter().flat_map(|failover| {
        [
            took_over(failover),
            kept_its_word(failover),
            same_worlds(failover),
        ]
    });
    let picture = picture.map(drawing);
    always
        .into_iter()
        .chain(presence)
        .chain(failover)
        .chain(picture)
        .collect()
}

fn took_over(failover: &Failover) -> Finding {
    let Failover {
        killed,
        leads_now,
        gap,
        ..
    } = failover;
    Finding {
        holds: killed != leads_now && gap.is_some(),
        text: match gap {
            Some(gap) => format!(
                "server {killed} led and was killed, server {leads_now} leads now: {:.1} ms from the last confirmation before to the \
                 first after",
                gap.0 as f64 / 1e3
            ),
            None => {
                format!("server {killed} led and was killed, and nothing was confirmed any more")
            }
        },
    }
}

fn kept_its_word(failover: &Failover) -> Finding {
    let checked = failover.story.check();
    Finding {
        holds: checked.is_ok(),
        text: match checked {
            Ok(()) => format!(
                "all of {} numbers that counted up meanwhile were confirmed, and seen by another player, once and in order",
                failover.story.seen.len()
            ),
            Err(failure) => format!("a player who counted up was disappointed: {failure}"),
        },
    }
}

fn same_worlds(failover: &Failover) -> Finding {
    let digests = &failover.servers.digests;
    let holds = digests.windows(2).all(|pair| pair[0].1 == pair[1].1);
    let told: Vec<_> = digests
        .iter()
        .map(|(server, digest)| format!("server {server} {digest}"))
        .collect();
    Finding {
        holds,
        text: format!(
            "the servers that were left had the same world at the end: {}",
            told.join(", ")
        ),
    }
}

fn drawing(picture: &Path) -> Finding {
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
    let holds = fs::read(picture).is_ok_and(|bytes| bytes.starts_with(PNG));
    Finding {
        holds,
        text: format!("the late joiner drew what it saw: {}", picture.display()),
    }
}

fn trees(played: &Played) -> Finding {
    let first = &played.late;
    let other = played
        .players
        .iter()
        .find(|player| player.report.digest != first.report.digest);
    match other {
        None => Finding {
            holds: true,
            text: format!(
                "all {} players see the same tree, the late joiner too: {} cups, {} strokes",
                played.all().count(),
                first.report.cups,
                first.report.strokes,
            ),
        },
        Some(other) => Finding {
            holds: false,
            text: differences(first, other),
        },
    }
}

fn differences(one: &Ended, other: &Ended) -> String {
    let (ours, theirs) = (&one.report.tree, &other.report.tree);
    let all: BTreeMap<_, _> = ours.iter().chain(theirs).collect();
    let differing = all.keys().filter(|id| ours.get(**id) != theirs.get(**id));
    let lines = differing.take(DIFFERENCES_SHOWN).map(|id| {
        let seen = |tree: &BTreeMap<String, String>| {
            tree.get(*id).map_or("not there".to_owned(), String::clone)
        };
        format!(
            "\n       {}: {}\n       {}: {}",
            one.name,
            seen(ours),
            other.name,
            seen(theirs)
        )
    });
    format!(
        "{} and {} see different trees:{}",
        one.name,
        other.name,
        lines.collect::<String>()
    )
}

fn rest(played: &Played) -> Finding {
    let restless: Vec<_> = played
        .all()
        .filter(|player| !player.report.is_at_rest)
        .collect();
    let told = restless
        .iter()
        .map(|player| format!("{}: {}", player.name, player.report.problem));
    let (confirmed, rejected) = played.all().fold((0, 0), |(confirmed, rejected), player| {
        let counters = &player.report.stats.client.counters;
        (confirmed + counters.confirmed, rejected + counters.rejected)
    });
    Finding {
        holds: restless.is_empty(),
        text: if restless.is_empty() {
            format!(
                "nothing is undecided: {confirmed} proposals were confirmed, {rejected} rejected with a reason"
            )
        } else {
            format!(
                "something is undecided: {}",
                told.collect::<Vec<_>>().join("; ")
            )
        },
    }
}

/// Each player saw the changes of each cup's owner since it joined, so what it saw ends what the longest witness saw.
fn winners(played: &Played) -> Finding {
    let mut witnesses: BTreeMap<&str, Vec<&[Change]>> = BTreeMap::new();
    for player in played.all() {
        for (cup, changes) in &player.report.ownership_changes {
            witnesses.entry(cup).or_default().push(changes);
        }
    }
    let disputed = witnesses
        .iter()
        .find(|(_, seen)| agreed_chain(seen).is_none());
    let changes: usize = witnesses
        .values()
        .filter_map(|seen| agreed_chain(seen))
        .map(<[Change]>::len)
        .sum();
    let lost: u64 = played
        .all()
        .map(|player| player.report.count("grabs_lost"))
        .sum();
    Finding {
        holds: disputed.is_none(),
        text: match disputed {
            None => format!(
                "each cup had one owner at a time, the same for everyone: {changes} changes, {lost} grabs lost to another"
            ),
            Some((cup, seen)) => {
                format!("players saw cup {cup} pass from hand to hand differently: {seen:?}")
            }
        },
    }
}

/// What all witnesses of a cup agree on: each change begins with the owner whom the one before made.
fn agreed_chain<'a>(seen: &[&'a [Change]]) -> Option<&'a [Change]> {
    let longest = *seen.iter().max_by_key(|changes| changes.len())?;
    let is_agreed = seen.iter().all(|changes| longest.ends_with(changes));
    let is_chain = longest.windows(2).all(|pair| pair[0].1 == pair[1].0);
    (is_agreed && is_chain).then_some(longest)
}

fn replicas(played: &Played) -> Finding {
    let divergences: u64 = played
        .all()
        .map(|player| player.report.stats.client.counters.divergences)
        .sum();
    let counters = &played.server.node.counters;
    Finding {
        holds: divergences == 0,
        text: format!(
            "no replica ever differed from the leader's world: {} commits, {} rejections",
            counters.commits, counters.rejections
        ),
    }
}

fn presence(played: &Played) -> Finding {
    let (joined, players) = (
        played.server.node.counters.players_joined,
        played.all().count(),
    );
    Finding {
        holds: joined == players as u64,
        text: format!("{joined} of {players} players joined, and each once"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_joined_later_may_have_seen_less_but_nothing_else() {
        let all: &[Change] = &[(0, 1), (1, 0), (0, 2)];
        assert_eq!(agreed_chain(&[&all[1..], all, &[]]), Some(all));
        assert_eq!(agreed_chain(&[all, &all[..2]]), None);
        assert_eq!(agreed_chain(&[all, &[(0, 1)]]), None);
    }

    #[test]
    fn a_cup_that_passes_from_who_does_not_have_it_is_found() {
        assert_eq!(agreed_chain(&[&[(0, 1), (2, 0)]]), None);
    }
}
