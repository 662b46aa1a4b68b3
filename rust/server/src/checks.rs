//! What a list of servers must be, and what to write instead of one that is not.

use std::collections::BTreeMap;

use synced_protocol::{id::ServerId, limits::MAX_SERVERS, store::MemberAddress};

/// Checks a list of voting servers.
///
/// # Errors
/// What is wrong, and what to write instead.
pub(crate) fn servers(list: &[MemberAddress]) -> Result<(), String> {
    number(list.len())?;
    entries(list)
}

/// Checks each server of a list, however many there are.
///
/// # Errors
/// As [`servers`].
pub(crate) fn entries(list: &[MemberAddress]) -> Result<(), String> {
    numbers_are_different(list)?;
    addresses_are_different(list)
}

/// Checks how many voting servers there are.
///
/// # Errors
/// As [`servers`].
pub(crate) fn number(count: usize) -> Result<(), String> {
    match count {
        0 => Err("there is no server in it: write at least 1, or 3 or 5 so that the others go on when one fails".to_owned()),
        count if count > MAX_SERVERS => Err(format!(
            "{count} servers are too many, since each commit waits for more than half of them: write at most {MAX_SERVERS}"
        )),
        count if count.is_multiple_of(2) => Err(even(count)),
        _ => Ok(()),
    }
}

fn even(count: usize) -> String {
    let survived = failures(count - 1);
    let fewer = count - 1;
    let instead = match count + 1 {
        more if more <= MAX_SERVERS => format!("write {fewer} or {more}"),
        _ => format!("write {fewer}"),
    };
    format!(
        "{fewer} {} {survived}, {count} no more: {instead}",
        if fewer == 1 {
            "voter survives"
        } else {
            "voters survive"
        },
    )
}

/// How many failures so many voters survive, in words.
fn failures(voters: usize) -> String {
    const WORDS: [&str; 8] = [
        "no failure",
        "one failure",
        "two failures",
        "three failures",
        "four failures",
        "five failures",
        "six failures",
        "seven failures",
    ];
    WORDS
        .get(voters.saturating_sub(1) / 2)
        .map_or_else(String::new, |words| (*words).to_owned())
}

fn numbers_are_different(list: &[MemberAddress]) -> Result<(), String> {
    let mut seen: BTreeMap<ServerId, &MemberAddress> = BTreeMap::new();
    for member in list {
        if let Some(other) = seen.insert(member.peer.server, member) {
            let free = free_number(list);
            return Err(format!(
                "{} is there twice, at {} and at {}: give one of them another number, like {free}",
                member.peer.server, other.peer.address, member.peer.address
            ));
        }
    }
    Ok(())
}

fn free_number(list: &[MemberAddress]) -> u16 {
    (1..=u16::MAX)
        .find(|number| list.iter().all(|member| member.peer.server.0 != *number))
        .unwrap_or(u16::MAX)
}

fn addresses_are_different(list: &[MemberAddress]) -> Result<(), String> {
    let mut seen: BTreeMap<&str, String> = BTreeMap::new();
    for member in list {
        let server = member.peer.server;
        for (address, whose) in [
            (&member.peer.address, format!("{server} for its peers")),
            (&member.players, format!("{server} for players")),
        ] {
            if let Some(other) = seen.insert(address, whose.clone()) {
                return Err(format!(
                    "{address} is given twice, to {other} and to {whose}: each needs a UDP port of its own, so give one another port"
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::servers::ServerList;

    fn list(text: &str) -> Vec<MemberAddress> {
        text.parse::<ServerList>().unwrap().0
    }

    #[test]
    fn an_even_number_of_servers_is_told_which_odd_ones_do_as_much() {
        for (count, text) in [
            (2, "1 voter survives no failure, 2 no more: write 1 or 3"),
            (4, "3 voters survive one failure, 4 no more: write 3 or 5"),
            (6, "5 voters survive two failures, 6 no more: write 5 or 7"),
            (
                14,
                "13 voters survive six failures, 14 no more: write 13 or 15",
            ),
        ] {
            assert_eq!(number(count), Err(text.to_owned()));
        }
        assert!(
            (1..=MAX_SERVERS)
                .step_by(2)
                .all(|count| number(count).is_ok())
        );
    }

    #[test]
    fn there_is_a_least_and_a_most() {
        assert!(number(0).unwrap_err().contains("at least 1"));
        let too_many = number(MAX_SERVERS + 1).unwrap_err();
        assert!(too_many.contains("at most 15"), "{too_many}");
    }

    #[test]
    fn two_servers_of_one_number_are_told_a_free_one() {
        let twice = servers(&list("1 a:1 a:2, 2 b:1 b:2, 1 c:1 c:2")).unwrap_err();
        for part in ["server 1 is there twice", "a:1", "c:1", "like 3"] {
            assert!(twice.contains(part), "{twice}");
        }
    }

    #[test]
    fn an_address_that_two_are_to_have_is_named_with_both() {
        let clash = servers(&list("1 a:1 a:2, 2 b:1 b:2, 3 c:1 a:1")).unwrap_err();
        for part in [
            "a:1 is given twice",
            "server 1 for its peers",
            "server 3 for players",
        ] {
            assert!(clash.contains(part), "{clash}");
        }
        assert_eq!(servers(&list("1 a:1 a:2, 2 b:1 b:2, 3 c:1 c:2")), Ok(()));
    }
}
