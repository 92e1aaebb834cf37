//! The issuer of a Redis password.

mod change;
mod kill;
mod step;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::future::join_all;
use jiff::Timestamp;
use keywheel_domain::evidence::{Evidence, EvidenceKind};
use keywheel_domain::id::VersionId;
use keywheel_domain::material::Material;
use keywheel_domain::plan::{MintedBy, Overlap};
use keywheel_domain::ports::{
    Clock, Entropy, ErrorKind, Finding, Held, Issuer, IssuerCapabilities, PortError, SecretSource, Usage,
    VersionMaterial,
};
use keywheel_domain::version::Attributes;

use crate::config::{ConfigError, RedisConfig, Strategy};
use crate::error::Failure;
use crate::fleet::{Fleet, Fleets};
use crate::links::{Family, Seen};
use crate::material::{self, Credential};
use crate::node::Node;
use crate::proof::{Verdict, log_in};
use crate::topology::Topology;
use crate::{preflight, usage};

use change::Change;

/// The issuer of kind `redis`.
#[derive(Debug)]
pub struct RedisIssuer {
    rotated: Rotated,
}

/// One rotated user, its servers, and what was seen of its versions.
pub(crate) struct Rotated {
    pub(crate) config: RedisConfig,
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) seen: Seen,
    /// When a version stopped being shown, as the drain said.
    switched: Mutex<BTreeMap<u64, Timestamp>>,
}

impl fmt::Debug for Rotated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rotated")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl RedisIssuer {
    /// An issuer for one credential. `password` is where the administrator's password is read; `fleets` is shared by all
    /// credentials of a process, so that those of the same servers share connections and saves. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`ConfigError`], which says what to write instead.
    pub fn new(
        config: RedisConfig,
        password: Option<Arc<dyn SecretSource>>,
        clock: &Arc<dyn Clock>,
        fleets: &Fleets,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        let fleet = fleets.of(&config, password, clock);
        let rotated = Rotated {
            config,
            fleet,
            seen: Seen::default(),
            switched: Mutex::default(),
        };
        Ok(Self { rotated })
    }
}

impl Rotated {
    /// The nodes that accept or refuse the user's passwords.
    pub(crate) fn acceptors(&self, topology: &Topology) -> Vec<Arc<Node>> {
        let sentinels = topology.sentinels.iter().filter(|_| self.config.sentinel_clients);
        topology.data.iter().chain(sentinels).map(Arc::clone).collect()
    }

    /// The users of the family, as the first master has them.
    pub(crate) async fn family(&self, topology: &Topology) -> Result<Family, PortError> {
        let Some(node) = topology.masters.first().or_else(|| topology.data.first()) else {
            let message = "there is no node to ask; correct `nodes`";
            return Err(PortError::transient(ErrorKind::Unavailable, message));
        };
        let mut family = Family::new();
        for name in self.config.family() {
            let user = node.user(&name).await;
            let user = user.map_err(|failure| failure.port("look at the user", &node.address))?;
            family.extend(user.map(|user| (name, user)));
        }
        Ok(family)
    }

    /// Reads a version and remembers it.
    pub(crate) fn credential(&self, version: &VersionMaterial) -> Result<Credential, PortError> {
        let credential = material::read(&self.config, &version.material)?;
        self.seen.learn(version.id.number.0, &credential);
        self.fleet.remember(&credential.user, &credential.password);
        Ok(credential)
    }

    /// Logs in everywhere at once.
    pub(crate) async fn log_in_everywhere(
        &self,
        as_: &Credential,
        check: &[String],
    ) -> Result<Vec<(Arc<Node>, Result<Verdict, Failure>)>, PortError> {
        let acceptors = self.acceptors(&*self.fleet.topology().await?);
        let verdicts = join_all(acceptors.iter().map(|node| log_in(node, as_, check))).await;
        Ok(acceptors.into_iter().zip(verdicts).collect())
    }

    /// When the version stopped being shown, where a drain said so.
    pub(crate) fn switched(&self, number: u64) -> Option<Timestamp> {
        let switched = self.switched.lock().unwrap_or_else(PoisonError::into_inner);
        switched.get(&number).copied()
    }

    fn note_switch(&self, number: u64, at: Timestamp) {
        let mut switched = self.switched.lock().unwrap_or_else(PoisonError::into_inner);
        switched.insert(number, at);
        while switched.len() > 4 {
            switched.pop_first();
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.fleet.clock.now()
    }
}

#[async_trait]
impl Issuer for RedisIssuer {
    fn capabilities(&self) -> IssuerCapabilities {
        let two = self.rotated.config.strategy != Strategy::InPlace;
        IssuerCapabilities {
            overlap: if two { Overlap::TwoVersions } else { Overlap::OneVersion },
            minted_by: MintedBy::Us,
            can_suspend: two,
        }
    }

    async fn preflight(&self, current: Option<&VersionMaterial>) -> Result<Vec<Finding>, PortError> {
        let current = current.map(|version| self.rotated.credential(version)).transpose()?;
        Ok(preflight::look(&self.rotated, current.as_ref()).await)
    }

    async fn generate(
        &self,
        _id: &VersionId,
        current: Option<&Attributes>,
        entropy: &dyn Entropy,
    ) -> Result<Material, PortError> {
        let config = &self.rotated.config;
        material::generate(config, &config.password, current, entropy)
    }

    fn describe(&self, material: &Material) -> Result<Attributes, PortError> {
        material::describe(&self.rotated.config, material)
    }

    async fn stage(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        match self.rotated.config.strategy {
            Strategy::DualPassword => step::take(&self.rotated, version, Change::AddPassword).await,
            Strategy::TwinUsers => step::take(&self.rotated, version, Change::MakeTwin).await,
            Strategy::InPlace => Err(unsupported("stage")),
        }
    }

    async fn replace(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        match self.rotated.config.strategy {
            Strategy::InPlace => step::replace(&self.rotated, version).await,
            Strategy::DualPassword | Strategy::TwinUsers => Err(unsupported("replace")),
        }
    }

    async fn prove(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        let credential = self.rotated.credential(version)?;
        let verdicts = self
            .rotated
            .log_in_everywhere(&credential, &self.rotated.config.check)
            .await?;
        let mut accepted = Vec::new();
        let mut failed = None;
        for (node, verdict) in verdicts {
            match verdict {
                Ok(Verdict::Accepted) => accepted.push(node),
                // That one refused it is certain, whatever another one would say.
                Ok(Verdict::Refused(said)) => {
                    let message = format!("{} refused {} ({})", node.address, version.id, said);
                    return Err(PortError::transient(ErrorKind::Refused, message));
                }
                Ok(Verdict::Open) => failed = Some(open(&node)),
                Err(failure) => failed = Some(failure.port("log in and do what `check` says", &node.address)),
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        let what = format!(
            "{} logged in and got an answer to {}",
            credential.user, self.rotated.config.check[0]
        );
        Ok(self.fact(EvidenceKind::Accepted, version, &what, &accepted))
    }

    async fn prove_dead(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        let credential = self.rotated.credential(version)?;
        let (mut refused, mut accepting, mut unknown, mut codes) = (Vec::new(), Vec::new(), None, Vec::new());
        for (node, verdict) in self.rotated.log_in_everywhere(&credential, &[]).await? {
            match verdict {
                Ok(Verdict::Refused(said)) => {
                    let code = said.split(' ').next().unwrap_or_default().to_owned();
                    if !codes.contains(&code) {
                        codes.push(code);
                    }
                    refused.push(node);
                }
                Ok(Verdict::Accepted | Verdict::Open) => accepting.push(node),
                Err(failure) => unknown = Some(failure.port("find out whether it is refused", &node.address)),
            }
        }
        // That one still accepts it is certain, whatever another one would say.
        if !accepting.is_empty() {
            let message = format!("{} is still accepted by {}", version.id, step::places(&accepting));
            return Err(PortError::transient(ErrorKind::Conflict, message));
        }
        if let Some(error) = unknown {
            return Err(error);
        }
        let what = format!("{} was refused ({})", credential.user, codes.join(", "));
        Ok(self.fact(EvidenceKind::Refused, version, &what, &refused))
    }

    async fn suspend(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        match self.rotated.config.strategy {
            Strategy::DualPassword => step::end(&self.rotated, version, Change::RemovePassword).await,
            Strategy::TwinUsers => step::end(&self.rotated, version, Change::TurnOff).await,
            Strategy::InPlace => Err(unsupported("suspend")),
        }
    }

    async fn reinstate(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        match self.rotated.config.strategy {
            Strategy::DualPassword => step::take(&self.rotated, version, Change::AddPassword).await,
            Strategy::TwinUsers => step::take(&self.rotated, version, Change::TurnOn).await,
            Strategy::InPlace => Err(unsupported("reinstate")),
        }
    }

    async fn retire(&self, version: &VersionMaterial) -> Result<Evidence, PortError> {
        match self.rotated.config.strategy {
            Strategy::DualPassword => step::end(&self.rotated, version, Change::RemovePassword).await,
            Strategy::TwinUsers => step::end(&self.rotated, version, Change::TurnOffForGood).await,
            Strategy::InPlace => Err(unsupported("retire")),
        }
    }

    async fn usage(&self, version: &VersionMaterial, switched: Timestamp) -> Result<Usage, PortError> {
        let credential = self.rotated.credential(version)?;
        self.rotated.note_switch(version.id.number.0, switched);
        usage::look(&self.rotated, &credential, switched).await
    }

    /// The users of the family that exist. What passwords they have is not told: a hash is no name.
    async fn inventory(&self) -> Result<Vec<Held>, PortError> {
        let topology = self.rotated.fleet.topology().await?;
        let names = match self.rotated.config.strategy {
            // Before Redis 6 there is one user, and it cannot be asked for.
            Strategy::InPlace => vec![self.rotated.config.user.clone()],
            Strategy::DualPassword | Strategy::TwinUsers => self.rotated.family(&topology).await?.into_keys().collect(),
        };
        let held = |name: String| Held {
            id: name.clone(),
            name: Some(name),
        };
        Ok(names.into_iter().map(held).collect())
    }
}

impl RedisIssuer {
    fn fact(&self, kind: EvidenceKind, version: &VersionMaterial, what: &str, nodes: &[Arc<Node>]) -> Evidence {
        step::fact(&self.rotated, kind, version, what, nodes)
    }
}

fn open(node: &Node) -> PortError {
    let message = format!(
        "{} asks the user `default` for no password, so that nothing can be rotated; give it one with ACL SETUSER or `requirepass`",
        node.address
    );
    PortError::permanent(ErrorKind::Invalid, message)
}

fn unsupported(what: &str) -> PortError {
    let message = format!(
        "the strategy of this Redis user has no {what}; its plan and its capabilities disagree, which is a defect: please report it"
    );
    PortError::permanent(ErrorKind::Unsupported, message)
}
