//! The nodes of a cluster, as each of those that are named knows them.

use std::collections::BTreeSet;

use keywheel_domain::ports::{ErrorKind, PortError};

use crate::ask::{Ask, expect_text};
use crate::config::Address;
use crate::fleet::Fleet;
use crate::node::Kind;

/// Every node that any of the named ones knows. A node without an address is not left out but an error.
pub(super) async fn addresses(fleet: &Fleet) -> Result<BTreeSet<Address>, PortError> {
    let mut all: BTreeSet<_> = fleet.reach.nodes.iter().cloned().collect();
    if !fleet.reach.discover {
        return Ok(all);
    }
    for address in &fleet.reach.nodes {
        let node = fleet.node(address.clone(), Kind::Data);
        let answer = node.look(|| Ask::new("CLUSTER NODES")).await;
        let lines = answer.and_then(|answer| expect_text(&answer, "CLUSTER NODES"));
        let lines = lines.map_err(|failure| failure.port("list the nodes of the cluster", address))?;
        let known = read(&lines).map_err(|id| without_address(&id, address))?;
        all.extend(known.into_iter().map(|address| fleet.aliased(address)));
    }
    Ok(all)
}

fn without_address(id: &str, at: &Address) -> PortError {
    let message = format!(
        "{at} knows a node of the cluster, {id}, whose address nobody knows; bring it back, or have every node forget it with CLUSTER FORGET"
    );
    PortError::transient(ErrorKind::Unavailable, message)
}

/// The addresses in the answer, but for the node's own, which it may not know; or the id of a node that has none.
fn read(lines: &str) -> Result<Vec<Address>, String> {
    let mut addresses = Vec::new();
    for line in lines.lines() {
        let mut parts = line.split(' ');
        let (Some(id), Some(place), Some(flags)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        if flags.split(',').any(|flag| flag == "myself") {
            continue;
        }
        // `host:port@bus,name`: a name is for clients that were told to use names.
        let place = place.split(['@', ',']).next().unwrap_or_default();
        let (host, port) = place.rsplit_once(':').unwrap_or_default();
        match port.parse() {
            Ok(port) if port != 0 && !host.is_empty() => addresses.push(Address::new(host, port)),
            _ => return Err(id.to_owned()),
        }
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_other_node_is_found_whatever_its_state() {
        let lines = "07c3 127.0.0.1:30004@31004,host4 slave e7d1 0 1426238317239 4 connected\n\
            67ed 127.0.0.1:30002@31002 master,fail - 0 1426238316232 2 connected 5461-10922\n\
            e7d1 :30001@31001 myself,master - 0 0 1 connected 0-5460\n\
            9a0b ::1:30003@31003 master - 0 1426238316232 3 connected\n";
        let found: Vec<_> = read(lines).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(found, ["127.0.0.1:30004", "127.0.0.1:30002", "[::1]:30003"]);
    }

    #[test]
    fn a_node_without_an_address_is_not_left_out() {
        let lines = "07c3 :0@0 slave,noaddr e7d1 0 1426238317239 4 disconnected\n";
        assert_eq!(read(lines), Err("07c3".to_owned()));
    }
}
