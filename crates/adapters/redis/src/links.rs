//! Logins of the nodes among themselves: a replica at its master, a Sentinel at what it watches and at other Sentinels.
//!
//! Where they log in as the rotated user, they have to present a version that is accepted, or replication and failover end with
//! the next connection. Such links are moved just before a version goes, and never hold a drain: the connection that is open outlives the
//! removal of its password.

mod replica;
mod watch;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::join_all;
use keywheel_domain::material::Secret;
use keywheel_domain::ports::{ErrorKind, PortError};

use crate::acl::User;
use crate::error::Failure;
use crate::issuer::Rotated;
use crate::material::Credential;
use crate::node::Node;
use crate::topology::Topology;

pub(crate) use watch::idle;

/// How many versions are remembered.
const REMEMBERED: usize = 4;

/// What a node presents to others.
#[derive(Debug, Clone)]
pub(crate) struct Presented {
    pub(crate) node: Arc<Node>,
    pub(crate) what: Link,
    pub(crate) user: String,
    /// The hash of the password, where it can be known.
    pub(crate) hash: Option<String>,
}

/// What a node logs in with at its master: as whom, and with a password of which hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Own {
    pub(crate) user: String,
    pub(crate) hash: String,
}

/// Which login of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    /// At its master: `masteruser` and `masterauth`.
    Master,
    /// Of a Sentinel at the nodes that it watches: `auth-user` and `auth-pass`.
    Watched,
    /// Of a Sentinel at the other Sentinels: `sentinel-user` and `sentinel-pass`.
    Sentinels,
}

impl Link {
    /// For people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Master => "the login at its master",
            Self::Watched => "the login at the nodes that it watches",
            Self::Sentinels => "the login at the other Sentinels",
        }
    }
}

/// The versions that were seen, so that links can be moved from one to another: a step that takes a version out of use is given
/// that one alone. Driver and canary prove the versions in use again and again, so they are known soon after a restart, too.
#[derive(Default)]
pub(crate) struct Seen(Mutex<BTreeMap<u64, Credential>>);

impl Seen {
    pub(crate) fn learn(&self, number: u64, credential: &Credential) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(number, credential.clone());
        while seen.len() > REMEMBERED {
            seen.pop_first();
        }
    }

    /// The latest version but this one that `accepted` takes.
    fn other(&self, than: &Credential, accepted: impl Fn(&Credential) -> bool) -> Option<Credential> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let others = seen.values().rev().filter(|other| other.hash != than.hash);
        others.into_iter().find(|other| accepted(other)).cloned()
    }
}

/// The users of the family as one acceptor has them.
pub(crate) type Family = BTreeMap<String, User>;

/// Every login of a node at another one as a user of the family.
pub(crate) async fn presented(rotated: &Rotated, topology: &Topology) -> Result<Vec<Presented>, PortError> {
    let family = rotated.config.family();
    let mut all = Vec::new();
    for found in join_all(topology.data.iter().map(replica::presented)).await {
        all.extend(found?);
    }
    if !topology.sentinels.is_empty() {
        all.extend(watch::presented(rotated, topology).await?);
    }
    all.retain(|presented| family.contains(&presented.user));
    Ok(all)
}

/// Every link that presents what is not accepted: after a containment nothing is. Looked for before a version is accepted, and moved to
/// it afterwards.
pub(crate) async fn stale(rotated: &Rotated, topology: &Topology) -> Result<Vec<Presented>, PortError> {
    let mut links = presented(rotated, topology).await?;
    if links.is_empty() {
        return Ok(links);
    }
    let family = rotated.family(topology).await?;
    links.retain(|link| {
        let user = family.get(&link.user);
        let accepted = user.is_some_and(|user| match &link.hash {
            Some(hash) => user.accepts(hash),
            None => user.on && !user.hashes.is_empty(),
        });
        !accepted
    });
    Ok(links)
}

/// Moves every link that presents `old`, or may, to another version that is accepted, before `old` goes.
pub(crate) async fn move_away(rotated: &Rotated, topology: &Topology, old: &Credential) -> Result<u32, PortError> {
    let may_present =
        |link: &Presented| link.user == old.user && link.hash.as_ref().is_none_or(|hash| *hash == old.hash);
    let mut dependent = presented(rotated, topology).await?;
    dependent.retain(may_present);
    if dependent.is_empty() {
        return Ok(0);
    }
    let family = rotated.family(topology).await?;
    let accepted = |other: &Credential| family.get(&other.user).is_some_and(|user| user.accepts(&other.hash));
    if let Some(other) = rotated.seen.other(old, accepted) {
        return move_all(rotated, topology, &dependent, &other).await;
    }
    let anything_else = family
        .iter()
        .any(|(name, user)| user.on && user.hashes.iter().any(|hash| *name != old.user || *hash != old.hash));
    if !anything_else {
        // A containment: there is nothing that they could present instead, and the version has to go all the same.
        return Ok(0);
    }
    let nodes: Vec<_> = dependent.iter().map(|link| link.node.address.to_string()).collect();
    let message = format!(
        "{} log in at other nodes with the version that is to go, and which one they are to use instead is not known yet; it is once the version in use was proved",
        nodes.join(", ")
    );
    Err(PortError::transient(ErrorKind::Unavailable, message))
}

/// Moves these links, and says how many they were.
pub(crate) async fn move_all(
    rotated: &Rotated,
    topology: &Topology,
    links: &[Presented],
    to: &Credential,
) -> Result<u32, PortError> {
    let mut count = 0;
    for link in links {
        match link.what {
            Link::Master => replica::move_to(rotated, &link.node, to).await?,
            Link::Watched => watch::move_to(rotated, topology, &link.node, to).await?,
            Link::Sentinels => watch::move_peers_to(&link.node, to).await?,
        }
        count += 1;
    }
    Ok(count)
}

/// The hash of a password that a node shows in clear.
pub(crate) fn hash_of(clear: String) -> String {
    crate::acl::hash(&Secret::new(zeroize::Zeroizing::new(clear.into_bytes())))
}

/// The error of a login of a node that could not be moved: earlier ones may have been.
pub(crate) fn unmoved(failure: Failure, what: Link, node: &Node) -> PortError {
    failure
        .port(&format!("move {}", what.name()), &node.address)
        .with_unknown_effect()
}

pub(crate) fn changed_meanwhile(what: Link, node: &Node) -> PortError {
    let message = format!(
        "{} of {} is another one than was just set; somebody else changes it, too",
        what.name(),
        node.address
    );
    PortError::transient(ErrorKind::Conflict, message).with_unknown_effect()
}

/// Has every login of that kind present this version: with one password there is no other.
pub(crate) async fn follow(
    rotated: &Rotated,
    topology: &Topology,
    new: &Credential,
    is_of: impl Fn(Link) -> bool,
) -> Result<u32, PortError> {
    let all = presented(rotated, topology).await?;
    let behind = |link: &Presented| is_of(link.what) && link.hash.as_ref() != Some(&new.hash);
    let all: Vec<_> = all.into_iter().filter(behind).collect();
    move_all(rotated, topology, &all, new).await
}
