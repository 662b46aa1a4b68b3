//! Whether the names of servers have addresses.

use std::net::ToSocketAddrs as _;

use synced_protocol::store::MemberAddress;

/// What is wrong with the addresses at which servers reach each other, as far as it shows from this machine; it may be mended,
/// or come right by itself, at any time.
pub(crate) fn unresolved<'a>(members: impl Iterator<Item = &'a MemberAddress>) -> Vec<String> {
    members
        .filter_map(|member| complaint(&member.peer.address, member))
        .collect()
}

fn complaint(address: &str, member: &MemberAddress) -> Option<String> {
    let why = match address.to_socket_addrs().map(|mut found| found.next()) {
        Ok(Some(_)) => return None,
        Ok(None) => "there is none".to_owned(),
        Err(error) => error.to_string(),
    };
    let (host, port) = address.rsplit_once(':').unwrap_or((address, "4970"));
    Some(format!(
        "{} is to be reached at {address}, and the name {host} has no address here ({why}): see to the name, or write an address like \
         10.0.0.3:{port} instead",
        member.peer.server
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::servers::ServerList;

    #[test]
    fn a_name_without_an_address_is_told_with_what_to_write_instead() {
        let list: ServerList = "1 127.0.0.1:1 a:1, 2 [::1]:1 b:1, 3 nowhere.invalid:7 c:1"
            .parse()
            .unwrap();
        let complaints = unresolved(list.0.iter());
        assert_eq!(complaints.len(), 1);
        for part in ["server 3", "nowhere.invalid:7", "like 10.0.0.3:7"] {
            assert!(complaints[0].contains(part), "{complaints:?}");
        }
    }
}
