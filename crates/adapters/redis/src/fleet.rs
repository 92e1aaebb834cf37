//! All nodes that one administrator reaches in one way. Credentials of the same servers share it, and with it the connections, the
//! saves and what was found out about the topology.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, Weak};

use fred::types::config::TlsConfig as Connector;
use jiff::SignedDuration;
use keywheel_domain::material::Secret;
use keywheel_domain::ports::{Clock, ErrorKind, PortError, Retry, SecretSource};

use crate::config::{Address, DEFAULT_USER, Mode, RedisConfig, SentinelLogin, TlsConfig};
use crate::connection::{Login, Target};
use crate::error::Failure;
use crate::node::{Kind, Node, lock};
use crate::tls;
use crate::together::Together;
use crate::topology::{self, Topology};

/// How long the nodes that were found are taken for all there are.
const FRESH: SignedDuration = SignedDuration::from_secs(2);
/// How many passwords are remembered to log in with where there is no administrator.
const REMEMBERED: usize = 3;

/// What has to be equal for two credentials to share connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reach {
    pub(crate) mode: Mode,
    pub(crate) nodes: Vec<Address>,
    pub(crate) master: Option<String>,
    pub(crate) discover: bool,
    pub(crate) aliases: BTreeMap<Address, Address>,
    sentinel_login: SentinelLogin,
    admin_user: Option<String>,
    tls: Option<TlsConfig>,
    timeout: SignedDuration,
}

impl Reach {
    fn of(config: &RedisConfig) -> Self {
        Self {
            mode: config.mode,
            nodes: config.nodes.clone(),
            master: config.master.clone(),
            discover: config.discover,
            aliases: config.aliases.clone(),
            sentinel_login: config.sentinel_login,
            admin_user: config.admin_user.clone(),
            tls: config.tls.clone(),
            timeout: config.timeout,
        }
    }
}

/// The fleets of a process. Credentials whose nodes, mode, administrator and TLS are the same share one, and log in with the
/// password source of the first of them.
#[derive(Debug, Default)]
pub struct Fleets {
    known: Mutex<Vec<Weak<Fleet>>>,
}

impl Fleets {
    pub(crate) fn of(
        &self,
        config: &RedisConfig,
        password: Option<Arc<dyn SecretSource>>,
        clock: &Arc<dyn Clock>,
    ) -> Arc<Fleet> {
        let reach = Reach::of(config);
        let mut known = lock(&self.known);
        known.retain(|fleet| fleet.strong_count() > 0);
        let same = known
            .iter()
            .filter_map(Weak::upgrade)
            .find(|fleet| fleet.reach == reach);
        same.unwrap_or_else(|| {
            let fleet = Arc::new(Fleet::new(reach, password, Arc::clone(clock)));
            known.push(Arc::downgrade(&fleet));
            fleet
        })
    }
}

/// How connections are opened.
pub(crate) struct Access {
    admin_user: Option<String>,
    password: Option<Arc<dyn SecretSource>>,
    sentinels_open: bool,
    tls: Option<TlsConfig>,
    timeout: SignedDuration,
    /// Passwords of the rotated user, the latest first: without an administrator there is nothing else to log in with.
    remembered: Mutex<VecDeque<Secret>>,
}

impl Access {
    pub(crate) fn has_admin(&self, kind: Kind) -> bool {
        self.admin_user.is_some() && !self.is_open(kind)
    }

    fn is_open(&self, kind: Kind) -> bool {
        kind == Kind::Sentinel && self.sentinels_open
    }

    /// The ways to log in, in the order in which to try them.
    pub(crate) async fn logins(&self, kind: Kind) -> Result<Vec<Option<Login>>, Failure> {
        if self.is_open(kind) {
            return Ok(vec![None]);
        }
        let mut passwords = Vec::new();
        if let Some(source) = &self.password {
            let read = source.read().await;
            passwords.push(read.map_err(|error| Failure::Unequipped(error.kind, error.chain()))?);
        }
        if self.admin_user.is_none() {
            let remembered = lock(&self.remembered);
            passwords.extend(remembered.iter().cloned());
        }
        let user = self.admin_user.as_ref();
        let login = |password| {
            Some(Login {
                user: user.cloned(),
                password,
            })
        };
        if passwords.is_empty() {
            let why = match user {
                Some(user) => format!("there is no password for `admin_user` {user:?}; give it a `password_file`"),
                None => "there is no administrator, and no version of the password is known yet".to_owned(),
            };
            return Err(Failure::Unequipped(ErrorKind::Invalid, why));
        }
        Ok(passwords.into_iter().map(login).collect())
    }

    pub(crate) async fn target(&self, address: &Address) -> Result<Target, Failure> {
        let tls: Option<Connector> = match &self.tls {
            Some(tls) => Some(tls::connector(tls).await?),
            None => None,
        };
        Ok(Target {
            address: address.clone(),
            tls,
            server_name: self.tls.as_ref().and_then(|tls| tls.server_name.clone()),
            timeout: self.timeout,
        })
    }
}

/// Why the nodes were not found. Looking has no effect.
#[derive(Debug, Clone)]
struct NotFound {
    kind: ErrorKind,
    passes: bool,
    message: String,
}

/// The nodes, and what is known of them.
pub(crate) struct Fleet {
    pub(crate) reach: Reach,
    pub(crate) clock: Arc<dyn Clock>,
    access: Arc<Access>,
    nodes: Mutex<BTreeMap<(Address, Kind), Arc<Node>>>,
    found: Mutex<Option<(SignedDuration, Arc<Topology>)>>,
    finding: Together<Result<Arc<Topology>, NotFound>>,
}

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fleet")
            .field("reach", &self.reach)
            .finish_non_exhaustive()
    }
}

impl Fleet {
    fn new(reach: Reach, password: Option<Arc<dyn SecretSource>>, clock: Arc<dyn Clock>) -> Self {
        let access = Access {
            admin_user: reach.admin_user.clone(),
            password,
            sentinels_open: reach.sentinel_login == SentinelLogin::None,
            tls: reach.tls.clone(),
            timeout: reach.timeout,
            remembered: Mutex::default(),
        };
        Self {
            reach,
            clock,
            access: Arc::new(access),
            nodes: Mutex::default(),
            found: Mutex::default(),
            finding: Together::default(),
        }
    }

    /// Remembers a password of the rotated user, where it is the only one there is to log in with.
    pub(crate) fn remember(&self, user: &str, password: &Secret) {
        if self.reach.admin_user.is_some() || user != DEFAULT_USER {
            return;
        }
        let mut remembered = lock(&self.access.remembered);
        remembered.retain(|known| known.expose() != password.expose());
        remembered.push_front(password.clone());
        remembered.truncate(REMEMBERED);
    }

    /// The administrator's name, where there is one.
    pub(crate) fn admin_user(&self) -> Option<&str> {
        self.reach.admin_user.as_deref()
    }

    /// The node at that address, with its connections.
    pub(crate) fn node(&self, address: Address, kind: Kind) -> Arc<Node> {
        let mut nodes = lock(&self.nodes);
        let node = nodes
            .entry((address.clone(), kind))
            .or_insert_with(|| Arc::new(Node::new(address, kind, Arc::clone(&self.access))));
        Arc::clone(node)
    }

    /// Where Keywheel reaches what nodes call by that address.
    pub(crate) fn aliased(&self, address: Address) -> Address {
        let alias = self.reach.aliases.get(&address);
        alias.cloned().unwrap_or(address)
    }

    /// Every node there is, as of two seconds ago at the most. None is left out: where one cannot be asked, this fails.
    pub(crate) async fn topology(&self) -> Result<Arc<Topology>, PortError> {
        if let Some(fresh) = self.fresh() {
            return Ok(fresh);
        }
        // Whoever waits shares the failure, too: a node that does not answer costs everybody one time-out, not one after another.
        let found = self.finding.run(|| Box::pin(self.find())).await;
        found.map_err(|failed| match failed.passes {
            true => PortError::transient(failed.kind, failed.message),
            false => PortError::permanent(failed.kind, failed.message),
        })
    }

    fn fresh(&self) -> Option<Arc<Topology>> {
        let now = self.clock.monotonic();
        let found = lock(&self.found);
        let fresh = found.as_ref().filter(|(at, _)| now - *at < FRESH);
        fresh.map(|(_, topology)| Arc::clone(topology))
    }

    async fn find(&self) -> Result<Arc<Topology>, NotFound> {
        if let Some(fresh) = self.fresh() {
            return Ok(fresh);
        }
        // What is found is as old as the first question.
        let began = self.clock.monotonic();
        let topology = topology::find(self).await.map_err(|error| NotFound {
            kind: error.kind,
            passes: error.retry != Retry::Never,
            message: error.chain(),
        })?;
        let topology = Arc::new(topology);
        *lock(&self.found) = Some((began, Arc::clone(&topology)));
        Ok(topology)
    }
}
