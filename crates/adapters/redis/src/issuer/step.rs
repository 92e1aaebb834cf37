//! One step of a rotation on every node: change, keep, read back.

use std::sync::Arc;

use futures_util::future::join_all;
use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::ports::{Effect, PortError, VersionMaterial};

use crate::ask::Ask;
use crate::links::{self, Link};
use crate::material::Credential;
use crate::node::{Kind, Node};
use crate::persist::{self, Kept};

use super::Rotated;
use super::change::Change;
use super::kill;

/// How many nodes a line of evidence names.
const NAMED: usize = 8;

/// Accepts a version on every node.
pub(super) async fn take(rotated: &Rotated, version: &VersionMaterial, change: Change) -> Result<Evidence, PortError> {
    let credential = rotated.credential(version)?;
    let topology = rotated.fleet.topology().await?;
    let stale = links::stale(rotated, &topology).await?;
    let acceptors = rotated.acceptors(&topology);
    let kept = everywhere(rotated, &acceptors, &credential, change).await?;
    let moved = links::move_all(rotated, &topology, &stale, &credential).await;
    let moved = moved.map_err(PortError::with_unknown_effect)?;
    let what = format!("{} {}{}", change.done(), credential.user, moved_links(moved));
    Ok(changed(rotated, version, &what, &acceptors, &kept))
}

/// Accepts a version no longer, on any node.
pub(super) async fn end(rotated: &Rotated, version: &VersionMaterial, change: Change) -> Result<Evidence, PortError> {
    let credential = rotated.credential(version)?;
    let topology = rotated.fleet.topology().await?;
    let moved = links::move_away(rotated, &topology, &credential).await?;
    let acceptors = rotated.acceptors(&topology);
    let kept = everywhere(rotated, &acceptors, &credential, change).await;
    let kept = kept.map_err(|error| touched_if(moved > 0, error))?;
    let killed = match rotated.config.kill_connections {
        true => kill::old(rotated, &topology, version, &credential).await,
        false => Ok(String::new()),
    };
    let killed = killed.map_err(PortError::with_unknown_effect)?;
    let what = format!("{} {}{}{killed}", change.done(), credential.user, moved_links(moved));
    Ok(changed(rotated, version, &what, &acceptors, &kept))
}

/// Replaces `requirepass` on every node, and with it what nodes log in with among themselves.
pub(super) async fn replace(rotated: &Rotated, version: &VersionMaterial) -> Result<Evidence, PortError> {
    let credential = rotated.credential(version)?;
    let topology = rotated.fleet.topology().await?;
    // First the replicas: their connections stay open, and from the next one on they need the new password.
    let replicas = links::follow(rotated, &topology, &credential, |link| link == Link::Master).await?;
    let replaced = join_all(topology.data.iter().map(|node| replace_on(rotated, node, &credential))).await;
    let kept = all(replaced).map_err(|error| touched_if(replicas > 0, error))?;
    // Sentinels come after it: they connect at once, with the new password.
    let sentinels = links::follow(rotated, &topology, &credential, |link| link != Link::Master).await;
    let moved = replicas + sentinels.map_err(PortError::with_unknown_effect)?;
    let what = format!("`requirepass` was replaced{}", moved_links(moved));
    Ok(changed(rotated, version, &what, &topology.data, &kept))
}

/// Redis takes this password in clear and leaves no choice: `requirepass` is what later versions of it load at the start, too.
async fn replace_on(rotated: &Rotated, node: &Node, to: &Credential) -> Result<Kept, PortError> {
    let set = node.call(Ask::new("CONFIG SET requirepass").secret(&to.password)).await;
    set.map_err(|failure| failure.port("replace `requirepass`", &node.address))?;
    let keep = async {
        // With an ACL file, `default` is in there, and the configuration file does not count at the start.
        let users = match node.save_users().await {
            Err(failure) if failure.code() == "ERR" && failure.says("unknown command") => Kept::Nowhere,
            users => users?,
        };
        let settings = node.save_settings().await?;
        Ok(if users == Kept::Nowhere { settings } else { users })
    };
    let kept = keep
        .await
        .map_err(|failure: crate::error::Failure| failure.port("keep `requirepass`", &node.address));
    let consent = rotated.config.allow_unpersisted.as_deref();
    kept.and_then(|kept| persist::require(kept, node, consent))
        .map_err(PortError::with_unknown_effect)
}

/// The change on all of them at once. Nobody is skipped: where one fails, the step did.
async fn everywhere(
    rotated: &Rotated,
    nodes: &[Arc<Node>],
    of: &Credential,
    change: Change,
) -> Result<Vec<Kept>, PortError> {
    all(join_all(nodes.iter().map(|node| on(rotated, node, of, change))).await)
}

async fn on(rotated: &Rotated, node: &Node, of: &Credential, change: Change) -> Result<Kept, PortError> {
    change.make(node, of).await?;
    let kept = node.save_users().await;
    let kept = kept.map_err(|failure| failure.port("keep the users", &node.address));
    let consent = rotated.config.allow_unpersisted.as_deref();
    let kept = kept.and_then(|kept| persist::require(kept, node, consent));
    // In memory it is changed by now.
    let kept = kept.map_err(PortError::with_unknown_effect)?;
    change.is_there(node, of).await?;
    Ok(kept)
}

/// One result of many: the first failure, of which anything may have come where another node did as it was told.
fn all(results: Vec<Result<Kept, PortError>>) -> Result<Vec<Kept>, PortError> {
    let touched = |result: &Result<Kept, PortError>| match result {
        Ok(_) => true,
        Err(error) => error.effect == Effect::Unknown,
    };
    let touched = results.iter().any(touched);
    let kept = results.into_iter().collect::<Result<_, _>>();
    kept.map_err(|error| touched_if(touched, error))
}

/// The error of a step that changed something before it failed, or not.
fn touched_if(touched: bool, error: PortError) -> PortError {
    match touched {
        true => error.with_unknown_effect(),
        false => error,
    }
}

fn changed(rotated: &Rotated, version: &VersionMaterial, what: &str, nodes: &[Arc<Node>], kept: &[Kept]) -> Evidence {
    let mut places: Vec<_> = kept.iter().map(|kept| kept.name()).collect();
    places.sort_unstable();
    places.dedup();
    let what = format!("{what}, kept in: {}", places.join(", "));
    fact(rotated, EvidenceKind::Changed, version, &what, nodes)
}

/// What was seen, where, and when.
pub(super) fn fact(
    rotated: &Rotated,
    kind: EvidenceKind,
    version: &VersionMaterial,
    what: &str,
    nodes: &[Arc<Node>],
) -> Evidence {
    let detail = format!("{what}, on {} at {:.0}", places(nodes), rotated.now());
    Evidence::new(kind, version.id.to_string(), detail)
}

/// The nodes for people, however many there are.
pub(super) fn places(nodes: &[Arc<Node>]) -> String {
    let named: Vec<_> = nodes.iter().take(NAMED).map(|node| name(node)).collect();
    match nodes.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

fn name(node: &Node) -> String {
    match node.kind {
        Kind::Data => node.address.to_string(),
        Kind::Sentinel => format!("Sentinel {}", node.address),
    }
}

fn moved_links(count: u32) -> String {
    match count {
        0 => String::new(),
        1 => ", 1 login between nodes moved".to_owned(),
        many => format!(", {many} logins between nodes moved"),
    }
}
