//! Everything that would be embarrassing to learn in the middle of a rotation.

mod facts;
mod user;

use std::sync::Arc;

use futures_util::future::join_all;
use keywheel_domain::ports::Finding;

use crate::config::Strategy;
use crate::error::Failure;
use crate::issuer::Rotated;
use crate::links::{self, Presented};
use crate::material::Credential;
use crate::node::{Kind, Node};
use crate::topology::Topology;

pub(crate) use facts::Facts;

/// Looks at every node. It changes nothing, and what cannot be asked is a finding.
pub(crate) async fn look(rotated: &Rotated, current: Option<&Credential>) -> Vec<Finding> {
    let topology = match rotated.fleet.topology().await {
        Ok(topology) => topology,
        Err(error) => {
            let fix = "make every node reachable from here; what nodes call each other can be mapped in `aliases`";
            return vec![Finding::failure("the nodes", &error, fix)];
        }
    };
    let mut findings = vec![counted(rotated, &topology)];
    findings.extend(administrator(rotated));
    let links = match links::presented(rotated, &topology).await {
        Ok(links) => links,
        Err(error) => {
            findings.push(Finding::failure(
                "logins between nodes",
                &error,
                "mend that, then try again",
            ));
            Vec::new()
        }
    };
    findings.extend(idle(&topology).await);
    let nodes: Vec<_> = topology.data.iter().chain(&topology.sentinels).collect();
    let facts = join_all(nodes.iter().map(|node| node.facts(rotated.fleet.admin_user()))).await;
    for (node, facts) in nodes.into_iter().zip(facts) {
        findings.extend(of_node(rotated, node, facts, &links));
    }
    findings.extend(user::look(rotated, &topology, current).await);
    findings.extend(links.iter().map(|link| of_link(rotated, link, current)));
    findings
}

fn counted(rotated: &Rotated, topology: &Topology) -> Finding {
    let (data, sentinels) = (topology.data.len(), topology.sentinels.len());
    let masters = topology.masters.len();
    let mut detail = format!("{data} data nodes answer, {masters} of them masters");
    if sentinels > 0 {
        detail = format!("{detail}, and {sentinels} Sentinels");
    }
    if !rotated.config.discover {
        detail.push_str("; others are not looked for because of `discover = false`");
    }
    Finding::fine("the nodes", detail)
}

/// Sentinels that would be left behind.
async fn idle(topology: &Topology) -> Vec<Finding> {
    let fix = "see its log, and set its `auth-user` and `auth-pass` with SENTINEL SET";
    match links::idle(topology).await {
        Err(error) => vec![Finding::failure("the Sentinels", &error, "mend that, then try again")],
        Ok(idle) => idle
            .iter()
            .map(|node| {
                let detail = "it is connected to no node that it watches, so that whom it logs in as cannot be seen, and it is not moved to another version";
                Finding::warning(format!("Sentinel {}", node.address), detail, fix)
            })
            .collect(),
    }
}

fn administrator(rotated: &Rotated) -> Option<Finding> {
    let alone = rotated.fleet.admin_user().is_none();
    alone.then(|| {
        let detail =
            "there is no `admin_user`: Keywheel logs in with the password that it replaces, the hand that feeds it";
        Finding::warning(
            "the administrator",
            detail,
            "give Keywheel an ACL user of its own, as of Redis 6",
        )
    })
}

fn of_node(
    rotated: &Rotated,
    node: &Arc<Node>,
    facts: Result<Arc<Facts>, Failure>,
    links: &[Presented],
) -> Vec<Finding> {
    let subject = match node.kind {
        Kind::Data => node.address.to_string(),
        Kind::Sentinel => format!("Sentinel {}", node.address),
    };
    let facts = match facts {
        Ok(facts) => facts,
        Err(failure) => {
            let error = failure.port("look around", &node.address);
            return vec![Finding::failure(subject, &error, "mend that, then try again")];
        }
    };
    let depends = links.iter().any(|link| Arc::ptr_eq(&link.node, node));
    let accepts = node.kind == Kind::Data || rotated.config.sentinel_clients;
    let mut findings = vec![Finding::fine(&subject, format!("version {}", facts.version))];
    findings.extend(version(rotated, &subject, &facts));
    findings.extend(facts.rights(rotated, node.kind, &subject));
    if accepts {
        findings.extend(keeping(rotated, &subject, &facts));
    }
    if depends && !facts.config_file {
        let detail =
            "it logs in at another node as the rotated user, and has no configuration file to keep a new login in";
        findings.push(Finding::blocker(
            &subject,
            detail,
            "start it with a configuration file, or give it a user of its own for that",
        ));
    }
    findings
}

/// Users came with Redis 6.
fn version(rotated: &Rotated, subject: &str, facts: &Facts) -> Option<Finding> {
    let in_place = rotated.config.strategy == Strategy::InPlace;
    match (facts.major(), in_place) {
        (Some(major), false) if major < 6 => {
            let detail = "it has no ACL, and one password only";
            let fix = "upgrade it to Redis 6 or later, or use `kind = \"in_place\"`, which interrupts clients";
            Some(Finding::blocker(subject, detail, fix))
        }
        (Some(major), true) if major >= 6 => {
            let detail = "two passwords can overlap here, and `in_place` interrupts clients for nothing";
            Some(Finding::warning(
                subject,
                detail,
                "use `kind = \"dual_password\"` with an `admin_user`",
            ))
        }
        _ => None,
    }
}

/// Whether a restart brings back what was.
fn keeping(rotated: &Rotated, subject: &str, facts: &Facts) -> Option<Finding> {
    let place = match (facts.acl_file, facts.config_file) {
        (true, _) => "its ACL file",
        (false, true) => "its configuration file",
        (false, false) => {
            let detail = "it has neither an ACL file nor a configuration file: a restart brings the old password back";
            let fix = "start it with `aclfile`, or say why that is accepted in `allow_unpersisted`";
            return Some(match &rotated.config.allow_unpersisted {
                None => Finding::blocker(subject, detail, fix),
                Some(reason) => Finding::warning(
                    subject,
                    format!("{detail} (accepted: {reason})"),
                    "start it with `aclfile`",
                ),
            });
        }
    };
    if facts.quoted && !facts.acl_file {
        let detail = "a user or a rule has a quote in it, and written into the configuration file it keeps the server from starting again";
        return Some(Finding::blocker(
            subject,
            detail,
            "rename the user, change the rule, or start the server with `aclfile`",
        ));
    }
    if facts.requirepass && rotated.config.strategy == Strategy::DualPassword {
        let detail = format!(
            "it keeps users in {place}, and has `requirepass` as well, whose plain text stays in the configuration file after its password is gone"
        );
        return Some(Finding::warning(
            subject,
            detail,
            "remove the line `requirepass` from the file; `user default` has the hash",
        ));
    }
    Some(Finding::fine(subject, format!("it keeps users in {place}")))
}

fn of_link(rotated: &Rotated, link: &Presented, current: Option<&Credential>) -> Finding {
    let subject = link.node.address.to_string();
    let what = format!("{} is made as {}", link.what.name(), link.user);
    let other = current.is_some_and(|current| {
        link.user != current.user || link.hash.as_ref().is_some_and(|hash| *hash != current.hash)
    });
    if other {
        let detail = format!("{what}, and not with the current version");
        return Finding::warning(
            subject,
            detail,
            "set it to the current version, or give it a user of its own",
        );
    }
    let when = match rotated.config.strategy {
        Strategy::InPlace => "when the password is replaced",
        Strategy::DualPassword | Strategy::TwinUsers => "before the old version goes",
    };
    Finding::fine(
        subject,
        format!("{what}; Keywheel moves it {when}, and its password then crosses the wire in clear"),
    )
}
