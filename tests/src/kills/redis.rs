//! Redis users on one real server, each rotation with a user of its own.

use std::path::PathBuf;
use std::sync::Arc;

use fred::prelude::*;
use tokio::runtime::Handle;

use super::database::{COMMON, REST, Scene};
use super::{Attempt, Play, Seen};
use crate::live::redis::Instance;

const FIRST: &str = "the-password-that-was-there-before";
const ROTATOR: &str = "the-password-of-the-hand-that-rotates";

/// One application's user.
#[derive(Debug)]
pub struct Redis {
    scene: Scene,
    instance: Instance,
    user: String,
    runtime: Handle,
}

impl Redis {
    /// Keywheel's own user, once for each server.
    ///
    /// # Errors
    /// Where the server does not answer.
    pub async fn prepare(instance: &Instance) -> Attempt<()> {
        let rules = ["on", &format!(">{ROTATOR}"), "~*", "&*", "+@all"].map(str::to_owned);
        set_user(instance, "keywheel", rules.into()).await
    }

    /// The user of that number, rotated in that way. Must be called within a runtime.
    ///
    /// # Errors
    /// Where the server does not answer, or there is no room for a folder.
    pub fn make(number: usize, kind: &str, instance: &Instance) -> Attempt<Self> {
        let runtime = Handle::current();
        let user = format!("app{number}");
        let rules = ["on", &format!(">{FIRST}"), "~*", "&*", "+@all"].map(str::to_owned);
        runtime.block_on(set_user(instance, &user, rules.into()))?;
        let issuer = format!(
            r#"
[[credential]]
name = "kills/redis"
kind = "redis_password"

[credential.issuer]
kind = "{kind}"
user = "{user}"
nodes = ["127.0.0.1:{}"]
admin_user = "keywheel"
admin_password_file = "admin-password"
"#,
            instance.port
        );
        let config = format!("{COMMON}{issuer}{REST}");
        let scene = Scene::make(&config, Arc::new(instance.clone()), (FIRST, ROTATOR))?;
        Ok(Self {
            scene,
            instance: instance.clone(),
            user,
            runtime,
        })
    }
}

/// As the user `default`, which the test server lets in without a password.
async fn set_user(instance: &Instance, user: &str, rules: Vec<String>) -> Attempt<()> {
    let client = instance.client(None, "").await?;
    client.acl_setuser(user, rules).await?;
    client.quit().await?;
    Ok(())
}

/// The users that are on and have a password, and how many each has.
async fn users(instance: &Instance) -> Attempt<Vec<(String, usize)>> {
    let client = instance.client(None, "").await?;
    let lines: Vec<String> = client.acl_list().await?;
    client.quit().await?;
    let read = lines.iter().filter_map(|line| {
        let words: Vec<_> = line.split(' ').collect();
        let (name, on) = (words.get(1)?, words.contains(&"on"));
        let passwords = words.iter().filter(|word| word.starts_with('#')).count();
        (on && passwords > 0).then(|| ((*name).to_owned(), passwords))
    });
    Ok(read.collect())
}

impl Play for Redis {
    fn credential(&self) -> &'static str {
        "kills/redis"
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

    /// One user of the family is on, has one password, and is the one that the store shows.
    fn inspect(&mut self) -> Attempt<Option<String>> {
        let shown = self.scene.shown()?;
        let all = self.runtime.block_on(users(&self.instance))?;
        let family = [
            self.user.clone(),
            format!("{}_a", self.user),
            format!("{}_b", self.user),
        ];
        let ours: Vec<_> = all.into_iter().filter(|(name, _)| family.contains(name)).collect();
        if ours == [(shown.username.clone(), 1)] {
            return Ok(None);
        }
        Ok(Some(format!(
            "{ours:?} can log in, and the store shows {}",
            shown.username
        )))
    }
}
