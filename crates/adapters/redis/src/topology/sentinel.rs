//! The Sentinels, and the data nodes that they watch under one name.

use std::collections::BTreeSet;

use fred::types::Value;
use keywheel_domain::ports::{ErrorKind, PortError};

use crate::ask::{Ask, expect_list, expect_pairs};
use crate::config::Address;
use crate::error::Failure;
use crate::fleet::Fleet;
use crate::node::{Kind, Node};

use super::address_of;

const UNKNOWN: &str = "No such master";

/// Every Sentinel, and every data node that any of them knows. Nobody who is known to be down is left out.
pub(super) async fn addresses(fleet: &Fleet) -> Result<(BTreeSet<Address>, BTreeSet<Address>), PortError> {
    let master = fleet.reach.master.as_deref().unwrap_or_default();
    let mut sentinels: BTreeSet<_> = fleet.reach.nodes.iter().cloned().collect();
    let mut data = BTreeSet::new();
    let mut next: Vec<_> = fleet.reach.nodes.clone();
    while let Some(address) = next.pop() {
        let node = fleet.node(address, Kind::Sentinel);
        let watched = watched(&node, master)
            .await
            .map_err(|failure| unknown(failure, &node, master))?;
        data.extend(watched.data.into_iter().map(|address| fleet.aliased(address)));
        let others = watched.sentinels.into_iter().filter(|_| fleet.reach.discover);
        let others = others.map(|address| fleet.aliased(address));
        next.extend(others.filter(|address| sentinels.insert(address.clone())));
    }
    Ok((sentinels, data))
}

struct Watched {
    data: Vec<Address>,
    sentinels: Vec<Address>,
}

async fn watched(node: &Node, master: &str) -> Result<Watched, Failure> {
    let current = node.look(|| Ask::new("SENTINEL MASTER").word(master)).await?;
    let replicas = node.look(|| Ask::new("SENTINEL REPLICAS").word(master)).await?;
    let sentinels = node.look(|| Ask::new("SENTINEL SENTINELS").word(master)).await?;
    let mut data = vec![address(current)?];
    data.extend(all(replicas)?);
    Ok(Watched {
        data,
        sentinels: all(sentinels)?,
    })
}

fn all(answer: Value) -> Result<Vec<Address>, Failure> {
    expect_list(answer, "SENTINEL")?.into_iter().map(address).collect()
}

/// The address among the properties of a watched server.
fn address(answer: Value) -> Result<Address, Failure> {
    const WHAT: &str = "SENTINEL";
    let properties = expect_pairs(answer, WHAT)?;
    let value = |name: &str| properties.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    address_of(value("ip"), value("port"), WHAT)
}

fn unknown(failure: Failure, node: &Node, master: &str) -> PortError {
    if failure.says(UNKNOWN) {
        let message = format!("{} watches no master named {master:?}; correct `master`", node.address);
        return PortError::permanent(ErrorKind::Invalid, message);
    }
    failure.port("find out what is watched", &node.address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_watched_server_is_among_its_properties() {
        let answer = [
            "name",
            "mymaster",
            "ip",
            "10.0.0.1",
            "port",
            "6379",
            "flags",
            "s_down,master,disconnected",
        ];
        let answer = Value::Array(answer.iter().map(|text| Value::from(*text)).collect());
        assert_eq!(address(answer), Ok(Address::new("10.0.0.1", 6379)));
        assert!(address(Value::Array(vec!["ip".into(), "x".into()])).is_err());
    }
}
