//! The tables, their versions, and how a file gets them.

use std::path::Path;

use keywheel_domain::ports::{ErrorKind, PortError};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};

use crate::file::Draft;
use crate::{config, error};

/// One script for each version of the schema, in order. Written scripts are never changed.
const MIGRATIONS: [&str; 1] = [include_str!("../migrations/1_first.sql")];

/// What this build knows.
const VERSION: usize = MIGRATIONS.len();

/// The `application_id` in the file's header: `KWHL`.
const APPLICATION: i64 = 0x4b57_484c;

/// Makes a complete database at `path`.
pub(crate) async fn create(path: &Path) -> Result<(), PortError> {
    let draft = Draft::beside(path)?;
    fill(draft.path()).await.map_err(|error| error::storage(path, error))?;
    draft.publish(path)
}

async fn fill(draft: &Path) -> Result<(), sqlx::Error> {
    let mut connection = config::writer(draft).connect().await?;
    let mark = AssertSqlSafe(format!("PRAGMA application_id = {APPLICATION}"));
    sqlx::raw_sql(mark).execute(&mut connection).await?;
    migrate(&mut connection).await?;
    connection.close().await
}

/// Looks at a file without changing it: whether it is ours, and not from the future.
pub(crate) async fn inspect(path: &Path) -> Result<(), PortError> {
    let (application, version) = read(path).await.map_err(|error| error::storage(path, error))?;
    if application != APPLICATION {
        return Err(PortError::permanent(ErrorKind::Storage, error::foreign(path)));
    }
    if version > VERSION {
        let message = format!(
            "{} was written by a newer version of Keywheel (schema {version}, this one knows {VERSION}); install that version, or choose another path",
            path.display()
        );
        return Err(PortError::permanent(ErrorKind::Storage, message));
    }
    Ok(())
}

async fn read(path: &Path) -> Result<(i64, usize), sqlx::Error> {
    let mut connection = config::reader(path).connect().await?;
    let query = "SELECT application_id, user_version FROM pragma_application_id, pragma_user_version";
    let (application, version) = sqlx::query_as::<_, (i64, u32)>(query)
        .fetch_one(&mut connection)
        .await?;
    connection.close().await?;
    Ok((application, version as usize))
}

/// Brings the tables up to this build's version, in one transaction that only one process can have.
pub(crate) async fn migrate(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    if version(connection).await? >= VERSION {
        return Ok(());
    }
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let done = version(&mut transaction).await?;
    for script in MIGRATIONS.iter().skip(done) {
        sqlx::raw_sql(*script).execute(&mut *transaction).await?;
    }
    let mark = AssertSqlSafe(format!("PRAGMA user_version = {VERSION}"));
    sqlx::raw_sql(mark).execute(&mut *transaction).await?;
    transaction.commit().await
}

async fn version(connection: &mut SqliteConnection) -> Result<usize, sqlx::Error> {
    let version: u32 = sqlx::query_scalar("PRAGMA user_version").fetch_one(connection).await?;
    Ok(version as usize)
}
