//! What the server can do at the most: workers that exchange passwords and log in, and do nothing else.

use std::sync::{Arc, Mutex};

use keywheel_domain::ports::Clock;
use keywheel_local::SystemClock;
use keywheel_tests::live::postgres::Database;
use postgres_protocol::password::scram_sha_256;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use tokio::task::JoinSet;

use crate::server::{Roles, Server};

/// One role, its next password, and what the server is to store for it.
#[derive(Debug, Clone)]
struct Exchange {
    role: String,
    password: String,
    verifier: String,
}

/// Exchanges that are computed already.
#[derive(Debug)]
pub(crate) struct Limit {
    database: Database,
    exchanges: Vec<Exchange>,
}

impl Limit {
    /// So many roles of that name, with a next password each.
    pub(crate) async fn prepare(server: &Server, name: &str, count: usize) -> Self {
        let roles = Roles::make(server, name, count).await;
        let exchange = |role: &String| {
            let password = format!("the-next-password-of-{role}");
            Exchange {
                role: role.clone(),
                verifier: scram_sha_256(password.as_bytes()),
                password,
            }
        };
        let exchanges = roles.members().iter().map(|member| exchange(&member.username));
        Self {
            database: server.database(),
            exchanges: exchanges.collect(),
        }
    }

    /// Exchanges all of them by so many workers. How many seconds it took.
    pub(crate) async fn run(&self, workers: usize) -> f64 {
        let mut connections = Vec::new();
        for _ in 0..workers {
            let (user, password) = Server::rotator();
            let connected = self.database.options(user, password).connect().await;
            connections.push(connected.expect("the rotator logs in"));
        }
        let left = Arc::new(Mutex::new(self.exchanges.clone()));
        let begun = SystemClock.monotonic();
        let workers = connections.into_iter();
        let workers = workers.map(|admin| work(self.database.clone(), admin, left.clone()));
        workers.collect::<JoinSet<_>>().join_all().await;
        (SystemClock.monotonic() - begun).as_secs_f64()
    }
}

async fn work(database: Database, mut admin: PgConnection, left: Arc<Mutex<Vec<Exchange>>>) {
    loop {
        let next = left.lock().expect("nobody panics with it").pop();
        let Some(Exchange {
            role,
            password,
            verifier,
        }) = next
        else {
            return;
        };
        let exchange = format!("ALTER ROLE {role} PASSWORD '{verifier}'");
        let exchanged = sqlx::raw_sql(AssertSqlSafe(exchange)).execute(&mut admin).await;
        exchanged.expect("the rotator may change it");
        let session = database.options(&role, &password).connect().await;
        let ended = session.expect("the new password is accepted").close().await;
        ended.expect("nothing is under way");
    }
}
