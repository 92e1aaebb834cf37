//! Closing what was opened with a version that is accepted no longer: Redis itself leaves such connections open.

use futures_util::future::join_all;
use keywheel_domain::ports::{PortError, VersionMaterial};

use crate::ask::Ask;
use crate::clients::Role;
use crate::config::Strategy;
use crate::material::Credential;
use crate::node::Node;
use crate::topology::Topology;
use crate::usage::{self, Opened};

use super::Rotated;

/// Closes the old version's connections, and says for people how many. Links between nodes stay: they were moved.
///
/// Twins are told apart by their names. Two passwords of one user are not, so what was opened before the switch goes; where nobody
/// said when that was, all go if no other password was left, and none if one was.
pub(super) async fn old(
    rotated: &Rotated,
    topology: &Topology,
    version: &VersionMaterial,
    of: &Credential,
) -> Result<String, PortError> {
    let twins = rotated.config.strategy == Strategy::TwinUsers;
    let switched = rotated.switched(version.id.number.0).filter(|_| !twins);
    if !twins && switched.is_none() {
        let family = rotated.family(topology).await?;
        if family.get(&of.user).is_some_and(|user| !user.hashes.is_empty()) {
            return Ok(", no connection closed because it is not known when the switch was".to_owned());
        }
    }
    let nodes = rotated.acceptors(topology);
    let mut closed = 0;
    for count in join_all(nodes.iter().map(|node| close(rotated, node, of, switched))).await {
        closed += count?;
    }
    Ok(format!(", connections closed: {closed}"))
}

async fn close(
    rotated: &Rotated,
    node: &Node,
    of: &Credential,
    switched: Option<jiff::Timestamp>,
) -> Result<u32, PortError> {
    let doing = "close old connections";
    let asked = rotated.now();
    let connected = node
        .connected()
        .await
        .map_err(|failure| failure.port(doing, &node.address))?;
    let answered = rotated.now();
    let mut closed = 0;
    for client in connected
        .clients
        .iter()
        .filter(|client| client.user == of.user && client.role() == Role::Client)
    {
        let opened = switched.map(|switched| usage::opened(client, &connected, switched, (asked, answered)));
        if opened == Some(Opened::After) {
            continue;
        }
        let ask = Ask::new("CLIENT KILL ID").word(&client.id.to_string());
        let count = node
            .call(ask)
            .await
            .map_err(|failure| failure.port(doing, &node.address))?;
        closed += u32::from(count != 0.into());
    }
    Ok(closed)
}
