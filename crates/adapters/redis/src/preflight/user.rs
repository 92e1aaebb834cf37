//! The rotated user on every node that accepts it.

use std::sync::Arc;

use futures_util::future::join_all;
use keywheel_domain::ports::Finding;

use crate::acl::User;
use crate::config::Strategy;
use crate::issuer::Rotated;
use crate::material::Credential;
use crate::node::Node;
use crate::proof::{Verdict, log_in};
use crate::topology::Topology;

pub(super) async fn look(rotated: &Rotated, topology: &Topology, current: Option<&Credential>) -> Vec<Finding> {
    let nodes = rotated.acceptors(topology);
    let mut findings = Vec::new();
    if let Some(current) = current {
        let verdicts = join_all(nodes.iter().map(|node| log_in(node, current, &rotated.config.check))).await;
        for (node, verdict) in nodes.iter().zip(verdicts) {
            findings.push(works(node, verdict));
        }
    }
    if rotated.config.strategy == Strategy::InPlace {
        return findings;
    }
    let name = current.map_or(&rotated.config.user, |current| &current.user);
    let users = join_all(nodes.iter().map(|node| node.user(name))).await;
    let mut first: Option<User> = None;
    for (node, user) in nodes.iter().zip(users) {
        let subject = format!("user {name} of {}", node.address);
        match user {
            Err(failure) => {
                let error = failure.port("look at the user", &node.address);
                findings.push(Finding::failure(subject, &error, "mend that, then try again"));
            }
            Ok(None) => {
                let fix = "create it there: users are not replicated";
                findings.push(Finding::blocker(subject, "there is no such user", fix));
            }
            Ok(Some(user)) => {
                findings.extend(state(&subject, name, &user, current));
                if first.as_ref().is_some_and(|first| first.rules != user.rules) {
                    let fix = "compare them with ACL GETUSER, and make them equal";
                    findings.push(Finding::warning(&subject, "its rights differ between nodes", fix));
                }
                first.get_or_insert(user);
            }
        }
    }
    findings.extend(twins(rotated, &nodes, name).await);
    findings
}

fn works(node: &Node, verdict: Result<Verdict, crate::error::Failure>) -> Finding {
    let subject = format!("the current version at {}", node.address);
    match verdict {
        Ok(Verdict::Accepted) => Finding::fine(subject, "it logs in, and what `check` says works"),
        Ok(Verdict::Refused(said)) => {
            let fix = "see who changed the password, and adopt the one that consumers use";
            Finding::blocker(subject, format!("it is refused ({said})"), fix)
        }
        Ok(Verdict::Open) => {
            let fix = "give the user `default` a password, or rotate a named user";
            Finding::blocker(subject, "the node asks for no password", fix)
        }
        Err(failure) => {
            let error = failure.port("log in and do what `check` says", &node.address);
            Finding::failure(subject, &error, "mend that, then try again")
        }
    }
}

fn state(subject: &str, name: &str, user: &User, current: Option<&Credential>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if user.nopass {
        let fix = format!("give it a password: ACL SETUSER {name} resetpass >… ends every login without the password");
        findings.push(Finding::blocker(
            subject,
            "it is `nopass`: every password is accepted",
            fix,
        ));
        return findings;
    }
    if !user.on {
        let fix = format!("ACL SETUSER {name} on");
        findings.push(Finding::blocker(subject, "it is `off` and accepts nobody", fix));
    }
    let foreign = user
        .hashes
        .iter()
        .filter(|hash| current.is_none_or(|current| current.hash != **hash));
    match (foreign.count(), current) {
        (0, _) | (_, None) => {}
        (count, Some(_)) => {
            let detail = format!("it accepts {count} more passwords than the current version's");
            let fix =
                format!("see whose they are with ACL GETUSER {name}, and remove them with ACL SETUSER {name} !<hash>");
            findings.push(Finding::warning(subject, detail, fix));
        }
    }
    if findings.is_empty() {
        findings.push(Finding::fine(
            subject,
            format!("it is on, with {} passwords", user.hashes.len()),
        ));
    }
    findings
}

/// Other users of the family that somebody could still log in as.
async fn twins(rotated: &Rotated, nodes: &[Arc<Node>], current: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in rotated.config.family().iter().filter(|name| *name != current) {
        let users = join_all(nodes.iter().map(|node| node.user(name))).await;
        for (node, user) in nodes.iter().zip(users) {
            if let Ok(Some(user)) = user
                && user.on
                && (user.nopass || !user.hashes.is_empty())
            {
                let subject = format!("user {name} of {}", node.address);
                let fix = format!("see who uses it with CLIENT LIST; ACL SETUSER {name} off takes it out of use");
                findings.push(Finding::warning(
                    subject,
                    "it accepts logins beside the current version",
                    fix,
                ));
            }
        }
    }
    findings
}
