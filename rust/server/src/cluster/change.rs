//! Changing who takes part, and who leads.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use synced_protocol::{id::ServerId, store::MemberAddress};

use super::{ask::Operator, folder::ClusterFolder, newcomers::newcomers};
use crate::{
    checks,
    cli::{Add, Remove, Transfer},
    exit::{Exit, Failure},
    layer::wrong,
    output,
    servers::{ServerList, server_id},
};

/// How long a change may take to be complete; a new server may have much to catch up with.
const CHANGE_TIME_MAX: Duration = Duration::from_secs(120);
/// How long a server that was to lead may take to do so before it is asked again: it may have led, and lost the lead at once.
const TRANSFER_TIME_MAX: Duration = Duration::from_secs(1);
/// How often a server that is to lead may be refused as one that leads already or cannot be reached, before it is given up.
const DECLINED_MAX: u32 = 3;
/// How long a change may take before it is asked for again.
const CHANGE_ASKED_AGAIN_AFTER: Duration = Duration::from_secs(3);
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// Lets more servers take part.
///
/// # Errors
/// When one does not answer, the cluster declines, or they have not caught up in time.
pub(crate) fn add(options: &Add) -> Result<(), Failure> {
    let mut folder = ClusterFolder::open(&options.directory.directory)?;
    let newcomers = newcomers(&folder, options)?;
    let operator = Operator::of(&folder)?;
    for member in &newcomers {
        must_run(&folder, &operator, member)?;
    }
    let entries: Vec<_> = newcomers.iter().map(entry).collect();
    let order = json!({"do": "add", "servers": entries});
    let numbers: Vec<_> = newcomers
        .iter()
        .map(|member| member.peer.server.0)
        .collect();
    let all_vote = |voters: &[u16]| numbers.iter().all(|number| voters.contains(number));
    let voters = change(&operator, &folder, &order, all_vote)?;
    folder.card.servers = folder.card.servers.without(&numbers);
    folder.card.servers.0.extend(newcomers);
    folder.write_card()?;
    output::say(&format!(
        "{} take part; {voters} vote\n",
        in_words(&numbers)
    ))
}

/// Lets servers take part no more.
///
/// # Errors
/// When the cluster declines, or does not complete it in time.
pub(crate) fn remove(options: &Remove) -> Result<(), Failure> {
    let mut folder = ClusterFolder::open(&options.directory.directory)?;
    let numbers: Vec<_> = options
        .server
        .iter()
        .map(|number| server_id(*number).0)
        .collect();
    let stay: ServerList = folder.card.servers.without(&numbers);
    checks::number(stay.0.len()).map_err(|what| wrong(format_args!("--server: {what} in all")))?;
    let operator = Operator::of(&folder)?;
    let order = json!({"do": "remove", "servers": numbers});
    let none_votes = |voters: &[u16]| numbers.iter().all(|number| !voters.contains(number));
    let voters = change(&operator, &folder, &order, none_votes)?;
    folder.card.servers = stay;
    folder.write_card()?;
    let numbers = in_words(&numbers);
    output::say(&format!(
        "{numbers} take part no more and can be stopped; {voters} vote\n"
    ))
}

/// Lets another server lead.
///
/// # Errors
/// When the cluster declines, or that server does not lead in time.
pub(crate) fn transfer(options: &Transfer) -> Result<(), Failure> {
    let folder = ClusterFolder::open(&options.directory.directory)?;
    let operator = Operator::of(&folder)?;
    let order = match options.to {
        Some(to) => json!({"do": "transfer", "to": server_id(to)}),
        None => json!({"do": "transfer"}),
    };
    let wanted = options.to.map(server_id);
    let deadline = Instant::now() + CHANGE_TIME_MAX;
    let mut tries = 0;
    while Instant::now() < deadline {
        let to = match (operator.ask_leader(folder.servers(), &order), wanted) {
            (Ok(answer), _) => serde_json::from_value(answer["to"].clone()).unwrap_or_default(),
            // It leads already, or is out of reach for the moment.
            (Err(_), Some(wanted)) if tries < DECLINED_MAX => wanted,
            (Err(failure), _) => return Err(failure),
        };
        tries += 1;
        if leads_within(&operator, &folder, to, TRANSFER_TIME_MAX) {
            return output::say(&format!("{to} leads\n"));
        }
    }
    Err(too_late())
}

/// Whether a server is seen to lead before the time is over.
fn leads_within(
    operator: &Operator,
    folder: &ClusterFolder,
    server: ServerId,
    time_max: Duration,
) -> bool {
    let deadline = Instant::now() + time_max;
    loop {
        let leader = operator.leader(folder.servers());
        if leader.is_some_and(|(leader, _)| leader == server) {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(LOOK_INTERVAL);
    }
}

fn must_run(
    folder: &ClusterFolder,
    operator: &Operator,
    member: &MemberAddress,
) -> Result<(), Failure> {
    let status = operator.ask(&member.peer.address, &json!({"do": "status"}));
    status.map(drop).map_err(|error| {
        let server = member.peer.server;
        Failure::new(
            Exit::Unanswered,
            format_args!(
                "{server} does not answer at {}: {error}; start it there with `synced serve --config {}`, then repeat this command",
                member.peer.address,
                folder.server_config(server).display()
            ),
        )
    })
}

/// Has the leader change who takes part, and gives how many vote once it is so of the voters. It is asked again now and then,
/// since a leader that loses the lead in the middle leaves the change undone.
fn change(
    operator: &Operator,
    folder: &ClusterFolder,
    order: &Value,
    is_so: impl Fn(&[u16]) -> bool,
) -> Result<usize, Failure> {
    operator.ask_leader(folder.servers(), order)?;
    let deadline = Instant::now() + CHANGE_TIME_MAX;
    let mut asked_at = Instant::now();
    while Instant::now() < deadline {
        let leader = operator.leader(folder.servers());
        if let Some(cluster) = leader.as_ref().and_then(|(_, answer)| answer.cluster())
            && !cluster.changing
            && is_so(&cluster.voters)
        {
            return Ok(cluster.voters.len());
        }
        if asked_at.elapsed() > CHANGE_ASKED_AGAIN_AFTER {
            asked_at = Instant::now();
            // It is declined while the change is under way, which is as good.
            let _ = operator.ask_leader(folder.servers(), order);
        }
        thread::sleep(LOOK_INTERVAL);
    }
    Err(too_late())
}

fn entry(member: &MemberAddress) -> Value {
    json!({"server": member.peer.server, "peer": member.peer.address, "players": member.players})
}

fn in_words(numbers: &[u16]) -> String {
    let numbers: Vec<_> = numbers.iter().map(u16::to_string).collect();
    format!("servers {}", numbers.join(", "))
}

fn too_late() -> Failure {
    Failure::new(
        Exit::Unanswered,
        format_args!(
            "the cluster has not completed it within {} s; `synced status` shows how it stands",
            CHANGE_TIME_MAX.as_secs()
        ),
    )
}
