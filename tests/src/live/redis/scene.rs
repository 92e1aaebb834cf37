//! An application's user, and a user of Keywheel's own.

use std::sync::Arc;

use keywheel_domain::ports::Clock;
use keywheel_local::SystemClock;
use keywheel_redis::{Fleets, RedisConfig, RedisIssuer};
use keywheel_testkit::containers::Redis;
use serde_json::json;

use super::Instance;
use crate::live::Server;
use crate::live::postgres::MadeUp;

const FIRST_PASSWORD: &str = "the-password-that-was-there-before";
const ROTATOR: &str = "keywheel";
const ROTATOR_PASSWORD: &str = "the-password-of-the-hand-that-rotates";

/// A server with an application's user on it.
#[derive(Debug)]
pub struct Scene {
    instance: Instance,
    kind: &'static str,
    user: &'static str,
}

impl Scene {
    /// Makes the users. Clients of `default` send a password alone.
    pub async fn make(server: &Redis, kind: &'static str, user: &'static str) -> Self {
        let keywheel = format!("ACL SETUSER {ROTATOR} on >{ROTATOR_PASSWORD} ~* &* +@all");
        server.ask(&keywheel).await;
        server
            .ask(&format!("ACL SETUSER {user} on >{FIRST_PASSWORD} ~* &* +@all nopass"))
            .await;
        // The password counts from here on, also for `default`, which let everybody in until now.
        server
            .ask(&format!("ACL SETUSER {user} resetpass >{FIRST_PASSWORD}"))
            .await;
        Self {
            instance: Instance {
                port: server.port(),
                password_only: user == "default",
            },
            kind,
            user,
        }
    }

    /// What clients log in to.
    pub fn server(&self) -> Arc<dyn Server> {
        Arc::new(self.instance.clone())
    }

    /// The application's login as it was before Keywheel came.
    pub fn login(&self) -> (&'static str, &'static str) {
        (self.user, FIRST_PASSWORD)
    }

    /// An issuer for the user.
    pub fn issuer(&self) -> RedisIssuer {
        self.issuer_with(self.instance.port, "5s")
    }

    /// An impatient one at another port, where something stands between.
    pub fn issuer_at(&self, port: u16) -> RedisIssuer {
        self.issuer_with(port, "2s")
    }

    fn issuer_with(&self, port: u16, timeout: &str) -> RedisIssuer {
        let config: RedisConfig = serde_json::from_value(json!({
            "kind": self.kind,
            "user": self.user,
            "nodes": [format!("127.0.0.1:{port}")],
            "admin_user": ROTATOR,
            "timeout": timeout,
        }))
        .expect("the configuration is right");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let password = Some(MadeUp::source(ROTATOR_PASSWORD));
        RedisIssuer::new(config, password, &clock, &Fleets::default()).expect("the configuration is right")
    }
}
