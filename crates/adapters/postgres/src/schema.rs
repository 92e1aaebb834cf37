//! The tables, their versions, and how a database gets them.

use keywheel_domain::ports::{ErrorKind, PortError};
use sqlx::PgConnection;
use sqlx::migrate::{MigrateError, Migrator};

use crate::database::{Connector, rights};
use crate::error;
use crate::quote::identifier;

/// The scripts of this build, one for each version of the schema. Written scripts are never changed.
fn scripts() -> Migrator {
    sqlx::migrate!()
}

/// The oldest server on which every statement here was seen to work.
const OLDEST_SERVER: i32 = 130_000;

/// What is found where the journal should be.
struct Found {
    encoding: String,
    is_standby: bool,
    server: i32,
    has_schema: bool,
    may_use: bool,
    may_make_tables: bool,
    is_empty: bool,
    is_ours: bool,
    may_read_versions: bool,
    may_make_schema: bool,
}

/// Sees to it that the tables are there, in this build's version, and that the role may use them. Whatever is refused is refused
/// before anything is changed.
pub(crate) async fn prepare(
    connector: &Connector,
    connection: &mut PgConnection,
    may_make: bool,
) -> Result<(), PortError> {
    let schema = &connector.config.schema;
    let found = look(connection, schema).await;
    let found = found.map_err(|error| connector.failed("look at the database", error))?;
    fitting_server(connector, &found)?;
    if found.is_ours {
        inspect(connector, connection, &found).await?;
    } else if !found.is_empty {
        let message = format!(
            "schema {schema} at {} holds something, but nothing of Keywheel's; choose another `schema`",
            connector.place
        );
        return Err(PortError::permanent(ErrorKind::Storage, message));
    } else if !may_make {
        let message = format!(
            "there is no journal in schema {schema} at {}; make one with `keywheel init`, or correct the configuration",
            connector.place
        );
        return Err(PortError::permanent(ErrorKind::NotFound, message));
    }
    let behind = !found.is_ours || applied(connector, connection).await?.len() < scripts().iter().count();
    if behind {
        migrate(connector, connection, &found).await?;
    }
    let lacking = rights::lacking(connection, schema).await;
    let lacking = lacking.map_err(|error| connector.failed("look at its rights", error))?;
    match lacking.is_empty() {
        true => Ok(()),
        false => Err(rights::missing(&connector.config, "use the journal", &lacking)),
    }
}

async fn look(connection: &mut PgConnection, schema: &str) -> Result<Found, sqlx::Error> {
    let query = "
        SELECT current_setting('server_encoding'), pg_is_in_recovery(),
            current_setting('server_version_num')::int, n.oid IS NOT NULL,
            coalesce(has_schema_privilege(n.oid, 'USAGE'), false),
            coalesce(has_schema_privilege(n.oid, 'CREATE'), false),
            NOT EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid),
            m.oid IS NOT NULL, coalesce(has_table_privilege(m.oid, 'SELECT'), false),
            has_database_privilege(current_database(), 'CREATE')
        FROM (SELECT 1) AS one
        LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = $1
        LEFT JOIN pg_catalog.pg_class m ON m.relnamespace = n.oid AND m.relname = '_sqlx_migrations'";
    type Columns = (String, bool, i32, bool, bool, bool, bool, bool, bool, bool);
    let columns: Columns = sqlx::query_as(query).bind(schema).fetch_one(connection).await?;
    let (encoding, is_standby, server, has_schema, may_use, may_make_tables, is_empty, is_ours, may_read, may_make) =
        columns;
    Ok(Found {
        encoding,
        is_standby,
        server,
        has_schema,
        may_use,
        may_make_tables,
        is_empty,
        is_ours,
        may_read_versions: may_read,
        may_make_schema: may_make,
    })
}

fn fitting_server(connector: &Connector, found: &Found) -> Result<(), PortError> {
    let place = &connector.place;
    let invalid = |message: String| Err(PortError::permanent(ErrorKind::Invalid, message));
    if found.is_standby {
        let message = format!("{place} is a standby, which takes no writes; name the primary");
        return Err(PortError::transient(ErrorKind::Unavailable, message));
    }
    if found.server < OLDEST_SERVER {
        return invalid(format!(
            "{place} is PostgreSQL {}, and the journal needs 13 or newer; use another server for it",
            found.server / 10_000
        ));
    }
    if found.encoding != "UTF8" {
        let database = &connector.config.database;
        return invalid(format!(
            "{place} keeps text as {}; make a database for the journal: CREATE DATABASE {database} TEMPLATE template0 ENCODING 'UTF8'",
            found.encoding
        ));
    }
    Ok(())
}

/// Looks at the versions without changing anything: whether they are ours, and none is from the future.
async fn inspect(connector: &Connector, connection: &mut PgConnection, found: &Found) -> Result<(), PortError> {
    if !found.may_use || !found.may_read_versions {
        return Err(rights::missing(&connector.config, "read the journal", &rights::all()));
    }
    let scripts = scripts();
    for (version, checksum) in applied(connector, connection).await? {
        let known = scripts.iter().find(|script| script.version == version);
        match known {
            None => return Err(newer(connector, version)),
            Some(script) if *script.checksum != checksum => return Err(foreign(connector)),
            Some(_) => {}
        }
    }
    Ok(())
}

async fn applied(connector: &Connector, connection: &mut PgConnection) -> Result<Vec<(i64, Vec<u8>)>, PortError> {
    let query = "SELECT version, checksum FROM _sqlx_migrations ORDER BY version";
    let found = sqlx::query_as(query).fetch_all(connection).await;
    found.map_err(|error| connector.failed("read the journal's version", error))
}

/// Makes the tables or brings them up to this build's version. Only one process at a time can.
async fn migrate(connector: &Connector, connection: &mut PgConnection, found: &Found) -> Result<(), PortError> {
    let (schema, user) = (&connector.config.schema, identifier(&connector.config.user));
    let forbidden = |fix: String| {
        let message = format!(
            "{} may not make the journal's tables at {}; run as an administrator: {fix}",
            connector.config.user, connector.place
        );
        Err(PortError::permanent(ErrorKind::Forbidden, message))
    };
    if !found.has_schema && !found.may_make_schema {
        return forbidden(format!("CREATE SCHEMA {schema} AUTHORIZATION {user}"));
    }
    if found.has_schema && !(found.may_use && found.may_make_tables) {
        return forbidden(format!("ALTER SCHEMA {schema} OWNER TO {user}"));
    }
    let mut scripts = scripts();
    // It has to be named in full: until the schema is there, the search path leads nowhere.
    scripts.dangerous_set_table_name(format!("{schema}._sqlx_migrations"));
    if !found.has_schema {
        scripts.create_schema(schema.clone());
    }
    // Under a lock that all who migrate this database take, and that ends with the connection.
    // (`run` does the same, and its future cannot be sent between threads.)
    scripts
        .run_direct(None, connection, false)
        .await
        .map_err(|error| match error {
            MigrateError::VersionMissing(version) => newer(connector, version),
            MigrateError::VersionMismatch(_) | MigrateError::Dirty(_) => foreign(connector),
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)
                if error::sqlstate(&error).as_deref() == Some("42501") =>
            {
                let message = format!(
                    "{user} does not own the journal's tables at {}; run this version of Keywheel once as their owner",
                    connector.place
                );
                PortError::permanent(ErrorKind::Forbidden, message).caused_by(error)
            }
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                connector.failed("make the journal's tables", error)
            }
            other => {
                let message = format!(
                    "cannot make the journal's tables at {}; please report it",
                    connector.place
                );
                PortError::permanent(ErrorKind::Internal, message).caused_by(other)
            }
        })
}

fn newer(connector: &Connector, version: i64) -> PortError {
    let known = scripts().iter().map(|script| script.version).max().unwrap_or(0);
    let message = format!(
        "schema {} at {} was written by a newer version of Keywheel (schema {version}, this one knows {known}); install that version, or choose another schema",
        connector.config.schema, connector.place
    );
    PortError::permanent(ErrorKind::Storage, message)
}

fn foreign(connector: &Connector) -> PortError {
    let message = format!(
        "the tables in schema {} at {} are not those that Keywheel makes; restore the last backup, or choose another schema",
        connector.config.schema, connector.place
    );
    PortError::permanent(ErrorKind::Storage, message)
}
