//! What rotations of logins have in common: a folder that shows one login, and clients that use it.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::runtime::Handle;

use super::{Attempt, Seen};
use crate::folder::Folder;
use crate::live::{Clients, Login, Server};

/// Clients of one login; each reads it from the store whenever it connects.
const CLIENTS: usize = 2;

/// The part of every configuration that the backend does not decide.
pub(super) const COMMON: &str = r#"
[keywheel]
state = "keywheel.db"
lease = "1 s"

[key]
file = "keywheel.key"
"#;

/// Waits of fractions of a second, and the store that clients read.
pub(super) const REST: &str = r#"
[credential.existing]
password_file = "first-password"

[credential.policy]
period = "3 months"
grace = "400 ms"
soak = "200 ms"
observe = "300 ms"
retention = "0 s"
adopt_within = "800 ms"
poll = "50 ms"
retry = { attempts = 8, first = "100 ms", longest = "1 s" }
drain = { evidence = "required", quiet = "200 ms" }

[[credential.store]]
kind = "files"
folder = "shown"

[[credential.store.file]]
path = "login.json"
template = '{"username": {{ primary.username | json }}, "password": {{ primary.password | json }}}'

[[credential.workload]]
kind = "none"
name = "clients"
"#;

/// A folder and its clients.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) folder: Folder,
    server: Arc<dyn Server>,
    clients: Option<Clients>,
    runtime: Handle,
}

impl Scene {
    pub(super) fn make(config: &str, server: Arc<dyn Server>, passwords: (&str, &str)) -> Attempt<Self> {
        let folder = Folder::make(config, &[])?;
        folder.write("first-password", passwords.0)?;
        folder.write("admin-password", passwords.1)?;
        Ok(Self {
            folder,
            server,
            clients: None,
            runtime: Handle::current(),
        })
    }

    fn login_file(&self) -> PathBuf {
        self.folder.path("shown/login.json")
    }

    pub(super) fn begin(&mut self) {
        let _runtime = self.runtime.enter();
        self.clients = Some(Clients::start(&self.server, &self.login_file(), CLIENTS, 0));
    }

    pub(super) fn end(&mut self) -> Seen {
        let Some(clients) = self.clients.take() else {
            return Seen::default();
        };
        let tally = self.runtime.block_on(clients.stop());
        let failures = tally.failures();
        Seen {
            verified: tally.operations(),
            refused: failures.len() as u64,
            why: failures.first().cloned(),
        }
    }

    /// What the store shows works; what it says now.
    pub(super) fn shown(&self) -> Attempt<Login> {
        let login = Login::shown(&self.login_file())?;
        let connected = self.runtime.block_on(self.server.connect(&login))?;
        self.runtime.block_on(connected.close());
        Ok(login)
    }
}
