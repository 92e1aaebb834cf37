//! What is so on a node, whichever user is rotated. Rotations that begin at the same time share one look.

use std::sync::Arc;

use fred::types::Value;
use futures_util::future::join_all;
use keywheel_domain::ports::Finding;

use crate::ask::{Ask, expect_text, field};
use crate::config::{Mode, RedisConfig, Strategy};
use crate::error::Failure;
use crate::issuer::Rotated;
use crate::node::{Kind, Node};

/// What was found on a node.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) version: String,
    pub(crate) acl_file: bool,
    pub(crate) config_file: bool,
    /// Whether `requirepass` is set.
    pub(crate) requirepass: bool,
    /// Whether a user's line has a quote in it.
    pub(crate) quoted: bool,
    rights: Rights,
}

/// What the administrator may do.
#[derive(Debug, Clone)]
enum Rights {
    /// All but this.
    Without(Vec<&'static str>),
    /// It cannot be asked for: why, and what to do.
    Untold(&'static str, &'static str),
}

/// A right, and the command that needs it.
struct Right {
    rule: &'static str,
    command: &'static str,
    needed: fn(&RedisConfig) -> bool,
}

const fn right(rule: &'static str, command: &'static str) -> Right {
    Right {
        rule,
        command,
        needed: |_| true,
    }
}

const EVERYWHERE: [Right; 4] = [
    right("+info", "INFO server"),
    right("+client|list", "CLIENT LIST"),
    right("+client|id", "CLIENT ID"),
    right("+client|setname", "CLIENT SETNAME x"),
];
const USERS: [Right; 5] = [
    right("+acl|getuser", "ACL GETUSER x"),
    right("+acl|setuser", "ACL SETUSER x"),
    right("+acl|save", "ACL SAVE"),
    right("+acl|list", "ACL LIST"),
    Right {
        needed: |config| config.kill_connections,
        ..right("+client|kill", "CLIENT KILL ID 1")
    },
];
const DATA: [Right; 6] = [
    right("+ping", "PING"),
    right("+time", "TIME"),
    right("+config|get", "CONFIG GET aclfile"),
    right("+config|set", "CONFIG SET masterauth x"),
    right("+config|rewrite", "CONFIG REWRITE"),
    Right {
        needed: |config| config.mode == Mode::Cluster,
        ..right("+cluster|nodes", "CLUSTER NODES")
    },
];
const SENTINEL: [Right; 7] = [
    right("+sentinel|master", "SENTINEL MASTER x"),
    right("+sentinel|replicas", "SENTINEL REPLICAS x"),
    right("+sentinel|sentinels", "SENTINEL SENTINELS x"),
    right("+sentinel|myid", "SENTINEL MYID"),
    right("+sentinel|set", "SENTINEL SET x auth-pass x"),
    right("+sentinel|config", "SENTINEL CONFIG GET x"),
    right("+sentinel|flushconfig", "SENTINEL FLUSHCONFIG"),
];

/// What is needed on a node of that kind, whatever the configuration.
fn rights(kind: Kind) -> Vec<&'static Right> {
    let own: &[Right] = match kind {
        Kind::Data => &DATA,
        Kind::Sentinel => &SENTINEL,
    };
    EVERYWHERE.iter().chain(&USERS).chain(own).collect()
}

impl Node {
    /// Looks around on a node.
    pub(crate) async fn facts(&self, admin: Option<&str>) -> Result<Arc<Facts>, Failure> {
        self.examining.run(|| self.examine(admin)).await
    }

    async fn examine(&self, admin: Option<&str>) -> Result<Arc<Facts>, Failure> {
        let info = self.info("server").await?;
        let told = |name: &str| field(&info, name).unwrap_or_default().to_owned();
        let rights = match admin {
            Some(admin) if self.has_admin() => self.rights(admin).await?,
            _ => Rights::Without(Vec::new()),
        };
        // Where a right is missing the finding about it says enough.
        let setting = async |name: &'static str| match self.kind {
            Kind::Data => self.setting(name).await.unwrap_or_default(),
            Kind::Sentinel => String::new(),
        };
        let acl_file = !setting("aclfile").await.is_empty();
        let quoted = match acl_file {
            true => false,
            false => self.has_quotes().await,
        };
        Ok(Arc::new(Facts {
            version: told("redis_version"),
            acl_file,
            config_file: !told("config_file").is_empty(),
            requirepass: !setting("requirepass").await.is_empty(),
            quoted,
            rights,
        }))
    }

    async fn has_quotes(&self) -> bool {
        match self.look(|| Ask::new("ACL LIST")).await {
            Ok(Value::Array(lines)) => lines
                .iter()
                .filter_map(crate::ask::text)
                .any(|line| line.contains(['"', '\''])),
            _ => false,
        }
    }

    /// Asks for every right without using it.
    async fn rights(&self, admin: &str) -> Result<Rights, Failure> {
        let rights = rights(self.kind);
        let ask = |right: &Right| {
            let words: Vec<_> = right.command.split(' ').map(str::to_owned).collect();
            let ask = Ask::new("ACL DRYRUN").word(admin).words(&words);
            self.call(ask)
        };
        let mut missing = Vec::new();
        for (right, answer) in rights.iter().zip(join_all(rights.iter().map(|right| ask(right))).await) {
            match answer {
                Ok(answer) if expect_text(&answer, "ACL DRYRUN")? == "OK" => {}
                Ok(_) => missing.push(right.rule),
                Err(failure) if failure.code() == "NOPERM" => {
                    return Ok(Rights::Untold(
                        "it may not ask for them",
                        "grant it +acl|dryrun as well",
                    ));
                }
                Err(failure) if failure.says("unknown") || failure.says("Unknown") => {
                    let why = "the server is older than Redis 7, which was the first that could be asked";
                    return Ok(Rights::Untold(why, "compare them with the README of this adapter"));
                }
                // A command that this server does not have needs no right.
                Err(Failure::Said(_)) => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(Rights::Without(missing))
    }
}

impl Facts {
    /// The first number of the version.
    pub(crate) fn major(&self) -> Option<u32> {
        self.version.split('.').next().and_then(|major| major.parse().ok())
    }

    /// Whether the administrator may do what this credential needs, and what grants it where not.
    pub(crate) fn rights(&self, rotated: &Rotated, kind: Kind, subject: &str) -> Option<Finding> {
        let admin = rotated.fleet.admin_user()?;
        let missing = match &self.rights {
            Rights::Untold(why, fix) => {
                let detail = format!("whether {admin} has the rights it needs is not known: {why}");
                return Some(Finding::warning(subject, detail, *fix));
            }
            Rights::Without(missing) => missing.iter().filter(|rule| is_needed(rule, rotated, kind)),
        };
        let missing: Vec<_> = missing.copied().collect();
        Some(match missing.as_slice() {
            [] => Finding::fine(subject, format!("{admin} has the rights it needs")),
            missing => {
                let detail = format!("{admin} lacks rights");
                let fix = format!("ACL SETUSER {admin} {}", missing.join(" "));
                Finding::blocker(subject, detail, fix)
            }
        })
    }
}

fn is_needed(rule: &str, rotated: &Rotated, kind: Kind) -> bool {
    let config = &rotated.config;
    let users = kind == Kind::Data || config.sentinel_clients;
    if USERS.iter().any(|right| right.rule == rule) && (!users || config.strategy == Strategy::InPlace) {
        return false;
    }
    rights(kind)
        .iter()
        .find(|right| right.rule == rule)
        .is_none_or(|right| (right.needed)(config))
}
