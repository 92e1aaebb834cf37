//! The material store: sealed bytes, which this database cannot read.

use async_trait::async_trait;
use keywheel_domain::id::VersionId;
use keywheel_domain::ports::{MaterialStore, PortError, SealedMaterial};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteExecutor;

use crate::Sqlite;
use crate::error::{self, Failure};
use crate::writer::Change;

#[async_trait]
impl MaterialStore for Sqlite {
    async fn put(&self, id: &VersionId, sealed: &SealedMaterial) -> Result<SealedMaterial, PortError> {
        let change = Put {
            id: id.clone(),
            sealed: sealed.clone(),
        };
        Ok(self.writer.make(change).await?)
    }

    async fn get(&self, id: &VersionId) -> Result<Option<SealedMaterial>, PortError> {
        let found = read(&self.readers, id).await;
        found.map_err(|error| error::storage(&self.path, error))
    }

    async fn destroy(&self, id: &VersionId) -> Result<(), PortError> {
        Ok(self.writer.make(Destroy { id: id.clone() }).await?)
    }
}

async fn read(executor: impl SqliteExecutor<'_>, id: &VersionId) -> Result<Option<SealedMaterial>, sqlx::Error> {
    type Columns = (String, Vec<u8>, Vec<u8>, Vec<u8>);
    let query = "SELECT key_id, wrapped_key, nonce, ciphertext FROM materials WHERE credential = ?1 AND version = ?2";
    let found: Option<Columns> = sqlx::query_as(query)
        .bind(id.credential.as_str())
        .bind(id.number.0.cast_signed())
        .fetch_optional(executor)
        .await?;
    Ok(found.map(|(key_id, wrapped_key, nonce, ciphertext)| SealedMaterial {
        key_id,
        wrapped_key,
        nonce,
        ciphertext,
    }))
}

struct Put {
    id: VersionId,
    sealed: SealedMaterial,
}

#[async_trait]
impl Change for Put {
    type Answer = SealedMaterial;

    async fn make(&self, connection: &mut SqliteConnection) -> Result<SealedMaterial, Failure> {
        if let Some(kept) = read(&mut *connection, &self.id).await? {
            return Ok(kept);
        }
        let insert = "INSERT INTO materials (credential, version, key_id, wrapped_key, nonce, ciphertext) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        sqlx::query(insert)
            .bind(self.id.credential.as_str())
            .bind(self.id.number.0.cast_signed())
            .bind(&self.sealed.key_id)
            .bind(&self.sealed.wrapped_key)
            .bind(&self.sealed.nonce)
            .bind(&self.sealed.ciphertext)
            .execute(connection)
            .await?;
        Ok(self.sealed.clone())
    }
}

struct Destroy {
    id: VersionId,
}

#[async_trait]
impl Change for Destroy {
    type Answer = ();

    async fn make(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        sqlx::query("DELETE FROM materials WHERE credential = ?1 AND version = ?2")
            .bind(self.id.credential.as_str())
            .bind(self.id.number.0.cast_signed())
            .execute(connection)
            .await?;
        Ok(())
    }
}
