//! The contract suite, on one server for all checks of a strategy, with roles of its own for each.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use keywheel_domain::ports::Issuer;
use keywheel_postgres::Admin;
use keywheel_testkit::containers::Postgres;
use keywheel_testkit::contract;
use keywheel_testkit::contract::issuer::Fixture;
use serde_json::{Value, json};

use super::company::{admin_of, company, config, issuer_by, root, run, staged, version};

/// Makes roles that nobody else uses.
struct Roles {
    server: Arc<Postgres>,
    admin: Arc<Admin>,
    next: AtomicU64,
    more: Value,
    /// Whether the version in use is the adopted one, or already a twin.
    adopted: bool,
}

impl Roles {
    async fn of(more: Value, adopted: bool) -> Self {
        let server = Arc::new(company().await);
        let admin = admin_of(&config(server.port(), json!({})));
        Self {
            server,
            admin,
            next: AtomicU64::new(1),
            more,
            adopted,
        }
    }

    fn fresh(&self) -> BoxFuture<'static, Fixture> {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        let (server, admin) = (Arc::clone(&self.server), Arc::clone(&self.admin));
        let (mut more, adopted) = (self.more.clone(), self.adopted);
        async move {
            let (role, password) = (format!("contract {number}"), format!("password-before-{number}"));
            let made =
                format!("CREATE ROLE \"{role}\" LOGIN PASSWORD '{password}'; GRANT SELECT ON photos TO \"{role}\"");
            let mut root = root(&server).await;
            run(&mut root, &made).await.unwrap();
            more["role"] = json!(role);
            let issuer = Arc::new(issuer_by(config(server.port(), more), &admin));
            let mut current = version(1, &role, &password);
            if !adopted {
                let first = current;
                current = staged(issuer.as_ref(), &first).await;
                issuer.retire(&first).await.unwrap();
            }
            Fixture {
                issuer,
                current,
                keep: Box::new(server),
            }
        }
        .boxed()
    }
}

#[tokio::test]
async fn an_adopted_role_and_its_twins_keep_the_contract() {
    let roles = Roles::of(json!({}), true).await;
    contract::issuer::check(&|| roles.fresh()).await;
}

#[tokio::test]
async fn twins_that_take_turns_keep_the_contract() {
    let roles = Roles::of(json!({ "terminate_sessions": true }), false).await;
    contract::issuer::check(&|| roles.fresh()).await;
}

#[tokio::test]
async fn a_role_that_is_rotated_in_place_keeps_the_contract() {
    let roles = Roles::of(json!({ "kind": "in_place" }), true).await;
    contract::issuer::check(&|| roles.fresh()).await;
}
