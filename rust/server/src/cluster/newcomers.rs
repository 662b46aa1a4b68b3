//! Servers that are to take part: which, where, and their folders.

use synced_protocol::{id::ServerId, peer::PeerAddress, store::MemberAddress};
use synced_transport::cluster::Authority;

use super::{folder::ClusterFolder, init};
use crate::{
    checks,
    cli::Add,
    exit::Failure,
    layer::wrong,
    serve::of_transport,
    servers::{Reached, server_id},
    settings::Settings,
};

/// The new servers, whose folders are made where there are none.
pub(crate) fn newcomers(
    folder: &ClusterFolder,
    options: &Add,
) -> Result<Vec<MemberAddress>, Failure> {
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
        given => given.iter().map(|number| server_id(*number)).collect(),
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
    checks::number(count).map_err(|what| wrong(format_args!("--server: {what} in all")))?;
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
