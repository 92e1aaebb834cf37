//! What the role needs, and how to give it that.

use std::collections::BTreeMap;

use keywheel_domain::ports::{ErrorKind, PortError};
use sqlx::PgConnection;

use crate::config::DatabaseConfig;
use crate::quote::identifier;

/// What is done with each table. Nothing else is needed: neither to change what is append-only, nor to own anything.
const NEEDED: [(&str, &[&str]); 6] = [
    ("_sqlx_migrations", &["SELECT"]),
    ("audit_records", &["SELECT", "INSERT"]),
    ("credentials", &["SELECT", "INSERT", "UPDATE"]),
    ("entries", &["SELECT", "INSERT"]),
    ("materials", &["SELECT", "INSERT", "DELETE"]),
    ("rotations", &["SELECT", "INSERT", "UPDATE"]),
];

/// A right, with its table.
pub(crate) type Right = (String, String);

/// Every right that is needed.
pub(crate) fn all() -> Vec<Right> {
    let rights = NEEDED
        .iter()
        .flat_map(|(table, rights)| rights.iter().map(|right| ((*table).to_owned(), (*right).to_owned())));
    rights.collect()
}

/// Those that the role has not.
pub(crate) async fn lacking(connection: &mut PgConnection, schema: &str) -> Result<Vec<Right>, sqlx::Error> {
    let query = "
        SELECT needed.name, needed.privilege
        FROM unnest($1::text[], $2::text[]) AS needed (name, privilege)
        JOIN pg_catalog.pg_namespace n ON n.nspname = $3
        JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = needed.name
        WHERE NOT has_table_privilege(c.oid, needed.privilege)
        ORDER BY needed.name";
    let (tables, rights): (Vec<_>, Vec<_>) = all().into_iter().unzip();
    sqlx::query_as(query)
        .bind(tables)
        .bind(rights)
        .bind(schema)
        .fetch_all(connection)
        .await
}

/// The error that says which statements give the rights.
pub(crate) fn missing(config: &DatabaseConfig, doing: &str, rights: &[Right]) -> PortError {
    let message = format!(
        "{} may not {doing} at {}; run as the owner of the schema: {}",
        config.user,
        config.place(),
        grants(config, rights)
    );
    PortError::permanent(ErrorKind::Forbidden, message)
}

fn grants(config: &DatabaseConfig, rights: &[Right]) -> String {
    let mut by_table: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (table, right) in rights {
        by_table.entry(table).or_default().push(right);
    }
    let (schema, user) = (&config.schema, identifier(&config.user));
    let mut text = format!("GRANT USAGE ON SCHEMA {schema} TO {user};");
    for (table, rights) in by_table {
        text += &format!(" GRANT {} ON {schema}.{table} TO {user};", rights.join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statements_name_each_table_once() {
        let config = DatabaseConfig::new("db", 5432, "company", "key\"wheel");
        let rights: Vec<Right> = all().into_iter().filter(|(table, _)| table.ends_with('s')).collect();
        let error = missing(&config, "write a rotation", &rights[..4]);
        assert_eq!(error.kind, ErrorKind::Forbidden);
        assert_eq!(
            error.message(),
            "key\"wheel may not write a rotation at db:5432/company; run as the owner of the schema: \
             GRANT USAGE ON SCHEMA keywheel TO \"key\"\"wheel\"; \
             GRANT SELECT ON keywheel._sqlx_migrations TO \"key\"\"wheel\"; \
             GRANT SELECT, INSERT ON keywheel.audit_records TO \"key\"\"wheel\"; \
             GRANT SELECT ON keywheel.credentials TO \"key\"\"wheel\";"
        );
    }
}
