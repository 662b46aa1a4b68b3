//! How a cluster stands, by the word of its servers.

use serde::Serialize;
use serde_json::{Value, json};
use synced_protocol::store::MemberAddress;

use super::{
    answer::Answer,
    ask::Operator,
    folder::ClusterFolder,
    hint, invite,
    line::{self, Glance},
};
use crate::{
    cli::Status,
    exit::{Exit, Failure},
    output,
    table::Table,
};

const UNKNOWN: &str = "-";

/// One server's word, or why there is none.
#[derive(Debug, Serialize)]
pub(crate) struct Word {
    #[serde(flatten)]
    pub(crate) member: MemberAddress,
    pub(crate) answer: Option<Answer>,
    pub(crate) error: Option<String>,
}

/// Asks all servers and prints what they say.
///
/// # Errors
/// When none answers, or none leads.
pub(crate) fn show(options: &Status) -> Result<(), Failure> {
    let folder = ClusterFolder::open(&options.directory.directory)?;
    let operator = Operator::of(&folder)?;
    let words = words(&operator, folder.card.servers.0.clone());
    let text = if options.json {
        let json = json(&folder, &words)?;
        format!(
            "{}\n",
            serde_json::to_string_pretty(&json).unwrap_or_default()
        )
    } else {
        table(&folder, &words)
    };
    output::say(&text)?;
    judge(&words)
}

/// What every server says, those too that only others know of.
pub(crate) fn words(operator: &Operator, known: Vec<MemberAddress>) -> Vec<Word> {
    let mut words = ask(operator, known);
    let answers = words.iter().filter_map(|word| word.answer.as_ref());
    let newest = answers.max_by_key(|answer| (answer.term(), answer.node.log_index));
    let told: Vec<_> = newest.into_iter().flat_map(Answer::others).collect();
    let is_new = |member: &MemberAddress| {
        words
            .iter()
            .all(|word| word.member.peer.server != member.peer.server)
    };
    let further: Vec<_> = told.into_iter().filter(is_new).collect();
    words.extend(ask(operator, further));
    words.sort_by_key(|word| word.member.peer.server);
    words
}

fn ask(operator: &Operator, members: Vec<MemberAddress>) -> Vec<Word> {
    let addresses: Vec<_> = members
        .iter()
        .map(|member| member.peer.address.clone())
        .collect();
    let answers = operator.ask_all(&addresses, &json!({"do": "status"}));
    let word = |(member, answer): (MemberAddress, Result<Value, String>)| {
        let parsed = answer.and_then(|value| {
            serde_json::from_value(value)
                .map_err(|error| format!("its answer is not understood: {error}"))
        });
        match parsed {
            Ok(answer) => Word {
                member,
                answer: Some(answer),
                error: None,
            },
            Err(error) => Word {
                member,
                answer: None,
                error: Some(error),
            },
        }
    };
    members.into_iter().zip(answers).map(word).collect()
}

fn glances(words: &[Word]) -> Vec<Glance> {
    let glance = |word: &Word| Glance {
        server: word.member.peer.server,
        answer: word.answer.clone(),
    };
    words.iter().map(glance).collect()
}

fn judge(words: &[Word]) -> Result<(), Failure> {
    if words.iter().all(|word| word.answer.is_none()) {
        return Err(Failure::new(
            Exit::Unanswered,
            "no server answers: start them with `synced cluster up`, or each with `synced serve`",
        ));
    }
    let answers = words.iter().filter_map(|word| word.answer.as_ref());
    let newcomers = answers.filter(|answer| answer.is_newcomer());
    if line::leader(&glances(words)).is_none() {
        return Err(Failure::new(
            Exit::Unanswered,
            format_args!(
                "no server leads, so nothing is confirmed: {}",
                hint::where_nobody_leads(newcomers.count(), words.len())
            ),
        ));
    }
    Ok(())
}

fn json(folder: &ClusterFolder, words: &[Word]) -> Result<Value, Failure> {
    let glances = glances(words);
    let leading = line::leading(&glances);
    Ok(json!({
        "cluster": folder.card.id.0.as_str(),
        "leader": leading.map(|(server, _)| server),
        "term": leading.map(|(_, answer)| answer.term()),
        "invite": invite::of(folder)?.to_string(),
        "servers": words,
    }))
}

fn table(folder: &ClusterFolder, words: &[Word]) -> String {
    let mut table = Table::with_left(&[1]);
    table.row([
        "server",
        "role",
        "term",
        "committed",
        "applied",
        "lag",
        "clock ms",
        "players",
        "connections",
        "durability",
        "version",
    ]);
    let glances = glances(words);
    let leader = line::leading(&glances).map(|(_, answer)| answer);
    for word in words {
        table.row(row(word, leader));
    }
    let remarks: String = words.iter().filter_map(remark).collect();
    format!(
        "cluster {}: {}\n\n{table}{remarks}",
        folder.card.id.0,
        line::line(&glances)
    )
}

fn row(word: &Word, leader: Option<&Answer>) -> Vec<String> {
    let server = word.member.peer.server;
    let Some((answer, cluster)) = word
        .answer
        .as_ref()
        .and_then(|answer| Some((answer, answer.cluster()?)))
    else {
        return vec![server.0.to_string(), "no answer".to_owned()];
    };
    let is_leader = leader.is_some_and(|leader| std::ptr::eq(leader, answer)) || answer.leads();
    let lag = if is_leader {
        Some(0)
    } else {
        leader.and_then(|leader| leader.lag_of(server))
    };
    let clock = if is_leader {
        Some(0.0)
    } else {
        leader.and_then(|leader| leader.clock_ms_of(server))
    };
    vec![
        server.0.to_string(),
        cluster.role.clone(),
        cluster.term.to_string(),
        cluster.committed.to_string(),
        cluster.applied.to_string(),
        lag.map_or(UNKNOWN.to_owned(), |lag| lag.to_string()),
        clock.map_or(UNKNOWN.to_owned(), |clock| format!("{clock:+.3}")),
        answer.node.players.to_string(),
        answer.connections.to_string(),
        answer.durability.clone(),
        answer.version.clone(),
    ]
}

fn remark(word: &Word) -> Option<String> {
    let server = word.member.peer.server;
    let error = word.error.as_ref();
    let error = error.map(|error| format!("\n{server}: {error}\n"));
    error.or_else(|| {
        let cluster = word.answer.as_ref()?.cluster()?;
        let failure = cluster.failure.as_ref();
        let failure = failure.map(|failure| format!("\n{server} takes no part: {failure}\n"));
        let trouble = cluster.clock_trouble.as_ref();
        failure.or_else(|| trouble.map(|trouble| format!("\n{server}: {trouble}\n")))
    })
}

#[cfg(test)]
mod tests {
    use synced_node::{ClusterStats, NodeStats};
    use synced_protocol::{id::ServerId, peer::PeerAddress};

    use super::*;

    fn word(cluster: ClusterStats) -> Word {
        let peer = PeerAddress {
            server: ServerId(3),
            address: "h:1".to_owned(),
        };
        let node = NodeStats {
            cluster: Some(cluster),
            ..NodeStats::default()
        };
        Word {
            member: MemberAddress {
                peer,
                players: "h:2".to_owned(),
            },
            answer: Some(Answer {
                node,
                ..Answer::default()
            }),
            error: None,
        }
    }

    #[test]
    fn what_is_wrong_with_the_clock_of_a_server_is_shown_unless_it_takes_no_part_at_all() {
        assert_eq!(remark(&word(ClusterStats::default())), None);
        let off = ClusterStats {
            clock_trouble: Some("its clock is slow".to_owned()),
            ..ClusterStats::default()
        };
        let shown = remark(&word(off.clone()));
        assert_eq!(shown.as_deref(), Some("\nserver 3: its clock is slow\n"));
        let failed = ClusterStats {
            failure: Some("no disk".to_owned()),
            ..off
        };
        let shown = remark(&word(failed));
        assert_eq!(
            shown.as_deref(),
            Some("\nserver 3 takes no part: no disk\n")
        );
    }
}
