//! Changing who takes part, and who leads.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use synced_protocol::{id::ServerId, peer::PeerAddress, store::MemberAddress};
use synced_transport::cluster::Authority;

use super::{ask::Operator, folder::ClusterFolder, init};
use crate::{
    checks,
    cli::{Add, Remove, Transfer},
    exit::{Exit, Failure},
    kinds::Whole,
    layer::wrong,
    output,
    serve::of_transport,
    servers::Reached,
    settings::Settings,
};

/// How long a change may take to be complete; a new server may have much to catch up with.
const CHANGE_TIME_MAX: Duration = Duration::from_secs(120);
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// Lets more servers take part.
///
/// # Errors
/// When one does not answer, the cluster declines, or they have not caught up in time.
pub(crate) fn add(options: &Add) -> Result<(), Failure> {
    let mut folder = ClusterFolder::open(&options.directory.directory)?;
    let newcomers = newcomers(&folder, options)?;
    let operator = Operator::of(&folder)?;
    newcomers
        .iter()
        .try_for_each(|member| must_run(&folder, &operator, member))?;
    let order = json!({"do": "add", "servers": newcomers.iter().map(entry).collect::<Vec<_>>()});
    operator.ask_leader(&folder.card.servers.0, &order)?;
    let numbers = numbers(&newcomers);
    let voters = until(&operator, &folder, |voters| {
        numbers.iter().all(|number| voters.contains(number))
    })?;
    folder
        .card
        .servers
        .0
        .retain(|member| !numbers.contains(&member.peer.server.0));
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
    let numbers: Vec<_> = options.server.iter().map(|number| id(*number).0).collect();
    let operator = Operator::of(&folder)?;
    let stay = folder
        .card
        .servers
        .0
        .iter()
        .filter(|member| !numbers.contains(&member.peer.server.0));
    checks::number(stay.count())
        .map_err(|what| wrong(format_args!("--server: {what} servers in all")))?;
    let order = json!({"do": "remove", "servers": numbers});
    operator.ask_leader(&folder.card.servers.0, &order)?;
    folder
        .card
        .servers
        .0
        .retain(|member| !numbers.contains(&member.peer.server.0));
    let voters = until(&operator, &folder, |voters| {
        numbers.iter().all(|number| !voters.contains(number))
    })?;
    folder.write_card()?;
    output::say(&format!(
        "{} take part no more and can be stopped; {voters} vote\n",
        in_words(&numbers)
    ))
}

/// Lets another server lead.
///
/// # Errors
/// When the cluster declines, or nobody else leads in time.
pub(crate) fn transfer(options: &Transfer) -> Result<(), Failure> {
    let folder = ClusterFolder::open(&options.directory.directory)?;
    let operator = Operator::of(&folder)?;
    let before = operator.leader(&folder.card.servers.0);
    let request = match options.to {
        Some(to) => json!({"do": "transfer", "to": id(to)}),
        None => json!({"do": "transfer"}),
    };
    operator.ask_leader(&folder.card.servers.0, &request)?;
    let wanted = options.to.map(id);
    let deadline = Instant::now() + CHANGE_TIME_MAX;
    loop {
        let now = operator.leader(&folder.card.servers.0);
        if let Some((now, _)) = now
            && wanted.map_or(
                Some(now) != before.as_ref().map(|(leader, _)| *leader),
                |wanted| now == wanted,
            )
        {
            return output::say(&format!("{now} leads\n"));
        }
        if Instant::now() > deadline {
            return Err(too_late());
        }
        thread::sleep(LOOK_INTERVAL);
    }
}

/// The new servers, whose folders are made where there are none.
fn newcomers(folder: &ClusterFolder, options: &Add) -> Result<Vec<MemberAddress>, Failure> {
    let mut known = folder.card.servers.0.clone();
    let servers = wanted(&known, options)?;
    let mut newcomers = Vec::new();
    for (place, server) in servers.into_iter().enumerate() {
        let given = options
            .peer
            .get(place)
            .cloned()
            .zip(options.players.get(place).cloned());
        let member = furnished(folder, server, given, &known)?;
        known.retain(|other| other.peer.server != server);
        known.push(member.clone());
        newcomers.push(member);
    }
    Ok(newcomers)
}

fn wanted(known: &[MemberAddress], options: &Add) -> Result<Vec<ServerId>, Failure> {
    let last = known
        .iter()
        .map(|member| member.peer.server.0)
        .max()
        .unwrap_or(0);
    let servers: Vec<_> = match &options.server[..] {
        [] => (1..=2)
            .map(|more| ServerId(last.saturating_add(more)))
            .collect(),
        given => given.iter().map(|number| id(*number)).collect(),
    };
    let addresses = [options.peer.len(), options.players.len()];
    if addresses != [0, 0] && addresses != [servers.len(); 2] {
        return Err(wrong(format_args!(
            "--peer and --players name {} and {} addresses for {} servers: write one for each, in the order of --server, or none",
            addresses[0],
            addresses[1],
            servers.len()
        )));
    }
    let others = known
        .iter()
        .filter(|member| !servers.contains(&member.peer.server));
    let count = others.count() + servers.len();
    checks::number(count).map_err(|what| wrong(format_args!("--server: {what} servers in all")))?;
    Ok(servers)
}

fn furnished(
    folder: &ClusterFolder,
    server: ServerId,
    given: Option<(Reached, Reached)>,
    known: &[MemberAddress],
) -> Result<MemberAddress, Failure> {
    let config = folder.server_config(server);
    if config.exists() {
        let there = addresses_in(&Settings::from_file(&config)?, server, folder)?;
        return match given {
            Some(given) if place(server, given.clone()) != there => Err(wrong(format_args!(
                "{} says that {server} is reached at {} and by players at {}: leave out --peer and --players, or change the file",
                config.display(),
                there.peer.address,
                there.players
            ))),
            _ => Ok(there),
        };
    }
    let member = member(server, given, known)?;
    let authority = Authority::load(&folder.path).map_err(of_transport)?;
    init::furnish(folder, &authority, &member, false)?;
    Ok(member)
}

fn addresses_in(
    settings: &Settings,
    server: ServerId,
    folder: &ClusterFolder,
) -> Result<MemberAddress, Failure> {
    let own = settings
        .cluster
        .peer_address
        .clone()
        .zip(settings.cluster.players_address.clone());
    let listed = folder.card.servers.of(server).cloned();
    own.map(|own| place(server, own)).or(listed).ok_or_else(|| {
        wrong(format_args!(
            "{} does not say where {server} is reached: write peer_address and players_address",
            folder.server_config(server).display()
        ))
    })
}

/// Where a new server is reached: as given, or beside the first at the next ports.
fn member(
    server: ServerId,
    given: Option<(Reached, Reached)>,
    known: &[MemberAddress],
) -> Result<MemberAddress, Failure> {
    let given = match given {
        Some(given) => given,
        None => beside(known)?,
    };
    let member = place(server, given);
    let others = known.iter().filter(|other| other.peer.server != server);
    let all: Vec<_> = others.chain([&member]).cloned().collect();
    checks::entries(&all).map_err(|what| wrong(format_args!("--server {}: {what}", server.0)))?;
    Ok(member)
}

fn place(server: ServerId, (peer, players): (Reached, Reached)) -> MemberAddress {
    MemberAddress {
        peer: PeerAddress {
            server,
            address: peer.0,
        },
        players: players.0,
    }
}

fn beside(known: &[MemberAddress]) -> Result<(Reached, Reached), Failure> {
    let next = |address: fn(&MemberAddress) -> &str| {
        let first = address(known.first()?).rsplit_once(':')?.0;
        let ports = known.iter().filter_map(|member| {
            let (host, port) = address(member).rsplit_once(':')?;
            (host == first).then(|| port.parse::<u16>().ok()).flatten()
        });
        Some(Reached(format!("{first}:{}", ports.max()?.checked_add(1)?)))
    };
    let both = next(|member| &member.peer.address).zip(next(|member| &member.players));
    both.ok_or_else(|| wrong("no port is left beside the first server: say with --peer and --players where it is reached"))
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

/// Waits until it is so of the voters by the leader's word, and gives how many there are.
fn until(
    operator: &Operator,
    folder: &ClusterFolder,
    is_so: impl Fn(&[u16]) -> bool,
) -> Result<usize, Failure> {
    let deadline = Instant::now() + CHANGE_TIME_MAX;
    loop {
        let leader = operator.leader(&folder.card.servers.0);
        if let Some(cluster) = leader.as_ref().and_then(|(_, answer)| answer.cluster())
            && !cluster.changing
            && is_so(&cluster.voters)
        {
            return Ok(cluster.voters.len());
        }
        if Instant::now() > deadline {
            return Err(too_late());
        }
        thread::sleep(LOOK_INTERVAL);
    }
}

fn entry(member: &MemberAddress) -> Value {
    json!({"server": member.peer.server, "peer": member.peer.address, "players": member.players})
}

fn numbers(members: &[MemberAddress]) -> Vec<u16> {
    members.iter().map(|member| member.peer.server.0).collect()
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

fn id(number: Whole<1, 65_535>) -> ServerId {
    ServerId(u16::try_from(number.0).unwrap_or(u16::MAX))
}
