//! Which nodes there are.

mod cluster;
mod sentinel;

use std::collections::BTreeSet;
use std::sync::Arc;

use fred::types::Value;
use futures_util::future::join_all;
use keywheel_domain::ports::{ErrorKind, PortError};

use crate::ask::{expect_text, field, text};
use crate::config::{Address, Mode};
use crate::error::Failure;
use crate::fleet::Fleet;
use crate::node::{Kind, Node};

/// Every node that holds users.
#[derive(Debug)]
pub(crate) struct Topology {
    /// Masters and replicas.
    pub(crate) data: Vec<Arc<Node>>,
    /// Those among them that take writes.
    pub(crate) masters: Vec<Arc<Node>>,
    pub(crate) sentinels: Vec<Arc<Node>>,
}

/// What a node says that it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Master { replicas: Vec<Address> },
    Replica { master: Address },
    Sentinel,
}

/// Asks the nodes that are named, and those that they name.
pub(crate) async fn find(fleet: &Fleet) -> Result<Topology, PortError> {
    match fleet.reach.mode {
        Mode::Standalone => follow(fleet, fleet.reach.nodes.iter().cloned().collect(), Vec::new()).await,
        Mode::Cluster => follow(fleet, cluster::addresses(fleet).await?, Vec::new()).await,
        Mode::Sentinel => {
            let (sentinels, data) = sentinel::addresses(fleet).await?;
            let sentinels = sentinels.into_iter().map(|address| fleet.node(address, Kind::Sentinel));
            follow(fleet, data, sentinels.collect()).await
        }
    }
}

/// From these data nodes on to all that they replicate to or from.
async fn follow(fleet: &Fleet, first: BTreeSet<Address>, sentinels: Vec<Arc<Node>>) -> Result<Topology, PortError> {
    let mut topology = Topology {
        data: Vec::new(),
        masters: Vec::new(),
        sentinels,
    };
    let mut known = first.clone();
    let mut next = first;
    while !next.is_empty() {
        let nodes: Vec<_> = next
            .into_iter()
            .map(|address| fleet.node(address, Kind::Data))
            .collect();
        next = BTreeSet::new();
        let roles = join_all(nodes.iter().map(|node| node.role())).await;
        for (node, role) in nodes.into_iter().zip(roles) {
            let found = match role.map_err(|failure| failure.port("find out the role", &node.address))? {
                Role::Sentinel => return Err(is_sentinel(&node)),
                Role::Master { replicas } => {
                    topology.masters.push(Arc::clone(&node));
                    replicas
                }
                Role::Replica { master } => vec![master],
            };
            topology.data.push(node);
            let found = found.into_iter().filter(|_| fleet.reach.discover);
            let new = found
                .map(|address| fleet.aliased(address))
                .filter(|address| known.insert(address.clone()));
            next.extend(new);
        }
    }
    Ok(topology)
}

fn is_sentinel(node: &Node) -> PortError {
    let message = format!(
        "{} is a Sentinel; write `mode = \"sentinel\"` and the name of the master, or name a server",
        node.address
    );
    PortError::permanent(ErrorKind::Invalid, message)
}

impl Node {
    /// INFO and not ROLE, which leaves out replicas that are still copying.
    pub(crate) async fn role(&self) -> Result<Role, Failure> {
        role(&self.info("replication").await?)
    }
}

fn role(info: &str) -> Result<Role, Failure> {
    const WHAT: &str = "INFO replication";
    let told = |name: &str| field(info, name);
    match told("role") {
        Some("master") => {
            let replicas = info
                .lines()
                .filter_map(|line| line.split_once(':'))
                .filter(|(name, _)| {
                    let number = name.strip_prefix("slave").unwrap_or_default();
                    !number.is_empty() && number.chars().all(|c| c.is_ascii_digit())
                });
            let replicas: Option<Vec<_>> = replicas.map(|(_, replica)| address_in(replica)).collect();
            let replicas = replicas.ok_or(Failure::Garbled(WHAT))?;
            Ok(Role::Master { replicas })
        }
        Some("slave") => {
            let port = told("master_port").and_then(|port| port.parse().ok());
            let master = told("master_host")
                .zip(port)
                .map(|(host, port)| Address::new(host, port));
            let master = master.ok_or(Failure::Garbled(WHAT))?;
            Ok(Role::Replica { master })
        }
        // A Sentinel has no such section.
        _ => Ok(Role::Sentinel),
    }
}

/// The address in `ip=10.0.0.2,port=6379,state=online,...`.
fn address_in(replica: &str) -> Option<Address> {
    let part = |name: &str| {
        let parts = replica.trim_end().split(',').filter_map(|part| part.split_once('='));
        parts.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    Some(Address::new(part("ip")?, part("port")?.parse().ok()?))
}

/// An address in two parts of an answer to `what`.
fn address_of(host: Option<&Value>, port: Option<&Value>, what: &'static str) -> Result<Address, Failure> {
    let host = host.map(|host| expect_text(host, what)).transpose()?;
    let port = port.and_then(text).and_then(|port| port.parse().ok());
    host.zip(port)
        .map(|(host, port)| Address::new(host, port))
        .ok_or(Failure::Garbled(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_name_those_that_a_node_knows_whatever_their_state() {
        let master = "# Replication\r\nrole:master\r\nconnected_slaves:2\r\n\
            slave0:ip=10.0.0.2,port=6379,state=online,offset=1,lag=0\r\n\
            slave1:ip=::1,port=6380,state=wait_bgsave,offset=0,lag=0\r\nslave_repl_offset:7\r\n";
        let replicas = vec![Address::new("10.0.0.2", 6379), Address::new("::1", 6380)];
        assert_eq!(role(master), Ok(Role::Master { replicas }));
        let replica = "role:slave\r\nmaster_host:10.0.0.1\r\nmaster_port:6379\r\nmaster_link_status:down\r\n";
        let master = Address::new("10.0.0.1", 6379);
        assert_eq!(role(replica), Ok(Role::Replica { master }));
        assert_eq!(role("\r\n"), Ok(Role::Sentinel));
    }

    #[test]
    fn a_role_of_another_form_is_garbled() {
        for bad in [
            "role:slave\r\n",
            "role:slave\r\nmaster_host:a\r\nmaster_port:x",
            "role:master\r\nslave0:state=online",
        ] {
            assert_eq!(role(bad), Err(Failure::Garbled("INFO replication")));
        }
    }
}
