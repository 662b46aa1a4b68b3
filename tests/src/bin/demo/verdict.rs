//! What the demo promises, and whether it held.

use std::{collections::BTreeMap, fmt, fs, path::Path};

use crate::{band::Ended, session::Played};

/// How many differences between two trees are shown.
const DIFFERENCES_SHOWN: usize = 5;

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
        presence(played),
    ];
    always.into_iter().chain(picture.map(drawing)).collect()
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

/// Who was there from the beginning saw every change of every cup's owner.
fn winners(played: &Played) -> Finding {
    let mut seen = played
        .players
        .iter()
        .map(|player| &player.report.ownership_changes);
    let first = seen.next();
    let is_alike = seen.all(|changes| Some(changes) == first);
    let chains = first.into_iter().flat_map(BTreeMap::values);
    let is_one_winner = chains
        .clone()
        .all(|chain| chain.windows(2).all(|pair| pair[0].1 == pair[1].0));
    let lost: u64 = played
        .all()
        .map(|player| player.report.count("grabs_lost"))
        .sum();
    Finding {
        holds: is_alike && is_one_winner,
        text: format!(
            "each cup had one owner at a time, the same for everyone: {} changes, {lost} grabs lost to another",
            chains.map(Vec::len).sum::<usize>(),
        ),
    }
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
