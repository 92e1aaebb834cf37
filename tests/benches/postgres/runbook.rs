//! The runbook's way: one role after the other, each by a new password, `psql` to set it, and `psql` to try it.

use keywheel_domain::ports::Clock;
use keywheel_local::SystemClock;
use keywheel_testkit::containers::Postgres;

use crate::server::{Roles, Server};

/// The runbook says `openssl rand`; the kernel's random bytes cost less.
const BY_HAND: &str = r#"
set -e
for number in $(seq 0 $((COUNT - 1))); do
    password=$(head -c 24 /dev/urandom | base64)
    psql -q -c "ALTER ROLE hand_$number PASSWORD '$password'"
    PGPASSWORD=$password psql -q -h 127.0.0.1 -U hand_$number -c 'SELECT 1' >/dev/null
done"#;

/// Rotates so many roles within the server's container, over the shortest way that there is. How many seconds it took.
pub(crate) async fn run(server: &Server, count: usize) -> f64 {
    Roles::make(server, "hand", count).await;
    let script = format!("export PGDATABASE={} COUNT={count}{BY_HAND}", Postgres::DATABASE);
    let begun = SystemClock.monotonic();
    server.execute(&["sh", "-c", &script]).await;
    (SystemClock.monotonic() - begun).as_secs_f64()
}
