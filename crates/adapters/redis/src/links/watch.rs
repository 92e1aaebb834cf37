//! `auth-user` and `auth-pass` of Sentinels, and what they present to each other.
//!
//! A Sentinel does not tell what it logs in with; but its connections do tell as whom.

use std::sync::Arc;

use futures_util::future::join_all;
use jiff::SignedDuration;
use keywheel_domain::ports::{ErrorKind, PortError};

use crate::ask::{Ask, expect_pairs, expect_text, text};
use crate::clients::{Client, Role};
use crate::config::DEFAULT_USER;
use crate::error::Failure;
use crate::issuer::Rotated;
use crate::material::{Credential, is_plain};
use crate::node::{Node, lock};
use crate::topology::Topology;

use super::{Link, Presented, hash_of, unmoved};

/// How often it is looked whether a Sentinel is back, and how long that may take in all.
const PAUSE: SignedDuration = SignedDuration::from_millis(100);
const LOOKS: usize = 50;

/// What each Sentinel presents to the nodes that it watches and to the other ones.
pub(super) async fn presented(rotated: &Rotated, topology: &Topology) -> Result<Vec<Presented>, PortError> {
    let clients = watching(topology).await?;
    let mut all = Vec::new();
    for node in &topology.sentinels {
        let asked = async { Ok::<_, Failure>((name_of(node).await?, peers(node).await?)) };
        let (name, peers) = asked
            .await
            .map_err(|failure| failure.port("ask for its logins", &node.address))?;
        let as_whom = clients.iter().find(|client| client.name == name);
        all.extend(as_whom.map(|client| Presented {
            node: Arc::clone(node),
            what: Link::Watched,
            user: client.user.clone(),
            hash: lock(&node.told).clone(),
        }));
        let peers = peers.filter(|_| rotated.config.sentinel_clients);
        all.extend(peers.map(|(user, hash)| Presented {
            node: Arc::clone(node),
            what: Link::Sentinels,
            user,
            hash: Some(hash),
        }));
    }
    Ok(all)
}

/// The Sentinels that are connected to no node that they watch: as whom they would log in cannot be seen.
pub(crate) async fn idle(topology: &Topology) -> Result<Vec<Arc<Node>>, PortError> {
    let clients = watching(topology).await?;
    let mut idle = Vec::new();
    for node in &topology.sentinels {
        let name = name_of(node).await;
        let name = name.map_err(|failure| failure.port("ask for its number", &node.address))?;
        if !clients.iter().any(|client| client.name == name) {
            idle.push(Arc::clone(node));
        }
    }
    Ok(idle)
}

/// The connections of Sentinels to the data nodes.
async fn watching(topology: &Topology) -> Result<Vec<Client>, PortError> {
    let mut all = Vec::new();
    for (node, connected) in topology
        .data
        .iter()
        .zip(join_all(topology.data.iter().map(|node| node.connected())).await)
    {
        let connected = connected.map_err(|failure| failure.port("list the clients", &node.address))?;
        let sentinels = connected
            .clients
            .iter()
            .filter(|client| client.role() == Role::Sentinel);
        all.extend(sentinels.cloned());
    }
    Ok(all)
}

/// The name that the Sentinel gives its connections.
async fn name_of(node: &Node) -> Result<String, Failure> {
    let id = expect_text(&node.look(|| Ask::new("SENTINEL MYID")).await?, "SENTINEL MYID")?;
    Ok(format!("sentinel-{}-cmd", id.get(..8).unwrap_or(&id)))
}

/// As whom, and with a password of which hash, the Sentinel logs in at the others.
async fn peers(node: &Node) -> Result<Option<(String, String)>, Failure> {
    let answer = node.look(|| Ask::new("SENTINEL CONFIG GET").word("sentinel-*")).await?;
    let pairs = expect_pairs(answer, "SENTINEL CONFIG GET")?;
    let value = |name: &str| {
        let found = pairs.iter().find(|(key, _)| key == name);
        found
            .and_then(|(_, value)| text(value))
            .filter(|value| !value.is_empty())
    };
    let user = value("sentinel-user").unwrap_or_else(|| DEFAULT_USER.to_owned());
    Ok(value("sentinel-pass").map(|pass| (user, hash_of(pass))))
}

/// Has the Sentinel log in with that version, and waits until it has. It drops its connections to do so, and writes its file itself.
pub(super) async fn move_to(
    rotated: &Rotated,
    topology: &Topology,
    node: &Node,
    to: &Credential,
) -> Result<(), PortError> {
    if !is_plain(&to.password) {
        let message = format!(
            "{} cannot keep the password: Sentinels write it into their configuration file without quotes; leave blanks, quotes, backslashes and `#` out of it",
            node.address
        );
        return Err(PortError::permanent(ErrorKind::Invalid, message));
    }
    let master = rotated.config.master.as_deref().unwrap_or_default();
    let change = async {
        let name = name_of(node).await?;
        let set = |what: &str| Ask::new("SENTINEL SET").word(master).word(what);
        if to.user != DEFAULT_USER {
            node.call(set("auth-user").word(&to.user)).await?;
        }
        node.call(set("auth-pass").secret(&to.password)).await?;
        Ok(name)
    };
    let name = change.await.map_err(|failure| unmoved(failure, Link::Watched, node))?;
    for _ in 0..LOOKS {
        rotated.fleet.clock.sleep(PAUSE).await;
        let all = watching(topology).await?;
        let back = |client: &&Client| client.name == name && client.user == to.user && client.age <= 1;
        if all.iter().filter(back).count() >= topology.data.len() {
            *lock(&node.told) = Some(to.hash.clone());
            return Ok(());
        }
    }
    let message = format!(
        "{} did not come back to the nodes that it watches after its login was moved; see its log",
        node.address
    );
    Err(PortError::transient(ErrorKind::Unavailable, message).with_unknown_effect())
}

/// Has the Sentinel log in at the others with that version.
pub(super) async fn move_peers_to(node: &Node, to: &Credential) -> Result<(), PortError> {
    let change = async {
        if to.user != DEFAULT_USER {
            node.call(Ask::new("SENTINEL CONFIG SET sentinel-user").word(&to.user))
                .await?;
        }
        node.call(Ask::new("SENTINEL CONFIG SET sentinel-pass").secret(&to.password))
            .await?;
        node.save_settings().await?;
        peers(node).await
    };
    let now = change
        .await
        .map_err(|failure| unmoved(failure, Link::Sentinels, node))?;
    match now.is_some_and(|(_, hash)| hash == to.hash) {
        true => Ok(()),
        false => Err(super::changed_meanwhile(Link::Sentinels, node)),
    }
}
