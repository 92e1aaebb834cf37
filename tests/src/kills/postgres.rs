//! PostgreSQL roles on one real server, each rotation with roles of its own.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::runtime::Handle;

use super::database::{COMMON, REST, Scene};
use super::{Attempt, Play, Seen};
use crate::live::postgres::Database;

const FIRST: &str = "the-password-that-was-there-before";
const ROTATOR: &str = "the-password-of-the-hand-that-rotates";

/// One application's role.
#[derive(Debug)]
pub struct Postgres {
    scene: Scene,
    database: Database,
    superuser: (&'static str, &'static str),
    role: String,
    runtime: Handle,
}

impl Postgres {
    /// Keywheel's own role, once for each server.
    pub async fn prepare(database: &Database, superuser: (&str, &str)) {
        let rotator = format!("CREATE ROLE keywheel LOGIN CREATEROLE PASSWORD '{ROTATOR}'");
        let items = "CREATE TABLE app_items (id int); GRANT SELECT ON app_items TO PUBLIC";
        database.run(superuser, &[&rotator, items]).await;
    }

    /// The role of that number, rotated in that way. Must be called within a runtime.
    ///
    /// # Errors
    /// Where there is no room for a folder.
    pub fn make(
        number: usize,
        kind: &str,
        database: &Database,
        superuser: (&'static str, &'static str),
    ) -> Attempt<Self> {
        let runtime = Handle::current();
        let role = format!("app{number}");
        let create = format!("CREATE ROLE {role} LOGIN PASSWORD '{FIRST}'");
        runtime.block_on(database.run(superuser, &[&create]));
        let issuer = format!(
            r#"
[[credential]]
name = "kills/postgres"
kind = "postgresql_password"

[credential.issuer]
kind = "{kind}"
role = "{role}"
admin = {{ host = "127.0.0.1", port = {}, user = "keywheel", tls = "disable", password_file = "admin-password" }}
"#,
            database.port
        );
        let config = format!("{COMMON}{issuer}{REST}");
        let scene = Scene::make(&config, Arc::new(database.clone()), (FIRST, ROTATOR))?;
        Ok(Self {
            scene,
            database: database.clone(),
            superuser,
            role,
            runtime,
        })
    }
}

impl Play for Postgres {
    fn credential(&self) -> &'static str {
        "kills/postgres"
    }

    fn config(&self) -> PathBuf {
        self.scene.folder.config()
    }

    fn adoption(&self) -> Vec<String> {
        Vec::new()
    }

    fn begin(&mut self) -> Attempt<()> {
        self.scene.begin();
        Ok(())
    }

    fn end(&mut self) -> Seen {
        self.scene.end()
    }

    /// One of the role and its twins can log in, and it is the one that the store shows.
    fn inspect(&mut self) -> Attempt<Option<String>> {
        let shown = self.scene.shown()?;
        let logins = self.runtime.block_on(self.database.logins(self.superuser));
        let family = [
            self.role.clone(),
            format!("{}_a", self.role),
            format!("{}_b", self.role),
        ];
        let ours: Vec<_> = logins.iter().filter(|login| family.contains(login)).collect();
        if ours == [&shown.username] {
            return Ok(None);
        }
        Ok(Some(format!(
            "{ours:?} can log in, and the store shows {}",
            shown.username
        )))
    }
}
