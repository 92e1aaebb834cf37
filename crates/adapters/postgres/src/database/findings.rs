//! What somebody should know about the server.

use keywheel_domain::ports::{Finding, PortError};
use sqlx::PgConnection;

use super::connector::Connector;

/// Looks at the server, and returns what is not as it should be.
pub(super) async fn of(connector: &Connector, connection: &mut PgConnection) -> Result<Vec<Finding>, PortError> {
    let query = "
        SELECT current_setting('fsync') = 'on', current_setting('full_page_writes') = 'on',
            (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)";
    let asked: Result<(bool, bool, bool), _> = sqlx::query_as(query).fetch_one(connection).await;
    let (fsync, full_page_writes, superuser) = asked.map_err(|error| connector.failed("read the settings", error))?;
    let mut findings = Vec::new();
    let mut warn = |detail: String, fix: &str| {
        findings.push(Finding::warning(connector.place.as_str(), detail, fix));
    };
    for (name, is_on) in [("fsync", fsync), ("full_page_writes", full_page_writes)] {
        if !is_on {
            let detail =
                format!("the server runs with {name} off: what it has committed does not survive a loss of power");
            warn(detail, "switch it on, and restart the server");
        }
    }
    if superuser {
        let detail = format!(
            "{} is a superuser, and could change what is append-only",
            connector.config.user
        );
        warn(
            detail,
            "give Keywheel a role of its own that owns its schema and nothing else",
        );
    }
    if !connector.config.is_private() {
        let detail = "who is between Keywheel and the journal can read it".to_owned();
        warn(
            detail,
            "say `tls = \"verify_full\"`, with a `ca_file` where the server's authority is your own",
        );
    }
    Ok(findings)
}
