//! Clients of Redis.

use std::time::Duration;

use async_trait::async_trait;
use fred::prelude::*;

use super::{Login, Server, Session};

mod scene;

pub use scene::Scene;

/// A server on this machine.
#[derive(Debug, Clone)]
pub struct Instance {
    /// Its port on 127.0.0.1.
    pub port: u16,
    /// Whether clients send a password and no user name, as old ones do.
    pub password_only: bool,
}

impl Instance {
    /// A client that is connected and does not connect again by itself.
    ///
    /// # Errors
    /// What the server said.
    pub async fn client(&self, username: Option<&str>, password: &str) -> Result<Client, String> {
        let config = Config {
            username: username.map(str::to_owned),
            password: Some(password.to_owned()),
            server: ServerConfig::new_centralized("127.0.0.1", self.port),
            fail_fast: true,
            ..Config::default()
        };
        let client = Builder::from_config(config)
            .with_connection_config(|config| {
                config.connection_timeout = Duration::from_secs(20);
                config.max_redirections = 0;
            })
            .build()
            .map_err(|error| error.to_string())?;
        client.init().await.map_err(|error| error.to_string())?;
        Ok(client)
    }
}

#[async_trait]
impl Server for Instance {
    async fn connect(&self, login: &Login) -> Result<Box<dyn Session>, String> {
        let username = (!self.password_only).then_some(login.username.as_str());
        let client = self.client(username, &login.password).await;
        let client = client.map_err(|error| format!("{} could not log in: {error}", login.username))?;
        Ok(Box::new(Connected(client)))
    }
}

struct Connected(Client);

#[async_trait]
impl Session for Connected {
    async fn operate(&mut self) -> Result<(), String> {
        let counted: Result<i64, _> = self.0.incr("app:operations").await;
        counted
            .map(drop)
            .map_err(|error| format!("an operation failed: {error}"))
    }

    async fn close(self: Box<Self>) {
        // The server may be gone.
        let _ = self.0.quit().await;
    }
}
