//! `masteruser` and `masterauth`. A master has them, too, for the day on which it becomes a replica.

use std::sync::Arc;

use keywheel_domain::ports::PortError;

use crate::ask::Ask;
use crate::config::DEFAULT_USER;
use crate::error::Failure;
use crate::issuer::Rotated;
use crate::material::Credential;
use crate::node::Node;
use crate::persist;

use super::{Link, Own, Presented, hash_of, unmoved};

/// What the node logs in with at its master, if it logs in at all.
pub(super) async fn presented(node: &Arc<Node>) -> Result<Option<Presented>, PortError> {
    let own = node.presenting.run(|| own(node)).await;
    let own = own.map_err(|failure| failure.port("read `masteruser`", &node.address))?;
    Ok(own.map(|own| Presented {
        node: Arc::clone(node),
        what: Link::Master,
        user: own.user,
        hash: Some(own.hash),
    }))
}

async fn own(node: &Node) -> Result<Option<Own>, Failure> {
    let (user, auth) = tokio::join!(node.setting("masteruser"), node.setting("masterauth"));
    let user = Some(user?).filter(|user| !user.is_empty());
    let auth = Some(auth?).filter(|auth| !auth.is_empty());
    Ok(auth.map(|auth| Own {
        user: user.unwrap_or_else(|| DEFAULT_USER.to_owned()),
        hash: hash_of(auth),
    }))
}

/// Has the node log in with that version from its next connection on; the one that is open stays. Redis takes the password in clear
/// here, and leaves no choice.
pub(super) async fn move_to(rotated: &Rotated, node: &Node, to: &Credential) -> Result<(), PortError> {
    let change = async {
        let user = match to.user.as_str() {
            DEFAULT_USER => "",
            user => user,
        };
        // The user first: between the two a new connection is refused and tried again, whichever comes first.
        if node.setting("masteruser").await? != user {
            node.call(Ask::new("CONFIG SET masteruser").word(user)).await?;
        }
        node.call(Ask::new("CONFIG SET masterauth").secret(&to.password))
            .await?;
        node.save_settings().await
    };
    let kept = change.await.map_err(|failure| unmoved(failure, Link::Master, node))?;
    let consent = rotated.config.allow_unpersisted.as_deref();
    persist::require(kept, node, consent).map_err(PortError::with_unknown_effect)?;
    let now = node.setting("masterauth").await;
    let now = now.map_err(|failure| unmoved(failure, Link::Master, node))?;
    match hash_of(now) == to.hash {
        true => Ok(()),
        false => Err(super::changed_meanwhile(Link::Master, node)),
    }
}
